"""What a podTemplate may not say, and what could not be merged: no schema checks it."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelstream_operator.render.merge import LIST_KEYS
from modelstream_operator.render.pods import MAIN

_MAIN_FIELDS = {
    "resources": "write resources beside podTemplate, which also splits the memory",
    "command": "leave it out, the operator starts the role",
    "args": "leave it out, the operator starts the role",
    "image": "write spec.flink.image",
}
_RESTRICTED = "leave it out, pods run under Pod Security's restricted profile"
_POD_FIELDS = {
    "hostNetwork": _RESTRICTED,
    "hostPID": _RESTRICTED,
    "hostIPC": _RESTRICTED,
    "restartPolicy": "leave it out, Deployments restart their pods always",
}
_CONTAINERS = ("containers", "initContainers")
_POD_LISTS = (
    *_CONTAINERS,
    "volumes",
    "imagePullSecrets",
    "hostAliases",
    "topologySpreadConstraints",
)
_CONTAINER_LISTS = ("env", "volumeMounts", "ports")


def template_refusals(path: str, template: Mapping[str, Any]) -> Iterator[str]:
    """Each with its field and what to write instead; shapes first, the rest relies on them."""
    template = {field: value for field, value in template.items() if value is not None}
    if shapes := list(_shapes(path, template)):
        yield from shapes
        return
    spec = template.get("spec", {})
    for field, instead in _POD_FIELDS.items():
        if spec.get(field):
            yield f"{path}.spec.{field}: is not possible: {instead}"
    yield from _root(f"{path}.spec", spec)
    for index, volume in enumerate(spec.get("volumes", ())):
        if "hostPath" in volume:
            yield f"{path}.spec.volumes[{index}].hostPath: is not possible: use a claim"
    for where, container in _containers(f"{path}.spec", spec):
        yield from _root(where, container)
        yield from _container(where, container)


def _shapes(path: str, template: Mapping[str, Any]) -> Iterator[str]:
    """Places that merging reads and that are not what they are in a Pod."""
    found = [*_no_mappings(path, template, "metadata", "spec")]
    if found:
        yield from found
        return
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    yield from _no_mappings(f"{path}.metadata", metadata, "labels", "annotations")
    yield from _no_mappings(f"{path}.spec", spec, "securityContext", "nodeSelector")
    lists = list(_no_lists(f"{path}.spec", spec, *_POD_LISTS))
    yield from lists
    if lists:
        return
    for where, container in _containers(f"{path}.spec", spec):
        yield from _no_mappings(where, container, "securityContext")
        yield from _no_lists(where, container, *_CONTAINER_LISTS)


def _no_mappings(path: str, place: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if not isinstance(place.get(field, {}), Mapping):
            yield f"{path}.{field}: is no mapping: write it as in a Pod"


def _no_lists(path: str, place: Mapping[str, Any], *fields: str) -> Iterator[str]:
    """Lists are merged by a key of their items, so that each item must have it."""
    for field in fields:
        items = place.get(field, [])
        if not isinstance(items, list) or not all(_has(each, LIST_KEYS[field]) for each in items):
            yield (
                f"{path}.{field}: is no list of mappings that have {LIST_KEYS[field]}: write it as"
                " in a Pod"
            )


def _has(item: Any, key: str) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get(key), str | int)


def _containers(path: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in _CONTAINERS:
        for index, container in enumerate(spec.get(field, ())):
            yield f"{path}.{field}[{index}]", container


def _root(path: str, place: Mapping[str, Any]) -> Iterator[str]:
    if place.get("securityContext", {}).get("runAsUser") == 0:
        yield f"{path}.securityContext.runAsUser: 0 is not possible: {_RESTRICTED}"


def _container(path: str, container: Mapping[str, Any]) -> Iterator[str]:
    for index, port in enumerate(container.get("ports", ())):
        if port.get("hostPort"):
            yield f"{path}.ports[{index}].hostPort: is not possible: {_RESTRICTED}"
    if container["name"] != MAIN:
        return
    for field, instead in _MAIN_FIELDS.items():
        if field in container:
            yield f"{path}.{field}: is not possible: {instead}"
