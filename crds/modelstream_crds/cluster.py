"""spec.gpu and spec.flink: the Flink cluster that runs the job, and its GPUs."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, WithJsonSchema

from modelstream_crds.reserved import RESERVED, RESERVED_BY_BATCH
from modelstream_crds.rules import ListOf, Part, Rule
from modelstream_crds.scalars import (
    Amount,
    Bytes,
    Flag,
    ObjectName,
    OptionKey,
    OptionValue,
    PositiveInt,
    Text,
)
from modelstream_crds.stream import SecretOptions

Labels = Annotated[dict[Text, Annotated[str, Field(max_length=253)]], Field(max_length=64)]


class Toleration(Part):
    """A taint that the TaskManagers tolerate, as in a Pod."""

    key: Annotated[str, Field(max_length=253)] | None = None
    """The taint's key. Empty with operator Exists: every taint."""

    operator: Annotated[str, Field(max_length=16)] | None = None
    """Exists or Equal. Default: Equal."""

    value: Annotated[str, Field(max_length=63)] | None = None
    """The taint's value."""

    effect: Annotated[str, Field(max_length=32)] | None = None
    """NoSchedule, PreferNoSchedule or NoExecute. Default: each of them."""

    toleration_seconds: Annotated[int, Field(strict=True, ge=0)] | None = None
    """How long a NoExecute taint is tolerated. Default: for ever."""


class Gpu(Part):
    """The GPUs of a TaskManager, and the nodes that have them."""

    count: Annotated[int, Field(strict=True, ge=0, le=64)] = 1
    """GPUs of each TaskManager; 0 runs on the CPU."""

    resource_name: Text = "nvidia.com/gpu"
    """The extended resource that is asked for, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb."""

    products: Annotated[tuple[Text, ...], ListOf(), Field(max_length=32)] = ()
    """GPU products that will do, as the node label nvidia.com/gpu.product names them. Empty:
    any."""

    allow_shared: Flag = False
    """Nodes will do whose GPUs are shared (time slicing or MPS)."""

    allow_mig: Flag = False
    """Nodes will do whose GPUs are MIG slices."""

    min_memory: Bytes | None = None
    """The least memory of a GPU, by the node label nvidia.com/gpu.memory."""

    node_selector: Labels = Field(default_factory=dict)
    """Labels that a TaskManager's node has."""

    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = ()
    """Taints that TaskManagers tolerate; nvidia.com/gpu:NoSchedule always is."""

    runtime_class_name: ObjectName | None = None
    """The RuntimeClass of the TaskManagers, such as nvidia."""

    memory_growth: Flag = True
    """TensorFlow takes GPU memory as it needs it, instead of all at once."""


def _names_gpu(resource: str) -> bool:
    return "gpu" in resource or resource.startswith("nvidia.com/")


_NO_GPU: Final = "!has({0}) || !{0}.exists(r, r.contains('gpu') || r.startsWith('nvidia.com/'))"


def _gpu_rule(field: str) -> Rule:
    return Rule(
        name=f"gpu-in-{field}",
        message="asks for a GPU, which has a place of its own: write spec.gpu.count (and"
        " spec.gpu.resourceName)",
        cel=_NO_GPU.format(f"self.{field}"),
        holds=lambda r: not any(_names_gpu(name) for name in getattr(r, field)),
        at=f".{field}",
    )


Amounts = Annotated[dict[Text, Amount], Field(max_length=16)]


class Resources(Part):
    """Compute resources of a pod, as in a Pod's container."""

    rules: ClassVar[tuple[Rule, ...]] = (_gpu_rule("limits"), _gpu_rule("requests"))

    limits: Amounts = Field(default_factory=dict)
    """The most that the pod gets: cpu, memory, ephemeral-storage, ..."""

    requests: Amounts = Field(default_factory=dict)
    """What the pod is promised. Default: its limits."""


# Merged under what ModelStream sets; Kubernetes' own schema of it is 100 times this resource.
PodTemplate = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
]


class ServiceAccount(Part):
    """Who the pods are, at the API server and at a cloud. The program has all of its rights."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="account-name-or-annotations",
            message="has a name too: write the annotations on that ServiceAccount, or leave out the"
            " name for one of the stream's own",
            cel="!has(self.name) || !has(self.annotations) || size(self.annotations) == 0",
            holds=lambda account: not (account.name and account.annotations),
            at=".annotations",
        ),
    )

    name: ObjectName | None = None
    """A ServiceAccount that is there. Default: one of the stream's own, without rights."""

    annotations: Annotated[
        dict[Text, Annotated[str, Field(max_length=1024)]], Field(max_length=16)
    ] = Field(default_factory=dict)
    """Annotations of the stream's own ServiceAccount, such as eks.amazonaws.com/role-arn."""


class JobManager(Part):
    """The pod that coordinates the job."""

    resources: Resources = Resources()
    """Compute resources of the pod. Default: the operator's."""

    pod_template: PodTemplate = Field(default_factory=dict)
    """A pod template (metadata, spec) that the rendered pod is merged over; the container is named
    main."""


class TaskManager(Part):
    """The pods that hold the model and do the work."""

    replicas: Annotated[int, Field(strict=True, ge=0, le=1000)] = 1
    """How many TaskManagers run; `kubectl scale` and autoscalers change it."""

    slots: PositiveInt | None = None
    """Python workers, and so loaded models, of each TaskManager. Default: gpu.count, at least 1."""

    resources: Resources = Resources()
    """Compute resources of each pod. Default: the operator's."""

    pod_template: PodTemplate = Field(default_factory=dict)
    """A pod template (metadata, spec) that the rendered pod is merged over; the container is named
    main."""


class RuntimeMode(StrEnum):
    """How Flink runs the job."""

    STREAMING = "Streaming"
    BATCH = "Batch"


def _escaped(key: str) -> str:
    """A property's name as CEL spells it."""
    return key.replace("-", "__dash__").replace(".", "__dot__")


def _reserved_rule(key: str, instead: str) -> Rule:
    visible = not key.startswith("$")
    return Rule(
        name=f"reserved {key}",
        message=f"is set by ModelStream: {instead}",
        cel=f"!has(self.{_escaped(key)})" if visible else None,
        holds=lambda configuration: key not in configuration,
        at=f"['{key}']" if visible else f"[{key}]",
    )


# CEL sees the keys of a map with free values only where they are declared one by one.
_CONFIGURATION_SCHEMA: Final = {
    "type": "object",
    "maxProperties": 200,
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        key: {"x-kubernetes-int-or-string": True, "description": f"Refused: {instead}."}
        for key, instead in {**RESERVED, **RESERVED_BY_BATCH}.items()
        if not key.startswith("$")
    },
}

Configuration = Annotated[
    dict[OptionKey, OptionValue],
    Field(max_length=200),
    WithJsonSchema(_CONFIGURATION_SCHEMA),
    *(_reserved_rule(key, instead) for key, instead in RESERVED.items()),
]

_SECRET_RESERVED: Final = Rule(
    name="secret-reserved",
    message="holds an option that ModelStream sets: leave out the options of the operator (the"
    " list is in the documentation of spec.flink.configuration)",
    cel=f"self.all(k, !(k in [{', '.join(repr(key) for key in RESERVED)}]))",
    holds=lambda options: not (options.keys() & RESERVED.keys()),
)


class Flink(Part):
    """The Flink cluster that runs the job."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="configuration-and-secret",
            message="stands in configuration too: write each option once",
            holds=lambda f: not (f.configuration.keys() & f.secret_configuration.keys()),
            at=".secretConfiguration",
        ),
    )

    image: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """The runtime image. Default: the operator's, for CPU or GPU as spec.gpu.count says."""

    parallelism: PositiveInt | None = None
    """The job's parallelism. Default: the slots of all TaskManagers."""

    runtime_mode: RuntimeMode = RuntimeMode.STREAMING
    """Streaming, or Batch for bounded sources."""

    service_account: ServiceAccount = ServiceAccount()
    """Who the pods are, at the API server and at a cloud. The program has all of its rights."""

    job_manager: JobManager = JobManager()
    """The pod that coordinates the job."""

    task_manager: TaskManager = TaskManager()
    """The pods that hold the model and do the work."""

    configuration: Configuration = Field(default_factory=dict)
    """Flink's own options. Those that ModelStream sets are refused, with what to write instead."""

    secret_configuration: Annotated[SecretOptions, _SECRET_RESERVED] = Field(default_factory=dict)
    """Flink options whose values come from Secrets, such as s3.secret-key."""
