"""What a podTemplate may not say, and what could not be merged: no schema checks it."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelstream_operator.decide.podsecurity import RESTRICTED, security_refusals
from modelstream_operator.render.merge import LIST_KEYS
from modelstream_operator.render.pods import MAIN

_MAIN_FIELDS = {
    "resources": "write resources beside podTemplate, which also splits the memory",
    "command": "leave it out, the operator starts the role",
    "args": "leave it out, the operator starts the role",
    "image": "write spec.flink.image",
}
_ACCOUNT = "write spec.flink.serviceAccount.name, which high availability knows too"
_POD_FIELDS = {
    "hostNetwork": RESTRICTED,
    "hostPID": RESTRICTED,
    "hostIPC": RESTRICTED,
    "serviceAccountName": _ACCOUNT,
    "serviceAccount": _ACCOUNT,
    "nodeName": "leave it out, the scheduler chooses the node: narrow it by nodeSelector",
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
    yield from security_refusals(f"{path}.spec", spec)
    for index, volume in enumerate(spec.get("volumes", ())):
        if "hostPath" in volume:
            yield f"{path}.spec.volumes[{index}].hostPath: is not possible: use a claim"
    for where, container in _containers(f"{path}.spec", spec):
        yield from security_refusals(where, container)
        yield from _container(where, container)


def _shapes(path: str, template: Mapping[str, Any]) -> Iterator[str]:
    """Places that merging reads and that are not what they are in a Pod."""
    found = [*_not_mappings(path, template, "metadata", "spec")]
    if found:
        yield from found
        return
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    yield from _not_mappings(f"{path}.metadata", metadata, "labels", "annotations")
    yield from _not_mappings(f"{path}.spec", spec, "securityContext", "nodeSelector")
    yield from _not_terms(f"{path}.spec.affinity", spec)
    lists = list(_not_lists(f"{path}.spec", spec, *_POD_LISTS))
    yield from lists
    if lists:
        return
    for where, container in _containers(f"{path}.spec", spec):
        yield from _not_mappings(where, container, "securityContext")
        yield from _not_lists(where, container, *_CONTAINER_LISTS)


def _not_terms(path: str, spec: Mapping[str, Any]) -> Iterator[str]:
    """Terms of a node affinity, which spec.gpu's rules are written into."""
    place: Any = {"affinity": spec.get("affinity", {})}
    for field in ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"):
        place = place.get(field, {})
        if not isinstance(place, Mapping):
            yield f"{path}: {field} is not a mapping: write it as in a Pod"
            return
    terms = place.get("nodeSelectorTerms", [])
    if not isinstance(terms, list) or not all(_is_term(each) for each in terms):
        yield f"{path}: nodeSelectorTerms is not a list of mappings of lists: write it as in a Pod"


def _is_term(term: Any) -> bool:
    return isinstance(term, Mapping) and all(isinstance(each, list) for each in term.values())


def _not_mappings(path: str, place: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if not isinstance(place.get(field, {}), Mapping):
            yield f"{path}.{field}: is not a mapping: write it as in a Pod"


def _not_lists(path: str, place: Mapping[str, Any], *fields: str) -> Iterator[str]:
    """Lists are merged by a key of their items, so that each item must have it."""
    for field in fields:
        items = place.get(field, [])
        if not isinstance(items, list) or not all(_has(each, LIST_KEYS[field]) for each in items):
            yield (
                f"{path}.{field}: is not a list of mappings that have {LIST_KEYS[field]}: write it"
                " as in a Pod"
            )


def _has(item: Any, key: str) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get(key), str | int)


def _containers(path: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in _CONTAINERS:
        for index, container in enumerate(spec.get(field, ())):
            yield f"{path}.{field}[{index}]", container


def _container(path: str, container: Mapping[str, Any]) -> Iterator[str]:
    if container["name"] != MAIN:
        return
    for field, instead in _MAIN_FIELDS.items():
        if field in container:
            yield f"{path}.{field}: is not possible: {instead}"
