"""What status says of a revision that has failed, and of the way back. Pure."""

from modelstream_crds.podreasons import PodReason
from modelstream_operator.decide.failed import Rollback
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.rollback import STARTS
from modelstream_operator.decide.stage import Says

GONE = frozenset({PodReason.MODEL_NOT_FOUND, PodReason.DIGEST_MISMATCH, PodReason.MODELS_DIFFER})
"""Reasons of a proof whose models are not those that the revision had."""

_NEXT = "another edit is tried, and another restartNonce tries this one again"


def says(memory: Memory) -> Says | None:
    """The condition RolledBack; None where nothing has failed."""
    rollback = memory.rollback
    if rollback is None:
        return None
    if rollback.error:
        return Says("False", Reason.ROLLBACK_NEEDS_CHOICE, rollback.error)
    if memory.goes_back:
        return _under_way(memory, rollback)
    runs = f"revision {rollback.to} runs again, as run {memory.run}: {_NEXT}"
    return Says("True", Reason.ROLLED_BACK, f"{_failed(rollback)}; {runs}")


def of_the_newest(memory: Memory) -> Says | None:
    """What Updated says of a spec that is not tried again; of one that has failed before, too."""
    if (found := says(memory)) is not None:
        return Says("False", found.reason, found.message)
    for each in (failure for failure in memory.failures if failure.count >= STARTS):
        text = (
            f"revision {each.revision} has failed {each.count} times, with {each.reason} at last:"
            f" revision {memory.revision} goes on; {_NEXT}"
        )
        return Says("False", Reason.ROLLED_BACK, text)
    return None


def _under_way(memory: Memory, rollback: Rollback) -> Says:
    prepared = memory.prepared
    if prepared is None or not prepared.error:
        text = f"{_failed(rollback)}; it gives way to revision {rollback.to}"
        return Says("False", Reason.ROLLING_BACK, text)
    reason, _, message = prepared.error.partition(": ")
    text = f"{_failed(rollback)}; revision {rollback.to} cannot be started again: {message}"
    goes_on = "what failed goes on trying, and another edit is taken at once"
    return Says("False", Reason.MODEL_GONE if reason in GONE else reason, f"{text}; {goes_on}")


def _failed(rollback: Rollback) -> str:
    return f"run {rollback.run} of revision {rollback.revision} failed: {rollback.cause.message}"
