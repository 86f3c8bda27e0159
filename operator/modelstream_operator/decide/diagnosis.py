"""Why a pod does not run, from what Kubernetes says of it. Pure: watched objects in, causes out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.claims import claim_problems
from modelstream_operator.decide.containers import container_problem
from modelstream_operator.decide.pods import component, is_leaving, is_ready
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.scheduling import is_binding, unschedulable
from modelstream_operator.names import ROLES, Component
from modelstream_operator.render.models import VERIFY
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

BINDING_GRACE = timedelta(seconds=10)
"""A claim that is being bound makes the scheduler complain for some seconds."""

_ORDER = (
    ConditionType.MODELS_AVAILABLE,
    ConditionType.GPU_AVAILABLE,
    ConditionType.JOB_RUNNING,
    ConditionType.MODELS_LOADED,
)
_SANDBOX_EVENT = "FailedCreatePodSandBox"
_MOUNT_EVENTS = ("FailedMount", "FailedAttachVolume", _SANDBOX_EVENT)
_WORKER_KILLED = re.compile(r"(PythonWorker\w+): (.*)", re.DOTALL)
_NO_SECRET = re.compile(r'secret "([^"]+)" not found')
_NO_CONFIG_MAP = re.compile(r'configmap "([^"]+)" not found')


@dataclass(frozen=True)
class Scene:
    """What diagnosis looks at."""

    target: Target
    now: datetime
    pods: Sequence[Manifest] = ()
    """The pods that live."""
    ended: Sequence[Manifest] = ()
    """Those that have ended: a cause only while their role has none that lives."""
    deployments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Status of each Deployment by its name."""

    events: Sequence[Manifest] = ()
    nodes: Sequence[Manifest] = ()
    claims: Mapping[str, Manifest | None] = field(default_factory=dict)
    """The claims that the resource names; None for one that does not exist."""


@dataclass(frozen=True)
class Verified:
    """A model as the init container ``verify`` found it."""

    digest: str
    signatures: tuple[str, ...]


def diagnose(scene: Scene) -> tuple[Problem, ...]:
    """Every cause once, in the order in which a pod would meet them."""
    found = [
        *claim_problems(scene.target, scene.claims),
        *_refused(scene),
        *_differing(scene.pods),
        *(problem for pod in scene.pods for problem in pod_problems(pod, scene)),
        *_unreplaced(scene),
    ]
    unique = list(dict.fromkeys(found))
    return tuple(sorted(unique, key=lambda problem: _ORDER.index(problem.about)))


def verified_models(pods: Sequence[Manifest]) -> dict[str, Verified]:
    """The models by name, from the termination messages of ``verify``."""
    found: dict[str, Verified] = {}
    for pod in pods:
        for status in pod["status"].get("initContainerStatuses", ()):
            ended = status.get("state", {}).get("terminated", {})
            if status["name"] == VERIFY and ended.get("exitCode") == 0:
                found.update(_verified(ended.get("message", "")))
    return found


def first_digests(pods: Sequence[Manifest], models: Set[str]) -> dict[str, str]:
    """The models of the TaskManager that has verified them all before any other."""
    found = [(pod, verified_models([pod])) for pod in pods if _is_taskmanager(pod)]
    whole = [(pod, verified) for pod, verified in found if verified and models <= verified.keys()]
    _, first = min(whole, key=lambda each: _verified_at(each[0]), default=(None, {}))
    return {name: first[name].digest for name in models if name in first}


def strangers(pods: Sequence[Manifest], known: Mapping[str, str]) -> list[Manifest]:
    """TaskManagers that verified other models before it was known what the run's are."""
    found = [pod for pod in pods if _is_taskmanager(pod) and not is_leaving(pod)]
    return [
        pod
        for pod in found
        if any(known.get(name, m.digest) != m.digest for name, m in verified_models([pod]).items())
    ]


def _is_taskmanager(pod: Manifest) -> bool:
    return component(pod) == Component.TASKMANAGER


def _verified_at(pod: Manifest) -> tuple[str, str]:
    ended = [
        str(each["state"]["terminated"].get("finishedAt", ""))
        for each in pod["status"].get("initContainerStatuses", ())
        if each["name"] == VERIFY and "terminated" in each.get("state", {})
    ]
    return max(ended, default=""), pod["metadata"]["name"]


def _verified(message: str) -> dict[str, Verified]:
    try:
        return {
            each["name"]: Verified(each["digest"], tuple(each.get("signatures", ())))
            for each in json.loads(message)["models"]
        }
    except (ValueError, KeyError, TypeError):
        return {}


def _differing(pods: Sequence[Manifest]) -> Iterator[Problem]:
    """Models that one TaskManager has with other contents than another."""
    found: dict[str, dict[str, str]] = {}
    for pod in pods:
        if _is_taskmanager(pod):
            for name, model in verified_models([pod]).items():
                found.setdefault(name, {}).setdefault(model.digest, pod["metadata"]["name"])
    for name, digests in found.items():
        if len(digests) > 1:
            which = ", ".join(f"{digest} in {pod}" for digest, pod in sorted(digests.items()))
            text = (
                f"model {name} is not the same in every TaskManager: {which}. Its contents were"
                " changed meanwhile: another spec.restartNonce loads what there is now into all,"
                " spec.models[].digest holds one"
            )
            yield Problem(ConditionType.MODELS_AVAILABLE, Reason.MODELS_DIFFER, text)


def _refused(scene: Scene) -> Iterator[Problem]:
    """Pods that the API server does not let the Deployment create."""
    for name, status in scene.deployments.items():
        for condition in status.get("conditions", ()):
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                message = condition.get("message", "")
                text = f"the pods of {name} are refused: {message}"
                yield Problem(ConditionType.JOB_RUNNING, refusal(message), text)


def refusal(message: str) -> Reason:
    """Why the API server lets a pod not be made."""
    if "exceeded quota" in message or "must specify" in message:
        return Reason.QUOTA
    return Reason.POD_SECURITY if "violates PodSecurity" in message else Reason.PODS_REFUSED


def pod_problems(pod: Manifest, scene: Scene) -> Iterator[Problem]:
    """What keeps one pod from its work, as far as it is seen."""
    if is_leaving(pod):
        return
    status = pod["status"]
    if (problem := _scheduling(pod, scene)) is not None:
        yield problem
        return
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    found = [container_problem(each, pod, scene.target) for each in containers]
    problems = [problem for problem in found if problem is not None]
    if problems:
        yield problems[0]
    elif any("waiting" in each.get("state", {}) for each in containers):
        yield from _mounting(pod, scene)
    elif not is_ready(pod):
        yield from _worker_killed(pod, scene)


def _unreplaced(scene: Scene) -> Iterator[Problem]:
    """The newest pod of a role that failed, as long as none has taken its place."""
    for role in ROLES:
        if any(component(pod) == role for pod in scene.pods):
            continue
        failed = [pod for pod in scene.ended if component(pod) == role and _has_failed(pod)]
        if failed:
            yield failure(max(failed, key=lambda pod: str(pod["metadata"]["creationTimestamp"])))


def _has_failed(pod: Manifest) -> bool:
    return bool(pod["status"]["phase"] == "Failed")


def failure(pod: Manifest) -> Problem:
    """A pod that has failed as a whole, in the kubelet's words."""
    status = pod["status"]
    reason = Reason.EVICTED if status.get("reason") == "Evicted" else Reason.POD_FAILED
    word, message = status.get("reason", "Failed"), status.get("message", "")
    text = f"pod {pod['metadata']['name']} failed: {word} {message}".rstrip()
    return Problem(ConditionType.JOB_RUNNING, reason, text)


def _scheduling(pod: Manifest, scene: Scene) -> Problem | None:
    for condition in pod["status"].get("conditions", ()):
        if condition["type"] != "PodScheduled" or condition["status"] != "False":
            continue
        message = condition.get("message", "")
        if is_binding(message) and _age(pod, scene.now) < BINDING_GRACE:
            return None
        if condition.get("reason") == "SchedulingGated" or not message:
            return None
        takes_gpu = component(pod) == Component.TASKMANAGER
        return unschedulable(message, takes_gpu, scene.target, scene.nodes)
    return None


def _age(pod: Manifest, now: datetime) -> timedelta:
    created = pod["metadata"].get("creationTimestamp")
    return now - datetime.fromisoformat(created) if created else timedelta.max


def _worker_killed(pod: Manifest, scene: Scene) -> Iterator[Problem]:
    """A container whose Python worker was killed lives on; its readiness probe says so."""
    name = pod["metadata"]["name"]
    about = [e for e in scene.events if e["involvedObject"].get("name") == name]
    for event in sorted(about, key=_when, reverse=True):
        if event.get("reason") == "Unhealthy":
            if said := _WORKER_KILLED.search(event.get("message", "")):
                yield Problem(ConditionType.MODELS_LOADED, said[1], f"pod {name}: {said[2]}")
            return


def _mounting(pod: Manifest, scene: Scene) -> Iterator[Problem]:
    """A pod that waits for its volumes says why only in events."""
    name = pod["metadata"]["name"]
    about = [e for e in scene.events if e["involvedObject"].get("name") == name]
    for event in sorted(about, key=_when, reverse=True):
        if event.get("reason") in _MOUNT_EVENTS:
            yield _mount_problem(name, event, scene)
            return


def _when(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _mount_problem(pod: str, event: Manifest, scene: Scene) -> Problem:
    about, message = ConditionType.JOB_RUNNING, event.get("message", "")
    if event["reason"] == _SANDBOX_EVENT:
        text = (
            f"the node cannot set up pod {pod} (network, or spec.gpu.runtimeClassName): {message}"
        )
        return Problem(about, Reason.SANDBOX, text)
    if secret := _NO_SECRET.search(message):
        text = f"Secret {secret[1]} does not exist: create it, or correct its name in the spec"
        return Problem(about, Reason.SECRET_NOT_FOUND, text)
    if config_map := _NO_CONFIG_MAP.search(message):
        text = (
            f"ConfigMap {config_map[1]} does not exist: create it, or correct its name in the spec"
        )
        return Problem(about, Reason.CONFIG_MAP_NOT_FOUND, text)
    return Problem(about, Reason.VOLUME, f"pod {pod} waits for a volume: {message}{_hint(scene)}")


def _hint(scene: Scene) -> str:
    """A claim that only one node may mount is the usual cause with several pods."""
    single = [
        name
        for name, claim in scene.claims.items()
        if claim and claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    ]
    if not single:
        return ""
    return (
        f"; claim {', '.join(single)} is ReadWriteOnce: all pods must be on one node, or it needs"
        " ReadOnlyMany or ReadWriteMany"
    )
