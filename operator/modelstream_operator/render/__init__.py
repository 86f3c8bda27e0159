"""From a resource to Kubernetes manifests. Pure: no I/O, no clock, no kopf."""

from modelstream_operator import names
from modelstream_operator.render import rbac
from modelstream_operator.render.config import config_map
from modelstream_operator.render.jobmanager import jobmanager_deployment
from modelstream_operator.render.network import network_policy
from modelstream_operator.render.services import jobmanager_service, rest_service
from modelstream_operator.render.signature import digest
from modelstream_operator.render.target import Target
from modelstream_operator.render.taskmanager import taskmanager_deployment
from modelstream_operator.resources import Manifest

__all__ = ["Target", "children", "digest", "stream_children"]


def children(target: Target) -> list[Manifest]:
    """Everything that the resource owns, in the order in which it is of use."""
    return [*stream_children(target), *(_signed(each) for each in _of_the_run(target))]


def stream_children(target: Target) -> list[Manifest]:
    """What stays from one run to the next: rendered afresh, whatever runs."""
    return [_signed(each) for each in _of_the_stream(target)]


def _of_the_stream(target: Target) -> list[Manifest]:
    """What stays from one run to the next."""
    found = [rbac.service_account(target), rest_service(target)]
    if target.spec.network_policy.enabled:
        found.append(network_policy(target))
    return found


def _of_the_run(target: Target) -> list[Manifest]:
    """What each run has for itself; nothing before the first."""
    if not target.run:
        return []
    found = [config_map(target)]
    if target.highly_available:
        found += [rbac.role(target), rbac.role_binding(target)]
    found.append(jobmanager_service(target))
    return [*found, jobmanager_deployment(target), taskmanager_deployment(target)]


def _signed(manifest: Manifest) -> Manifest:
    """The manifest with its own hash, which tells later whether it must be applied again."""
    meta = manifest["metadata"]
    annotations = {**meta.get("annotations", {}), names.ANNOTATION_APPLIED: digest(manifest)}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}
