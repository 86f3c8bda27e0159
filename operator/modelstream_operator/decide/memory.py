"""What the operator remembers of a stream, as ``status`` holds it. Pure.

Three things are kept apart: what the present job was restored from, what Flink is being asked for,
and what the last run left for the next one to go on from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from modelstream_crds.v1alpha1 import (
    EndedStatus,
    ModelStreamStatus,
    StepStatus,
)
from modelstream_operator.decide import ask, fields, prepared, remains, saved, stored
from modelstream_operator.decide.ask import Ask, AskKind
from modelstream_operator.decide.failed import (
    Failure,
    Rollback,
    read_failures,
    read_rollback,
)
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.decide.remains import Remains
from modelstream_operator.decide.saved import Saved
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.resources import Manifest


class Step(StrEnum):
    """Where a stream is in its life; ``status.step.name``."""

    DEPLOYED = "Deployed"
    SAVEPOINTING = "Savepointing"
    TEARING_DOWN = "TearingDown"
    BACKING_OFF = "BackingOff"
    SUSPENDED = "Suspended"
    ENDED = "Ended"
    DELETING = "Deleting"
    UNKNOWN = "Unknown"
    """Of a newer operator: ``Memory.unknown`` says what is not known."""


class How(StrEnum):
    """How a run has ended; ``status.ended.how``."""

    STOPPED = "Stopped"
    """For a change, with a savepoint."""
    DROPPED = "Dropped"
    """For a change, without one: from its newest checkpoint, or without state."""
    FINISHED = "Finished"
    STOPPED_BY_OTHERS = "StoppedByOthers"
    CANCELED = "Canceled"
    FAILED = "Failed"
    NOT_STARTED = "NotStarted"


@dataclass(frozen=True)
class Ended:
    """How the last run that is over has ended, and what it left."""

    run: int
    job_id: str
    how: How
    time: datetime
    left: Stored | None = None
    error: str = ""
    completed: bool = False
    """Whether it is known to have completed a checkpoint."""


@dataclass(frozen=True)
class Memory:
    """All of it."""

    step: Step | None = None
    since: datetime | None = None
    deadline: datetime | None = None
    attempts: int = 0
    """Starts in a row that came to nothing."""
    run: int = 0
    job_id: str = ""
    revision: str = ""
    """What the present run was made from."""
    started: str | None = None
    """When all tasks ran first: from then on there is state that may not be lost."""
    parallelism: int = 0
    """What the job was given, when it was submitted or rescaled last; 0 where it cannot be."""
    restored_from: Stored | None = None
    ask: Ask | None = None
    ended: Ended | None = None
    prepared: Prepared | None = None
    """What is to run next, from the change on until it does."""
    ready: tuple[str, ...] = ()
    """Revisions that were Ready and have completed a checkpoint, the newest first."""
    previous: Stored | None = None
    """What the run before has left, where the present one has not begun with it."""
    took_less: bool = False
    """Whether the present run may have begun with a part of the state."""
    rollback: Rollback | None = None
    failures: tuple[Failure, ...] = ()
    restore_nonce: int = 0
    """The greatest ``state.restoreFrom.nonce`` that a run has begun with."""
    savepoints: tuple[Saved, ...] = ()
    """Those that were taken, the newest first."""
    savepoint_nonce: int = 0
    """The greatest ``savepointNonce`` for which one was taken."""
    remains: tuple[Remains, ...] = ()
    """What ended runs have left in the store."""
    unknown: str = ""
    """A field of status with a word of a newer operator in it."""

    @classmethod
    def of(cls, status: ModelStreamStatus) -> "Memory":
        """Read it from the resource's status."""
        step, job = status.step or StepStatus(), status.job
        common = cls(
            run=status.run or 0,
            job_id=(job.id if job else None) or "",
            revision=status.revision or "",
        )
        if unknown := next(_unknown(status), ""):
            return replace(common, step=Step.UNKNOWN, unknown=unknown)
        return replace(
            common,
            step=Step(step.name) if step.name else None,
            since=fields.time(step.since),
            deadline=fields.time(step.deadline),
            attempts=step.attempts or 0,
            started=job.start_time if job else None,
            parallelism=(job.parallelism if job else None) or 0,
            restored_from=stored.read(status.restored_from),
            ask=ask.read(status.ask),
            ended=_ended(status.ended),
            prepared=prepared.read(status.prepared),
            ready=_ready(status),
            previous=stored.read(status.restored_from.previous) if status.restored_from else None,
            took_less=_took_less(status),
            rollback=read_rollback(status.rollback),
            failures=read_failures(status.failures),
            restore_nonce=(status.used.restore_nonce if status.used else None) or 0,
            savepoints=saved.read(status.savepoints),
            remains=remains.read(status.remains),
            savepoint_nonce=(status.used.savepoint_nonce if status.used else None) or 0,
        )

    @property
    def has_never_begun(self) -> bool:
        """Whether no job of this stream was ever seen to run, also not before it was suspended."""
        search = self.restored_from.search if self.restored_from else None
        first = search is not None and search.first
        return not self.revision or (first and not self.started and not self._was_a_job)

    @property
    def _was_a_job(self) -> bool:
        """Whether the run that is over had a job that may have completed something."""
        if (ended := self.ended) is None:
            return False
        return ended.left is not None or ended.how not in {How.NOT_STARTED, How.FAILED}

    @property
    def goes_back(self) -> bool:
        """Whether the present run has failed, and is to give way to an older revision."""
        found = self.rollback
        return found is not None and found.run == self.run and not found.error

    @property
    def proving(self) -> Prepared | None:
        """What is being proven, or could not be: while a job runs, or before one starts again."""
        found = self.prepared
        stopped = self.step is Step.TEARING_DOWN and found is not None and bool(found.instead)
        return found if stopped or self.step is Step.DEPLOYED else None

    def go(self, step: Step, now: datetime, deadline: datetime | None = None) -> "Memory":
        """The same at another step, which begins now."""
        return replace(self, step=step, since=now, deadline=deadline)

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            run=self.run,
            revision=self.revision,
            step=given(
                name=self.step,
                since=stamp(self.since),
                deadline=stamp(self.deadline),
                attempts=self.attempts,
            ),
            lastReadyRevision=self.ready[0] if self.ready else None,
            readyBefore=list(self.ready[1:]),
            failures=[each.written() for each in self.failures],
            rollback=self.rollback.written() if self.rollback else None,
            restoredFrom=self._origins(),
            ask=self.ask.written() if self.ask else None,
            ended=_written_end(self.ended),
            prepared=self.prepared.written() if self.prepared else None,
            used=given(restoreNonce=self.restore_nonce, savepointNonce=self.savepoint_nonce),
            savepoints=[each.written() for each in self.savepoints],
            remains=[each.written() for each in self.remains],
            job=given(id=self.job_id, startTime=self.started, parallelism=self.parallelism),
        )

    def _origins(self) -> Manifest:
        """What the present job has begun with, and what it has not."""
        previous = self.previous.written() if self.previous else None
        began = self.restored_from.written() if self.restored_from else {}
        less = self.took_less or None
        return {**began, **given(previous=previous, allowNonRestoredState=less)}


def _ready(status: ModelStreamStatus) -> tuple[str, ...]:
    last = status.last_ready_revision
    return (last, *status.ready_before) if last else ()


def _took_less(status: ModelStreamStatus) -> bool:
    began = status.restored_from
    return began is not None and bool(began.allow_non_restored_state)


def _unknown(status: ModelStreamStatus) -> Iterator[str]:
    """The fields that decide what comes next, as far as this operator does not know their words."""
    step, ended, restored = status.step, status.ended, status.restored_from
    otherwise = restored.otherwise if restored else None
    previous = restored.previous if restored else None
    before = status.rollback.previous if status.rollback else None
    said: dict[str, tuple[str | None, type[StrEnum]]] = {
        "step.name": (step.name if step else None, Step),
        "ask.kind": (status.ask.kind if status.ask else None, AskKind),
        "ended.how": (ended.how if ended else None, How),
        "ended.kind": (ended.kind if ended else None, Kind),
        "restoredFrom.kind": (restored.kind if restored else None, Kind),
        "restoredFrom.otherwise.kind": (otherwise.kind if otherwise else None, Kind),
        "restoredFrom.previous.kind": (previous.kind if previous else None, Kind),
        "rollback.previous.kind": (before.kind if before else None, Kind),
    }
    for field, (word, known) in said.items():
        if word and word not in set(known):
            yield f"{field} is {word}"
    asked, prepared_ = status.ask, status.prepared
    times = {
        "step.since": step.since if step else None,
        "step.deadline": step.deadline if step else None,
        "ended.time": ended.time if ended else None,
        "ask.since": asked.since if asked else None,
        "ask.idleSince": asked.idle_since if asked else None,
        "prepared.since": prepared_.since if prepared_ else None,
        "prepared.deadline": prepared_.deadline if prepared_ else None,
    }
    for field, text in times.items():
        if text and fields.time(text) is None:
            yield f"{field} is {text}"


def _ended(said: EndedStatus | None) -> Ended | None:
    time = fields.time(said.time) if said else None
    if said is None or time is None or not said.how:
        return None
    job_id = said.job_id or ""
    kind = Kind(said.kind or Kind.SAVEPOINT)
    left = Stored(said.path, kind, job_id) if said.path else None
    how, error = How(said.how), said.error or ""
    return Ended(said.run or 0, job_id, how, time, left, error, bool(said.completed))


def _written_end(ended: Ended | None) -> Manifest | None:
    if ended is None:
        return None
    left = ended.left
    return given(
        run=ended.run,
        jobId=ended.job_id,
        how=ended.how,
        path=left.path if left else None,
        kind=left.kind if left else None,
        time=stamp(ended.time),
        error=ended.error,
        completed=ended.completed,
    )
