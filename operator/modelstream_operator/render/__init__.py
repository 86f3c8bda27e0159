"""From a resource to Kubernetes manifests. Pure: no I/O, no clock, no kopf."""

from modelstream_operator.render import rbac
from modelstream_operator.render.disruption import disruption_budget
from modelstream_operator.render.network import network_policy
from modelstream_operator.render.revision import revision_of
from modelstream_operator.render.run import Run, run_children
from modelstream_operator.render.services import rest_service
from modelstream_operator.render.signature import digest, signed
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

__all__ = ["Target", "children", "digest", "run_of", "stream_children"]


def children(target: Target) -> list[Manifest]:
    """Everything but the revision of a target that is deployed as it is."""
    stream, run = stream_children(target), run_of(target)
    return [*stream, *run_children(revision_of(target), run)] if run.number else stream


def stream_children(target: Target) -> list[Manifest]:
    """What stays from one run to the next: rendered afresh, whatever runs."""
    found = [rest_service(target)]
    if target.spec.flink.service_account.name is None:
        found.append(rbac.service_account(target))
    if target.spec.network_policy.enabled:
        found.append(network_policy(target))
    if target.spec.pod_disruption_budget.enabled:
        found.append(disruption_budget(target))
    return [signed(each) for each in found]


def run_of(target: Target) -> Run:
    """What the target says of its run."""
    return Run(
        number=int(target.run),
        job_id=target.job_id,
        restore_from=target.restore_from,
        restore_newest=target.restore_newest,
        restore_else=target.restore_else,
        restore_less=target.restore_less,
        parallelism=target.parallelism,
        replicas=target.replicas,
        running=target.running,
    )
