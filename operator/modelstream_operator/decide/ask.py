"""What Flink is being asked for, as ``status`` holds it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelstream_crds.v1alpha1 import AskStatus
from modelstream_operator.decide import fields
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.resources import Manifest


class AskKind(StrEnum):
    """What Flink is asked for; ``status.ask.kind``."""

    STOP = "Stop"
    """A savepoint with which the job ends."""
    SAVEPOINT = "Savepoint"
    """One of a job that goes on."""
    DISPOSAL = "Disposal"
    """That a savepoint is deleted."""


@dataclass(frozen=True)
class Ask:
    """Asked for under an id of ours, or failed and waiting for another attempt."""

    run: int
    job_id: str
    directory: str
    """Where the savepoint is to be; of a disposal, the savepoint."""
    since: datetime
    trigger_id: str | None = None
    """None between an attempt that failed and the next one."""
    attempts: int = 0
    error: str = ""
    idle: datetime | None = None
    """Since when the job has not been running, so that it can give none."""
    kind: AskKind = AskKind.STOP
    nonce: int = 0
    """``savepointNonce`` as it was when the savepoint was asked for."""

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            kind=self.kind,
            run=self.run,
            jobId=self.job_id,
            triggerId=self.trigger_id,
            directory=self.directory,
            since=stamp(self.since),
            attempts=self.attempts,
            error=self.error,
            idleSince=stamp(self.idle),
            nonce=self.nonce,
        )


def read(said: AskStatus | None) -> Ask | None:
    """Read it from status; None where there is nothing, or not enough."""
    since = fields.time(said.since) if said else None
    if said is None or since is None:
        return None
    return Ask(
        run=said.run or 0,
        job_id=said.job_id or "",
        directory=said.directory or "",
        since=since,
        trigger_id=said.trigger_id,
        attempts=said.attempts or 0,
        error=said.error or "",
        idle=fields.time(said.idle_since),
        kind=AskKind(said.kind or AskKind.STOP),
        nonce=said.nonce or 0,
    )
