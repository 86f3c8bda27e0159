"""What a pod is: its role, whether it lives, has a node, is ready, or should have ended. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from modelstream_operator import names
from modelstream_operator.decide.fields import stamp
from modelstream_operator.resources import Manifest

OVERDUE = timedelta(minutes=2)
"""How long after the end of its grace a pod that is still there is worth a warning."""


def component(pod: Manifest) -> str:
    """The role of a pod."""
    return str(pod["metadata"].get("labels", {}).get(names.LABEL_COMPONENT, ""))


def is_ended(pod: Manifest) -> bool:
    """Whether nothing of it runs or will run again: evicted, shut down with its node, done.

    Such an object is history. It may stay for weeks beside the pod that took its place, and its
    ReplicaSet never deletes it, not even at zero replicas. One that was told to end before it had a
    node gets none any more, and stays only as long as somebody's finalizer does.
    """
    over = pod["status"].get("phase") in {"Failed", "Succeeded"}
    return over or (is_leaving(pod) and not is_scheduled(pod))


def is_leaving(pod: Manifest) -> bool:
    """Whether it has been told to end."""
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: Manifest) -> bool:
    """Whether a pod's readiness probes succeed; for a TaskManager: all models are loaded."""
    conditions = pod["status"].get("conditions", ())
    return not is_leaving(pod) and any(
        each["type"] == "Ready" and each["status"] == "True" for each in conditions
    )


def last_words(container: Mapping[str, Any]) -> str:
    """What a container wrote before it ended last; empty of one that has not, or wrote nothing."""
    for state in (container.get("state", {}), container.get("lastState", {})):
        if "terminated" in state:
            return str(state["terminated"].get("message", ""))
    return ""


def is_scheduled(pod: Manifest) -> bool:
    """Whether a pod has a node."""
    return bool(pod["spec"].get("nodeName"))


def overdue(pods: Iterable[Manifest], nodes: Sequence[Manifest], now: datetime) -> str:
    """Which pods should have ended long ago, where, and what a person can do; else empty."""
    return "; ".join(
        _overdue(pod, nodes)
        for pod in sorted(pods, key=lambda each: str(each["metadata"]["name"]))
        if is_leaving(pod) and now - _deadline(pod) > OVERDUE
    )


def unasked(pods: Iterable[Manifest], since: datetime | None, now: datetime) -> str:
    """Which pods nobody has told to end for long, and what a person can do; else empty."""
    left = sorted(str(pod["metadata"]["name"]) for pod in pods if not is_leaving(pod))
    if not left or since is None or now - since <= OVERDUE:
        return ""
    return (
        f"pods {', '.join(left)} have not been told to end since {stamp(since)}, and no"
        " Deployment of the stream asks for them: look at the kube-controller-manager and at who"
        " owns them, or delete them"
    )


def _deadline(pod: Manifest) -> datetime:
    """Kubernetes writes when the grace ends, not when the deletion was asked for."""
    return datetime.fromisoformat(pod["metadata"]["deletionTimestamp"])


def _overdue(pod: Manifest, nodes: Sequence[Manifest]) -> str:
    meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
    remedy = f"kubectl delete pod {meta['name']} -n {meta['namespace']} --force"
    return (
        f"pod {meta['name']} on node {node}{_state(node, nodes)} should have ended at"
        f" {meta['deletionTimestamp']}: it may still write, so that it is waited for. Once its"
        f" process is known to be gone: delete the node, or {remedy}"
    )


def _state(node: str, nodes: Sequence[Manifest]) -> str:
    """What is known of a node that is not well; nothing where nodes may not be read."""
    found = next((each for each in nodes if each["metadata"]["name"] == node), None)
    if found is None:
        return " (which is gone)" if nodes else ""
    for each in found["status"].get("conditions", ()):
        if each["type"] == "Ready" and each["status"] != "True":
            return f" (not ready since {each['lastTransitionTime']})"
    return ""
