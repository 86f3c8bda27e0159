"""status: what a run begins with, how it ends, and what comes in its place."""

from modelstream_crds.rules import Part


class StepStatus(Part):
    """Where the stream is in its life."""

    name: str | None = None
    """Deployed, Savepointing, TearingDown, BackingOff, Suspended, Ended or Deleting."""

    since: str | None = None
    """When the step began."""

    deadline: str | None = None
    """When the step should be over, or, of BackingOff, when the next start begins."""

    attempts: int | None = None
    """Starts in a row that came to nothing."""


class OriginStatus(Part):
    """A savepoint or checkpoint."""

    path: str | None = None
    """Where it is."""

    kind: str | None = None
    """Savepoint or Checkpoint."""

    job_id: str | None = None
    """The job that it was taken of."""

    revision: str | None = None
    """What the run of that job was made from."""


class StateStatus(Part):
    """State that a job can go on from."""

    path: str | None = None
    """Where the savepoint or checkpoint is."""

    kind: str | None = None
    """Savepoint or Checkpoint. Newest as long as the JobManager has not found it; Nothing where the
    job before had completed none, and had begun from nothing."""

    job_id: str | None = None
    """The job that it was taken of."""

    revision: str | None = None
    """What the run of that job was made from."""

    newest_of: str | None = None
    """Where the JobManager looks for it: the checkpoints of the job before, or of all jobs."""

    needed: bool | None = None
    """Whether the job before is known to have completed a checkpoint: one that is not found is
    waited for."""

    of_any_job: bool | None = None
    """Whether the newest is taken, whichever job it is of."""

    otherwise: OriginStatus | None = None
    """What the job before had begun from: taken where it had completed none."""

    first_start: bool | None = None
    """Whether the stream begins for the first time, and waits where newestOf holds what another job
    has completed."""


class RestoredFromStatus(StateStatus):
    """What the present job has its state from."""

    previous: StateStatus | None = None
    """What the run before had left, where this one has not begun with all of it."""

    allow_non_restored_state: bool | None = None
    """Whether it may have begun with a part of that only."""


class EndedStatus(Part):
    """How the last run that is over has ended."""

    run: int | None = None
    """The run."""

    job_id: str | None = None
    """Its job."""

    how: str | None = None
    """Stopped (for a change, with a savepoint), Dropped (for a change, without one), Finished,
    StoppedByOthers, Canceled, Failed or NotStarted."""

    path: str | None = None
    """The savepoint or checkpoint that a later start can go on from; of kind Newest, where the
    job's checkpoints are."""

    kind: str | None = None
    """Savepoint, Checkpoint, or Newest: the newest that the job has completed, which the next
    JobManager looks for."""

    completed: bool | None = None
    """Whether the job is known to have completed a checkpoint."""

    time: str | None = None
    """When the operator saw the end."""

    error: str | None = None
    """The root cause of a job that failed, with the exceptions before it."""


class PreparedStatus(Part):
    """What is to run next, while a pod of its own proves that it can."""

    run: int | None = None
    """The number that the run is to have; each attempt of a proof has another one."""

    revision: str | None = None
    """What it is to be made from."""

    job_id: str | None = None
    """The id that its job is to have."""

    since: str | None = None
    """When the attempt began, or failed."""

    deadline: str | None = None
    """When the attempt counts as failed; with an error, when the next one begins."""

    attempts: int | None = None
    """Attempts in a row that failed."""

    choice: str | None = None
    """What it begins with, where state.restoreFrom says so: its nonce, and which state."""

    error: str | None = None
    """Why the last attempt failed; absent while one is under way."""

    proven: bool | None = None
    """Whether the job was stopped for it."""

    instead: str | None = None
    """Of a change that came while the job stopped for another one: the revision that starts where
    this one cannot be proven, or that has been started."""


class FailureStatus(Part):
    """A revision whose starts have failed."""

    revision: str
    """Which one."""

    count: int | None = None
    """How often: after two it is not tried again."""

    time: str | None = None
    """When it failed last."""

    reason: str | None = None
    """Why it failed last, in one word."""


class RollbackStatus(Part):
    """The way back from a revision that did not work."""

    revision: str | None = None
    """The revision that failed."""

    to: str | None = None
    """The revision that runs instead: the last that was Ready."""

    run: int | None = None
    """The run that failed."""

    job_id: str | None = None
    """Its job."""

    began: str | None = None
    """When it began."""

    since: str | None = None
    """When it counted as failed."""

    reason: str | None = None
    """Why, in one word."""

    message: str | None = None
    """Why, for people."""

    previous: StateStatus | None = None
    """What the failed run had begun with, or had left aside."""

    alone: bool | None = None
    """Whether the way back begins with that, and with nothing of the failed run."""

    allow_non_restored_state: bool | None = None
    """Whether the failed run could begin with a part of its state."""

    completed: bool | None = None
    """Whether the failed run is known to have completed a checkpoint."""

    error: str | None = None
    """Why nothing is started before a person has chosen."""
