"""The options of ``flink.configuration`` that a ModelStream sets itself.

A key of this list is refused, never dropped. The CustomResourceDefinition, ``validate`` and the
operator use the same list.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PODS = "leave it out, ModelStream connects the pods itself"
_START = "leave it out, ModelStream chooses what a job starts from"
_LIFE = "leave it out, ModelStream keeps the job's life cycle"
_HA = "write spec.state.storage, which brings high availability"
_STORAGE = "write spec.state.storage"
_JM_MEMORY = "write spec.flink.jobManager.resources.limits.memory"
_TM_MEMORY = "write spec.flink.taskManager.resources.limits.memory"
_PROCESS = "leave it out, TensorFlow needs Python workers that are processes of their own"
_INTERPRETER = "choose it with spec.flink.image"
_BATCH = "write spec.pipeline.inference.batch"

RESERVED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "$internal.pipeline.job-id": _LIFE,
        "blob.server.port": _PODS,
        "execution.checkpointing.dir": _STORAGE,
        "execution.checkpointing.externalized-checkpoint-retention": _LIFE,
        "execution.checkpointing.interval": "write spec.state.checkpointInterval",
        "execution.checkpointing.savepoint-dir": _STORAGE,
        "execution.checkpointing.storage": _STORAGE,
        "execution.runtime-mode": "write spec.flink.runtimeMode",
        "execution.savepoint.path": _START,
        "execution.shutdown-on-application-finish": _LIFE,
        "execution.state-recovery.path": _START,
        "execution.submit-failed-job-on-application-error": _LIFE,
        "execution.target": _PODS,
        "external-resources": "write spec.gpu.count",
        "high-availability": _HA,
        "high-availability.cluster-id": _HA,
        "high-availability.jobmanager.port": _PODS,
        "high-availability.storageDir": _HA,
        "high-availability.type": _HA,
        "jobmanager.bind-host": _PODS,
        "jobmanager.memory.flink.size": _JM_MEMORY,
        "jobmanager.memory.process.size": _JM_MEMORY,
        "jobmanager.rpc.address": _PODS,
        "jobmanager.rpc.port": _PODS,
        "jobmanager.scheduler": "leave it out, scaling needs the adaptive scheduler",
        "kubernetes.cluster-id": _PODS,
        "kubernetes.namespace": _PODS,
        "metrics.reporter.prom.port": _PODS,
        "parallelism.default": "write spec.flink.parallelism",
        "pipeline.fixed-job-id": _LIFE,
        "pipeline.name": "write metadata.name",
        "python.client.executable": _INTERPRETER,
        "python.executable": _INTERPRETER,
        "python.execution-mode": _PROCESS,
        "rest.address": _PODS,
        "rest.bind-address": _PODS,
        "rest.bind-port": _PODS,
        "rest.port": _PODS,
        "state.checkpoints.dir": _STORAGE,
        "state.savepoints.dir": _STORAGE,
        "taskmanager.bind-host": _PODS,
        "taskmanager.data.bind-port": _PODS,
        "taskmanager.data.port": _PODS,
        "taskmanager.host": _PODS,
        "taskmanager.memory.flink.size": _TM_MEMORY,
        "taskmanager.memory.process.size": _TM_MEMORY,
        "taskmanager.numberOfTaskSlots": "write spec.flink.taskManager.slots",
        "taskmanager.rpc.bind-port": _PODS,
        "taskmanager.rpc.port": _PODS,
        "web.cancel.enable": _LIFE,
        "web.submit.enable": _LIFE,
    }
)

# A pipeline's batch sets these for the whole job; sql and python jobs may set them.
RESERVED_BY_BATCH: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(
        (
            "python.fn-execution.arrow.batch.size",
            "python.fn-execution.bundle.size",
            "python.fn-execution.bundle.time",
        ),
        _BATCH,
    )
)
