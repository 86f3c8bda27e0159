"""What runs were, or are to be, made of, as objects of the cluster keep it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from modelstream_operator import names
from modelstream_operator.cache import Child
from modelstream_operator.decide.acceptance import SpecRefusedError, accepted
from modelstream_operator.decide.memory import Memory
from modelstream_operator.render import Target
from modelstream_operator.render.revision import Revision, read
from modelstream_operator.resources import CONTROLLER_REVISION, Manifest, Ref
from modelstream_operator.settings import Settings


@dataclass(frozen=True)
class Kept:
    """A revision that can be started again."""

    revision: Revision
    target: Target
    """What its run is rendered for."""


def kept_revision(manifest: Manifest, id_: str, there: Mapping[Ref, Child]) -> Revision | None:
    """What a run was made from, as its own object keeps it."""
    meta = manifest["metadata"]
    child = there.get(Ref(CONTROLLER_REVISION.kind, meta["namespace"], _name(manifest, id_)))
    try:
        return read(child.manifest()) if child and meta["uid"] in child.owners else None
    except (KeyError, TypeError):
        return None


def kept_target(
    kept: Revision | None, manifest: Manifest, memory: Memory, settings: Settings
) -> Target | None:
    """What a run of it is rendered for, with the present wishes."""
    if kept is None:
        return None
    made_of = {**manifest, "spec": _with_present_wishes(kept.spec, manifest["spec"])}
    try:
        stream = accepted(made_of)
    except SpecRefusedError:  # by rules that are newer than it
        return None
    made = Target(stream, made_of, settings, run=memory.run, job_id=memory.job_id)
    return replace(made, program=kept.program(made.name))


def kept_of(
    ids: Iterable[str],
    manifest: Manifest,
    memory: Memory,
    there: Mapping[Ref, Child],
    settings: Settings,
) -> dict[str, Kept]:
    """Those of them that are there, and can be read."""
    found = {}
    for id_ in ids:
        revision = kept_revision(manifest, id_, there)
        target = kept_target(revision, manifest, memory, settings)
        if revision is not None and target is not None:
            found[id_] = Kept(revision, target)
    return found


def named_by(memory: Memory) -> list[str]:
    """What may have to be started again, whatever is asked for by then."""
    prepared, rollback = memory.prepared, memory.rollback
    named = [*memory.ready[:1], rollback.to if rollback else ""]
    if prepared:
        named += [prepared.revision, prepared.instead]
    if prepared or any(each != memory.revision for each in named if each):
        named.append(memory.revision)
    return [each for each in dict.fromkeys(named) if each]


def refs_of(manifest: Manifest, ids: Iterable[str]) -> frozenset[Ref]:
    """The objects that keep them."""
    namespace = manifest["metadata"]["namespace"]
    return frozenset(Ref(CONTROLLER_REVISION.kind, namespace, _name(manifest, i)) for i in ids)


def _name(manifest: Manifest, id_: str) -> str:
    return names.revision(manifest["metadata"]["name"], id_)


def _with_present_wishes(kept: Manifest, present: Manifest) -> Manifest:
    """With the fields that concern no revision: how many there are to be, and whether any."""
    manager = (present.get("flink") or {}).get("taskManager") or {}
    flink = kept.get("flink") or {}
    if "replicas" in manager:
        mine = {**(flink.get("taskManager") or {}), "replicas": manager["replicas"]}
        flink = {**flink, "taskManager": mine}
    return {**kept, "flink": flink, "suspend": present.get("suspend", False)}
