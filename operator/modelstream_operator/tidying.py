"""What others made, and the plan of a stream does not name: by Flink, by controllers."""

import logging

from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.diagnosis import strangers
from modelstream_operator.decide.memory import Memory
from modelstream_operator.observed import Observed
from modelstream_operator.resources import MODELSTREAM, POD, Manifest, Ref

logger = logging.getLogger(__name__)


async def tidy(cluster: Cluster, observed: Observed, stream: Manifest) -> None:
    """Delete what no run needs any more, and let the rest go with the stream."""
    for run in observed.runs.values():
        for each in run.high_availability:
            if each.ref in run.leftovers:
                await cluster.delete(each.ref)
            elif not each.owned:
                await cluster.adopt(each.ref, each.uid, _owner(stream))


async def send_away(cluster: Cluster, observed: Observed, memory: Memory) -> None:
    """Delete pods that have other models than the run; those that take their place are checked."""
    run = observed.of(memory.run)
    for pod in strangers(run.pods, run.digests):
        meta = pod["metadata"]
        logger.info("%s: pod %s has other models", meta["namespace"], meta["name"])
        await cluster.delete(Ref(POD.kind, meta["namespace"], meta["name"]))


def _owner(stream: Manifest) -> Manifest:
    meta = stream["metadata"]
    return {
        "apiVersion": MODELSTREAM.api_version,
        "kind": MODELSTREAM.kind,
        "name": meta["name"],
        "uid": meta["uid"],
    }
