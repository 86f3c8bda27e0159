"""The objects that follow from a wish and a decision."""

from collections.abc import Mapping
from dataclasses import replace

from modelstream_operator import names
from modelstream_operator.cache import Child
from modelstream_operator.children import Plan
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.decide.stored import Stored
from modelstream_operator.kept import named_by, refs_of
from modelstream_operator.recall import with_memory
from modelstream_operator.render import Target, run_of, stream_children
from modelstream_operator.render.models import digests_map
from modelstream_operator.render.revision import Revision
from modelstream_operator.render.run import run_children
from modelstream_operator.render.signature import signed
from modelstream_operator.resources import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    SERVICE_ACCOUNT,
    Manifest,
    Ref,
)
from modelstream_operator.wish import Wish

REVISIONS = 10
"""What earlier runs were made of: so many are kept."""


def plan(
    asked: Wish,
    decision: Decision,
    there: Mapping[Ref, Child],
    digests: Mapping[str, str] | None = None,
) -> Plan:
    """The objects that there are to be, as far as they may be touched in this pass.

    ``digests`` is of the run's models, once it is known; what was known first stays.
    """
    memory, shown = decision.memory, asked.target_of(decision.memory.revision)
    if asked.target is None or shown is None or not asked.wanted.revision:
        return Plan((), whole=False)
    if memory.step in {Step.DELETING, Step.UNKNOWN}:
        return Plan((), whole=False)
    target = decided(shown, decision)
    stream = _of_the_stream(decided(asked.target, decision), target)
    if not memory.run:
        return Plan(stream)
    revision = asked.revision(memory.revision)
    to_prove = proof_maps(asked, memory)
    named = [*named_by(memory), *(each.revision for each in memory.savepoints if each.revision)]
    kept = newest_revisions(there) | refs_of(asked.manifest, named)
    if revision is None:  # nobody knows how to heal the run, only how to end it
        made, whole = [*stream, *to_prove], not decision.running
        return Plan(made, whole=whole, kept=kept)
    known = Ref(CONFIG_MAP.kind, target.namespace, names.digests(target.name, memory.run))
    found, back = there.get(known), memory.rollback is not None and not memory.goes_back
    digests = digests or (revision.digests if back else None)
    if found is not None:
        digests = found.manifest().get("data", {})
    kept_as = replace(revision, digests=digests or revision.digests)
    remembered = signed(with_memory(kept_as.manifest(target), memory))
    made = [remembered, *run_children(revision, run_of(target)), *to_prove]
    if digests and found is None:
        made.append(signed(digests_map(target, digests)))
    first = {known} & there.keys()
    return Plan([*stream, *made], kept=kept | first)


def proof_maps(asked: Wish, memory: Memory) -> list[Manifest]:
    """What the proof's pod reads, and what the run that follows from it is made of.

    That may have to start when the spec says something else already.
    """
    made = prepared_children(asked, memory)
    maps = [each for each in made if each["kind"] == CONFIG_MAP.kind]
    prepared, revision, target = _prepared(asked, memory)
    if prepared is None or revision is None or target is None or revision.id == memory.revision:
        return maps
    run = replace(target, run=prepared.run)
    if memory.goes_back and revision.digests:  # a pod that finds other models does not prove it
        maps.append(signed(digests_map(run, revision.digests)))
    return [*maps, signed(revision.manifest(run))]


def present_children(asked: Wish, memory: Memory) -> list[Manifest]:
    """All objects of the present run; none where nobody knows what it was made of."""
    revision, target = asked.revision(memory.revision), asked.target_of(memory.revision)
    if revision is None or target is None:
        return []
    run = replace(target, run=memory.run, job_id=memory.job_id, running=True)
    return run_children(revision, run_of(run))


def prepared_children(asked: Wish, memory: Memory) -> list[Manifest]:
    """All objects of what is prepared, as a run of its own would have them."""
    prepared, revision, target = _prepared(asked, memory)
    if prepared is None or revision is None or target is None:
        return []
    run = replace(target, run=prepared.run, job_id=prepared.job_id, running=True)
    if asked.wanted.restore is not None and prepared.choice == asked.wanted.choice:
        run = restoring(run, asked.wanted.restore.state)
    return run_children(revision, run_of(run))


def _prepared(
    asked: Wish, memory: Memory
) -> tuple[Prepared | None, Revision | None, Target | None]:
    prepared = memory.prepared
    if prepared is None:
        return None, None, None
    return prepared, asked.revision(prepared.revision), asked.target_of(prepared.revision)


def _of_the_stream(target: Target, shown: Target) -> list[Manifest]:
    """As the newest spec has them; an account that the present run has stays as long as it."""
    stream = stream_children(target)
    there = {Ref.of(each) for each in stream}
    kept = [each for each in stream_children(shown) if each["kind"] == SERVICE_ACCOUNT.kind]
    return stream + [each for each in kept if Ref.of(each) not in there]


def newest_revisions(there: Mapping[Ref, Child]) -> frozenset[Ref]:
    """What earlier runs were made of, as far as it is kept."""
    found = {ref: each for ref, each in there.items() if ref.kind == CONTROLLER_REVISION.kind}
    if len(found) <= REVISIONS:
        return frozenset(found)
    runs = {ref: each.manifest()["revision"] for ref, each in found.items()}
    return frozenset(sorted(runs, key=lambda ref: runs[ref])[-REVISIONS:])


def decided(target: Target, decision: Decision) -> Target:
    """The target as the life cycle has decided about it."""
    memory = decision.memory
    found = replace(target, run=memory.run, job_id=memory.job_id, running=decision.running)
    less = "true" if memory.took_less else ""
    return replace(restoring(found, memory.restored_from), restore_less=less)


def restoring(target: Target, restored: Stored | None) -> Target:
    """The target that begins with that."""
    search = restored.search if restored else None
    if search is None:
        return replace(target, restore_from=restored.path if restored else None)
    return replace(
        target,
        restore_from=search.directory,
        restore_newest=search.lookup,
        restore_else=search.otherwise.path if search.otherwise else "",
    )
