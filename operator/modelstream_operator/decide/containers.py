"""What one container's status says is wrong: pull, configuration, crash, memory."""

from collections.abc import Mapping
from typing import Any

from modelstream_crds.podreasons import PodReason
from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.cause import JVM_OUT_OF_MEMORY, Cause, cause_of
from modelstream_operator.decide.pods import component
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.names import Component
from modelstream_operator.render import memory
from modelstream_operator.render.pods import MAIN
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

_PULL = {
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
}
_START = {"CreateContainerError", "RunContainerError", "PostStartHookError"}
_TITLES = {
    Component.JOBMANAGER.value: "JobManager",
    Component.TASKMANAGER.value: "TaskManager",
    Component.PROOF.value: "proof",
    Component.SWEEP.value: "sweep",
}


def container_problem(status: Mapping[str, Any], pod: Manifest, target: Target) -> Problem | None:
    """The problem of one container; None for one that runs, waits its turn or has succeeded."""
    waiting = status.get("state", {}).get("waiting", {})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    about, who = _about(status, pod), _who(status, pod)
    if reason in _PULL:
        return _pull_problem(about, status, message or reason, target)
    if reason == "CreateContainerConfigError":
        text = f"{who} cannot start: {message}"
        missing = "secret" in message and "not found" in message
        return Problem(about, Reason.SECRET_NOT_FOUND if missing else Reason.CONTAINER_CONFIG, text)
    if reason in _START:
        return Problem(about, Reason.CONTAINER_START, f"{who} cannot start: {message or reason}")
    ended = _ended(status)
    if ended is None:
        return None
    if ended.get("reason") == "OOMKilled":
        return _memory_problem(about, who, pod, target)
    cause = cause_of(ended.get("message", ""), ended.get("exitCode", 0))
    if cause.reason == JVM_OUT_OF_MEMORY:
        return _jvm_problem(about, who, pod, cause)
    return _crash(about, who, cause, status.get("restartCount", 0))


def _ended(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How the container ended last, if that was a failure from which it has not recovered."""
    if status.get("ready"):
        return None
    current = status.get("state", {}).get("terminated")
    ended = current or status.get("lastState", {}).get("terminated")
    return ended if ended and ended.get("exitCode", 0) != 0 else None


def _about(status: Mapping[str, Any], pod: Manifest) -> ConditionType:
    """Init containers bring the models; a TaskManager that does not run has none loaded."""
    if status["name"] != MAIN:
        return ConditionType.MODELS_AVAILABLE
    return (
        ConditionType.MODELS_LOADED
        if component(pod) == Component.TASKMANAGER
        else ConditionType.JOB_RUNNING
    )


def _who(status: Mapping[str, Any], pod: Manifest) -> str:
    title = _TITLES.get(component(pod), "pod")
    return title if status["name"] == MAIN else f"{title} container {status['name']}"


def _pull_problem(
    about: ConditionType, status: Mapping[str, Any], message: str, target: Target
) -> Problem:
    """An image that holds a model is told by its model: the container only waits for it."""
    what = f"image {status.get('image', '')} of container {status['name']}"
    for model in target.spec.models:
        reference = model.uri.removeprefix("image://")
        if reference != model.uri and reference in message:
            about, what = ConditionType.MODELS_AVAILABLE, f"the image of model {model.name}"
    return Problem(about, Reason.IMAGE_PULL, f"{what} cannot be pulled: {message}")


def _crash(about: ConditionType, who: str, cause: Cause, restarts: int) -> Problem:
    """A container's own word for its failure is the reason; the rest is a crash."""
    if cause.reason == PodReason.GPU_NOT_VISIBLE:
        about = ConditionType.GPU_AVAILABLE
    reason = Reason.CRASH if cause.reason == "Exited" else cause.reason
    again = f" (restarted {restarts} times)" if restarts > 1 else ""
    return Problem(about, reason, f"{who} failed: {cause.message}{again}")


def _memory_problem(about: ConditionType, who: str, pod: Manifest, target: Target) -> Problem:
    """Flink keeps the JVM inside its share, so what grew is Python with TensorFlow."""
    flink = target.spec.flink
    if component(pod) == Component.TASKMANAGER:
        split = memory.taskmanager(flink.task_manager.resources)
        remedy = "or lower the batch size or the slots"
    else:
        split = memory.jobmanager(flink.job_manager.resources)
        remedy = "which goes to both sides"
    text = (
        f"{who} was killed for lack of memory (limit {split.limit} MiB: {split.jvm} MiB for the"
        f" JVM, which keeps to it, {split.python} MiB for Python and TensorFlow): raise"
        f" {_limit(pod)}, {remedy}"
    )
    return Problem(about, Reason.OUT_OF_MEMORY, text)


def _jvm_problem(about: ConditionType, who: str, pod: Manifest, cause: Cause) -> Problem:
    """The JVM ran out of the share that it has, which grows with the limit."""
    text = f"the JVM of the {who} has too little memory ({cause.message}): raise {_limit(pod)}"
    return Problem(about, JVM_OUT_OF_MEMORY, text)


def _limit(pod: Manifest) -> str:
    """The field of the spec that sets the pod's memory."""
    role = "taskManager" if component(pod) == Component.TASKMANAGER else "jobManager"
    return f"spec.flink.{role}.resources.limits.memory"
