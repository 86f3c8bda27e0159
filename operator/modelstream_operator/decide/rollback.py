"""The way back from a new revision that does not work, to the last one that did. Pure.

A run is on trial until it has been Ready and has completed a checkpoint: a job whose tasks run for
a moment between two failures is Ready too. What has passed is never rolled back: Flink restarts it.
"""

from dataclasses import replace
from datetime import datetime

from modelstream_operator.decide.cause import Cause
from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.failed import Rollback, counted, without
from modelstream_operator.decide.fields import stamp
from modelstream_operator.decide.laststate import handed_on
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.stored import Kind, Search, Stored, newest

RESTARTS = 5
"""Failures of a job that has completed no checkpoint: it will complete none."""
STARTS = 2
"""Starts of a revision that have failed: it is not tried again."""
REMEMBERED = 10
"""Revisions that were Ready."""


def followed(memory: Memory, wanted: Wanted) -> tuple[Memory, Wanted]:
    """What the life cycle follows: what is asked for, or the way back.

    Rest and deletion end both the way back and the count of failures.
    """
    if wanted.rest is not None or wanted.deletion is not None:
        return replace(memory, rollback=None, failures=()), wanted
    rollback = memory.rollback
    if rollback is not None and memory.goes_back:
        if rollback.to in wanted.startable and not _gives_way(memory, wanted):
            return memory, _back(wanted, rollback.to, restart=memory.revision != rollback.to)
        memory = replace(memory, rollback=None, prepared=None)
    elif rollback is not None and _is_taken_back(rollback, memory, wanted):
        memory = replace(memory, rollback=None)  # the change was taken back
    if has_failed(memory, wanted):
        stays = replace(wanted, revision=memory.revision, restart=False)
        given = wanted.startable.get(memory.revision, wanted.begins_with)
        return memory, replace(stays, begins_with=given)
    return memory, wanted


def has_failed(memory: Memory, wanted: Wanted) -> bool:
    """Whether what is asked for is not tried again by itself."""
    if wanted.restore is not None or wanted.revision in {"", memory.revision}:
        return False
    rollback = memory.rollback
    if rollback is not None and rollback.revision == wanted.revision:
        return rollback.took_less or not wanted.takes_less
    found = (each.count for each in memory.failures if each.revision == wanted.revision)
    return max(found, default=0) >= STARTS


def on_trial(memory: Memory, wanted: Wanted) -> bool:
    """Whether the present run gives way where it does not work."""
    if not wanted.rolls_back or memory.goes_back or memory.revision in memory.ready:
        return False
    return bool(memory.ready) and memory.ready[0] in wanted.startable


def watched(memory: Memory, wanted: Wanted, seen: Seen) -> Memory:
    """That the run has passed, or for how long it may still take.

    Time counts from the start until all of its pods have nodes, anew from then, and once it was
    Ready.
    """
    settled = seen.job is not None and seen.job.settled
    passes = memory.started and seen.ready and settled and seen.saved
    if passes and memory.revision not in memory.ready[:1]:
        others = tuple(each for each in memory.ready if each != memory.revision)
        ready = (memory.revision, *others)[:REMEMBERED]
        memory = replace(memory, ready=ready, failures=without(memory.failures, memory.revision))
    if memory.goes_back and seen.ready and settled:
        passed = without(memory.failures, memory.revision)
        memory = replace(memory, rollback=None, prepared=None, failures=passed)
    if not on_trial(memory, wanted) or seen.ready:
        return replace(memory, deadline=None)
    return replace(memory, deadline=_limit(memory, wanted, seen))


def _limit(memory: Memory, wanted: Wanted, seen: Seen) -> datetime | None:
    """Until when it is to be Ready: nodes are waited for as long as the rest after them.

    The run before has given its place: what finds none there may never find one.
    """
    placing = (memory.since or seen.now) + wanted.ready_timeout
    if seen.placed:
        counted = memory.deadline is not None and memory.deadline > placing
        return memory.deadline if counted else seen.now + wanted.ready_timeout
    if memory.started:  # a pod of one that has run has lost its node
        return None
    return memory.deadline or placing


def why_failed(memory: Memory, wanted: Wanted, seen: Seen) -> Cause | None:
    """Why a run that is on trial has failed; None as long as it may still become Ready."""
    if not on_trial(memory, wanted):
        return None
    if seen.restarts >= RESTARTS and not seen.saved:
        why = seen.failures[0] if seen.failures else "Flink names no cause"
        text = f"its job failed {seen.restarts} times without a completed checkpoint: {why}"
        return Cause("JobRestarting", text)
    if memory.deadline is not None and seen.now >= memory.deadline:
        minutes = wanted.ready_timeout.total_seconds() / 60
        return Cause("NotReady", f"it is not Ready within {minutes:g} minutes: {seen.said}")
    return None


def give_way(memory: Memory, cause: Cause, seen: Seen) -> tuple[Memory, tuple[News, ...]]:
    """Begin the way back."""
    began = memory.restored_from.settled if memory.restored_from else None
    rollback = Rollback(
        revision=memory.revision,
        to=memory.ready[0],
        run=memory.run,
        job_id=memory.job_id,
        began=memory.since,
        since=seen.now,
        cause=cause,
        previous=memory.previous or began,
        alone=memory.previous is not None,
        completed=seen.saved,
        took_less=memory.took_less,
    )
    failures = counted(memory.failures, memory.revision, cause.reason, seen.now)
    text = (
        f"run {memory.run} of revision {memory.revision} gives way to revision {rollback.to}:"
        f" {cause.message}"
    )
    news = News(EventReason.ROLLING_BACK, text, warns=True)
    return replace(memory, rollback=rollback, failures=failures, prepared=None), (news,)


def why_ended(ended: Ended) -> Cause:
    """The cause of a job that Flink has given up, or that was never submitted."""
    if ended.how is How.NOT_STARTED:
        return Cause("NotStarted", f"its program has submitted no job: {ended.error}")
    return Cause("JobFailed", f"its job has failed: {ended.error or 'Flink names no cause'}")


def could_not_read(memory: Memory, ended: Ended) -> Memory:
    """Where the old revision cannot begin with what the failed one left: with what was before."""
    rollback, began = memory.rollback, memory.restored_from
    if rollback is None or memory.goes_back or rollback.alone or ended.how is not How.FAILED:
        return memory
    if memory.started or began is None or began.job_id != rollback.job_id:
        return memory
    again = replace(rollback, run=memory.run, alone=True, completed=True)
    return replace(memory, rollback=again)


def beginning(memory: Memory) -> Stored | None:
    """What the run that goes back begins with.

    The newest that the failed run has completed, and else what that began with: only if it had
    taken over all that was there before.
    """
    rollback = memory.rollback
    return rollback.previous if rollback and rollback.alone else handed_on(memory)


def choice_of(memory: Memory, wanted: Wanted) -> str:
    """Why a person has to choose: either way costs something; empty where nobody has to."""
    rollback, ended = memory.rollback, memory.ended
    if rollback is None or not memory.goes_back or not rollback.alone or ended is None:
        return ""
    left, began = ended.left, memory.restored_from
    known = left is not None and left.kind is not Kind.NEWEST
    took = known and left is not None and (began is None or began.path != left.path)
    if not wanted.publishes_once or not (rollback.completed or ended.completed or took):
        return ""
    newest = left.named if left else "nothing"
    before = rollback.previous.named if rollback.previous else "nothing"
    return (
        f"run {rollback.run} failed ({rollback.cause.message}) after it had completed checkpoints:"
        f" from {before} all that it published since {stamp(rollback.began)} comes twice; from"
        f" {newest}, which may not fit revision {rollback.to}, what it had left aside stays aside."
        " Choose one by spec.state.restoreFrom.path with a greater nonce; for the revision before"
        " take the change back as well"
    )


def kept_on(memory: Memory, wanted: Wanted) -> Rollback | None:
    """The way back, as long as what it led to is what begins."""
    rollback = memory.rollback
    leads = rollback is not None and rollback.to == wanted.revision and not rollback.error
    return rollback if leads else None


def told(memory: Memory, deployed: Memory) -> tuple[News, ...]:
    """The news of a run that is the way back."""
    rollback = memory.rollback
    if rollback is None or not memory.goes_back or deployed.rollback is None:
        return ()
    began = deployed.restored_from
    text = f"run {deployed.run} is revision {rollback.to} again, and begins with"
    text += f" {began.named}" if began else " nothing"
    if rollback.alone:
        text += f"; what run {rollback.run} has published since {stamp(rollback.began)} comes twice"
    return (News(EventReason.ROLLED_BACK, text),)


def takes_less(memory: Memory, wanted: Wanted) -> bool:
    """Whether the next run may begin with a part of the state; a way back never does."""
    return wanted.takes_less and not memory.goes_back


def left_aside(memory: Memory, wanted: Wanted, begins_with: Stored | None) -> Stored | None:
    """What the run before ended with, where the next one does not begin with all of it."""
    ended = memory.ended
    if ended is None or ended.how is How.FINISHED:
        return None
    left = handed_on(memory)
    if left is None and memory.started and wanted.checkpoints and ended.how is How.DROPPED:
        left = _newest(memory, wanted.checkpoints)
    began = memory.restored_from
    if left is None or (began is not None and left.path == began.path):
        left = memory.previous or left  # that run has added nothing to what was there before it
    taken = begins_with is not None and left is not None and begins_with.path == left.path
    taken = taken and not takes_less(memory, wanted)
    return None if taken else left


def _is_taken_back(rollback: Rollback, memory: Memory, wanted: Wanted) -> bool:
    """Whether what runs again is what is asked for by now."""
    runs_again = memory.revision == rollback.to and not rollback.error
    return runs_again and wanted.revision == memory.revision and not wanted.stale


def _newest(memory: Memory, checkpoints: str) -> Stored:
    """What a run that was dropped without its state has completed last."""
    left, began = newest(checkpoints, memory.job_id), memory.restored_from
    otherwise = began.settled if began and began.kind is not Kind.NEWEST else None
    return replace(left, search=Search(left.path, otherwise=otherwise))


def _back(wanted: Wanted, to: str, *, restart: bool) -> Wanted:
    return replace(
        wanted,
        revision=to,
        restart=restart,
        restore=None,
        keeps_state=True,
        from_checkpoint=False,
        begins_with=wanted.startable[to],
    )


def _gives_way(memory: Memory, wanted: Wanted) -> bool:
    """Whether another edit is taken at once: the way back waits, and nothing works."""
    rollback, prepared = memory.rollback, memory.prepared
    waits = memory.step is Step.DEPLOYED and prepared is not None and bool(prepared.error)
    known = rollback is not None and wanted.revision not in {"", rollback.revision}
    return waits and known and wanted.restart
