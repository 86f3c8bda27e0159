"""What watches have told: the objects that passes read instead of asking the API server."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from modelstream_operator.names import (
    ANNOTATION_APPLIED,
    ANNOTATION_CONFIG,
    ANNOTATION_JOB,
    LABEL_OWNER,
    Component,
)
from modelstream_operator.resources import CLAIM, Manifest, Ref


class Key(NamedTuple):
    """A ModelStream by namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Child:
    """An owned object: what is needed to see that it drifted, the rest packed away."""

    ref: Ref
    key: Key
    uid: str
    owners: tuple[str, ...]
    version: str
    applied: str
    status: dict[str, Any]
    packed: bytes

    @classmethod
    def of(cls, manifest: Manifest) -> "Child | None":
        """Read an object; None when it carries no owner label."""
        meta, key = manifest["metadata"], owner_of(manifest)
        if key is None:
            return None
        slim = {name: value for name, value in manifest.items() if name != "status"}
        return cls(
            ref=Ref.of(manifest),
            key=key,
            uid=meta["uid"],
            owners=tuple(each["uid"] for each in meta.get("ownerReferences", ())),
            version=version_of(manifest),
            applied=meta.get("annotations", {}).get(ANNOTATION_APPLIED, ""),
            status=manifest.get("status", {}),
            packed=zlib.compress(json.dumps(slim, separators=(",", ":")).encode(), level=1),
        )

    def manifest(self) -> Manifest:
        """The object without its status."""
        body: Manifest = json.loads(zlib.decompress(self.packed))
        return body


def version_of(manifest: Manifest) -> str:
    """What changes when someone writes the object's intent: generation, where the kind has one.

    The generation does not count labels; they are told by their hash, good for this process.
    """
    meta = manifest["metadata"]
    written = meta.get("generation") or meta.get("resourceVersion", "")
    return f"{meta['uid']}/{written}/{hash(frozenset(meta.get('labels', {}).items())):x}"


_POD_ANNOTATIONS = (ANNOTATION_JOB, ANNOTATION_CONFIG)


def _without_managed_fields(manifest: Manifest) -> Manifest:
    manifest["metadata"].pop("managedFields", None)
    return manifest


def _slim_pod(pod: Manifest) -> Manifest:
    """A pod as far as diagnosis reads it."""
    meta, spec = pod["metadata"], pod.get("spec", {})
    kept = ("name", "namespace", "uid", "labels", "creationTimestamp", "deletionTimestamp")
    annotations = {name: meta.get("annotations", {}).get(name, "") for name in _POD_ANNOTATIONS}
    return {
        "kind": "Pod",
        "metadata": {
            **{name: meta[name] for name in kept if name in meta},
            "annotations": annotations,
        },
        "spec": {
            "nodeName": spec.get("nodeName", ""),
            "volumes": [
                each for each in spec.get("volumes", ()) if "persistentVolumeClaim" in each
            ],
        },
        "status": pod.get("status", {}),
    }


def _slim_node(node: Manifest) -> Manifest:
    spec, status = node.get("spec", {}), node.get("status", {})
    return {
        "kind": "Node",
        "metadata": {
            "name": node["metadata"]["name"],
            "labels": node["metadata"].get("labels", {}),
        },
        "spec": {"taints": spec.get("taints", []), "unschedulable": spec.get("unschedulable")},
        "status": {
            "allocatable": status.get("allocatable", {}),
            "conditions": [
                {name: each.get(name) for name in ("type", "status", "lastTransitionTime")}
                for each in status.get("conditions", ())
                if each["type"] == "Ready"
            ],
        },
    }


def _slim_event(event: Manifest) -> Manifest:
    kept = ("reason", "message", "lastTimestamp", "eventTime", "series", "involvedObject")
    return {
        "kind": "Event",
        "metadata": {name: event["metadata"].get(name) for name in ("name", "namespace")},
        **{name: event[name] for name in kept if name in event},
    }


def _slim_claim(claim: Manifest) -> Manifest:
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {name: claim["metadata"].get(name) for name in ("name", "namespace")},
        "spec": {"accessModes": claim.get("spec", {}).get("accessModes", [])},
        "status": {"phase": claim.get("status", {}).get("phase", "")},
    }


_SLIM: dict[str, Callable[[Manifest], Manifest]] = {
    "Node": _slim_node,
    "PersistentVolumeClaim": _slim_claim,
}


def owner_of(manifest: Manifest) -> Key | None:
    """The ModelStream whose label an object carries."""
    meta = manifest["metadata"]
    owner = meta.get("labels", {}).get(LABEL_OWNER)
    return Key(meta["namespace"], owner) if owner else None


def owner_of_event(event: Manifest) -> Key | None:
    """The ModelStream whose pod, ReplicaSet or Deployment a Warning event is about."""
    about = event.get("involvedObject", {})
    if about.get("kind") not in {"Pod", "ReplicaSet", "Deployment"}:
        return None
    for component in Component:
        name, found, _ = about.get("name", "").rpartition(f"-{component}")
        if found and name:
            return Key(about.get("namespace", ""), name)
    return None


@dataclass
class Cache:
    """All that is watched. ``changed`` hears of every ModelStream that something happened to."""

    changed: Callable[[Key], None] = lambda key: None
    shared_changed: Callable[[], None] = lambda: None
    _children: dict[Key, dict[Ref, Child]] = field(default_factory=lambda: defaultdict(dict))
    _pods: dict[Key, dict[Ref, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _events: dict[Key, dict[Ref, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _shared: dict[str, dict[Ref, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _owned: dict[Ref, Key] = field(default_factory=dict)

    def put(self, manifest: Manifest) -> None:
        """An object was added or has changed."""
        ref = Ref.of(manifest)
        match ref.kind:
            case "Node" | "PersistentVolumeClaim":
                slim = _SLIM[ref.kind](manifest)
                if self._shared[ref.kind].get(ref) != slim:
                    self._shared[ref.kind][ref] = slim
                    self.shared_changed()
            case "Event":
                self._own(ref, owner_of_event(manifest), self._events, _slim_event(manifest))
            case "Pod":
                self._own(ref, owner_of(manifest), self._pods, _slim_pod(manifest))
            case _:
                child = Child.of(_without_managed_fields(manifest))
                self._own(ref, child.key if child else None, self._children, child)

    def drop(self, ref: Ref) -> None:
        """An object is gone, or no longer carries the label that is watched."""
        if self._shared.get(ref.kind, {}).pop(ref, None) is not None:
            self.shared_changed()
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
        for ref in [*self._owned, *self._shared.get(kind, ())]:
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
        return list(self._shared["Node"].values())

    def claim(self, namespace: str, name: str) -> Manifest | None:
        """A PersistentVolumeClaim."""
        return self._shared[CLAIM.kind].get(Ref(CLAIM.kind, namespace, name))

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
