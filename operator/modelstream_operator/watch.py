"""List and watch one kind: what is told of stays equal to the API server, whatever happens."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import orjson

from modelstream_operator import metrics
from modelstream_operator.cluster import ApiError, KubernetesCluster
from modelstream_operator.resources import Manifest, Ref, Resource

logger = logging.getLogger(__name__)

PAGE = 100
"""Objects of one list: 500 nodes with long lists of images cost 110 MiB while they are read."""
SILENCE = 240.0
"""Seconds after which a quiet watch seems to be dead: bookmarks come every minute."""
AT_ONCE = 1.0
"""A watch that ends sooner, and told of nothing, is a failure."""
MAX_BACKOFF = 30.0


class _ExpiredError(Exception):
    """The server no longer knows the version that the watch has come to."""


class Sink(Protocol):
    """Who is told of the objects of a kind."""

    def put(self, manifest: Manifest) -> None:
        """One was added or has changed."""

    def drop(self, ref: Ref) -> None:
        """One is gone."""

    def refs(self, kind: str, namespace: str | None) -> Iterable[Ref]:
        """All that it knows of."""


@dataclass
class Watch:
    """One kind in one namespace, or in all (None): one list, and what has changed since.

    A watch that ends or breaks goes on from where it was; only where the server no longer knows
    that version is everything listed again.
    """

    cluster: KubernetesCluster
    sink: Sink
    resource: Resource
    namespace: str | None
    selector: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    lasts: float = 600.0
    """Seconds for which the server is asked to keep one watch open."""
    silence: float | None = SILENCE
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    _version: str = ""
    _failures: int = 0

    async def run(self) -> None:
        """Follow the kind until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                    self.synced.set()
                await self._follow()
            except _ExpiredError:
                logger.info("%s: the watch expired, listing again", self.resource.plural)
                self._version = ""
            except (ApiError, aiohttp.ClientError, TimeoutError, ValueError) as error:
                if self.optional and getattr(error, "status", None) == 403:
                    logger.info("%s: not allowed to read them: %s", self.resource.plural, error)
                    self.synced.set()
                    return
                await self._failed(error)

    async def _failed(self, error: Exception) -> None:
        """Wait, then go on; from a list where the trouble may be in what was to come next."""
        if not _is_on_the_way(error):
            self._version = ""
        self._failures += 1
        metrics.WATCH_RESTARTS.labels(self.resource.kind).inc()
        text = str(error) or type(error).__name__
        logger.warning("%s: %s; trying again", self.resource.plural, text)
        await asyncio.sleep(backoff(self._failures))

    async def _list(self) -> None:
        """Read the whole collection, and the version to watch from."""
        seen: set[Ref] = set()
        query = {**self.selector, "limit": str(PAGE)}
        while True:
            async with self.cluster.one_page:
                page = await self.cluster.page(self.resource, self.namespace, query)
                for item in page.pop("items"):
                    manifest = self._complete(item)
                    seen.add(Ref.of(manifest))
                    self.sink.put(manifest)
            token = page["metadata"].get("continue")
            if not token:
                break
            query["continue"] = token
        for ref in set(self.sink.refs(self.resource.kind, self.namespace)) - seen:
            self.sink.drop(ref)
        self._version = page["metadata"]["resourceVersion"]

    async def _follow(self) -> None:
        """One watch, until the server ends it or it has been silent for too long."""
        begun, version = time.monotonic(), self._version
        lasts = self.lasts * random.uniform(0.5, 1.0)
        query = {**self.selector, "resourceVersion": version, "timeoutSeconds": str(int(lasts))}
        watch = self.cluster.watch(self.resource, self.namespace, query, self.silence)
        try:
            async with watch as lines:
                async for line in lines:
                    self._event(orjson.loads(line))
                    self._failures = 0
        except aiohttp.SocketTimeoutError:
            return
        if self._version == version and time.monotonic() - begun < AT_ONCE:
            raise aiohttp.ClientError("the watch ended at once")

    def _event(self, event: Manifest) -> None:
        body = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self.sink.put(self._complete(body))
            case "DELETED":
                self.sink.drop(Ref.of(self._complete(body)))
            case "ERROR" if body.get("code") == 410:
                raise _ExpiredError
            case "ERROR":
                raise ValueError(body.get("message", "the watch failed"))
        self._version = body.get("metadata", {}).get("resourceVersion") or self._version

    def _complete(self, item: Manifest) -> Manifest:
        """Items of a list come without their kind."""
        item.setdefault("apiVersion", self.resource.api_version)
        item.setdefault("kind", self.resource.kind)
        return item


def _is_on_the_way(error: Exception) -> bool:
    """Whether the request did not come through, or the server was too busy for it."""
    if isinstance(error, ApiError):
        return error.status in {0, 429} or error.status >= 500
    return not isinstance(error, ValueError)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, with jitter."""
    return min(MAX_BACKOFF, 0.5 * 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0)
