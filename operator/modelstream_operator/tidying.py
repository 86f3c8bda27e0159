"""What others made, and the plan of a stream does not name: by Flink, by controllers."""

import functools
import logging
from collections.abc import Awaitable, Callable

from modelstream_operator.acts import Refused, each_of, refusable
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.diagnosis import strangers
from modelstream_operator.decide.memory import Memory
from modelstream_operator.observed import Observed
from modelstream_operator.resources import POD, Manifest, Ref, owner_reference

logger = logging.getLogger(__name__)


async def tidy(cluster: Cluster, observed: Observed, stream: Manifest, refused: Refused) -> None:
    """Delete what no run needs any more, and let the rest go with the stream."""
    acts, owner = [], owner_reference(stream)
    for run in observed.runs.values():
        for each in run.high_availability:
            if each.ref in run.leftovers:
                act = functools.partial(cluster.delete, each.ref)
            elif not each.owned:
                act = functools.partial(cluster.adopt, each.ref, each.uid, owner)
            else:
                continue
            acts.append(functools.partial(_refusable, each.ref, act, refused))
    await each_of(*acts)


async def _refusable(ref: Ref, act: Callable[[], Awaitable[None]], refused: Refused) -> None:
    await refusable(ref, act(), refused)


async def send_away(cluster: Cluster, observed: Observed, memory: Memory, refused: Refused) -> None:
    """Delete pods that have other models than the run; those that take their place are checked."""
    run = observed.of(memory.run)
    for pod in strangers(run.pods, run.digests):
        meta = pod["metadata"]
        logger.info("%s: pod %s has other models", meta["namespace"], meta["name"])
        ref = Ref(POD.kind, meta["namespace"], meta["name"])
        await refusable(ref, cluster.delete(ref), refused)
