"""The JobManager: one pod that builds the job and coordinates it. It never gets a GPU."""

from collections.abc import Iterator

from modelstream_crds.names import JOB_ID
from modelstream_crds.restore import RESTORE_ELSE, RESTORE_FROM, RESTORE_LESS, RESTORE_NEWEST
from modelstream_crds.v1alpha1 import SecretKey
from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render import memory, pods
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

CPU = "250m"

ANSWERS: pods.Part = {"httpGet": {"path": "/config", "port": "rest"}}
"""Flink's REST answers. One that has not done so for five minutes hangs, and is started again."""


def jobmanager_deployment(target: Target) -> Manifest:
    """The JobManager's Deployment."""
    return pods.deployment(target, role(target))


def role(target: Target) -> pods.Role:
    """What makes a pod a JobManager."""
    stated = target.spec.flink.job_manager
    limit = memory.limit(stated.resources, memory.JOBMANAGER_DEFAULT)
    environment = {JOB_ID: target.job_id, "NVIDIA_VISIBLE_DEVICES": "void"}
    restored = {
        RESTORE_FROM: target.restore_from,
        RESTORE_NEWEST: target.restore_newest,
        RESTORE_ELSE: target.restore_else,
        RESTORE_LESS: target.restore_less,
    }
    environment |= {name: value for name, value in restored.items() if value}
    return pods.Role(
        component=Component.JOBMANAGER,
        deployment=names.jobmanager(target.name, target.run),
        resources=pods.resources(stated.resources, limit, CPU, {}),
        ports={
            "rpc": names.JOBMANAGER_RPC_PORT,
            "blob": names.BLOB_PORT,
            "rest": names.REST_PORT,
            "metrics": names.METRICS_PORT,
        },
        environment=environment,
        readiness={**ANSWERS, "periodSeconds": 2, "failureThreshold": 5},
        liveness={**ANSWERS, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 10},
        secrets=[*pods.secrets_of(target), *_secret_options(target)],
        template=stated.pod_template,
    )


def _secret_options(target: Target) -> Iterator[SecretKey]:
    """Secrets of sources and sinks; only the JobManager, which builds the job, reads them."""
    pipeline = target.spec.pipeline
    if pipeline is None:
        return
    for end in (pipeline.source, pipeline.sink, pipeline.dead_letter):
        if end is not None:
            yield from end.secret_options.values()
