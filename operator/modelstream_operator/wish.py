"""What is asked of the operator for one resource, and the objects that follow from a decision."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from modelstream_crds.v1alpha1 import ModelStream, UpgradeMode
from modelstream_operator import names
from modelstream_operator.cache import Child
from modelstream_operator.children import Plan
from modelstream_operator.decide.acceptance import SpecRefusedError, accepted
from modelstream_operator.decide.decision import Decision, Rest, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.render import Target, children, stream_children
from modelstream_operator.render.config import savepoint_directory, state_root
from modelstream_operator.render.fingerprint import fingerprint
from modelstream_operator.resources import CONFIG_MAP, Manifest, Ref
from modelstream_operator.settings import Settings


@dataclass(frozen=True)
class Reading:
    """The newest spec that can be worked with, and what is wrong with one that is newer."""

    generation: int = 0
    stream: ModelStream | None = None
    manifest: Manifest = field(default_factory=dict)
    """With which ``stream`` came."""
    refusal: str | None = None


@dataclass(frozen=True)
class Wish:
    """All that is asked, and what runs because of what was asked before."""

    manifest: Manifest
    wanted: Wanted
    target: Target | None
    """What is to be deployed; else what was; None where neither is known."""
    refusal: str | None = None

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
    deployed = _deployed(manifest, memory, there, settings)
    timeout = timedelta(seconds=settings.delete_timeout)
    common = Wanted(
        revision="",
        rest=Rest.SUSPENDED if memory.step is Step.SUSPENDED else None,
        keeps_state=True,
        savepoints=savepoint_directory(deployed) if deployed and deployed.streaming else None,
        checkpoints=_checkpoints(deployed),
        deletion=timeout if "deletionTimestamp" in manifest["metadata"] else None,
    )
    if reading.stream is None:
        return Wish(manifest, common, deployed, reading.refusal)
    present = {**reading.manifest, "metadata": manifest["metadata"]}
    target = Target(reading.stream, present, settings, run=memory.run, job_id=memory.job_id)
    return Wish(manifest, _asked(common, target, memory), target, reading.refusal)


def _asked(common: Wanted, target: Target, memory: Memory) -> Wanted:
    spec, revision = target.spec, fingerprint(target)
    return replace(
        common,
        revision=revision,
        restart=memory.revision not in {"", revision},
        rest=_rest(target),
        keeps_state=spec.upgrade_mode is UpgradeMode.SAVEPOINT,
        parallelism=target.parallelism if target.streaming else None,
    )


def _rest(target: Target) -> Rest | None:
    if target.spec.suspend:
        return Rest.SUSPENDED
    return None if target.replicas else Rest.SCALED_TO_ZERO


def _checkpoints(deployed: Target | None) -> str | None:
    if deployed is None or not deployed.highly_available:
        return None
    return f"{state_root(deployed)}/checkpoints"


def _deployed(
    manifest: Manifest, memory: Memory, there: Mapping[Ref, Child], settings: Settings
) -> Target | None:
    """What the present run was made from, as its own ConfigMap has it."""
    meta = manifest["metadata"]
    name = names.config(meta["name"], memory.run)
    child = there.get(Ref(CONFIG_MAP.kind, meta["namespace"], name))
    try:
        kept = json.loads(child.manifest()["data"]["modelstream.yaml"]) if child else {}
        stream = accepted(kept)
    except (KeyError, ValueError, SpecRefusedError):
        return None
    made_of = {**kept, "metadata": meta}
    return Target(stream, made_of, settings, run=memory.run, job_id=memory.job_id)


def plan(asked: Wish, decision: Decision) -> Plan:
    """The objects that there are to be, as far as they may be touched in this pass."""
    memory = decision.memory
    if asked.target is None or not asked.wanted.revision:
        return Plan((), whole=False)
    if memory.step in {Step.DELETING, Step.UNKNOWN}:
        return Plan((), whole=False)
    target = decided(asked.target, decision)
    if decision.running and memory.revision != asked.wanted.revision:
        return Plan(stream_children(target), whole=False)
    return Plan(children(target))


def decided(target: Target, decision: Decision) -> Target:
    """The target as the life cycle has decided about it."""
    memory = decision.memory
    return replace(
        target,
        run=memory.run,
        job_id=memory.job_id,
        restore_from=memory.restored_from.path if memory.restored_from else None,
        running=decision.running,
        fingerprint=memory.revision,
    )
