"""The pods that prove what is to come: made, read, and taken away."""

import logging
from collections.abc import Iterator, MutableMapping

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator import acts, names
from modelstream_operator.cluster import ApiError, Cluster
from modelstream_operator.decide.children import in_ending_namespace
from modelstream_operator.decide.diagnosis import Scene, failure, pod_problems, refusal
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.pods import is_ended, is_leaving
from modelstream_operator.decide.prepared import Prepared, Proof
from modelstream_operator.decide.problem import Problem
from modelstream_operator.observed import Observed
from modelstream_operator.planning import prepared_children
from modelstream_operator.render import Target
from modelstream_operator.render.pods import MAIN
from modelstream_operator.render.proof import proof_pod
from modelstream_operator.resources import DEPLOYMENT, POD, Manifest, Ref
from modelstream_operator.wish import Wish

logger = logging.getLogger(__name__)

Refused = MutableMapping[int, Problem]
"""Why the API server does not let a run's proof be made."""


def proof_of(asked: Wish, observed: Observed, memory: Memory, refused: Refused) -> Proof:
    """How far the proof of what is prepared has come."""
    prepared = memory.prepared
    target = asked.target_of(prepared.revision) if prepared else None
    if prepared is None or target is None:
        return Proof()
    pod = observed.of(prepared.run).proof
    if pod is None:
        return Proof(problem=refused.get(prepared.run))
    if is_leaving(pod):
        return Proof()
    code = _exit_code(pod)
    if code == 0:
        return Proof(succeeded=True)
    problem = next(_problems(target, observed, pod), None)
    if code is None and not is_ended(pod):
        return Proof(problem=problem)
    return Proof(over=True, problem=problem or failure(pod))


def _problems(target: Target, observed: Observed, pod: Manifest) -> Iterator[Problem]:
    scene = Scene(
        target=target,
        now=observed.now,
        pods=(pod,),
        events=observed.events,
        nodes=observed.nodes,
        claims=observed.claims,
    )
    return pod_problems(pod, scene)


def _exit_code(pod: Manifest) -> int | None:
    """Of the container that proves; sidecars may go on."""
    for status in pod["status"].get("containerStatuses", ()):
        if status["name"] == MAIN and "terminated" in status.get("state", {}):
            return int(status["state"]["terminated"].get("exitCode", 0))
    return None


async def make_proof(
    cluster: Cluster, asked: Wish, observed: Observed, memory: Memory, refused: Refused
) -> None:
    """Make the pod of the attempt that is under way, where it is not there yet."""
    prepared = _under_way(memory)
    for other in refused.keys() - ({prepared.run} if prepared else set()):
        del refused[other]
    if prepared is None or observed.of(prepared.run).proof is not None:
        return
    pod = _pod(asked, memory, prepared)
    if pod is None:
        return
    try:
        await cluster.create(pod)
    except ApiError as error:
        if error.status == 409:  # it is there, and no watch has told of it yet
            return
        if not error.refused:
            raise
        refused[prepared.run] = _refusal(str(pod["metadata"]["name"]), error)
        return
    refused.pop(prepared.run, None)


def _refusal(name: str, error: ApiError) -> Problem:
    if error.of_ending_namespace:
        return in_ending_namespace()
    text = f"the pod {name} is refused: {error}"
    return Problem(ConditionType.UPDATED, refusal(str(error)), text)


def _pod(asked: Wish, memory: Memory, prepared: Prepared) -> Manifest | None:
    name = str(asked.manifest["metadata"]["name"])
    wanted = names.jobmanager(name, prepared.run)
    for each in prepared_children(asked, memory):
        if (each["kind"], each["metadata"]["name"]) == (DEPLOYMENT.kind, wanted):
            return proof_pod(each, names.proof(name, prepared.run))
    return None


async def end_proofs(
    cluster: Cluster, observed: Observed, memory: Memory, refused: acts.Refused
) -> None:
    """Delete the pods that prove nothing any more; the log of one that has failed can be read."""
    for number, run in observed.runs.items():
        pod = run.proof
        if pod is None or is_leaving(pod) or _is_kept(pod, number, memory):
            continue
        meta = pod["metadata"]
        logger.info("%s: pod %s proves nothing any more", meta["namespace"], meta["name"])
        ref = Ref(POD.kind, meta["namespace"], meta["name"])
        await acts.refusable(ref, cluster.delete(ref), refused)


def _is_kept(pod: Manifest, number: int, memory: Memory) -> bool:
    prepared = memory.proving
    if prepared is None or prepared.run != number:
        return False
    return not prepared.error or is_ended(pod)


def _under_way(memory: Memory) -> Prepared | None:
    prepared = memory.proving
    return None if prepared is None or prepared.error else prepared
