"""The ModelStream resource, version v1alpha1: the only source of the CustomResourceDefinition."""

import re
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from modelstream_crds import names
from modelstream_crds.cluster import (
    Flink,
    Gpu,
    JobManager,
    Resources,
    RuntimeMode,
    ServiceAccount,
    TaskManager,
    Toleration,
)
from modelstream_crds.inference import Batch, Classify, Image, ImageFit, Inference, OnError
from modelstream_crds.lifecycle import (
    DeletionPolicy,
    NetworkPolicy,
    PodDisruptionBudget,
    RestoreFrom,
    Savepoints,
    State,
    Upgrade,
    UpgradeMode,
)
from modelstream_crds.model import GraphSignature, GraphTensor, Method, Model, ModelFormat
from modelstream_crds.programs import ConfigMapScript, Python, Sql, SqlOnError
from modelstream_crds.rules import Part, Rule
from modelstream_crds.runs import (
    EndedStatus,
    FailureStatus,
    OriginStatus,
    PreparedStatus,
    RestoredFromStatus,
    RollbackStatus,
    StateStatus,
    StepStatus,
)
from modelstream_crds.spec import ModelStreamSpec
from modelstream_crds.status import (
    AskStatus,
    CheckpointStatus,
    Condition,
    ConditionType,
    JobStatus,
    ModelStatus,
    ModelStreamStatus,
    Phase,
    TaskManagerStatus,
    UsedNoncesStatus,
)
from modelstream_crds.stored import ModelDigest, RemainsStatus, SavepointStatus
from modelstream_crds.stream import Column, Pipeline, SecretKey, Sink, Source

__all__ = [
    "AskStatus",
    "Batch",
    "CheckpointStatus",
    "Classify",
    "Column",
    "Condition",
    "ConditionType",
    "ConfigMapScript",
    "DeletionPolicy",
    "EndedStatus",
    "FailureStatus",
    "Flink",
    "Gpu",
    "GraphSignature",
    "GraphTensor",
    "Image",
    "ImageFit",
    "Inference",
    "JobManager",
    "JobStatus",
    "Metadata",
    "Method",
    "Model",
    "ModelDigest",
    "ModelFormat",
    "ModelStatus",
    "ModelStream",
    "ModelStreamSpec",
    "ModelStreamStatus",
    "NetworkPolicy",
    "OnError",
    "OriginStatus",
    "Phase",
    "Pipeline",
    "PodDisruptionBudget",
    "PreparedStatus",
    "Python",
    "RemainsStatus",
    "Resources",
    "RestoreFrom",
    "RestoredFromStatus",
    "RollbackStatus",
    "RuntimeMode",
    "SavepointStatus",
    "Savepoints",
    "SecretKey",
    "ServiceAccount",
    "Sink",
    "Source",
    "Sql",
    "SqlOnError",
    "State",
    "StateStatus",
    "StepStatus",
    "TaskManager",
    "TaskManagerStatus",
    "Toleration",
    "Upgrade",
    "UpgradeMode",
    "UsedNoncesStatus",
]


class Metadata(Part):
    """The parts of the object's metadata that ModelStream reads; the rest is Kubernetes' own."""

    name: str
    """The name of the ModelStream, and the beginning of its children's names."""

    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    creation_timestamp: Any = None
    deletion_timestamp: Any = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[dict[str, Any], ...] = ()
    managed_fields: tuple[dict[str, Any], ...] = ()


_NAME: Final = "^[a-z]([-a-z0-9]*[a-z0-9])?$"


class ModelStream(Part):
    """A machine-learning model as a function over a stream, run by Apache Flink."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="name",
            message="is the beginning of other names: write at most 40 lower-case letters, digits"
            " and '-', the first one a letter, such as fraud-scores",
            cel=f"self.metadata.name.size() <= {names.MAX_NAME_LENGTH} &&"
            f" self.metadata.name.matches('{_NAME}')",
            holds=lambda stream: (
                len(stream.metadata.name) <= names.MAX_NAME_LENGTH
                and re.search(_NAME, stream.metadata.name) is not None
            ),
            at=".metadata.name",
        ),
    )

    api_version: Literal["modelstream.dev/v1alpha1"] = "modelstream.dev/v1alpha1"
    """Always modelstream.dev/v1alpha1."""

    kind: Literal["ModelStream"] = "ModelStream"
    """Always ModelStream."""

    metadata: Metadata
    """Kubernetes' object metadata."""

    spec: ModelStreamSpec
    """What is wanted."""

    status: ModelStreamStatus = ModelStreamStatus()
    """What the operator has seen."""
