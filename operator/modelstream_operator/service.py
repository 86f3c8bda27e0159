"""The running operator: clients, watches, and the loop that serves one object."""

import asyncio
import functools
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import aiohttp

from modelstream_crds.v1alpha1 import Phase
from modelstream_operator import metrics
from modelstream_operator.cache import Cache
from modelstream_operator.cluster import ApiError, KubernetesCluster
from modelstream_operator.flink import Flink, FlinkError
from modelstream_operator.highavailability import LABEL, HighAvailability
from modelstream_operator.lease import NAMESPACE, Leases
from modelstream_operator.observe import MANAGED
from modelstream_operator.programs import Programs
from modelstream_operator.reconcile import Outcome, Reconciler, Transition
from modelstream_operator.resources import (
    CHILDREN,
    CLAIM,
    CONFIG_MAP,
    EVENT,
    LEASE,
    NODE,
    POD,
    Key,
    Manifest,
    Ref,
    Resource,
)
from modelstream_operator.session import Session
from modelstream_operator.settings import Settings
from modelstream_operator.wakeups import Wakeups
from modelstream_operator.watch import Sink, Watch, backoff

logger = logging.getLogger(__name__)

SERVED: ContextVar[Key | None] = ContextVar("served", default=None)
"""The object that the present task serves; log lines name it."""

GATHER = 0.05
"""Seconds in which the events of one change come together before a pass begins."""


class Stopped(Protocol):
    """Kopf's flag that a daemon has to end."""

    def __bool__(self) -> bool: ...

    async def wait(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109  # kopf's signature
        """Wait until it is set."""


@dataclass
class Service:
    """Everything that lives as long as the operator."""

    settings: Settings
    cluster: KubernetesCluster
    cache: Cache
    flink: Flink
    wakeups: Wakeups
    reconciler: Reconciler
    leases: Leases = field(default_factory=Leases)
    lost: str = ""
    """Why the process has to end."""
    watches: list[Watch] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(16))
    since: dict[Key, float] = field(default_factory=dict)
    """When each running pass began."""
    phases: dict[Key, str] = field(default_factory=dict)
    sessions: dict[Key, Session] = field(default_factory=dict)
    leaving: dict[str, Session] = field(default_factory=dict)
    """What is remembered of objects that are being deleted, by uid."""

    def __copy__(self) -> Self:
        """Kopf copies what hangs on its memo; everyone must share this one."""
        return self

    @classmethod
    async def start(cls, settings: Settings) -> "Service":
        """Connect, and begin to watch."""
        cluster = await KubernetesCluster.connect(settings.connections, settings.request_timeout)
        wakeups = Wakeups()
        programs = Programs(wakeups.wake, functools.partial(_watch_of, cluster))
        cache = Cache(wakeups.wake, HighAvailability(wakeups.wake), programs)
        flink = Flink(settings.flink_timeout)
        reconciler = Reconciler(cluster, cache, flink, settings)
        service = cls(settings, cluster, cache, flink, wakeups, reconciler)
        service.slots = asyncio.Semaphore(settings.concurrency)
        service.leases = Leases.of(settings, cluster, service.end)
        cluster.check = service.leases.check
        service.watches = list(service._watches())
        runs = [each.run() for each in service.watches]
        runs += [each.run() for each in service.leases.own.values()]
        service.tasks = [asyncio.create_task(each) for each in runs]
        return service

    def end(self, why: str) -> None:
        """End the process: another operator serves in its place."""
        if not self.lost:
            self.lost = why
            logger.error("%s: this operator ends", why)
            os.kill(os.getpid(), signal.SIGTERM)

    async def stop(self) -> None:
        """End the watches and close the connections."""
        tasks = [*self.tasks, *self.cache.programs.tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.cluster.close)
            stack.push_async_callback(self.flink.close)

    def _watches(self) -> list[Watch]:
        managed = {"labelSelector": MANAGED}
        warnings = {"fieldSelector": "type=Warning"}
        found = []
        for namespace in self.settings.namespaces or (None,):
            found += [self._watch(kind, namespace, managed) for kind in (*CHILDREN, POD)]
            found.append(self._watch(CLAIM, namespace, {}))
            found.append(self._watch(EVENT, namespace, warnings, optional=True))
            runs = self.cache.high_availability
            found.append(Watch(self.cluster, runs, CONFIG_MAP, namespace, {"labelSelector": LABEL}))
        if not self.settings.namespaces:
            theirs = {"fieldSelector": f"metadata.name={NAMESPACE}"}
            found.append(Watch(self.cluster, self.leases.others, LEASE, None, theirs))
        if self.settings.nodes:
            found.append(self._watch(NODE, None, {}, optional=True))
        return found

    def _watch(
        self,
        resource: Resource,
        namespace: str | None,
        selector: Mapping[str, str],
        *,
        optional: bool = False,
    ) -> Watch:
        watch = Watch(self.cluster, self.cache, resource, namespace, selector, optional)
        if resource is EVENT:
            # No bookmarks come of events: a quiet watch of them is not a dead one, and one that is
            # begun again after long finds its version compacted, so that all would be listed.
            watch.lasts, watch.silence = 3600.0, None
        return watch

    async def synced(self, namespace: str) -> None:
        """Wait until what there is in a namespace is known: before, children seem to be missing.

        Only the watches that see the namespace count: one that may not be read, or is gone, must
        not hold up the others.
        """
        seen = [each for each in self.watches if each.namespace in {None, namespace}]
        await asyncio.gather(*(each.synced.wait() for each in seen))

    async def serve(
        self,
        key: Key,
        body: Mapping[str, Any],
        stopped: Stopped,
        tell: Callable[[Transition], None],
    ) -> None:
        """Reconcile one object until it is deleted, or the operator ends."""
        SERVED.set(key)
        clock, session, failures = self.wakeups.of(key), Session(key), 0
        self.sessions[key] = session
        try:
            await _first(self.synced(key.namespace), stopped.wait())
            while not stopped and not body["metadata"].get("deletionTimestamp"):
                if not self.leases.serves(key.namespace):
                    self.reconciler.rollout.forget(key)
                    await _first(self.leases.wait(key.namespace), stopped.wait())
                    continue
                metrics.QUEUE_SECONDS.observe(clock.take())
                try:
                    outcome = await self._pass(session, thaw(body))
                    failures, delay = 0, outcome.delay
                    for each in outcome.told:
                        tell(each)
                except (ApiError, FlinkError, aiohttp.ClientError) as error:
                    failures += 1
                    delay = backoff(failures)
                    logger.warning("%s/%s: %s; again in %.0f s", *key, error, delay)
                except Exception:
                    failures += 1
                    delay = backoff(failures)
                    logger.exception("%s/%s: a defect; again in %.0f s", *key, delay)
                await _first(clock.wait(delay), stopped.wait())
                if not stopped:
                    await asyncio.sleep(GATHER)
        finally:
            if self.wakeups.forget(key, clock):
                self.cache.forget(key)
                self.reconciler.rollout.forget(key)
                del self.sessions[key]
                metrics.forget(key)
            self.phases.pop(key, None)
            self._count()

    async def _pass(self, session: Session, manifest: Manifest) -> Outcome:
        async with self.slots:
            begun = self.since[session.key] = time.monotonic()
            result = "error"
            try:
                outcome = await self.reconciler.once(session, manifest)
                result = "ok"
            finally:
                del self.since[session.key]
                metrics.PASSES.labels(result).inc()
                metrics.PASS_SECONDS.observe(time.monotonic() - begun)
        self.phases[session.key] = outcome.phase
        if session.known is not None:
            metrics.tell(session.key, session.known.get("status", {}))
        self._count()
        return outcome

    def _count(self) -> None:
        metrics.count_phases(self.phases.values(), [each.value for each in Phase])

    async def clean_up(
        self, key: Key, body: Mapping[str, Any], tell: Callable[[Transition], None]
    ) -> bool:
        """Go on with a deletion as far as it goes; True when nothing is left to wait for."""
        SERVED.set(key)
        async with asyncio.timeout(self.settings.request_timeout):
            await self.synced(key.namespace)
        self.leases.check(key.namespace)
        session = self.leaving.setdefault(body["metadata"]["uid"], Session(key))
        gone = False
        while not gone:
            outcome = await self.reconciler.once(session, thaw(body))
            gone = outcome.gone
            for each in outcome.told:
                tell(each)
            if outcome.delay and not gone:
                return False
        self.forget(body)
        return True

    def is_news(self, key: Key, body: Mapping[str, Any]) -> bool:
        """Whether an object's status is another one than was written here."""
        session = self.sessions.get(key)
        known = session.known if session else None
        return known is None or known.get("status", {}) != thaw(body).get("status", {})

    def forget(self, body: Mapping[str, Any]) -> None:
        """The object is gone, or is no longer waited for."""
        if (session := self.leaving.pop(body["metadata"]["uid"], None)) is not None:
            self.cache.forget(session.key)
            self.reconciler.rollout.forget(session.key)

    def sickness(self) -> str | None:
        """Why the operator should be started anew; None when it is well."""
        for key, begun in self.since.items():
            if time.monotonic() - begun > self.settings.stuck_after:
                return f"a pass over {key.namespace}/{key.name} does not end"
        tasks = [*self.tasks, *self.cache.programs.tasks()]
        dead = [each for each in tasks if each.done() and not each.cancelled()]
        broken = [each for each in dead if each.exception() is not None]
        return f"a watch has ended: {broken[0].exception()}" if broken else None


def _watch_of(cluster: KubernetesCluster, ref: Ref, sink: Sink) -> Watch:
    """The watch of one ConfigMap alone."""
    only = {"fieldSelector": f"metadata.name={ref.name}"}
    return Watch(cluster, sink, CONFIG_MAP, ref.namespace, only, lasts=3600.0)


def thaw(body: Mapping[str, Any]) -> Manifest:
    """What kopf's live view shows now: it shows another object later, and changes none."""
    return {**body, "metadata": dict(body["metadata"])}


async def _first(*waits: Any) -> None:
    """Wait for the first of several; the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
