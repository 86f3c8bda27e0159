"""What no schema can see: a spec that Kubernetes stores and that cannot run."""

from collections.abc import Iterator, Mapping

from modelstream_operator.decide.podtemplate import template_refusals
from modelstream_operator.render import gpu, memory
from modelstream_operator.render.config import MAX_PARALLELISM, flink_options
from modelstream_operator.render.target import Target


def refusals(target: Target) -> Iterator[str]:
    """Each with its field and what to write instead."""
    yield from _memory(target)
    flink = target.spec.flink
    yield from template_refusals(
        "spec.flink.jobManager.podTemplate", flink.job_manager.pod_template
    )
    yield from template_refusals(
        "spec.flink.taskManager.podTemplate", flink.task_manager.pod_template
    )
    yield from _account(target)
    yield from _placement(target)
    if target.streaming:
        most = flink_options(target).get("pipeline.max-parallelism", str(MAX_PARALLELISM))
        if most.isdigit() and target.parallelism > int(most):
            yield (
                f"spec.flink.parallelism: {target.parallelism} is more than the job can ever have:"
                f" set pipeline.max-parallelism ({most}) in spec.flink.configuration, for a new job"
            )


def _account(target: Target) -> Iterator[str]:
    name, allowed = target.spec.flink.service_account.name, target.settings.service_accounts
    if name is not None and allowed and name not in allowed:
        yield (
            f"spec.flink.serviceAccount.name: {name} is not one that the administrator allows:"
            f" write one of {', '.join(allowed)}, or leave it out"
        )


def _placement(target: Target) -> Iterator[str]:
    """What the TaskManagers' podTemplate says otherwise than spec.gpu: both cannot hold."""
    theirs = target.spec.flink.task_manager.pod_template.get("spec") or {}
    if not isinstance(theirs, Mapping):
        return  # refused as no Pod
    ours, path = gpu.placement(target), "spec.flink.taskManager.podTemplate.spec"
    selector = theirs.get("nodeSelector") or {}
    for label, value in ours.get("nodeSelector", {}).items():
        if selector.get(label, value) != value:
            yield (
                f"{path}.nodeSelector[{label}]: {selector[label]} is not {value}, as"
                " spec.gpu.nodeSelector has it: write it once"
            )
    mine, other = ours.get("runtimeClassName"), theirs.get("runtimeClassName")
    if mine and other and mine != other:
        yield (
            f"{path}.runtimeClassName: {other} is not {mine}, as spec.gpu.runtimeClassName has it:"
            " write it once"
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
