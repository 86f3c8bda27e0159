"""Revisions that have failed, and the way back from one, as ``status`` holds them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from modelstream_crds.v1alpha1 import FailureStatus, RollbackStatus
from modelstream_operator.decide import fields, stored
from modelstream_operator.decide.cause import Cause
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.decide.stored import Stored
from modelstream_operator.resources import Manifest

MOST = 10
"""Revisions whose failures are remembered."""


@dataclass(frozen=True)
class Failure:
    """How often starts of a revision have failed, and why the last one."""

    revision: str
    count: int
    time: datetime
    reason: str

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            revision=self.revision, count=self.count, time=stamp(self.time), reason=self.reason
        )


@dataclass(frozen=True)
class Rollback:
    """From a revision that failed to the last one that was Ready."""

    revision: str
    to: str
    run: int
    """That failed; what runs later is the way back."""
    job_id: str
    began: datetime | None
    since: datetime
    cause: Cause
    previous: Stored | None = None
    """What the failed run began with; where it left state aside, that."""
    alone: bool = False
    """Whether nothing of the failed run is taken, but only ``previous``."""
    took_less: bool = False
    """Whether the failed run could begin with a part of its state."""
    completed: bool = False
    """Whether the failed run is known to have completed a checkpoint."""
    error: str = ""
    """Why a person has to choose."""

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            revision=self.revision,
            to=self.to,
            run=self.run,
            jobId=self.job_id,
            began=stamp(self.began),
            since=stamp(self.since),
            reason=self.cause.reason,
            message=self.cause.message,
            previous=self.previous.written() if self.previous else None,
            alone=self.alone,
            allowNonRestoredState=self.took_less,
            completed=self.completed,
            error=self.error,
        )


def counted(
    failures: Iterable[Failure], revision: str, reason: str, now: datetime
) -> tuple[Failure, ...]:
    """With one more of a revision; the newest come first."""
    others = [each for each in failures if each.revision != revision]
    before = sum(each.count for each in failures if each.revision == revision)
    return (Failure(revision, before + 1, now, reason), *others)[:MOST]


def without(failures: Iterable[Failure], revision: str) -> tuple[Failure, ...]:
    """The others."""
    return tuple(each for each in failures if each.revision != revision)


def read_failures(said: Iterable[FailureStatus]) -> tuple[Failure, ...]:
    """Read them from status."""
    found = ((each, fields.time(each.time)) for each in said)
    return tuple(
        Failure(each.revision, each.count or 0, time, each.reason or "")
        for each, time in found
        if time is not None
    )


def read_rollback(said: RollbackStatus | None) -> Rollback | None:
    """Read it from status; None where there is none, or not enough."""
    since = fields.time(said.since) if said else None
    if said is None or since is None or not (said.revision and said.to and said.run):
        return None
    rollback = Rollback(
        revision=said.revision,
        to=said.to,
        run=said.run,
        job_id=said.job_id or "",
        began=fields.time(said.began),
        since=since,
        cause=Cause(said.reason or "", said.message or ""),
        alone=bool(said.alone),
        took_less=bool(said.allow_non_restored_state),
        completed=bool(said.completed),
        error=said.error or "",
    )
    return replace(rollback, previous=stored.read(said.previous))
