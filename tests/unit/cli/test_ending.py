"""How jobs are ended, with a client that does as Flink's."""

from pathlib import Path
from typing import Any

import pytest

from modelstream.cli import ending
from modelstream.cli.ending import Place, Refusal

KEPT = Place("file:/s", kept=True)


class Future:
    def __init__(self, answer: Any = None, *, done: bool = True) -> None:
        self.answer, self._done = answer, done

    def done(self) -> bool:
        return self._done

    def result(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Client:
    """A job that takes its last checkpoint, refuses it, or never answers."""

    def __init__(self, taken: Future) -> None:
        self.taken, self.asked = taken, list[str]()

    def cancel(self) -> None:
        self.asked.append("cancel")

    def get_job_execution_result(self) -> Future:
        return Future(done=bool(self.asked))


def take(client: Client, directory: str, *, drain: bool) -> Future:
    client.asked.append(f"drain to {directory}" if drain else directory)
    return client.taken


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_STOP_SECONDS", 0)
    monkeypatch.setattr(ending, "stop_with_savepoint", take)


@pytest.mark.parametrize(
    ("taken", "place", "asked", "refusal"),
    [
        pytest.param(Future("file:/s"), KEPT, ["file:/s"], None, id="stream"),
        pytest.param(
            Future("file:/s"), Place("file:/s"), ["drain to file:/s"], None, id="nothing is kept"
        ),
        pytest.param(Future(), None, ["cancel"], Refusal(), id="batch"),
        pytest.param(
            Future(RuntimeError("x.Y: no\n\tat z")),
            KEPT,
            ["file:/s", "cancel"],
            Refusal("Y: no"),
            id="not running yet",
        ),
        pytest.param(
            Future(done=False),
            KEPT,
            ["file:/s", "cancel"],
            Refusal("it took longer than 0 s"),
            id="no answer in time",
        ),
    ],
)
def test_a_stream_is_stopped_with_a_last_checkpoint_and_else_cancelled(
    taken: Future, place: Place | None, asked: list[str], refusal: Refusal | None
) -> None:
    client = Client(taken)
    assert ending.stop([client], place) == refusal
    assert client.asked == asked


def test_nothing_that_runs_is_nothing_that_was_stopped() -> None:
    assert ending.stop([], KEPT) == Refusal()


def test_a_job_that_has_ended_is_left_alone() -> None:
    ended, runs = Client(Future()), Client(Future("file:/s"))
    ended.asked.append("an end")
    assert ending.stop([ended, runs], KEPT) is None
    assert (ended.asked, runs.asked) == (["an end"], ["file:/s"])


def test_an_interrupt_while_it_stops_is_not_swallowed() -> None:
    class Interrupted(Future):
        def done(self) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ending.stop([Client(Interrupted())], KEPT)


def test_last_checkpoints_stay_where_the_job_keeps_its_state_and_only_there() -> None:
    with ending.savepoints("file:///state/savepoints") as kept:
        assert kept == Place("file:///state/savepoints", kept=True)
    with ending.savepoints(None) as forgotten:
        assert not forgotten.kept
        path = Path(forgotten.address.removeprefix("file://"))
        assert path.is_dir()
    assert not path.exists()
