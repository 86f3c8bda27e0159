"""The TaskManagers: the pods that hold the models, on the nodes with GPUs."""

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render import gpu, memory, pods
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

CPU = "1"

READINESS: pods.Part = {
    "exec": {"command": ["modelstream-pod", "ready"]},
    "periodSeconds": 2,
    "timeoutSeconds": 5,
    "failureThreshold": 3,
}
"""Ready when every model is loaded and no worker has just been killed; does not start Python."""


def taskmanager_deployment(target: Target) -> Manifest:
    """The TaskManagers' Deployment."""
    return pods.deployment(target, role(target))


def role(target: Target) -> pods.Role:
    """What makes a pod a TaskManager."""
    stated = target.spec.flink.task_manager
    limit = memory.limit(stated.resources, memory.TASKMANAGER_DEFAULT)
    return pods.Role(
        component=Component.TASKMANAGER,
        deployment=names.taskmanager(target.name, target.run),
        resources=pods.resources(stated.resources, limit, CPU, gpu.limits(target)),
        ports={
            "data": names.TASKMANAGER_DATA_PORT,
            "rpc": names.TASKMANAGER_RPC_PORT,
            "metrics": names.METRICS_PORT,
        },
        environment=gpu.environment(target),
        readiness=READINESS,
        liveness=None,  # the JobManager's heartbeats see one that hangs
        secrets=pods.secrets_of(target),
        template=stated.pod_template,
        placement=gpu.placement(target),
    )
