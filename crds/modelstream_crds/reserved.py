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
_WAIT = "leave it out, a job waits for its pods as long as they take"
_SCHEDULER = "leave it out, scaling needs the adaptive scheduler"
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
        "application-result-store.delete-on-commit": _LIFE,
        "application-result-store.storage-path": _STORAGE,
        "blob.server.port": _PODS,
        "completed-application-store.expiration-time": _LIFE,
        "execution.checkpointing.create-subdir": _STORAGE,
        "execution.checkpointing.dir": _STORAGE,
        "execution.checkpointing.externalized-checkpoint-retention": _LIFE,
        "execution.checkpointing.interval": "write spec.state.checkpointInterval",
        "execution.checkpointing.num-retained": _LIFE,
        "execution.checkpointing.savepoint-dir": _STORAGE,
        "execution.checkpointing.storage": _STORAGE,
        "execution.runtime-mode": "write spec.flink.runtimeMode",
        "execution.savepoint-restore-mode": _START,
        "execution.savepoint.ignore-unclaimed-state": _START,
        "execution.savepoint.path": _START,
        "execution.shutdown-on-application-finish": _LIFE,
        "execution.state-recovery.claim-mode": _START,
        "execution.state-recovery.ignore-unclaimed-state": _START,
        "execution.state-recovery.path": _START,
        "execution.submit-failed-job-on-application-error": _LIFE,
        "execution.target": _PODS,
        "external-resources": "write spec.gpu.count",
        "high-availability": _HA,
        "high-availability.cluster-id": _HA,
        "high-availability.jobmanager.port": _PODS,
        "high-availability.storageDir": _HA,
        "high-availability.type": _HA,
        "high-availability.zookeeper.path.namespace": _HA,
        "high-availability.zookeeper.storageDir": _HA,
        "job-result-store.delete-on-commit": _LIFE,
        "job-result-store.storage-path": _STORAGE,
        "jobmanager.adaptive-scheduler.resource-wait-timeout": _WAIT,
        "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": _WAIT,
        "jobmanager.bind-host": _PODS,
        "jobmanager.memory.flink.size": _JM_MEMORY,
        "jobmanager.memory.process.size": _JM_MEMORY,
        "jobmanager.rpc.address": _PODS,
        "jobmanager.rpc.bind-port": _PODS,
        "jobmanager.rpc.port": _PODS,
        "jobmanager.scheduler": _SCHEDULER,
        "jobmanager.web.address": _PODS,
        "jobmanager.web.port": _PODS,
        "jobmanager.web.submit.enable": _LIFE,
        "jobstore.expiration-time": _LIFE,
        "kubernetes.cluster-id": _PODS,
        "kubernetes.namespace": _PODS,
        "metrics.reporter.prom.port": _PODS,
        "parallelism.default": "write spec.flink.parallelism",
        "pipeline.fixed-job-id": _LIFE,
        "pipeline.name": "write metadata.name",
        "python.client.executable": _INTERPRETER,
        "python.executable": _INTERPRETER,
        "python.execution-mode": _PROCESS,
        "recovery.jobmanager.port": _PODS,
        "recovery.mode": _HA,
        "recovery.zookeeper.path.namespace": _HA,
        "recovery.zookeeper.storageDir": _HA,
        "rest.address": _PODS,
        "rest.async.store-duration": _LIFE,
        "rest.bind-address": _PODS,
        "rest.bind-port": _PODS,
        "rest.port": _PODS,
        "savepoints.state.backend.fs.dir": _STORAGE,
        "scheduler-mode": _SCHEDULER,
        "security.ssl.rest.enabled": _PODS,
        "slot.request.timeout": _WAIT,
        "state.backend.fs.checkpointdir": _STORAGE,
        "state.checkpoint-storage": _STORAGE,
        "state.checkpoints.create-subdir": _STORAGE,
        "state.checkpoints.dir": _STORAGE,
        "state.checkpoints.num-retained": _LIFE,
        "state.savepoints.dir": _STORAGE,
        "taskmanager.bind-host": _PODS,
        "taskmanager.data.bind-port": _PODS,
        "taskmanager.data.port": _PODS,
        "taskmanager.host": _PODS,
        "taskmanager.maxRegistrationDuration": _WAIT,
        "taskmanager.memory.flink.size": _TM_MEMORY,
        "taskmanager.memory.process.size": _TM_MEMORY,
        "taskmanager.numberOfTaskSlots": "write spec.flink.taskManager.slots",
        "taskmanager.registration.timeout": _WAIT,
        "taskmanager.rpc.bind-port": _PODS,
        "taskmanager.rpc.port": _PODS,
        "web.address": _PODS,
        "web.cancel.enable": _LIFE,
        "web.port": _PODS,
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
