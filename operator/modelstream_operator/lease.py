"""Who serves a namespace: a Lease for each, or one for the whole cluster.

Two operators that drive the same stream would each stop its job under an id of its own, and
overwrite what the other remembers: server-side apply makes that harmless for children, and not for
a state machine. Who holds no Lease that is in force writes nothing.
"""

import asyncio
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelstream_operator.cluster import ApiError, KubernetesCluster
from modelstream_operator.decide.pods import is_ended
from modelstream_operator.resources import LEASE, POD, Manifest, Ref
from modelstream_operator.settings import Settings

logger = logging.getLogger(__name__)

CLUSTER = "modelstream-cluster"
"""Name of the Lease of an operator that serves every namespace."""
NAMESPACE = "modelstream-operator"
"""Name of the Lease in a namespace that is served by a list."""
RENEWALS = 3
"""Tries to renew a Lease before it is over."""
MARGIN = 2 / 3
"""Part of its time after which the holder of a Lease that was not renewed acts no more."""


class NotServedError(ApiError):
    """This operator may not act in a namespace: another one holds its Lease, or nobody yet."""

    def __init__(self, namespace: str) -> None:
        super().__init__(0, f"namespace {namespace} is not served: its Lease is not in force here")


@dataclass(frozen=True)
class Holder:
    """The pod of an operator."""

    namespace: str
    pod: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}/{self.uid}"

    @classmethod
    def of(cls, text: str) -> "Holder | None":
        """Read it from a Lease; None where its holder is not a pod."""
        parts = text.split("/")
        return cls(*parts) if len(parts) == 3 else None


@dataclass
class Lease:
    """One Lease: got, renewed and given back by one holder."""

    cluster: KubernetesCluster
    ref: Ref
    me: str
    duration: float
    """Seconds for which it is in force after it was renewed."""
    lost: Callable[[str], None]
    """Hears that another one holds what was held here."""
    settles: float = 0.0
    """Seconds after it was got before its holder acts: others have to notice."""
    clock: Callable[[], float] = time.monotonic
    acts: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from when its holder acts."""
    _until: float = 0.0
    _since: float | None = None
    _seen: tuple[str, float] = ("", 0.0)
    """Version of another one's Lease, and when it was seen first."""
    _said: str = ""

    @property
    def in_force(self) -> bool:
        """Whether its holder may act now: nobody else may think that it is free."""
        return self.acts.is_set() and self.clock() < self._until

    async def run(self) -> None:
        """Get it and keep it until cancelled, then give it back."""
        try:
            while True:
                await self.turn()
                await asyncio.sleep(self.duration / RENEWALS)
        finally:
            await self._give_back()

    async def turn(self) -> None:
        """Get it or renew it, if that can be."""
        asked = self.clock()
        try:
            async with asyncio.timeout(self.duration / RENEWALS):
                mine = await self._take()
        except TimeoutError:
            self._say("the API server does not answer")
            return
        except ApiError as error:
            # In a namespace that ends nobody can make it anew, and its streams have to end too.
            mine = self._since is not None and error.of_ending_namespace
            if not mine:
                self._say(str(error))
        if mine:
            self._hold(asked)

    def _hold(self, asked: float) -> None:
        self._until = asked + self.duration * MARGIN
        if self._since is None:
            self._since = asked
            self._say("it is held here")
            if self.settles:
                asyncio.get_running_loop().call_later(self.settles, self.acts.set)
            else:
                self.acts.set()

    def _say(self, what: str) -> None:
        """Log what is new."""
        if what != self._said:
            self._said = what
            logger.info("%s in %s: %s", self.ref, self.ref.namespace, what)

    async def _take(self) -> bool:
        """Write our name into it, unless another one's is in force there."""
        found = await self.cluster.get(self.ref)
        if found is None:
            await self.cluster.create(_manifest(self.ref, self.me, self.duration, {}))
            return True
        holder = _holder(found)
        if holder != self.me and self._since is not None:
            self._until = 0.0
            self.lost(f"{self.ref} in {self.ref.namespace} was taken by {holder or 'somebody'}")
            return False
        if holder not in {"", self.me} and not await self._is_free(found, holder):
            self._say(f"{holder} holds it: waiting")
            return False
        await self.cluster.replace(_manifest(self.ref, self.me, self.duration, found))
        return True

    async def _is_free(self, found: Manifest, holder: str) -> bool:
        """Whether its holder is gone, or has not renewed it for as long as it was to be in force.

        Times in it are of another machine's clock: what counts is for how long it has not changed.
        """
        version = found["metadata"]["resourceVersion"]
        if self._seen[0] != version:
            self._seen = version, self.clock()
        return self.clock() - self._seen[1] > _lasts(found) or await self._is_gone(holder)

    async def _is_gone(self, holder: str) -> bool:
        """Whether its pod no longer runs; False where that may not be read."""
        if (other := Holder.of(holder)) is None:
            return False
        try:
            pod = await self.cluster.get(Ref(POD.kind, other.namespace, other.pod))
        except ApiError:
            return False
        return pod is None or pod["metadata"]["uid"] != other.uid or is_ended(pod)

    async def _give_back(self) -> None:
        if self._since is None:
            return
        with suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self.duration / RENEWALS):
                found = await self.cluster.get(self.ref)
                if found is not None and _holder(found) == self.me:
                    await self.cluster.replace(_manifest(self.ref, "", self.duration, found))


def holder(settings: Settings) -> str:
    """What this process calls itself: its pod, else words that name none."""
    if settings.pod:
        return str(Holder(settings.namespace, settings.pod, settings.pod_uid))
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _holder(lease: Manifest) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _lasts(lease: Manifest) -> float:
    return float(lease.get("spec", {}).get("leaseDurationSeconds") or 0)


def _manifest(ref: Ref, holder: str, duration: float, found: Manifest) -> Manifest:
    """The Lease with another holder; it is written only if it is still as it was found."""
    old, now = found.get("spec", {}), datetime.now(UTC).isoformat().replace("+00:00", "Z")
    passes = bool(found) and bool(holder) and _holder(found) != holder
    spec = {
        "leaseDurationSeconds": max(1, round(duration)),
        "acquireTime": old.get("acquireTime", now) if _holder(found) == holder else now,
        "renewTime": now,
        "leaseTransitions": old.get("leaseTransitions", 0) + passes,
    }
    return {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.kind,
        "metadata": found.get("metadata", {"name": ref.name, "namespace": ref.namespace}),
        "spec": {**spec, "holderIdentity": holder} if holder else spec,
    }


@dataclass
class NamespaceLeases:
    """The Leases of operators that serve single namespaces, by watch."""

    clock: Callable[[], float] = time.monotonic
    _held: dict[str, tuple[Ref, str, float, float]] = field(default_factory=dict)
    """By namespace: which, its version, its duration and when it was seen; only while held."""

    def put(self, manifest: Manifest) -> None:
        """One was made, renewed or given back."""
        ref, version = Ref.of(manifest), manifest["metadata"]["resourceVersion"]
        if not _holder(manifest):
            self._held.pop(ref.namespace, None)
        elif ref.namespace not in self._held or self._held[ref.namespace][1] != version:
            self._held[ref.namespace] = ref, version, _lasts(manifest), self.clock()

    def drop(self, ref: Ref) -> None:
        """One is gone."""
        self._held.pop(ref.namespace, None)

    def refs(self, kind: str, namespace: str | None) -> Iterator[Ref]:
        """All that are held."""
        yield from [ref for ref, *_ in self._held.values() if ref.kind == kind]

    def holds(self, namespace: str) -> bool:
        """Whether another operator serves a namespace by itself."""
        if (found := self._held.get(namespace)) is None:
            return False
        _, _, lasts, seen = found
        return self.clock() - seen <= lasts


@dataclass
class Leases:
    """In which namespaces this operator acts."""

    own: Mapping[str | None, Lease] = field(default_factory=dict)
    """By namespace; under None the one for the whole cluster."""
    others: NamespaceLeases = field(default_factory=NamespaceLeases)
    _left_out: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, settings: Settings, cluster: KubernetesCluster, lost: Callable[[str], None]
    ) -> "Leases":
        """Those that an operator with these settings needs."""
        me, lasts = holder(settings), settings.lease_duration
        if settings.namespaces:
            # In that time an operator of the whole cluster notices, and leaves the namespace out.
            refs = {each: Ref(LEASE.kind, each, NAMESPACE) for each in settings.namespaces}
            return cls(
                {name: Lease(cluster, ref, me, lasts, lost, lasts) for name, ref in refs.items()}
            )
        whole = Ref(LEASE.kind, settings.lease_namespace, CLUSTER)
        return cls({None: Lease(cluster, whole, me, lasts, lost)})

    def serves(self, namespace: str) -> bool:
        """Whether this operator may act there now."""
        if (mine := self.own.get(namespace)) is not None:
            return mine.in_force
        whole = self.own.get(None)
        return whole is not None and whole.in_force and not self._leaves_out(namespace)

    def _leaves_out(self, namespace: str) -> bool:
        """Whether another operator serves it by itself; said when that begins and ends."""
        held = self.others.holds(namespace)
        if held and namespace not in self._left_out:
            self._left_out.add(namespace)
            logger.warning("namespace %s is left out: another operator serves it", namespace)
        elif not held and namespace in self._left_out:
            self._left_out.remove(namespace)
            logger.warning("namespace %s is served again: nobody else holds it", namespace)
        return held

    def check(self, namespace: str) -> None:
        """Raise NotServedError where this operator may not act."""
        if not self.serves(namespace):
            raise NotServedError(namespace)

    async def wait(self, namespace: str) -> None:
        """Wait until it may be worth asking again."""
        lease = self.own.get(namespace) or self.own[None]
        if lease.acts.is_set():
            await asyncio.sleep(lease.duration / RENEWALS)
        else:
            await lease.acts.wait()
