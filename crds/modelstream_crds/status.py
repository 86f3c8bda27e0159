"""status: what the operator has seen."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from modelstream_crds.rules import ListOf, Part
from modelstream_crds.runs import (
    EndedStatus,
    FailureStatus,
    PreparedStatus,
    RestoredFromStatus,
    RollbackStatus,
    StepStatus,
)
from modelstream_crds.stored import RemainsStatus, SavepointStatus


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


class AskStatus(Part):
    """What the operator has asked Flink for, and not yet got."""

    kind: str | None = None
    """Stop (with a savepoint), Savepoint (of a job that goes on), or Disposal."""

    run: int | None = None
    """The run that was asked."""

    job_id: str | None = None
    """The job of which a savepoint is taken."""

    trigger_id: str | None = None
    """Chosen by the operator and written before the request, so that a repeated one is the same."""

    directory: str | None = None
    """Where the savepoint is to be, a directory of this request alone; of a disposal, which one."""

    since: str | None = None
    """When it was asked for, or when the last attempt failed."""

    attempts: int | None = None
    """Requests in a row that failed."""

    error: str | None = None
    """Why the last attempt failed, or why Flink refused the request."""

    idle_since: str | None = None
    """Since when the job has not been running, so that it can give no savepoint."""

    nonce: int | None = None
    """The savepointNonce for which it is."""


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


class UsedNoncesStatus(Part):
    """Numbers of the spec that count once each."""

    restore_nonce: int | None = None
    """The greatest state.restoreFrom.nonce that a run has begun with."""

    savepoint_nonce: int | None = None
    """The greatest savepointNonce for which a savepoint was taken."""


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

    savepoints: Annotated[tuple[SavepointStatus, ...], ListOf("path"), Field(max_length=60)] = ()
    """Savepoints that the operator has taken, the newest first, until they are disposed of."""

    remains: Annotated[tuple[RemainsStatus, ...], ListOf("jobId"), Field(max_length=20)] = ()
    """What ended runs left in the store, until a later one has no need of it."""

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
