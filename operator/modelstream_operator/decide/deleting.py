"""The end of a stream that is being deleted: a last savepoint where that is asked for. Pure.

It never lasts for ever: two minutes for the savepoint, and a while for the pods.
"""

from dataclasses import replace
from datetime import timedelta

from modelstream_operator.decide.decision import (
    Decision,
    ForgetHighAvailability,
    Rest,
    Seen,
    TakeDown,
    Wanted,
)
from modelstream_operator.decide.laststate import handed_on
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.savepointing import savepointing, stop
from modelstream_operator.decide.stored import Kind

SAVING = timedelta(minutes=2)
"""How long a deletion waits for its savepoint."""


def deleting(memory: Memory, wanted: Wanted, patience: timedelta, seen: Seen) -> Decision:
    """Save what is to be saved, then take the pods away and wait for them, but never for ever.

    Owner references do the rest.
    """
    if memory.step is not Step.DELETING:
        saving = _saving(memory, wanted, seen)
        if saving.memory.step is Step.SAVEPOINTING:
            return saving
        news = saving.news or _kept(saving.memory, wanted)
        return Decision(_begun(saving.memory, patience, seen), news=news)
    late = memory.deadline is not None and seen.now >= memory.deadline
    if seen.deployments and not late:
        return Decision(memory, TakeDown())
    if seen.pods and not late:
        return Decision(memory)
    if seen.leftovers:
        return Decision(memory, ForgetHighAvailability())
    return Decision(memory, gone=True)


def _begun(memory: Memory, patience: timedelta, seen: Seen) -> Memory:
    """A stop that is under way is no longer of interest."""
    leaving = memory.go(Step.DELETING, seen.now, seen.now + patience)
    return replace(leaving, ask=None, prepared=None)


def _saving(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The stop with a last savepoint; at any other step than Savepointing it is over."""
    if not wanted.saves_at_deletion or wanted.savepoints is None:
        return Decision(memory if memory.step is not Step.SAVEPOINTING else _given_up(memory))
    stops = replace(wanted, rest=Rest.SUSPENDED, keeps_state=True, from_checkpoint=False)
    if memory.step is Step.DEPLOYED and memory.started:
        decision = stop(memory, stops, wanted.savepoints, seen)
    elif memory.step is Step.SAVEPOINTING:
        decision = savepointing(memory, stops, seen)
    else:
        return Decision(memory)
    later = decision.memory
    if later.step is not Step.SAVEPOINTING:
        dropped = later.ended is not None and later.ended.how is How.DROPPED
        cause = decision.news[0].message.partition(":")[0] if decision.news else ""
        news = _without(later, wanted, cause) if dropped else _kept(later, wanted)
        return Decision(later, news=news)
    later = _hurried(later, seen)
    if (later.deadline and seen.now >= later.deadline) or not seen.pods:
        cause = later.ask.error if later.ask else ""
        return Decision(_given_up(later), news=_without(later, wanted, cause))
    return replace(decision, memory=later)


def _hurried(memory: Memory, seen: Seen) -> Memory:
    """A stop for a change may take longer than one for a deletion: that begins now."""
    since, deadline = memory.since or seen.now, memory.deadline
    if deadline is not None and deadline - since <= SAVING:
        return memory
    return replace(memory, since=seen.now, deadline=seen.now + SAVING)


def _given_up(memory: Memory) -> Memory:
    return replace(memory, step=Step.DEPLOYED, ask=None)


def _kept(memory: Memory, wanted: Wanted) -> tuple[News, ...]:
    """Where that is which a later stream can begin with."""
    streams = wanted.checkpoints and wanted.savepoints
    if memory.step is Step.DEPLOYED and memory.started and streams:
        text = f"checkpoints and savepoints stay: the newest is in {_newest(memory, wanted)}"
        return (News(EventReason.STATE_KEPT, text),)
    left = handed_on(memory)
    if left is None:
        return ()
    where = f"the newest is in {left.path}" if left.kind is Kind.NEWEST else left.path
    return (News(EventReason.STATE_KEPT, f"checkpoints and savepoints stay: {where}"),)


def _without(memory: Memory, wanted: Wanted, cause: str) -> tuple[News, ...]:
    why = f" ({cause})" if cause else ""
    text = (
        f"no savepoint could be taken{why}: the newest checkpoint is in {_newest(memory, wanted)}"
    )
    return (News(EventReason.DELETED_WITHOUT_SAVEPOINT, text, warns=True),)


def _newest(memory: Memory, wanted: Wanted) -> str:
    return f"{wanted.checkpoints}/{memory.job_id}"
