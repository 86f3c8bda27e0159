"""What is rendered for a Target, as leaves by their path, so that two can be compared."""

import json
from collections.abc import Iterator
from typing import Any

from modelstream_operator.names import ANNOTATION_APPLIED
from modelstream_operator.render import Target, children

MANIFEST = "ConfigMap/scores-config-1/data/modelstream.yaml"
FLINK = "ConfigMap/scores-config-1/data/flink.yaml"
JM, TM = "Deployment/scores-jobmanager-1", "Deployment/scores-taskmanager-1"
JM_POD, TM_POD = f"{JM}/spec/template/spec", f"{TM}/spec/template/spec"
EXPRESSIONS = (
    f"{TM_POD}/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
    "/nodeSelectorTerms[0]/matchExpressions"
)


def env(pod: str, name: str, value: str) -> dict[str, Any]:
    root = f"{pod}/containers[main]/env[{name}]"
    return {f"{root}/name": name, f"{root}/value": value}


def paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value; members of a list are called by their name or their place."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from paths(item, f"{path}/{key}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            key = next(
                (k for k in ("name", "mountPath") if isinstance(item, dict) and k in item), ""
            )
            if key == "name" and "mountPath" in item:
                key = "mountPath"
            yield from paths(item, f"{path}[{item[key] if key else index}]")
    else:
        yield path, value


def leaves(target: Target) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in children(target):
        root = f"{child['kind']}/{child['metadata']['name']}"
        found |= dict(paths(child, root))
    for text in (MANIFEST, FLINK):
        found |= dict(paths(json.loads(found.pop(text)), text))
    return {path: value for path, value in found.items() if ANNOTATION_APPLIED not in path}


def changed(before: Target, after: Target) -> dict[str, Any]:
    """Rendered leaves that differ, without the resource's own copy in the ConfigMap."""
    old, new = leaves(before), leaves(after)
    differ = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    return {path: new.get(path) for path in sorted(differ) if not path.startswith(MANIFEST)}


def split(path: str) -> tuple[str, str]:
    """The object of a rendered path, and what of it: of a Deployment, what of its pod's spec."""
    for root in (JM, TM):
        if path.startswith(root):
            return root, path.removeprefix(f"{root}/spec/").removeprefix("template/spec/")
    kind, _, rest = path.partition("/")
    return kind, rest.removeprefix("scores-config-1/data/flink.yaml/")
