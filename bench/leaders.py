"""What JobManagers write beside the operator: leaders that renew, and revisions of edits."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

REVISIONS = 3
RENEWAL = 5.0
"""Seconds between two renewals of a leader, as Flink has it."""
LEADER = "control-plane.alpha.kubernetes.io/leader"


class Leaders:
    """What the JobManagers of all resources would write, with nobody else's help."""

    def __init__(self, cluster: Any, cache: Any) -> None:
        self.cluster, self.cache = cluster, cache
        self.limit = asyncio.Semaphore(16)
        self.maps: list[dict[str, Any]] = []

    async def join(self, names: Iterable[str]) -> None:
        """Begin for these resources, and give each the revisions of a life with edits."""
        await asyncio.gather(*(self._begin(name) for name in names))

    async def _begin(self, name: str) -> None:
        from modelstream_operator.resources import Key

        children = self.cache.children(Key("default", name)).values()
        revision = next(each for each in children if each.ref.kind == "ControllerRevision")
        cluster = f"{name}-{revision.owners[0][:8]}-1"
        async with self.limit:
            for which in ("cluster", "a" * 32):
                self.maps.append(await self.cluster.create(_config_map(f"{cluster}-{which}")))
            for index in range(1, REVISIONS):
                await self.cluster.create(_copy(revision.manifest(), index))

    async def renew(self) -> None:
        """Renew all of them again and again, spread over the time between two renewals."""
        while True:
            begun = time.monotonic()
            for index, each in enumerate(list(self.maps)):
                renewal = {"metadata": {"annotations": {LEADER: str(begun)}}}
                name = each["metadata"]["name"]
                path = f"/api/v1/namespaces/default/configmaps/{name}"
                await self.cluster._json("PATCH", path, {}, renewal, verb="adopt", kind="ConfigMap")
                due = begun + RENEWAL * (index + 1) / len(self.maps)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await asyncio.sleep(max(0.0, begun + RENEWAL - time.monotonic()))


def _config_map(name: str) -> dict[str, Any]:
    labels = {"type": "flink-native-kubernetes"}
    meta = {"name": f"{name}-config-map", "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


def _copy(revision: dict[str, Any], index: int) -> dict[str, Any]:
    meta = revision["metadata"]
    kept = {key: meta[key] for key in ("namespace", "labels", "ownerReferences", "annotations")}
    name = f"{meta['name'][:-1]}{'xyz'[index]}"  # no digit of a hash
    return {**revision, "metadata": {**kept, "name": name}, "revision": index}
