"""What is kept of watched objects: as much as is read, so that nothing else is a change."""

from modelstream_operator.names import ANNOTATION_JOB, ANNOTATION_REMAINS
from modelstream_operator.resources import Manifest


def without_managed_fields(manifest: Manifest) -> Manifest:
    """The same object, without what the API server notes of its writers."""
    manifest["metadata"].pop("managedFields", None)
    return manifest


def slim_pod(pod: Manifest) -> Manifest:
    """A pod as far as diagnosis reads it."""
    meta, spec = pod["metadata"], pod.get("spec", {})
    kept = ("name", "namespace", "uid", "labels", "creationTimestamp", "deletionTimestamp")
    given = meta.get("annotations", {})
    annotations = {each: given.get(each, "") for each in (ANNOTATION_JOB, ANNOTATION_REMAINS)}
    return {
        "kind": "Pod",
        "metadata": {
            **{name: meta[name] for name in kept if name in meta},
            "annotations": annotations,
        },
        "spec": {
            "nodeName": spec.get("nodeName", ""),
            "volumes": [
                each for each in spec.get("volumes", ()) if "persistentVolumeClaim" in each
            ],
        },
        "status": pod.get("status", {}),
    }


def slim_node(node: Manifest) -> Manifest:
    """A node as far as a pod that finds none, or does not end, is explained by it."""
    spec, status = node.get("spec", {}), node.get("status", {})
    return {
        "kind": "Node",
        "metadata": {
            "name": node["metadata"]["name"],
            "labels": node["metadata"].get("labels", {}),
        },
        "spec": {"taints": spec.get("taints", []), "unschedulable": spec.get("unschedulable")},
        "status": {
            "allocatable": status.get("allocatable", {}),
            "conditions": [
                {name: each.get(name) for name in ("type", "status", "lastTransitionTime")}
                for each in status.get("conditions", ())
                if each["type"] == "Ready"
            ],
        },
    }


def slim_event(event: Manifest) -> Manifest:
    """A Warning event as far as diagnosis reads it."""
    kept = ("reason", "message", "lastTimestamp", "eventTime", "series", "involvedObject")
    return {
        "kind": "Event",
        "metadata": {name: event["metadata"].get(name) for name in ("name", "namespace")},
        **{name: event[name] for name in kept if name in event},
    }


def slim_claim(claim: Manifest) -> Manifest:
    """A PersistentVolumeClaim as far as it is checked."""
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {name: claim["metadata"].get(name) for name in ("name", "namespace")},
        "spec": {"accessModes": claim.get("spec", {}).get("accessModes", [])},
        "status": {"phase": claim.get("status", {}).get("phase", "")},
    }
