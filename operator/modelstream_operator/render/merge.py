"""A podTemplate merged over the rendered pod, and the security that stays on top of both.

The merge follows Kubernetes' strategic merge: mappings are merged, lists of named things are
merged by their key, other lists are replaced. Both sides hold for what decides about the node:
tolerations are added, and each of their node selector terms is narrowed by ours.
"""

from typing import Any

Part = dict[str, Any]

LIST_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
"""Lists of named things, and what names their items."""

_SOURCES_OF_ENV = ("value", "valueFrom")

CONTAINER_SECURITY: Part = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What Pod Security's restricted profile asks of a container that says nothing of its own."""

POD_SECURITY: Part = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def merge(ours: Any, theirs: Any, field: str = "") -> Any:
    """``theirs`` laid over ``ours``; neither is changed."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if field == "env[]" and any(source in theirs for source in _SOURCES_OF_ENV):
            return theirs
        both = {key: merge(ours.get(key), value, key) for key, value in theirs.items()}
        return {**ours, **both}
    if isinstance(ours, list) and isinstance(theirs, list):
        if field == "tolerations":
            return ours + [each for each in theirs if each not in ours]
        if field == "nodeSelectorTerms":
            return [_both(mine, each) for each in theirs for mine in ours]
        if field in LIST_KEYS:
            return _merge_lists(ours, theirs, field)
    return theirs


def _both(ours: Part, theirs: Part) -> Part:
    """A node selector term that is true where both are; an empty one is true of no node."""
    if not any(theirs.values()):
        return theirs
    lists = ("matchExpressions", "matchFields")
    joined = {key: [*theirs.get(key, ()), *ours.get(key, ())] for key in lists}
    return {**theirs, **{key: found for key, found in joined.items() if found}}


def _merge_lists(ours: list[Part], theirs: list[Part], field: str) -> list[Part]:
    key = LIST_KEYS[field]
    over = {each.get(key): each for each in theirs}
    known = {each.get(key) for each in ours}
    merged = [
        merge(each, over[each.get(key)], f"{field}[]") if each.get(key) in over else each
        for each in ours
    ]
    # All of theirs: two constraints or ports may share a key, and Kubernetes keeps both.
    new = [each for each in theirs if each.get(key) not in known]
    first = [each for each in new if field == "initContainers" and _is_sidecar(each)]
    return [*first, *merged, *(each for each in new if each not in first)]


def _is_sidecar(container: Part) -> bool:
    """Whether it runs as long as the pod does: fetching a model may need it, as a proxy."""
    return container.get("restartPolicy") == "Always"


def secure(spec: Part, user: int | None) -> Part:
    """The pod's spec with what Pod Security's restricted profile asks for where it says nothing.

    A podTemplate that asks for more than the profile allows has been refused before.
    ``user`` is whom the pod runs as that names nobody; None leaves that to the platform.
    """
    pod = {**_identity(user), **POD_SECURITY, **spec.get("securityContext", {})}
    containers = {
        field: [_secure_container(each) for each in spec[field]]
        for field in ("initContainers", "containers")
        if spec.get(field)
    }
    return {**spec, **containers, "securityContext": pod}


def _identity(user: int | None) -> Part:
    whom = {} if user is None else {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    return {**whom, "fsGroupChangePolicy": "OnRootMismatch"}


def _secure_container(container: Part) -> Part:
    stated = container.get("securityContext", {})
    context = {"readOnlyRootFilesystem": True, **CONTAINER_SECURITY, **stated}
    dropped = {**CONTAINER_SECURITY["capabilities"], **stated.get("capabilities", {})}
    return {**container, "securityContext": {**context, "capabilities": dropped}}
