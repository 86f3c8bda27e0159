"""Pods as a kubelet would report them: what status says of each, how soon, and what it posts."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.apiserver

SOON = 8.0
"""Seconds in which status says what the API server shows: without a watch it takes ten."""

TRACEBACK = "Traceback (most recent call last):\n  File \"/app/job.py\", line 3\nKeyError: 'x'\n"


def waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, message: str, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def container(name: str, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"name": name, "image": "r:1", "imageID": "", "ready": False, "restartCount": 0}
    return {**about, "state": state, **more}


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return {"conditions": [{**condition, "message": message}]}


CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "image": (
        "jobmanager",
        {"containerStatuses": [container("main", waiting("ErrImagePull", "no such tag"))]},
        *("ImagePullFailed", "no such tag"),
    ),
    "traceback": (
        "jobmanager",
        {
            "containerStatuses": [
                container("main", waiting("CrashLoopBackOff", ""), lastState=ended(1, TRACEBACK))
            ]
        },
        *("PythonError", "KeyError: 'x' (job.py, line 3)"),
    ),
    "memory": (
        "taskmanager",
        {"containerStatuses": [container("main", ended(137, "", "OOMKilled"))]},
        *("OutOfMemory", "taskManager.resources.limits.memory"),
    ),
    "digest": (
        "taskmanager",
        {
            "initContainerStatuses": [
                container("verify", ended(1, "DigestMismatch: expected sha256:a, got sha256:b"))
            ]
        },
        *("DigestMismatch", "expected sha256:a, got sha256:b"),
    ),
    "secret": (
        "taskmanager",
        {
            "containerStatuses": [
                container("main", waiting("CreateContainerConfigError", 'secret "s" not found'))
            ]
        },
        *("SecretNotFound", 'secret "s" not found'),
    ),
    "node": (
        "taskmanager",
        unscheduled("0/1 nodes are available: 1 Insufficient memory."),
        *("Unschedulable", "Insufficient memory"),
    ),
}


def pod_of(space: Any, role: str, suffix: str = "x") -> dict[str, Any]:
    """A pod of a Deployment, as its controller would make it."""
    template = space.get("deployments", f"scores-{role}-1")["spec"]["template"]
    name = f"scores-{role}-{suffix}"
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": name}
    made: dict[str, Any] = space.plane.request("POST", space.path("pods"), pod)
    return made


def make_claim(space: Any) -> None:
    """The claim that the stream's model is on."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    space.plane.request("POST", space.path("persistentvolumeclaims"), claim)


def said(space: Any, reason: str, words: str) -> bool:
    conditions = space.status("scores").get("conditions", ())
    return any(each["reason"] == reason and words in each["message"] for each in conditions)


def nothing_but_watches_wakes(space: Any, until: Callable[..., Any]) -> None:
    """A JobManager that is ready: without one the operator looks again every ten seconds."""
    until(lambda: space.get("deployments", "scores-jobmanager-1"))
    name = pod_of(space, "jobmanager", "ready")["metadata"]["name"]
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    space.patch("pods", name, {"status": ready}, part="/status")
    until(lambda: space.get("services", "scores-rest"))
    space.delete("services", "scores-rest")
    until(lambda: space.get("services", "scores-rest"))  # it has looked, and knows when again


@pytest.mark.parametrize("case", CASES)
def test_a_cause_is_said_soon_and_goes_with_the_pod(
    space: Any, scores: Any, until: Callable[..., Any], case: str
) -> None:
    role, status, reason, words = CASES[case]
    make_claim(space)
    space.create(scores)
    nothing_but_watches_wakes(space, until)
    until(lambda: space.get("deployments", f"scores-{role}-1"))
    name = pod_of(space, role)["metadata"]["name"]
    space.patch("pods", name, {"status": status}, part="/status")
    until(lambda: said(space, reason, words), SOON)
    space.plane.request("DELETE", space.path("pods", name) + "?gracePeriodSeconds=0")
    until(lambda: not said(space, reason, words), SOON)


def test_a_quota_that_the_deployment_meets_is_said_soon(
    space: Any, scores: Any, until: Callable[..., Any]
) -> None:
    space.create(scores)
    until(lambda: space.get("deployments", "scores-taskmanager-1"))
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": 'pods "x" is forbidden: exceeded quota: small',
    }
    path = ("deployments", "scores-taskmanager-1", {"status": {"conditions": [condition]}})
    space.patch(*path, part="/status")
    until(lambda: said(space, "QuotaExceeded", "exceeded quota: small"), SOON)


def test_an_event_is_posted_for_each_transition_of_ready_and_no_other(
    space: Any, scores: Any, until: Callable[..., Any]
) -> None:
    space.create(scores)
    until(lambda: said(space, "ClaimNotFound", "models"))
    until(lambda: reasons(space) == ["ClaimNotFound"])
    make_claim(space)
    until(lambda: space.condition("scores", "Ready")["reason"] == "Waiting")
    pod_of(space, "taskmanager")  # something changes, and Ready does not
    until(lambda: space.status("scores")["taskManager"]["replicas"] == 1)
    until(lambda: reasons(space) == ["ClaimNotFound", "Waiting"])


def test_an_evicted_pod_is_neither_counted_nor_a_cause_nor_waited_for(
    space: Any, scores: Any, until: Callable[..., Any]
) -> None:
    make_claim(space)
    space.create(scores)
    until(lambda: space.get("deployments", "scores-taskmanager-1"))
    evicted = pod_of(space, "taskmanager", "old")["metadata"]["name"]
    status = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    space.patch("pods", evicted, {"status": status}, part="/status")
    until(lambda: said(space, "Evicted", "low on memory"))
    lives = pod_of(space, "taskmanager", "new")["metadata"]["name"]
    until(lambda: not said(space, "Evicted", ""))
    assert space.status("scores")["taskManager"]["replicas"] == 1
    space.patch("modelstreams", "scores", {"spec": {"suspend": True}})
    space.plane.request("DELETE", space.path("pods", lives) + "?gracePeriodSeconds=0")
    space.controllers_scale_down("scores-jobmanager-1", "scores-taskmanager-1")
    until(lambda: space.status("scores")["phase"] == "Suspended")
    space.delete("modelstreams", "scores")
    until(lambda: space.get("modelstreams", "scores") is None)


def reasons(space: Any) -> list[str]:
    """Reasons of the events about the stream, in their order."""
    items = space.plane.request("GET", space.path("events"))["items"]
    about = [each for each in items if each["involvedObject"].get("kind") == "ModelStream"]
    about.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    return [each["reason"] for each in about]


def test_a_deletion_waits_for_the_pods_and_posts_that_once(
    space: Any, scores: Any, until: Callable[..., Any]
) -> None:
    space.create(scores)
    until(lambda: space.get("deployments", "scores-taskmanager-1"))
    pod = pod_of(space, "taskmanager")
    until(lambda: space.status("scores").get("taskManager", {}).get("replicas") == 1)
    before = ["ClaimNotFound"]
    until(lambda: reasons(space) == before)  # it is posted beside the passes
    space.delete("modelstreams", "scores")
    until(lambda: space.status("scores").get("phase") == "Deleting")
    with contextlib.suppress(AssertionError):  # several tries of the handler, none of them told
        until(lambda: space.get("modelstreams", "scores") is None, 3)
    assert space.get("modelstreams", "scores") is not None
    assert reasons(space) == [*before, "Deleting"]
    path = space.path("pods", pod["metadata"]["name"])
    space.plane.request("DELETE", f"{path}?gracePeriodSeconds=0")
    until(lambda: space.get("modelstreams", "scores") is None)
