"""What Flink's high availability made, which the plan of a stream does not name."""

from modelstream_operator.cluster import Cluster
from modelstream_operator.observe import Observed
from modelstream_operator.resources import MODELSTREAM, Manifest


async def tidy(cluster: Cluster, observed: Observed, stream: Manifest) -> None:
    """Delete what no run needs any more, and let the rest go with the stream."""
    for each in observed.high_availability:
        if each.ref in observed.leftovers:
            await cluster.delete(each.ref)
        elif not each.owned:
            await cluster.adopt(each.ref, each.uid, _owner(stream))


def _owner(stream: Manifest) -> Manifest:
    meta = stream["metadata"]
    return {
        "apiVersion": MODELSTREAM.api_version,
        "kind": MODELSTREAM.kind,
        "name": meta["name"],
        "uid": meta["uid"],
    }
