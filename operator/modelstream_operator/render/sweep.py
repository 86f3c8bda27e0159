"""The pod that removes what ended runs left in the store: the JobManager's, with its rights."""

import json
from collections.abc import Iterable
from typing import Any

from modelstream_crds.restore import REMOVE, RESTORE
from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.pods import MAIN
from modelstream_operator.resources import POD, Manifest

_SERVES = ("ports", "readinessProbe", "livenessProbe", "startupProbe")
_RESOURCES = {
    "limits": {"memory": "512Mi"},
    "requests": {"cpu": "50m", "memory": "512Mi"},
}


def sweep_pod(jobmanager: Manifest, name: str, jobs: Iterable[str], places: list[str]) -> Manifest:
    """The pod, made from the JobManager's Deployment of the present run.

    It fetches no models. Its annotation says of which jobs the directories are.
    """
    meta, template = jobmanager["metadata"], jobmanager["spec"]["template"]
    theirs, spec = template["metadata"], template["spec"]
    annotations = {**theirs.get("annotations", {}), names.ANNOTATION_REMAINS: " ".join(jobs)}
    labels = {**theirs.get("labels", {}), names.LABEL_COMPONENT: Component.SWEEP.value}
    first = [each for each in spec.get("initContainers", ()) if "restartPolicy" in each]
    containers = [_removing(each, places) for each in spec["containers"]]
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": meta["ownerReferences"],
        },
        "spec": {
            **{key: value for key, value in spec.items() if key != "initContainers"},
            **({"initContainers": first} if first else {}),
            "containers": containers,
            "restartPolicy": "Never",
        },
    }


def _removing(container: dict[str, Any], places: list[str]) -> dict[str, Any]:
    if container["name"] != MAIN:
        return container
    environment = [each for each in container.get("env", ()) if each["name"] not in RESTORE]
    kept = {key: value for key, value in container.items() if key not in _SERVES}
    return {
        **kept,
        "command": ["modelstream-pod", Component.SWEEP.value],
        "env": [*environment, {"name": REMOVE, "value": json.dumps(places)}],
        "resources": _RESOURCES,
    }
