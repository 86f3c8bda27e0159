"""List and watch one kind: keeps the cache equal to the API server, whatever happens between."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from modelstream_operator import metrics
from modelstream_operator.cache import Cache
from modelstream_operator.cluster import ApiError, KubernetesCluster
from modelstream_operator.resources import Manifest, Ref, Resource

logger = logging.getLogger(__name__)

PAGE = 500
SILENCE = 240.0
"""Seconds after which a quiet watch is begun again where it was: its connection may be dead."""
MAX_BACKOFF = 30.0


class _Expired(Exception):
    """The server no longer knows the version that the watch began at: list again."""


@dataclass
class Watch:
    """One kind in one namespace, or in all (None)."""

    cluster: KubernetesCluster
    cache: Cache
    resource: Resource
    namespace: str | None
    selector: Mapping[str, str] = field(default_factory=dict)
    resync: float = 600.0
    optional: bool = False
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    _version: str = ""

    async def run(self) -> None:
        """Follow the kind until cancelled."""
        failures = 0
        while True:
            try:
                await self._list()
                self.synced.set()
                failures = 0
                await self._follow()
            except _Expired:
                logger.info("%s: the watch expired, listing again", self.resource.plural)
            except (ApiError, aiohttp.ClientError, TimeoutError, ValueError) as error:
                if self.optional and getattr(error, "status", None) == 403:
                    logger.info("%s: not allowed to read them: %s", self.resource.plural, error)
                    self.synced.set()
                    return
                failures += 1
                metrics.WATCH_RESTARTS.labels(self.resource.kind).inc()
                text = str(error) or type(error).__name__
                logger.warning("%s: %s; listing again", self.resource.plural, text)
                await asyncio.sleep(backoff(failures))

    async def _list(self) -> None:
        """Read the whole collection, and the version to watch from."""
        seen: set[Ref] = set()
        query = {**self.selector, "limit": str(PAGE)}
        while True:
            page = await self.cluster.page(self.resource, self.namespace, query)
            for item in page["items"]:
                manifest = self._complete(item)
                seen.add(Ref.of(manifest))
                self.cache.put(manifest)
            token = page["metadata"].get("continue")
            if not token:
                break
            query["continue"] = token
        for ref in set(self.cache.refs(self.resource.kind, self.namespace)) - seen:
            self.cache.drop(ref)
        self._version = page["metadata"]["resourceVersion"]

    async def _follow(self) -> None:
        """Watch for ``resync`` seconds; a watch that is silent for long is begun again."""
        end = time.monotonic() + self.resync * random.uniform(0.9, 1.1)
        while (left := end - time.monotonic()) > 1:
            query = {
                **self.selector,
                "resourceVersion": self._version,
                "timeoutSeconds": str(int(left)),
            }
            with suppress(aiohttp.SocketTimeoutError):
                async with self.cluster.watch(
                    self.resource, self.namespace, query, SILENCE
                ) as lines:
                    async for line in lines:
                        self._event(json.loads(line))
                return

    def _event(self, event: Manifest) -> None:
        body = event["object"]
        self._version = body.get("metadata", {}).get("resourceVersion") or self._version
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self.cache.put(self._complete(body))
            case "DELETED":
                self.cache.drop(Ref.of(self._complete(body)))
            case "ERROR" if body.get("code") == 410:
                raise _Expired
            case "ERROR":
                raise ApiError(body.get("code", 0), body.get("message", "the watch failed"))

    def _complete(self, item: Manifest) -> Manifest:
        """Items of a list come without their kind."""
        item.setdefault("apiVersion", self.resource.api_version)
        item.setdefault("kind", self.resource.kind)
        return item


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, with jitter."""
    return min(MAX_BACKOFF, 0.5 * 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0)
