"""What is to run next, while it is proven beside the run that is there. Pure."""

from dataclasses import dataclass
from datetime import datetime

from modelstream_crds.v1alpha1 import PreparedStatus
from modelstream_operator.decide import fields
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.decide.problem import Problem
from modelstream_operator.resources import Manifest


@dataclass(frozen=True)
class Prepared:
    """A run that is to come: its proof is under way, has failed, or has succeeded.

    Each attempt has a number of its own, so that no pod is taken for that of another one.
    """

    run: int
    revision: str
    job_id: str
    since: datetime
    """When the attempt began, or failed."""
    deadline: datetime | None = None
    """When the attempt counts as failed; of one that has, when the next begins: None is never."""
    attempts: int = 0
    """Those of this revision that failed."""
    choice: str = ""
    """``Wanted.choice`` when the attempt began: what a person wants the run to begin with."""
    error: str = ""
    """Why the last one failed, as ``Reason: message``; empty while one is under way."""
    proven: bool = False
    """Whether the job was stopped for it."""
    instead: str = ""
    """What starts where this one, which came while the job stopped for another change, cannot be
    proven; or what has been started, as it could not be."""

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            run=self.run,
            revision=self.revision,
            jobId=self.job_id,
            since=stamp(self.since),
            deadline=stamp(self.deadline),
            attempts=self.attempts,
            choice=self.choice,
            error=self.error,
            proven=self.proven,
            instead=self.instead,
        )


def read(said: PreparedStatus | None) -> Prepared | None:
    """Read it from status; None where there is nothing, or not enough."""
    since = fields.time(said.since) if said else None
    if said is None or since is None or not said.run or not said.revision or not said.job_id:
        return None
    return Prepared(
        run=said.run,
        revision=said.revision,
        job_id=said.job_id,
        since=since,
        deadline=fields.time(said.deadline),
        attempts=said.attempts or 0,
        choice=said.choice or "",
        error=said.error or "",
        proven=bool(said.proven),
        instead=said.instead or "",
    )


@dataclass(frozen=True)
class Proof:
    """What there is to see of the attempt that is under way."""

    succeeded: bool = False
    over: bool = False
    """Whether it has failed, and will not go on."""
    problem: Problem | None = None
    """Why it has failed, or what keeps it."""


NO_PROOF = Proof()
"""Nothing is seen of one."""
