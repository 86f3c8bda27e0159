"""What is asked of the operator for one resource."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from modelstream_crds.delivery import may_publish_once
from modelstream_crds.diff import Difference, Effect, diff
from modelstream_crds.quantities import duration
from modelstream_crds.v1alpha1 import ConditionType, DeletionPolicy, UpgradeMode
from modelstream_operator import names
from modelstream_operator.cache import Child
from modelstream_operator.decide.decision import Rest, Restore, Wanted
from modelstream_operator.decide.laststate import has_state
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.oversize import too_large
from modelstream_operator.decide.problem import Problem
from modelstream_operator.kept import Kept, kept_of, kept_revision, kept_target, named_by
from modelstream_operator.reading import Reading
from modelstream_operator.render import Target
from modelstream_operator.render.config import (
    CHECKPOINTS,
    MODE,
    SAVEPOINTS,
    Options,
    flink_options,
)
from modelstream_operator.render.revision import Revision, revision_of
from modelstream_operator.resources import CONFIG_MAP, Manifest, Ref
from modelstream_operator.restorefrom import restore_of
from modelstream_operator.settings import Settings


@dataclass(frozen=True)
class Wish:
    """All that is asked, and what runs because of what was asked before."""

    manifest: Manifest
    wanted: Wanted
    target: Target | None
    """What is to be deployed; else what was; None where neither is known."""
    refusal: str | None = None
    newest: Revision | None = None
    """What ``target`` would be deployed as."""
    kept: Revision | None = None
    """What the present run is made of."""
    missing: Problem | None = None
    """What is not there of that which the newest spec names: until it is, nothing changes."""
    outdated: bool = False
    """Whether this operator would make the pods of the same spec otherwise."""
    awaits_turn: bool = False
    """Whether it is restarted for that when its turn comes."""
    comes_first: str = ""
    """Another stream that has to be well before."""
    deployed: Target | None = None
    """What the present run is made of, where that is not ``target``."""
    others: Mapping[str, Kept] = field(default_factory=dict)
    """By id: what else may have to be started."""

    @property
    def with_restart(self) -> "Wish":
        """The same where what this operator renders otherwise is taken now."""
        return replace(self, wanted=replace(self.wanted, restart=True))

    def revision(self, of: str) -> Revision | None:
        """The one of these with that id."""
        known = (self.kept, self.newest, *(each.revision for each in self.others.values()))
        return next((each for each in known if each is not None and each.id == of), None)

    @property
    def present(self) -> Target | None:
        """What the present run shows; ``target`` where there is none, or nobody knows its own."""
        return self.deployed or self.target

    def target_of(self, revision: str) -> Target | None:
        """What a run of that revision is rendered for."""
        if self.newest is not None and self.newest.id == revision:
            return self.target
        other = self.others.get(revision)
        return other.target if other else self.present

    @property
    def uid(self) -> str:
        """Of the resource."""
        return str(self.manifest["metadata"]["uid"])


def wish(
    reading: Reading,
    manifest: Manifest,
    memory: Memory,
    there: Mapping[Ref, Child],
    settings: Settings,
) -> Wish:
    """Put together what is asked for now with what the present run was made from."""
    asked = _of_the_newest(reading, manifest, memory, there, settings)
    others = _others(asked, manifest, memory, there, settings)
    startable = {id_: _scalable(each.target) or 0 for id_, each in others.items()}
    return replace(asked, others=others, wanted=replace(asked.wanted, startable=startable))


def _others(
    asked: Wish,
    manifest: Manifest,
    memory: Memory,
    there: Mapping[Ref, Child],
    settings: Settings,
) -> dict[str, Kept]:
    """What else may have to be started; nothing has to be read of a stream that is well."""
    named, newest = set(named_by(memory)), asked.newest
    if newest is None or asked.target is None or newest.id not in named:
        return kept_of(named, manifest, memory, there, settings)
    others = kept_of(named - {newest.id}, manifest, memory, there, settings)
    return {**others, newest.id: Kept(newest, asked.target)}


def _of_the_newest(
    reading: Reading,
    manifest: Manifest,
    memory: Memory,
    there: Mapping[Ref, Child],
    settings: Settings,
) -> Wish:
    target = _target(reading, manifest, memory, settings)
    newest = revision_of(target) if target else None
    kept, deployed = newest, target
    if newest is None or newest.id != memory.revision:  # else nothing has to be read again
        kept = kept_revision(manifest, memory.revision, there)
        deployed = kept_target(kept, manifest, memory, settings)
    common = _common(target, deployed, manifest, memory, there, settings)
    restore = restore_of(target, reading.other, memory) if target else None
    if isinstance(restore, Problem):
        reading, restore = replace(reading, missing=reading.missing or restore), None
    if target is None or newest is None or reading.missing:
        return _as_before(common, deployed, kept, reading, manifest)
    over = _has_ended_with(reading, manifest, memory)
    change = _change(kept, deployed, newest, target, memory, restore, over)
    refusal = change.message if change.effect is Effect.REFUSE else ""
    if newest.id != memory.revision:
        refusal = refusal or too_large(target, newest)
    if refusal:
        refused = replace(reading, refusal=refusal)
        return _as_before(common, deployed, kept, refused, manifest)
    asked = _asked(replace(common, restore=restore), target, newest, change)
    if asked.restart and deployed is not None:
        asked = replace(asked, parallelism=_scalable(deployed))
        return Wish(manifest, asked, target, reading.refusal, newest, kept, deployed=deployed)
    outdated = not asked.restart and _is_outdated(kept, deployed, newest)
    return Wish(manifest, asked, target, reading.refusal, newest, kept, outdated=outdated)


def _common(
    target: Target | None,
    deployed: Target | None,
    manifest: Manifest,
    memory: Memory,
    there: Mapping[Ref, Child],
    settings: Settings,
) -> Wanted:
    """What is wanted whatever the newest spec says, and where the present run has its state."""
    timeout = timedelta(seconds=settings.delete_timeout)
    options = flink_options(deployed) if deployed else _options(manifest, memory, there)
    if not options and target is not None:  # nobody knows: most edits leave state where it is
        options = flink_options(target)
    return Wanted(
        revision="",
        rest=Rest.SUSPENDED if memory.step is Step.SUSPENDED else None,
        keeps_state=True,
        savepoints=options.get(SAVEPOINTS) if options.get(MODE) == "STREAMING" else None,
        checkpoints=options.get(CHECKPOINTS),
        publishes_once=deployed is None or may_publish_once(deployed.spec),
        deletion=timeout if "deletionTimestamp" in manifest["metadata"] else None,
        saves_at_deletion=saves_at_deletion(manifest),
    )


def _target(
    reading: Reading, manifest: Manifest, memory: Memory, settings: Settings
) -> Target | None:
    """What is asked for, of the present run."""
    if reading.stream is None:
        return None
    present = {**reading.manifest, "metadata": manifest["metadata"]}
    made = Target(reading.stream, present, settings, run=memory.run, job_id=memory.job_id)
    return replace(made, program=reading.program)


def _as_before(
    common: Wanted,
    deployed: Target | None,
    kept: Revision | None,
    reading: Reading,
    manifest: Manifest,
) -> Wish:
    """The newest spec cannot be worked with: what runs goes on as it was made."""
    if deployed is None or kept is None:
        return Wish(manifest, common, deployed, reading.refusal, missing=reading.missing)
    asked = replace(
        _by_mode(common, deployed),
        stale=True,
        revision=kept.id,
        rest=common.rest or _rest(deployed),  # it resumes with what is asked for, or not at all
        parallelism=_scalable(deployed),
    )
    return Wish(manifest, asked, deployed, reading.refusal, kept=kept, missing=reading.missing)


def _is_outdated(kept: Revision | None, deployed: Target | None, newest: Revision) -> bool:
    if kept is None or deployed is None or kept.id == newest.id:
        return False
    return revision_of(deployed).children != kept.children


def _change(
    kept: Revision | None,
    deployed: Target | None,
    newest: Revision,
    target: Target,
    memory: Memory,
    restore: Restore | None,
    ended_with_it: bool,
) -> Difference:
    """What the newest spec comes to for the present run.

    Where nobody knows what that was made from, everything else is a restart.
    """
    if not memory.revision:
        return Difference(Effect.NOTHING)
    if restore is not None:
        return Difference(Effect.RESTART, ("spec.state.restoreFrom",))
    if newest.id == memory.revision:
        return Difference(Effect.NOTHING)
    if kept is None or deployed is None:
        return Difference(Effect.NOTHING if ended_with_it else Effect.RESTART)
    change = diff(deployed.spec, target.spec)
    if change.effect in {Effect.NOTHING, Effect.SCALE} and deployed.program != target.program:
        return Difference(Effect.RESTART, ("spec.python.configMap",))
    if change.effect is Effect.REFUSE and not has_state(memory):
        return Difference(Effect.RESTART, change.paths)
    return change


def _has_ended_with(reading: Reading, manifest: Manifest, memory: Memory) -> bool:
    """Whether status says that a job of this very spec has ended: only another one begins it."""
    if memory.step is not Step.ENDED:
        return False
    found = manifest.get("status", {}).get("conditions", ())
    ran = [each.get("observedGeneration") for each in found if each["type"] == ConditionType.READY]
    return reading.manifest["metadata"]["generation"] in ran


def _asked(common: Wanted, target: Target, newest: Revision, change: Difference) -> Wanted:
    wanted = _by_mode(common, target)
    keeps = wanted.keeps_state and target.streaming
    return replace(
        wanted,
        **_savepoints(target),
        looks_in=flink_options(target).get(CHECKPOINTS) if keeps else None,
        revision=newest.id,
        restart=change.effect is Effect.RESTART,
        rest=_rest(target),
        parallelism=_scalable(target),
        begins_with=_scalable(target) or 0,
    )


def _savepoints(target: Target) -> dict[str, Any]:
    """Fields of Wanted: what is to become of the savepoints of a job that goes on."""
    state = target.spec.state
    kept = state.savepoints if state else None
    interval = duration(kept.interval) if kept and kept.interval else None
    return {
        "savepoint_nonce": target.spec.savepoint_nonce,
        "savepoint_interval": interval,
        "keep": kept.keep if kept else None,
    }


def _scalable(target: Target) -> int | None:
    """The parallelism of a job that can be rescaled."""
    return target.parallelism if target.streaming else None


def _by_mode(wanted: Wanted, target: Target) -> Wanted:
    mode = target.spec.upgrade_mode
    return replace(
        wanted,
        keeps_state=mode is not UpgradeMode.STATELESS,
        from_checkpoint=mode is UpgradeMode.LAST_STATE,
        takes_less=target.spec.takes_less,
        rolls_back=target.spec.rolls_back,
        ready_timeout=duration(target.spec.upgrade.ready_timeout),
    )


def saves_at_deletion(manifest: Mapping[str, Any]) -> bool:
    """As the newest spec says, also one that is refused."""
    state = manifest["spec"].get("state") or {}
    return bool(state.get("deletionPolicy") == DeletionPolicy.SAVEPOINT)


def _rest(target: Target) -> Rest | None:
    if target.spec.suspend:
        return Rest.SUSPENDED
    return None if target.replicas else Rest.SCALED_TO_ZERO


def _options(manifest: Manifest, memory: Memory, there: Mapping[Ref, Child]) -> Options:
    """Flink's options as the present run has them, where nobody knows what it was made from."""
    meta = manifest["metadata"]
    name = names.config(meta["name"], memory.run)
    child = there.get(Ref(CONFIG_MAP.kind, meta["namespace"], name))
    if child is None or meta["uid"] not in child.owners:
        return {}
    try:
        found: Options = json.loads(child.manifest()["data"]["flink.yaml"])
    except (KeyError, ValueError):  # somebody has edited it, and nobody can put it right
        return {}
    return found
