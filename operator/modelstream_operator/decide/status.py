"""The whole status of a resource. Pure."""

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus, Phase
from modelstream_operator.decide.checkpoints import safe, told
from modelstream_operator.decide.conditions import conditions, tasks
from modelstream_operator.decide.decision import Answer
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.decide.job import JobState
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.decide.phase import phase_of, progress
from modelstream_operator.decide.stage import Says
from modelstream_operator.resources import Manifest

MESSAGE_LIMIT = 4000

_OF_THE_SPEC = {ConditionType.ACCEPTED, ConditionType.UPDATED}
"""Conditions about the newest spec; the others are about what runs."""


def read(status: Manifest) -> ModelStreamStatus:
    """What was written before, without a phase that only a newer operator knows."""
    known = status.get("phase") in set(Phase)
    return ModelStreamStatus.model_validate(
        status if known else {key: each for key, each in status.items() if key != "phase"}
    )


def status_of(facts: Facts, before: ModelStreamStatus) -> Manifest:
    """The whole status; equal facts give an equal one."""
    said = conditions(facts, before)
    memory = facts.decision.memory
    checkpoint = told(facts.health, memory, before) if facts.keeps else {}
    if facts.keeps and (safety := safe(memory, checkpoint)) is not None:
        said[ConditionType.STATE_SAFE] = safety
    phase = phase_of(facts, said)
    said |= progress(phase, said, facts.proving, held=facts.held)
    status: Manifest = {
        "observedGeneration": facts.generation,
        "phase": phase.value,
        "conditions": [_condition(type_, says, facts, before) for type_, says in said.items()],
        "models": [_model(facts, name, uri, before) for name, uri in facts.models.items()],
        "taskManager": {
            "replicas": facts.pods,
            "readyReplicas": facts.ready,
            "selector": facts.selector,
        },
        **memory.written(),
    }
    if checkpoint:
        status["checkpoint"] = checkpoint
    if memory.job_id:
        status["job"] |= _seen_of_job(facts, memory, before)
    return status


def unknown_status(status: Manifest, facts: Facts, before: ModelStreamStatus) -> Manifest:
    """The status of a newer operator with a reason why this one does nothing."""
    assert facts.stage is not None
    kept = [each for each in status.get("conditions", ()) if each["type"] != ConditionType.READY]
    mine = _condition(ConditionType.READY, facts.stage, facts, before)
    return {**status, "conditions": [mine, *kept]}


def _condition(
    type_: ConditionType, says: Says, facts: Facts, before: ModelStreamStatus
) -> Manifest:
    """The time of the last transition is kept until the status flips."""
    since = stamp(facts.now)
    for old in before.conditions:
        if old.type == type_ and old.status == says.status:
            since = old.last_transition_time
    proven = facts.updated and not facts.held and facts.refusal is None and not facts.missing
    newest = type_ in _OF_THE_SPEC or proven
    return {
        "type": type_.value,
        "status": says.status,
        "reason": str(says.reason),
        "message": says.message[:MESSAGE_LIMIT],
        "observedGeneration": facts.generation if newest else _generation(facts, before),
        "lastTransitionTime": since,
    }


def _generation(facts: Facts, before: ModelStreamStatus) -> int:
    """The newest generation whose spec runs; a refused or unproven edit does not move it."""
    newest = facts.generation - 1 if facts.held else facts.generation
    for old in before.conditions:
        if old.type == ConditionType.READY and old.observed_generation:
            return min(old.observed_generation, newest)
    return newest


def _model(facts: Facts, name: str, uri: str, before: ModelStreamStatus) -> Manifest:
    """A digest that was read once stays, as long as the address is the same."""
    entry: Manifest = {"name": name, "uri": uri, "loadedTaskManagers": facts.ready}
    if (found := facts.verified.get(name)) is not None:
        return {**entry, "digest": found.digest, "signatures": list(found.signatures)}
    for old in before.models:
        if old.name == name and old.uri == uri and old.digest:
            return {**entry, "digest": old.digest, "signatures": list(old.signatures)}
    return entry


_STATES = {
    How.FINISHED: JobState.FINISHED,
    How.STOPPED_BY_OTHERS: JobState.FINISHED,
    How.CANCELED: JobState.CANCELED,
    How.FAILED: JobState.FAILED,
}


def _seen_of_job(facts: Facts, memory: Memory, before: ModelStreamStatus) -> Manifest:
    """What was known of the job stays for as long as nobody answers."""
    job, old = facts.job, before.job
    state, done = (job.state, tasks(job)) if job else (None, None)
    nobody_knows = facts.decision.running and (facts.passing or facts.answer is Answer.SILENT)
    if job is None and nobody_knows and old and old.id == memory.job_id:
        state, done = old.state, old.tasks
    if memory.step is Step.ENDED and memory.ended is not None:
        state = _STATES.get(memory.ended.how)
    return given(state=state, tasks=done)
