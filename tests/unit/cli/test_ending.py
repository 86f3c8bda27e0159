"""How jobs are ended, with a client that does as Flink's."""

from pathlib import Path
from typing import Any

import pytest

from modelstream.cli import ending


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

    def stop_with_savepoint(self, advance: bool, directory: str) -> Future:
        assert not advance  # windows that are open would give half a result
        self.asked.append(directory)
        return self.taken

    def cancel(self) -> None:
        self.asked.append("cancel")

    def get_job_execution_result(self) -> Future:
        return Future()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_STOP_SECONDS", 0)


@pytest.mark.parametrize(
    ("taken", "directory", "asked", "stopped"),
    [
        pytest.param(Future("file:/s"), "file:/s", ["file:/s"], True, id="stream"),
        pytest.param(Future(), None, ["cancel"], False, id="batch"),
        pytest.param(
            Future(RuntimeError()), "file:/s", ["file:/s", "cancel"], False, id="not running yet"
        ),
        pytest.param(
            Future(done=False), "file:/s", ["file:/s", "cancel"], False, id="no answer in time"
        ),
    ],
)
def test_a_stream_is_stopped_with_a_last_checkpoint_and_else_cancelled(
    taken: Future, directory: str | None, asked: list[str], stopped: bool
) -> None:
    client = Client(taken)
    assert ending.stop([client], directory) is stopped
    assert client.asked == asked


def test_nothing_that_runs_is_nothing_that_was_stopped() -> None:
    assert not ending.stop([], "file:/s")


def test_an_interrupt_while_it_stops_is_not_swallowed() -> None:
    class Interrupted(Future):
        def done(self) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ending.stop([Client(Interrupted())], "file:/s")


def test_last_checkpoints_stay_where_the_job_keeps_its_state_and_only_there() -> None:
    with ending.savepoints("file:///state/savepoints") as kept:
        assert kept == "file:///state/savepoints"
    with ending.savepoints(None) as forgotten:
        path = Path(forgotten.removeprefix("file://"))
        assert path.is_dir()
    assert not path.exists()
