"""The end of a run, whichever it is, with a job that does as Flink's."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.cli.test_ending import Client, Future, take
from tests.unit.cli.test_watch import World

from modelstream import reasons
from modelstream.cli import course, ending
from modelstream.cli.course import Course
from modelstream.cli.exits import RecordsRefusedError
from modelstream.cli.outputs import Output
from modelstream.embedded import Tally
from modelstream.errors import JobError
from modelstream_crds.v1alpha1 import RuntimeMode


class Job(Client):
    """A job that ends after some looks at it, when ``meanwhile`` has happened."""

    def __init__(self, meanwhile: Callable[[], None], *, batch: bool = False) -> None:
        super().__init__(Future("file:/s"))
        self.meanwhile = meanwhile
        self.name = "fraud"
        self.inserts: object | None = object()
        self.jobs: list[Any] = []
        self.options: dict[str, str] = {}
        self.secrets = SimpleNamespace(redact=str)
        mode = RuntimeMode.BATCH if batch else RuntimeMode.STREAMING
        self.spec = SimpleNamespace(flink=SimpleNamespace(runtime_mode=mode))
        self.looks = 0

    def submit(self) -> "Job":
        reasons.forget()
        if self.inserts is None:
            self.looks = 1
            self.meanwhile()
        return self

    def translated(self) -> Any:
        return World().watch.ticking()  # any context

    def get_job_execution_result(self) -> Future:
        return Result(self)


class Result(Future):
    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def done(self) -> bool:
        self.job.looks += 1
        if self.job.looks == 1:
            self.job.meanwhile()
        return self.job.looks > 2 or bool(self.job.asked)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "_POLL_SECONDS", 0)
    monkeypatch.setattr(ending, "stop_with_savepoint", take)


@pytest.fixture
def world() -> World:
    return World()


def counts(world: World, tally: Tally) -> Callable[[], None]:
    def count() -> None:
        world.count = tally
        for _ in range(tally.failures):
            reasons.note("encode: column 'amt': it is null", lambda: "{'amount': 3}")

    return count


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_job_that_ends_tells_numbers_and_places(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Output.of("results", str(tmp_path), "json")
    Course(Job(counts(world, Tally(3))), world.watch, [out]).run()  # type: ignore[arg-type]  # a fake
    said = capsys.readouterr().err
    assert "fraud finished after" in said
    assert f"  results: {tmp_path}, nothing new\n" in said
    assert "not scored" not in said


def test_some_bad_records_are_told_with_reasons(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Course(Job(counts(world, Tally(30, 2, 2))), world.watch, []).run()  # type: ignore[arg-type]  # a fake
    said = capsys.readouterr().err
    assert "not scored 2 times: encode: column 'amt': it is null; such as {'amount': 3}" in said


def test_records_of_which_none_is_scored_are_a_failure(world: World) -> None:
    job = Job(counts(world, Tally(2, 2, 2)))
    with pytest.raises(RecordsRefusedError) as caught:
        Course(job, world.watch, []).run()  # type: ignore[arg-type]  # a fake
    first, *more = str(caught.value).splitlines()
    assert first == "none of the 2 records that were read was scored"
    assert more == ["2 times: encode: column 'amt': it is null; such as {'amount': 3}"]


def test_no_record_is_no_failure(world: World) -> None:
    Course(Job(lambda: None), world.watch, []).run()  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize(("limit", "refused"), [(2, True), (3, False)])
def test_as_many_bad_records_as_are_allowed_end_a_stream_with_a_last_checkpoint(
    world: World, limit: int, refused: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(counts(world, Tally(30, 2, 2)))
    run = Course(job, world.watch, [], limit).run  # type: ignore[arg-type]  # a fake
    if not refused:
        run()
        assert not job.asked
        return
    with pytest.raises(RecordsRefusedError, match="2 records were not scored, and 2 are enough"):
        run()
    assert len(job.asked) == 1
    assert "stopped with a last checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("batch", "how"), [(False, "stopped with a last checkpoint"), (True, "cancelled")]
)
def test_ctrl_c_stops_a_stream_and_cancels_a_batch_job(
    world: World, batch: bool, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(interrupt, batch=batch)
    with pytest.raises(KeyboardInterrupt):
        Course(job, world.watch, []).run()  # type: ignore[arg-type]  # a fake
    said = capsys.readouterr().err
    assert f"fraud {how} after" in said
    assert "--restore" not in said
    assert (job.asked == ["cancel"]) is batch


def test_a_stream_whose_state_is_kept_says_how_to_go_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(interrupt)
    job.options = {"execution.checkpointing.savepoint-dir": "file:/s"}
    with pytest.raises(KeyboardInterrupt):
        Course(job, world.watch, []).run()  # type: ignore[arg-type]  # a fake
    *_, last = capsys.readouterr().err.splitlines()
    assert job.asked == ["file:/s"]
    assert last == "  --restore latest goes on from there, with what is not published yet"


def test_a_stream_that_took_no_last_checkpoint_says_why(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.watch.redact = lambda text: text.replace("secret", "***")
    job = Job(interrupt)
    job.secrets.redact = world.watch.redact
    job.taken = Future(RuntimeError("java.io.IOException: secret, disk full"))
    with pytest.raises(KeyboardInterrupt):
        Course(job, world.watch, []).run()  # type: ignore[arg-type]  # a fake
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("fraud cancelled after ")
    assert last.endswith(": no last checkpoint could be taken (IOException: ***, disk full)")


def test_ctrl_c_stops_the_jobs_of_a_program(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(interrupt)
    job.inserts, job.jobs = None, [SimpleNamespace(client=job)]
    with pytest.raises(KeyboardInterrupt):
        Course(job, world.watch, []).run()  # type: ignore[arg-type]  # a fake
    assert "stopped with a last checkpoint" in capsys.readouterr().err


def test_a_second_ctrl_c_ends_at_once_and_says_what_is_unfinished(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hurried: list[bool] = []
    monkeypatch.setattr("modelstream.cli.flink.hurry", lambda: hurried.append(True))
    monkeypatch.setattr("modelstream.cli.ending.stop", lambda *_: interrupt())
    out = Output.of("results", str(tmp_path), "json")
    (tmp_path / ".part-0.inprogress").write_text("{}\n")
    with pytest.raises(KeyboardInterrupt):
        Course(Job(interrupt), world.watch, [out]).run()  # type: ignore[arg-type]  # a fake
    said = capsys.readouterr().err
    assert hurried
    assert "fraud ended at once, without a last checkpoint, after" in said
    assert "nothing new; not published: 1 new file of 1 record" in said


def test_a_job_that_fails_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise JobError("no")

    with pytest.raises(JobError):
        Course(Job(fail), world.watch, []).run()  # type: ignore[arg-type]  # a fake
    assert "fraud failed after" in capsys.readouterr().err
