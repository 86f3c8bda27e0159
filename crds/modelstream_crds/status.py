"""status: what the operator has seen."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from modelstream_crds.rules import ListOf, Part


class Phase(StrEnum):
    """The conditions in one word, for people."""

    PENDING = "Pending"
    PREPARING = "Preparing"
    STARTING = "Starting"
    RUNNING = "Running"
    UPDATING = "Updating"
    SUSPENDED = "Suspended"
    FINISHED = "Finished"
    FAILED = "Failed"
    DELETING = "Deleting"


class ConditionType(StrEnum):
    """What a condition is about."""

    READY = "Ready"
    ACCEPTED = "Accepted"
    MODELS_AVAILABLE = "ModelsAvailable"
    GPU_AVAILABLE = "GpuAvailable"
    JOB_RUNNING = "JobRunning"
    MODELS_LOADED = "ModelsLoaded"
    UPDATED = "Updated"
    OUTDATED = "Outdated"
    SCALED = "Scaled"
    ROLLED_BACK = "RolledBack"
    STATE_SAFE = "StateSafe"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Condition(Part):
    """One thing that is, is not, or is not known to be so."""

    type: str
    """What the condition is about."""

    status: str
    """True, False or Unknown."""

    observed_generation: int | None = None
    """The generation of the spec that the condition is about."""

    last_transition_time: str
    """When the status changed last."""

    reason: str
    """The cause in one word, for programs."""

    message: str = ""
    """The cause, and what to do about it, for people."""


class ModelStatus(Part):
    """A model as the pods see it."""

    name: str
    """The model's name."""

    uri: str | None = None
    """Where it came from."""

    digest: str | None = None
    """The digest of its files."""

    signatures: tuple[str, ...] = ()
    """The names of its signatures."""

    loaded_task_managers: int | None = None
    """How many TaskManagers have it loaded and warm."""


class JobStatus(Part):
    """The Flink job."""

    id: str | None = None
    """The job's id, fixed before it is submitted."""

    state: str | None = None
    """The job's state in Flink's words."""

    start_time: str | None = None
    """When Flink started it."""

    tasks: str | None = None
    """Running tasks of all tasks, such as 3/4."""

    parallelism: int | None = None
    """What the job was given, when it was submitted or rescaled last."""


class TaskManagerStatus(Part):
    """The TaskManagers, as the scale subresource reads them."""

    replicas: int = 0
    """TaskManagers that exist."""

    ready_replicas: int = 0
    """TaskManagers that have the models loaded."""

    selector: str | None = None
    """The label selector of the TaskManager pods, for autoscalers."""


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


class AskStatus(Part):
    """What the operator has asked Flink for, and not yet got."""

    run: int | None = None
    """The run that was asked."""

    job_id: str | None = None
    """The job that is to stop with a savepoint."""

    trigger_id: str | None = None
    """Chosen by the operator and written before the request, so that a repeated one is the same."""

    directory: str | None = None
    """Where the savepoint is to be: a directory of this request alone."""

    since: str | None = None
    """When it was asked for, or when the last attempt failed."""

    attempts: int | None = None
    """Savepoints in a row that failed."""

    error: str | None = None
    """Why the last attempt failed, or why Flink refused the request."""

    idle_since: str | None = None
    """Since when the job has not been running, so that it can give no savepoint."""


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


class CheckpointStatus(Part):
    """The newest checkpoint that was complete when this was written."""

    path: str | None = None
    """Where it is."""

    time: str | None = None
    """When it was complete."""

    duration: str | None = None
    """How long it took, in seconds."""

    size: int | None = None
    """Bytes of the whole state."""

    failed: int | None = None
    """Those in a row that have failed since, when that began."""

    error: str | None = None
    """Why the first of those failed."""


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


class UsedNoncesStatus(Part):
    """Numbers of the spec that count once each."""

    restore_nonce: int | None = None
    """The greatest state.restoreFrom.nonce that a run has begun with."""


class ModelStreamStatus(Part):
    """What the operator has seen; written by it alone."""

    observed_generation: int | None = None
    """The generation of the spec that this status is about."""

    phase: Phase | None = None
    """The conditions in one word, for people."""

    conditions: Annotated[tuple[Condition, ...], ListOf("type"), Field(max_length=16)] = ()
    """Ready, and what it depends on."""

    models: Annotated[tuple[ModelStatus, ...], ListOf("name"), Field(max_length=16)] = ()
    """The models as the pods see them."""

    job: JobStatus | None = None
    """The Flink job."""

    task_manager: TaskManagerStatus | None = None
    """The TaskManagers."""

    run: int | None = None
    """The number of the present run: each start of a job is one."""

    revision: str | None = None
    """What the present run was made from."""

    checkpoint: CheckpointStatus | None = None
    """What could be restored from; written when checkpoints begin or cease to fail, and else every
    five minutes."""

    last_ready_revision: str | None = None
    """Of a stream with state: the last revision that was Ready and has completed a checkpoint."""

    ready_before: Annotated[tuple[str, ...], ListOf(), Field(max_length=9)] = ()
    """Those before it, the newest first."""

    failures: Annotated[tuple[FailureStatus, ...], ListOf("revision"), Field(max_length=10)] = ()
    """Revisions whose starts have failed."""

    rollback: RollbackStatus | None = None
    """The way back from the newest revision, from its failure until another one is started."""

    step: StepStatus | None = None
    """Where the stream is in its life."""

    restored_from: RestoredFromStatus | None = None
    """What the present job has its state from."""

    prepared: PreparedStatus | None = None
    """What is to run next, from a change of a running stream until the next run begins."""

    ask: AskStatus | None = None
    """What the operator has asked Flink for, and not yet got."""

    ended: EndedStatus | None = None
    """How the last run that is over has ended."""

    used: UsedNoncesStatus | None = None
    """Numbers of the spec that count once each."""
