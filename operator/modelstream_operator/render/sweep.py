"""The pod that removes what ended runs left in the store: the JobManager's, with its rights."""

import json
from collections.abc import Iterable
from typing import Any

from modelstream_crds.restore import REMOVE, RESTORE
from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.oneoff import oneoff_pod, with_command
from modelstream_operator.render.pods import MAIN
from modelstream_operator.resources import Manifest

_RESOURCES = {
    "limits": {"memory": "512Mi"},
    "requests": {"cpu": "50m", "memory": "512Mi"},
}


def sweep_pod(jobmanager: Manifest, name: str, jobs: Iterable[str], places: list[str]) -> Manifest:
    """The pod, made from the JobManager's Deployment of the present run.

    It fetches no models. Its annotation says of which jobs the directories are.
    """
    spec = jobmanager["spec"]["template"]["spec"]
    sidecars = [each for each in spec.get("initContainers", ()) if "restartPolicy" in each]
    kept = {key: value for key, value in spec.items() if key != "initContainers"}
    kept |= {"initContainers": sidecars} if sidecars else {}
    kept["containers"] = [_removing(each, places) for each in spec["containers"]]
    annotations = {names.ANNOTATION_REMAINS: " ".join(jobs)}
    return oneoff_pod(jobmanager, name, Component.SWEEP, kept, annotations)


def _removing(container: dict[str, Any], places: list[str]) -> dict[str, Any]:
    if container["name"] != MAIN:
        return container
    environment = [each for each in container.get("env", ()) if each["name"] not in RESTORE]
    return {
        **with_command(container, Component.SWEEP),
        "env": [*environment, {"name": REMOVE, "value": json.dumps(places)}],
        "resources": _RESOURCES,
    }
