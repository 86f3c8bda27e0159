"""A podTemplate merged over the rendered pod, and the security that stays on top of both.

The merge follows Kubernetes' strategic merge: mappings are merged, lists of named things are
merged by their key, other lists are replaced (tolerations are added, because GPU nodes need ours).
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
"""What Pod Security's restricted profile asks of a container; a podTemplate cannot weaken it."""

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
        if field in LIST_KEYS:
            return _merge_lists(ours, theirs, field)
    return theirs


def _merge_lists(ours: list[Part], theirs: list[Part], field: str) -> list[Part]:
    key = LIST_KEYS[field]
    over = {each.get(key): each for each in theirs}
    known = {each.get(key) for each in ours}
    merged = [
        merge(each, over[each.get(key)], f"{field}[]") if each.get(key) in over else each
        for each in ours
    ]
    # All of theirs: two constraints or ports may share a key, and Kubernetes keeps both.
    return merged + [each for each in theirs if each.get(key) not in known]


def secure(spec: Part, user: int | None) -> Part:
    """The pod's spec with Pod Security's restricted profile written on top.

    ``user`` is whom the pod runs as that names nobody; None leaves that to the platform.
    """
    pod = {**_identity(user), **spec.get("securityContext", {}), **POD_SECURITY}
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
    context = {"readOnlyRootFilesystem": True, **container.get("securityContext", {})}
    context.pop("privileged", None)
    return {**container, "securityContext": {**context, **CONTAINER_SECURITY}}
