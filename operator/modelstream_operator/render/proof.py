"""The pod that proves a revision: the JobManager's, with another command and nothing to serve."""

from collections.abc import Iterable
from typing import Any

from modelstream_crds.restore import RESTORE
from modelstream_operator.names import Component
from modelstream_operator.render.config import STATE_VOLUME
from modelstream_operator.render.oneoff import oneoff_pod, with_command
from modelstream_operator.render.pods import MAIN
from modelstream_operator.resources import Manifest


def proof_pod(jobmanager: Manifest, name: str) -> Manifest:
    """The pod, made from the JobManager's Deployment of the run that is to come."""
    spec = _without_state(jobmanager["spec"]["template"]["spec"])
    return oneoff_pod(jobmanager, name, Component.PROOF, spec)


def _without_state(spec: Manifest) -> Manifest:
    """Without the volume of state on a claim, which one node alone may mount."""
    containers = {
        field: [_quiet(each) for each in spec[field]]
        for field in ("initContainers", "containers")
        if spec.get(field)
    }
    volumes = _others(spec.get("volumes", ()), STATE_VOLUME)
    return {**spec, **containers, "volumes": volumes}


def _quiet(container: Manifest) -> Manifest:
    """A container that does not need state; the main one proves, and serves nobody."""
    mounts = container.get("volumeMounts", [])
    kept = {**container, "volumeMounts": _others(mounts, STATE_VOLUME)}
    if container["name"] != MAIN:
        return kept
    if len(kept["volumeMounts"]) < len(mounts):
        # What is on the claim cannot be looked up without it.
        kept["env"] = [each for each in container["env"] if each["name"] not in RESTORE]
    return with_command(kept, Component.PROOF)


def _others(named: Iterable[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for each in named if each["name"] != name]
