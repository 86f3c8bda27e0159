"""A one-off pod: made from the JobManager's Deployment, it does one thing and ends."""

from collections.abc import Mapping

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.resources import POD, Manifest

_SERVES = ("ports", "readinessProbe", "livenessProbe", "startupProbe")


def oneoff_pod(
    jobmanager: Manifest,
    name: str,
    component: Component,
    spec: Manifest,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The pod, with the labels, annotations and owner of the JobManager's.

    Its component is another one, so that no Deployment and no Service takes it for its own.
    """
    meta, theirs = jobmanager["metadata"], jobmanager["spec"]["template"]["metadata"]
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {**theirs.get("labels", {}), names.LABEL_COMPONENT: component.value},
            "annotations": {**theirs.get("annotations", {}), **(annotations or {})},
            "ownerReferences": meta["ownerReferences"],
        },
        "spec": {**spec, "restartPolicy": "Never"},
    }


def with_command(container: Manifest, component: Component) -> Manifest:
    """The JobManager's main container with another command, and nothing to serve."""
    kept = {key: value for key, value in container.items() if key not in _SERVES}
    return {**kept, "command": ["modelstream-pod", component.value]}
