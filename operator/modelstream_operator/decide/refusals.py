"""What no schema can see: a spec that Kubernetes stores and that cannot run."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelstream_operator.render import memory
from modelstream_operator.render.config import MAX_PARALLELISM, flink_options
from modelstream_operator.render.pods import MAIN
from modelstream_operator.render.target import Target

_MAIN_FIELDS = {
    "resources": "write resources beside podTemplate, which also splits the memory",
    "command": "leave it out, the operator starts the role",
    "args": "leave it out, the operator starts the role",
    "image": "write spec.flink.image",
}
_POD_FIELDS = {
    "hostNetwork": "leave it out, pods run under Pod Security's restricted profile",
    "hostPID": "leave it out, pods run under Pod Security's restricted profile",
    "hostIPC": "leave it out, pods run under Pod Security's restricted profile",
    "restartPolicy": "leave it out, Deployments restart their pods always",
}


def refusals(target: Target) -> Iterator[str]:
    """Each with its field and what to write instead."""
    yield from _memory(target)
    flink = target.spec.flink
    yield from _template("spec.flink.jobManager.podTemplate", flink.job_manager.pod_template)
    yield from _template("spec.flink.taskManager.podTemplate", flink.task_manager.pod_template)
    if target.streaming:
        most = flink_options(target).get("pipeline.max-parallelism", str(MAX_PARALLELISM))
        if most.isdigit() and target.parallelism > int(most):
            yield (
                f"spec.flink.parallelism: {target.parallelism} is more than the job can ever have:"
                f" set pipeline.max-parallelism ({most}) in spec.flink.configuration, for a new job"
            )


def _memory(target: Target) -> Iterator[str]:
    flink = target.spec.flink
    sides = (
        ("jobManager", memory.jobmanager(flink.job_manager.resources), memory.JOBMANAGER_JVM_LEAST),
        ("taskManager", memory.taskmanager(flink.task_manager.resources), memory.JVM_LEAST),
    )
    for role, split, least in sides:
        if memory.too_small(split, least):
            needed = least + memory.PYTHON_LEAST
            yield (
                f"spec.flink.{role}.resources.limits.memory: {split.limit} MiB is too little:"
                f" the JVM needs {least} MiB and Python {memory.PYTHON_LEAST} MiB; write at least"
                f" {needed}Mi"
            )


def _template(path: str, template: Mapping[str, Any]) -> Iterator[str]:
    spec = template.get("spec") or {}
    if not isinstance(spec, Mapping):
        yield f"{path}.spec: is no mapping: write it as in a Pod"
        return
    for field, instead in _POD_FIELDS.items():
        if spec.get(field):
            yield f"{path}.spec.{field}: is not possible: {instead}"
    for index, volume in enumerate(spec.get("volumes") or ()):
        if "hostPath" in volume:
            yield f"{path}.spec.volumes[{index}].hostPath: is not possible: use a claim"
    for index, container in enumerate(spec.get("containers") or ()):
        if container.get("name") == MAIN:
            for field, instead in _MAIN_FIELDS.items():
                if field in container:
                    yield f"{path}.spec.containers[{index}].{field}: is not possible: {instead}"
