"""From what was observed to what status is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide import fields
from modelstream_operator.decide.decision import Decision, Seen
from modelstream_operator.decide.diagnosis import Scene, diagnose, first_digests, verified_models
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import is_ready, is_scheduled, overdue, unasked
from modelstream_operator.decide.problem import Problem
from modelstream_operator.decide.rollback import has_failed
from modelstream_operator.names import Component
from modelstream_operator.observe import selector
from modelstream_operator.observed import Observed, RunObserved
from modelstream_operator.render import Target, gpu
from modelstream_operator.wish import Wish


def facts_of(
    asked: Wish, observed: Observed, decision: Decision, seen: Seen, refused: Iterable[Problem]
) -> Facts:
    """All that status is made from."""
    target = asked.target_of(decision.memory.revision)
    common = Facts(
        generation=asked.manifest["metadata"]["generation"],
        now=observed.now,
        decision=decision,
        refusal=asked.refusal,
        missing=asked.missing,
        updated=_is_updated(asked, decision),
        outdated=asked.outdated and decision.running,
        awaits_turn=asked.awaits_turn,
        keeps=asked.wanted.checkpoints is not None and asked.wanted.savepoints is not None,
        health=observed.of(decision.memory.run).flink.health,
        held=_is_held(asked, decision),
        comes_first=asked.comes_first,
        has_restore_from=_has_restore_from(asked),
        deleted=asked.wanted.deletion is not None,
        rest=asked.wanted.rest,
        problems=(*refused, *_missing(asked)),
        answer=seen.answer,
        times=seen.times,
        job=seen.job,
        failure=seen.failures[0] if seen.failures else "",
        parallelism=asked.wanted.parallelism,
        refused_scale=seen.refused_scale,
        overdue=overdue(observed.pods, observed.nodes, observed.now)
        or unasked(observed.pods, decision.memory.since, observed.now),
        blocked_by=_blocked_by(asked),
        proof=seen.proof,
    )
    return common if target is None else _of_pods(common, target, observed)


def with_told(seen: Seen, told: ModelStreamStatus, memory: Memory) -> Seen:
    """With what status says already of whether the present run is Ready."""
    models = tuple((each.name, each.digest or "") for each in told.models)
    if told.run != memory.run:
        return seen
    seen = replace(seen, made_of=replace(seen.made_of, models=models))
    for each in told.conditions:
        if each.type == ConditionType.READY and each.observed_generation:
            generation = each.observed_generation
            seen = replace(seen, made_of=replace(seen.made_of, generation=generation))
    if memory.step is not Step.DEPLOYED:
        return seen
    for each in told.conditions:
        if each.type == ConditionType.READY:
            said = f"{each.reason}: {each.message}"
            return replace(seen, ready=each.status == "True", said=said)
    return seen


def outlives(told: ModelStreamStatus, observed: Observed, memory: Memory) -> bool:
    """Whether the present run is Ready, and has completed a checkpoint since it became so."""
    health = observed.of(memory.run).flink.health
    if told.run != memory.run or health is None or health.completed is None:
        return False
    for each in told.conditions:
        if each.type == ConditionType.READY and each.status == "True":
            since = fields.time(each.last_transition_time)
            return since is not None and health.completed > since
    return False


def is_placed(asked: Wish, observed: Observed, memory: Memory) -> bool:
    """Whether all pods that the present run is to have are there, and have nodes."""
    target, run = asked.target_of(memory.revision), observed.of(memory.run)
    taskmanagers = run.of_role(Component.TASKMANAGER)
    if target is None or len(taskmanagers) < target.replicas:
        return False
    return bool(run.of_role(Component.JOBMANAGER)) and all(map(is_scheduled, run.pods))


def _is_held(asked: Wish, decision: Decision) -> bool:
    """Whether the newest spec has failed, and is not tried again by itself."""
    memory = decision.memory
    needs_choice = memory.rollback is not None and bool(memory.rollback.error)
    return memory.goes_back or needs_choice or has_failed(memory, asked.wanted)


def _blocked_by(asked: Wish) -> str:
    """Why a stream that rests does not go on, where its newest spec says that it should."""
    spec = asked.manifest["spec"]
    manager = (spec.get("flink") or {}).get("taskManager") or {}
    if spec.get("suspend") or manager.get("replicas") == 0:
        return ""
    return asked.refusal or (asked.missing.message if asked.missing else "")


def _missing(asked: Wish) -> Iterator[Problem]:
    """What runs is not concerned: its own copy is there."""
    if asked.missing and asked.target is None:
        yield asked.missing


def _has_restore_from(asked: Wish) -> bool:
    state = asked.target.spec.state if asked.target else None
    return state is not None and state.restore_from is not None


def digests_of(facts: Facts) -> dict[str, str]:
    """What the run's models are; empty as long as no TaskManager has told."""
    return dict(facts.first) if facts.decision.running else {}


def _is_updated(asked: Wish, decision: Decision) -> bool:
    memory, restore = decision.memory, asked.wanted.restore
    if restore is not None and memory.restore_nonce < restore.nonce:
        return False
    if memory.goes_back:
        return False
    same = memory.revision == asked.wanted.revision
    return bool(memory.revision) and (same or not asked.wanted.restart)


def _of_pods(facts: Facts, target: Target, observed: Observed) -> Facts:
    run = observed.of(facts.decision.memory.run)
    taskmanagers = run.of_role(Component.TASKMANAGER)
    found = diagnose(_scene(target, observed, run)) if facts.decision.running else ()
    return replace(
        facts,
        problems=(*facts.problems, *found),
        replicas=target.replicas,
        pods=len(taskmanagers),
        scheduled=sum(map(is_scheduled, taskmanagers)),
        ready=sum(map(is_ready, taskmanagers)),
        models={model.name: model.uri for model in target.spec.models},
        verified=verified_models(run.pods),
        first=first_digests(run.pods, {model.name for model in target.spec.models}),
        gpu=target.gpus > 0,
        gpu_checked=gpu.is_checked(target),
        selector=selector(target),
    )


def _scene(target: Target, observed: Observed, run: RunObserved) -> Scene:
    return Scene(
        target=target,
        now=observed.now,
        pods=run.pods,
        ended=run.ended,
        deployments=observed.deployments(),
        events=observed.events,
        nodes=observed.nodes,
        claims=observed.claims,
    )
