"""The conditions in one word, for people, and in the words of generic tools. Pure."""

from collections.abc import Mapping

from modelstream_crds.v1alpha1 import ConditionType, Phase
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.memory import How, Step
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stage import Says

_MAY_PASS = {
    Reason.UNSCHEDULABLE,
    Reason.INSUFFICIENT_GPU,
    Reason.NO_MATCHING_NODE,
    Reason.CLAIM_NOT_FOUND,
    Reason.CLAIM_NOT_BOUND,
    Reason.SECRET_NOT_FOUND,
    Reason.CONFIG_MAP_NOT_FOUND,
    Reason.STATE_NOT_THERE,
    Reason.QUOTA,
}
"""Causes that may go away without an edit: the phase stays Pending."""

Said = Mapping[ConditionType, Says]


def phase_of(facts: Facts, said: Said) -> Phase:
    """One word for where a stream is."""
    memory = facts.decision.memory
    match memory.step:
        case Step.SUSPENDED:
            return Phase.SUSPENDED
        case Step.ENDED:
            finished = memory.ended is not None and memory.ended.how is How.FINISHED
            return Phase.FINISHED if finished else Phase.FAILED
        case Step.SAVEPOINTING if facts.deleted:
            return Phase.DELETING
        case Step.SAVEPOINTING | Step.TEARING_DOWN:
            return Phase.UPDATING
        case Step.BACKING_OFF:
            return Phase.PENDING
        case Step.DELETING:
            return Phase.DELETING
    if any(each.reason == Reason.NAMESPACE_TERMINATING for each in facts.problems):
        return Phase.DELETING
    if facts.refusal is not None and not memory.run:
        return Phase.FAILED
    if _is_true(said, ConditionType.READY):
        return Phase.RUNNING
    return _phase_of_a_start(facts, said)


def _needs_a_person(facts: Facts) -> bool:
    return facts.stage is not None and facts.stage.reason == Reason.ENDED_UNSEEN


def _phase_of_a_start(facts: Facts, said: Said) -> Phase:
    """Of a run that is not Ready; one whose tasks run while pods are missing goes on."""
    may_pass = all(each.reason in _MAY_PASS for each in facts.problems[:1])
    if _is_true(said, ConditionType.JOB_RUNNING) and may_pass and facts.problems:
        return Phase.RUNNING
    if not may_pass or _needs_a_person(facts):
        return Phase.FAILED
    waits = said[ConditionType.JOB_RUNNING].reason == Reason.WAITING_FOR_RESOURCES
    if facts.problems or waits or not facts.pods:
        return Phase.PENDING
    available = _is_true(said, ConditionType.MODELS_AVAILABLE)
    return Phase.STARTING if available else Phase.PREPARING


def progress(
    phase: Phase, said: Said, proving: Prepared | None = None, *, held: bool = False
) -> dict[ConditionType, Says]:
    """What generic tools read; present only while true."""
    ready, updated = said[ConditionType.READY], said[ConditionType.UPDATED]
    if phase is Phase.FAILED or said[ConditionType.ACCEPTED].status == "False":
        return {ConditionType.STALLED: Says("True", ready.reason, ready.message)}
    if held and phase is not Phase.UPDATING:
        return {ConditionType.STALLED: Says("True", updated.reason, updated.message)}
    if proving is not None:
        waits = not proving.error or proving.deadline is not None or phase is Phase.UPDATING
        which = ConditionType.RECONCILING if waits else ConditionType.STALLED
        return {which: Says("True", updated.reason, updated.message)}
    if phase in {Phase.RUNNING, Phase.SUSPENDED, Phase.FINISHED}:
        return {}
    return {ConditionType.RECONCILING: Says("True", ready.reason, ready.message)}


def _is_true(said: Said, about: ConditionType) -> bool:
    return said[about].status == "True"
