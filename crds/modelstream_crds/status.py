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


class TaskManagerStatus(Part):
    """The TaskManagers, as the scale subresource reads them."""

    replicas: int = 0
    """TaskManagers that exist."""

    ready_replicas: int = 0
    """TaskManagers that have registered and have the models loaded."""

    selector: str | None = None
    """The label selector of the TaskManager pods, for autoscalers."""


class SavepointStatus(Part):
    """The last savepoint that the operator asked for."""

    trigger_id: str | None = None
    """Chosen by the operator and written before the request, so that a repeated one is the same."""

    job_id: str | None = None
    """The job that it was asked of."""

    path: str | None = None
    """Where the finished savepoint is."""

    time: str | None = None
    """When it finished."""


class UpgradeStatus(Part):
    """What runs, and what is being changed."""

    deployed_hash: str | None = None
    """The spec, in as far as a restart depends on it, that the running job was made from."""

    target_hash: str | None = None
    """The same of the spec that is being brought about."""

    step: str | None = None
    """What the operator is doing about it."""


class ModelStreamStatus(Part):
    """What the operator has seen; written by it alone."""

    observed_generation: int | None = None
    """The generation of the spec that this status is about."""

    phase: Phase | None = None
    """The conditions in one word, for people."""

    run: int | None = None
    """How many times the job was started, changes and resumptions included; the present number."""

    conditions: Annotated[tuple[Condition, ...], ListOf("type"), Field(max_length=16)] = ()
    """Ready, and what it depends on."""

    models: Annotated[tuple[ModelStatus, ...], ListOf("name"), Field(max_length=16)] = ()
    """The models as the pods see them."""

    job: JobStatus | None = None
    """The Flink job."""

    task_manager: TaskManagerStatus | None = None
    """The TaskManagers."""

    savepoint: SavepointStatus | None = None
    """The last savepoint that the operator asked for."""

    upgrade: UpgradeStatus | None = None
    """What runs, and what is being changed."""
