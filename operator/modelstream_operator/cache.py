"""What watches have told: the objects that passes read instead of asking the API server."""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from modelstream_operator.decide.pods import is_ended, is_leaving, is_scheduled
from modelstream_operator.highavailability import HighAvailability
from modelstream_operator.names import ANNOTATION_APPLIED, LABEL_OWNER, LABEL_RUN, Component
from modelstream_operator.programs import Programs
from modelstream_operator.resources import CLAIM, NODE, Key, Manifest, Ref
from modelstream_operator.slim import (
    slim_claim,
    slim_event,
    slim_node,
    slim_pod,
    without_managed_fields,
)

_WINDOW = 32768
"""Bytes of a text that another one can be packed by."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A manifest as what differs from another of its kind: a third of what it takes alone."""

    differs: bytes
    like: bytes

    @classmethod
    def of(cls, manifest: Manifest, samples: dict[str, bytes]) -> "Packed":
        """Pack one. ``samples`` has the other ones, by kind; the first of a kind becomes it."""
        text = orjson.dumps(manifest)
        like = samples.setdefault(manifest["kind"], text[-_WINDOW:])
        packer = zlib.compressobj(level=1, zdict=like)
        return cls(packer.compress(text) + packer.flush(), like)

    def manifest(self) -> Manifest:
        """The manifest again."""
        body: Manifest = orjson.loads(zlib.decompressobj(zdict=self.like).decompress(self.differs))
        return body


@dataclass(frozen=True, slots=True)
class Child:
    """An owned object: what is needed to see that it drifted, the rest packed away."""

    ref: Ref
    key: Key
    uid: str
    run: int
    """The run that it was made for; 0 of one that goes with the stream."""
    owners: tuple[str, ...]
    version: str
    applied: str
    status: dict[str, Any]
    packed: Packed

    @classmethod
    def of(cls, manifest: Manifest, samples: dict[str, bytes]) -> "Child | None":
        """Read an object; None when it carries no owner label."""
        meta, key = manifest["metadata"], owner_of(manifest)
        if key is None:
            return None
        slim = {name: value for name, value in manifest.items() if name != "status"}
        return cls(
            ref=Ref.of(manifest),
            key=key,
            uid=meta["uid"],
            run=run_of(manifest),
            owners=tuple(each["uid"] for each in meta.get("ownerReferences", ())),
            version=version_of(manifest),
            applied=meta.get("annotations", {}).get(ANNOTATION_APPLIED, ""),
            status=manifest.get("status", {}),
            packed=Packed.of(slim, samples),
        )

    def is_for(self, uid: str) -> bool:
        """Whether it goes with that object; or with none, where one of its name was orphaned."""
        return not self.owners or uid in self.owners

    def manifest(self) -> Manifest:
        """The object without its status."""
        return self.packed.manifest()


def version_of(manifest: Manifest) -> str:
    """What changes when someone writes the object's intent: generation, where the kind has one.

    The generation does not count labels; they are told by their hash, good for this process.
    """
    meta = manifest["metadata"]
    written = meta.get("generation") or meta.get("resourceVersion", "")
    return f"{meta['uid']}/{written}/{hash(frozenset(meta.get('labels', {}).items())):x}"


def run_of(manifest: Manifest) -> int:
    """The number of the run whose label an object carries; 0 without one."""
    label = str(manifest["metadata"].get("labels", {}).get(LABEL_RUN, ""))
    return int(label) if label.isdecimal() else 0


def owner_of(manifest: Manifest) -> Key | None:
    """The ModelStream whose label an object carries."""
    meta = manifest["metadata"]
    owner = meta.get("labels", {}).get(LABEL_OWNER)
    return Key(meta["namespace"], owner) if owner else None


_OF_A_ROLE = re.compile(rf"(.+)-(?:{'|'.join(Component)})-")
"""Name of a Deployment, or of what is made for it: what comes last in it is not the stream's."""


def owner_of_event(event: Manifest) -> Key | None:
    """The ModelStream whose pod, ReplicaSet or Deployment a Warning event is about."""
    about = event.get("involvedObject", {})
    if about.get("kind") not in {"Pod", "ReplicaSet", "Deployment"}:
        return None
    found = _OF_A_ROLE.match(about.get("name", ""))
    return Key(about.get("namespace", ""), found[1]) if found else None


@dataclass
class Cache:
    """All that is watched. ``changed`` hears of every ModelStream that something happened to."""

    changed: Callable[[Key], None] = lambda key: None
    high_availability: HighAvailability = field(default_factory=HighAvailability)
    programs: Programs = field(default_factory=Programs)
    _samples: dict[str, bytes] = field(default_factory=dict)
    _children: dict[Key, dict[Ref, Child]] = field(default_factory=lambda: defaultdict(dict))
    _pods: dict[Key, dict[Ref, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _events: dict[Key, dict[Ref, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _nodes: dict[Ref, Manifest] = field(default_factory=dict)
    _claims: dict[Ref, Manifest] = field(default_factory=dict)
    _claimed: dict[Key, frozenset[str]] = field(default_factory=dict)
    """Names of the claims that each ModelStream uses."""
    _owned: dict[Ref, Key] = field(default_factory=dict)

    def put(self, manifest: Manifest) -> None:
        """An object was added or has changed."""
        ref = Ref.of(manifest)
        match ref.kind:
            case "Node" | "PersistentVolumeClaim":
                self._share(
                    ref, slim_node(manifest) if ref.kind == NODE.kind else slim_claim(manifest)
                )
            case "Event":
                self._own(ref, owner_of_event(manifest), self._events, slim_event(manifest))
            case "Pod":
                self._own(ref, owner_of(manifest), self._pods, slim_pod(manifest))
            case _:
                child = Child.of(without_managed_fields(manifest), self._samples)
                self._own(ref, child.key if child else None, self._children, child)

    def drop(self, ref: Ref) -> None:
        """An object is gone, or no longer carries the label that is watched."""
        if self._shared(ref.kind).pop(ref, None) is not None:
            self._shared_changed(ref)
        key = self._owned.pop(ref, None)
        if key is None:
            return
        place = self._place(ref.kind)
        place[key].pop(ref, None)
        if not place[key]:
            del place[key]
        self.changed(key)

    def refs(self, kind: str, namespace: str | None) -> Iterator[Ref]:
        """What is known of one kind, for comparison with a fresh list."""
        for ref in [*self._owned, *self._shared(kind)]:
            if ref.kind == kind and namespace in (None, ref.namespace):
                yield ref

    def children(self, key: Key) -> dict[Ref, Child]:
        """The objects that carry the ModelStream's label."""
        return dict(self._children.get(key, {}))

    def pods(self, key: Key) -> list[Manifest]:
        """The Flink pods of a ModelStream."""
        return list(self._pods.get(key, {}).values())

    def events(self, key: Key) -> list[Manifest]:
        """Warning events about the pods and Deployments of a ModelStream."""
        return list(self._events.get(key, {}).values())

    def nodes(self) -> list[Manifest]:
        """The nodes; empty where the operator may not read them."""
        return list(self._nodes.values())

    def claims(self, key: Key, names: Iterable[str]) -> dict[str, Manifest | None]:
        """The PersistentVolumeClaims that a ModelStream uses; from now on each wakes it."""
        refs = {name: Ref(CLAIM.kind, key.namespace, name) for name in names}
        self._claimed[key] = frozenset(refs)
        return {name: self._claims.get(ref) for name, ref in refs.items()}

    def forget(self, key: Key) -> None:
        """A ModelStream is no longer served."""
        self._claimed.pop(key, None)
        self.programs.forget(key)

    def _shared(self, kind: str) -> dict[Ref, Manifest]:
        """Objects that belong to no ModelStream, and concern some."""
        match kind:
            case NODE.kind:
                return self._nodes
            case CLAIM.kind:
                return self._claims
        return {}

    def _share(self, ref: Ref, new: Manifest) -> None:
        if self._shared(ref.kind).get(ref) != new:
            self._shared(ref.kind)[ref] = new
            self._shared_changed(ref)

    def _shared_changed(self, ref: Ref) -> None:
        """Wake those that it may concern, and no stranger."""
        for key in self._of_nodes() if ref.kind == NODE.kind else self._of_claim(ref):
            self.changed(key)

    def _of_claim(self, claim: Ref) -> list[Key]:
        return [
            key
            for key, names in self._claimed.items()
            if claim.name in names and claim.namespace == key.namespace
        ]

    def _of_nodes(self) -> list[Key]:
        """Those with a pod that has no node yet, or does not end, as on a node that is gone."""
        return [key for key, pods in self._pods.items() if any(map(_looks_at_nodes, pods.values()))]

    def _own(self, ref: Ref, key: Key | None, place: dict[Key, dict[Ref, Any]], new: Any) -> None:
        """File an object under its ModelStream; one that changed hands leaves the old place."""
        if self._owned.get(ref, key) != key:
            self.drop(ref)
        if key is None or place[key].get(ref) == new:
            return
        self._owned[ref] = key
        place[key][ref] = new
        self.changed(key)

    def _place(self, kind: str) -> dict[Key, dict[Ref, Any]]:
        match kind:
            case "Pod":
                return self._pods
            case "Event":
                return self._events
        return self._children


def _looks_at_nodes(pod: Manifest) -> bool:
    return not is_ended(pod) and (is_leaving(pod) or not is_scheduled(pod))
