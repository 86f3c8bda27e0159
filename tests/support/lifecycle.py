"""Memories, wishes and what is seen, for the state machine of the operator."""

from dataclasses import replace
from datetime import UTC, datetime

from modelstream_operator.decide.ask import Ask
from modelstream_operator.decide.decision import (
    SURE,
    SURE_AFTER,
    Answer,
    OfRun,
    Seen,
    Wanted,
)
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.prepared import Prepared, Proof
from modelstream_operator.decide.savepointing import PATIENCE
from modelstream_operator.decide.stored import Kind, Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = Job("RUNNING", running=2, total=2)
ROOT = "s3://state/savepoints"
OLD, NEW, FRESH = "old", "new", "f" * 32
SAME = Wanted(OLD)
EDIT = Wanted(NEW, restart=True)
KEPT = {"keeps_state": True, "savepoints": ROOT, "checkpoints": "s3://state/checkpoints"}
SAME_KEPT = Wanted(OLD, **KEPT)  # type: ignore[arg-type]  # fields of Wanted
EDIT_KEPT = Wanted(NEW, restart=True, **KEPT)  # type: ignore[arg-type]  # fields of Wanted
ORIGIN = Stored("s3://state/savepoints/y/savepoint-1", Kind.SAVEPOINT, "y")

deployed = Memory(Step.DEPLOYED, since=NOW, run=3, job_id="a", revision=OLD)
started = replace(deployed, started="2026-01-01T00:00:00Z")
proven = replace(started, prepared=Prepared(4, NEW, FRESH, NOW))
asked = replace(
    started.go(Step.SAVEPOINTING, NOW, NOW + PATIENCE),
    ask=Ask(3, "a", f"{ROOT}/a-trigger", NOW, "trigger"),
)
saved = Ended(3, "a", How.STOPPED, NOW, Stored("s3://state/sp-1", Kind.SAVEPOINT, "a"))
torn = replace(started.go(Step.TEARING_DOWN, NOW), ended=saved)


def seen(**values: object) -> Seen:
    """What there is; the proof of what is prepared has succeeded."""
    proven = Seen(NOW, FRESH, proof=Proof(succeeded=True))
    made = replace(proven, **values)  # type: ignore[arg-type]  # fields of Seen
    return replace(made, answer=Answer.JOB) if made.job else made


def no_job(**values: object) -> Seen:
    return seen(answer=Answer.NO_JOB, times=SURE, lasting=SURE_AFTER, **values)


def left(**values: int) -> Seen:
    """What there is of the run before."""
    return seen(runs={3: OfRun(**values)})  # type: ignore[arg-type]  # fields of OfRun


DOWN = seen()
