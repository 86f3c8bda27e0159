"""What status holds of the life cycle, written and read."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.decide.ask import Ask
from modelstream_operator.decide.job import Checkpoints
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.stored import Kind, Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FULL = Memory(
    step=Step.SAVEPOINTING,
    since=NOW,
    deadline=NOW,
    attempts=2,
    run=4,
    job_id="b",
    revision="r",
    started="2026-01-01T00:00:00Z",
    parallelism=2,
    restored_from=Stored("s3://a/chk-1", Kind.CHECKPOINT, "x"),
    ask=Ask(4, "b", "s3://a/savepoints/b-t", NOW, "t", 1, "no space"),
    ended=Ended(3, "a", How.FAILED, NOW, Stored("s3://a/sp", Kind.SAVEPOINT, "a"), "boom"),
)


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(Memory(), id="nothing"),
        pytest.param(FULL, id="everything"),
        pytest.param(replace(FULL, ask=Ask(4, "b", "d", NOW)), id="between two attempts"),
        *(pytest.param(replace(FULL, step=step), id=step) for step in Step if step != "Unknown"),
    ],
)
def test_what_is_written_is_what_is_read(memory: Memory) -> None:
    assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory


@pytest.mark.parametrize(
    ("status", "unknown"),
    [
        ({"step": {"name": "RollingBack"}}, "step.name is RollingBack"),
        ({"ended": {"how": "RolledBack", "time": "2026-01-01T00:00:00Z"}}, "ended.how is Roll"),
        ({"ended": {"how": "Failed", "kind": "Snapshot"}}, "ended.kind is Snapshot"),
        ({"restoredFrom": {"kind": "Snapshot"}}, "restoredFrom.kind is Snapshot"),
        ({"step": {"name": "TearingDown", "since": "noon"}}, "step.since is noon"),
        ({"step": {"name": "TearingDown", "deadline": "noon"}}, "step.deadline is noon"),
        ({"ended": {"how": "Stopped", "time": "noon", "path": "p"}}, "ended.time is noon"),
        ({"ask": {"since": "noon"}}, "ask.since is noon"),
        ({"prepared": {"since": "noon"}}, "prepared.since is noon"),
        (
            {"restoredFrom": {"kind": "Newest", "otherwise": {"path": "p", "kind": "Snapshot"}}},
            "restoredFrom.otherwise.kind is Snapshot",
        ),
    ],
)
def test_a_word_of_a_newer_operator_is_never_read_as_another_one(
    status: dict[str, Any], unknown: str
) -> None:
    common = {"run": 4, "step": {"name": "TearingDown"}, "job": {"id": "a"}, "revision": "r"}
    memory = Memory.of(ModelStreamStatus.model_validate({**common, **status}))
    assert memory.unknown.startswith(unknown)
    assert (memory.step, memory.run, memory.job_id) == (Step.UNKNOWN, 4, "a")


def _checkpoint(path: str, number: int, type_: str = "CHECKPOINT") -> dict[str, object]:
    return {"external_path": path, "id": number, "checkpoint_type": type_}


@pytest.mark.parametrize(
    ("latest", "newest", "stopped_with"),
    [
        pytest.param({}, None, None, id="none"),
        pytest.param(
            {"completed": _checkpoint("chk-2", 5), "savepoint": _checkpoint("sp", 3, "SAVEPOINT")},
            Stored("chk-2", Kind.CHECKPOINT, "a"),
            None,
            id="a checkpoint after a savepoint",
        ),
        pytest.param(
            {
                "completed": _checkpoint("chk-2", 5),
                "savepoint": _checkpoint("sp", 6, "SYNC_SAVEPOINT"),
            },
            Stored("sp", Kind.SAVEPOINT, "a"),
            "sp",
            id="the savepoint of a stop",
        ),
        pytest.param(
            {
                "completed": _checkpoint("chk-7", 7),
                "savepoint": _checkpoint("sp", 6, "SYNC_SAVEPOINT"),
            },
            Stored("chk-7", Kind.CHECKPOINT, "a"),
            None,
            id="a job that went on after a stop that failed",
        ),
        pytest.param(
            {"savepoint": _checkpoint("sp", 6, "SYNC_SAVEPOINT"), "restored": {"id": 6}},
            Stored("sp", Kind.SAVEPOINT, "a"),
            None,
            id="a job that was restored from the savepoint of its own stop",
        ),
        pytest.param(
            {"completed": _checkpoint("<checkpoint-not-externally-addressable>", 5)},
            None,
            None,
            id="a checkpoint in memory",
        ),
    ],
)
def test_what_a_job_has_kept_is_the_newest_that_has_a_path(
    latest: dict[str, object], newest: Stored | None, stopped_with: str | None
) -> None:
    assert Checkpoints.of({"latest": latest}, "a") == Checkpoints(newest, stopped_with)


def test_a_time_without_a_zone_is_one_in_utc() -> None:
    step = {"name": "TearingDown", "since": "2026-01-01T00:00:00"}
    memory = Memory.of(ModelStreamStatus.model_validate({"step": step}))
    assert memory.since == datetime(2026, 1, 1, tzinfo=UTC)
