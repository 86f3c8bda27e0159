"""The pods that remove what ended runs left in the store: made, read, and taken away."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from modelstream_operator import acts, names
from modelstream_operator.cluster import ApiError, Cluster
from modelstream_operator.decide.cause import cause_of
from modelstream_operator.decide.decision import Swept
from modelstream_operator.decide.diagnosis import failure
from modelstream_operator.decide.fields import time
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import is_ended, is_leaving
from modelstream_operator.decide.remains import Remains
from modelstream_operator.observed import Observed
from modelstream_operator.planning import present_children
from modelstream_operator.render.pods import MAIN
from modelstream_operator.render.sweep import sweep_pod
from modelstream_operator.resources import DEPLOYMENT, POD, Manifest, Ref
from modelstream_operator.wish import Wish

logger = logging.getLogger(__name__)

AGAIN = timedelta(hours=1)
"""After a pod that could not do it."""


def swept_of(observed: Observed, memory: Memory) -> Swept | None:
    """What the present run's pod has done; None as long as it is at it."""
    pod = observed.of(memory.run).sweep
    if pod is None or not is_ended(pod):
        return None
    if pod["status"].get("phase") == "Succeeded":
        return Swept(_jobs(pod))
    return Swept(_jobs(pod), _error(pod))


def _error(pod: Manifest) -> str:
    """The container's own words, else what became of the pod."""
    for status in pod["status"].get("containerStatuses", ()):
        done = status.get("state", {}).get("terminated", {})
        if status["name"] == MAIN and done.get("message"):
            cause = cause_of(done["message"], done.get("exitCode", 1))
            return f"{cause.reason}: {cause.message}"
    problem = failure(pod)
    return f"{problem.reason}: {problem.message}"


def _jobs(pod: Manifest) -> frozenset[str]:
    return frozenset(
        pod["metadata"].get("annotations", {}).get(names.ANNOTATION_REMAINS, "").split()
    )


async def make_sweep(
    cluster: Cluster,
    asked: Wish,
    observed: Observed,
    memory: Memory,
    remains: Sequence[Remains],
) -> None:
    """Make the pod where something is to go; a refusal (a quota) concerns nobody."""
    if not remains or observed.of(memory.run).sweep is not None:
        return
    name = str(asked.manifest["metadata"]["name"])
    wanted = names.jobmanager(name, memory.run)
    for each in present_children(asked, memory):
        if (each["kind"], each["metadata"]["name"]) != (DEPLOYMENT.kind, wanted):
            continue
        jobs = [one.job_id for one in remains]
        places = [place for one in remains for place in one.directories]
        try:
            await cluster.create(sweep_pod(each, names.sweep(name, memory.run), jobs, places))
        except ApiError as error:
            if error.status != 409 and not error.refused:
                raise
            logger.info("%s: files of ended runs stay for now: %s", name, error)


async def end_sweeps(
    cluster: Cluster, observed: Observed, memory: Memory, refused: acts.Refused
) -> None:
    """Delete the pods that have nothing to remove, or could not: another one tries later."""
    left = {each.job_id for each in memory.remains}
    for number, run in observed.runs.items():
        pod = run.sweep
        if pod is None or is_leaving(pod):
            continue
        works = memory.step is Step.DEPLOYED and number == memory.run
        if works and left & _jobs(pod) and not _is_old(pod, observed.now):
            continue
        meta = pod["metadata"]
        ref = Ref(POD.kind, meta["namespace"], meta["name"])
        await acts.refusable(ref, cluster.delete(ref), refused)


def _is_old(pod: Manifest, now: datetime) -> bool:
    """Whether it has failed, and that is a while ago; or nothing has become of it meanwhile."""
    began = time(pod["metadata"].get("creationTimestamp"))
    for status in pod["status"].get("containerStatuses", ()):
        if status["name"] == MAIN and "terminated" in status.get("state", {}):
            began = time(status["state"]["terminated"].get("finishedAt")) or began
    return began is not None and now - began >= AGAIN
