"""What Flink's high availability keeps of the runs of a ModelStream: its ConfigMaps, by watch.

Flink's label is on those of every Flink cluster: only the name tells whose one is, and one that is
nobody's is neither kept nor touched.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from modelstream_operator import names
from modelstream_operator.resources import CONFIG_MAP, Key, Manifest, Ref

LABEL = "type=flink-native-kubernetes"
"""Label selector of the ConfigMaps that Flink makes."""

RESTORED = 1
"""Checkpoints of a job that has been restored and has completed none: the one it began from."""

_NAME = re.compile(
    r"(?P<name>.+)-(?P<uid>[0-9a-f]{8})-(?P<run>[0-9]+)-(?P<job>cluster|[0-9a-f]{32})-config-map"
)
_PLAN = "executionPlan-"
_CHECKPOINT = "checkpointID-"


@dataclass(frozen=True, slots=True)
class RunConfigMap:
    """One ConfigMap of a run: that of its cluster, or that of its job."""

    ref: Ref
    key: Key
    uid: str
    """Of the ConfigMap."""
    stream: str
    """The first digits of the ModelStream's uid."""
    run: int
    job_id: str
    """Empty for that of the cluster."""
    owned: bool
    """Whether it goes with an object that owns it."""
    plans: frozenset[str]
    """Ids of the jobs that a JobManager would begin again."""
    checkpoints: frozenset[int]
    """Numbers of the completed checkpoints that it points to."""

    @classmethod
    def of(cls, manifest: Manifest) -> "RunConfigMap | None":
        """Read one; None where its name is not that of a run."""
        meta, data = manifest["metadata"], manifest.get("data") or {}
        found = _NAME.fullmatch(meta["name"])
        if found is None:
            return None
        return cls(
            ref=Ref.of(manifest),
            key=Key(meta["namespace"], found["name"]),
            uid=meta["uid"],
            stream=found["uid"],
            run=int(found["run"]),
            job_id="" if found["job"] == "cluster" else found["job"],
            owned=bool(meta.get("ownerReferences")),
            plans=frozenset(_after(_PLAN, data)),
            checkpoints=frozenset(
                int(each) for each in _after(_CHECKPOINT, data) if each.isdecimal()
            ),
        )

    def tells(self) -> tuple[object, ...]:
        """What a stream is woken for; not one more checkpoint, nor the lease of a leader."""
        return self.uid, self.owned, self.plans, min(len(self.checkpoints), RESTORED + 1)


def _after(prefix: str, data: Manifest) -> Iterator[str]:
    return (key.removeprefix(prefix) for key in data if key.startswith(prefix))


@dataclass
class HighAvailability:
    """The ConfigMaps of all runs. ``changed`` hears of those that a step may depend on."""

    changed: Callable[[Key], None] = lambda key: None
    _found: dict[Key, dict[Ref, RunConfigMap]] = field(default_factory=lambda: defaultdict(dict))
    _keys: dict[Ref, Key] = field(default_factory=dict)

    def put(self, manifest: Manifest) -> None:
        """One was added or has changed."""
        if (new := RunConfigMap.of(manifest)) is None:
            return
        old = self._found[new.key].get(new.ref)
        self._found[new.key][new.ref] = new
        self._keys[new.ref] = new.key
        if old is None or old.tells() != new.tells():
            self.changed(new.key)

    def drop(self, ref: Ref) -> None:
        """One is gone."""
        if (key := self._keys.pop(ref, None)) is None:
            return
        del self._found[key][ref]
        if not self._found[key]:
            del self._found[key]
        self.changed(key)

    def refs(self, kind: str, namespace: str | None) -> Iterator[Ref]:
        """What is known, for comparison with a fresh list."""
        assert kind == CONFIG_MAP.kind
        for ref in list(self._keys):
            if namespace in (None, ref.namespace):
                yield ref

    def of(self, key: Key, uid: str) -> tuple[RunConfigMap, ...]:
        """Those of every run of one object, and of none that had its name before."""
        found = self._found.get(key, {}).values()
        ours = names.runs_of(key.name, uid)
        return tuple(each for each in found if each.ref.name.startswith(ours))
