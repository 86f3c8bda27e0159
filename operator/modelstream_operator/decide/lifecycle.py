"""The state machine of a stream: deploy, stop with a savepoint, tear down, rest, end, delete. Pure.

What it must remember is in ``status``, and is written there before anything is done: each step can
be repeated after a crash of the operator, without a second job and without a lost savepoint.
A refused spec, a suspension and a deletion are wishes like any other.
"""

from dataclasses import replace
from datetime import timedelta

from modelstream_operator.decide.clock import not_ahead
from modelstream_operator.decide.decision import (
    Decision,
    ForgetHighAvailability,
    Rescale,
    Seen,
    Waiting,
    Wanted,
)
from modelstream_operator.decide.deleting import deleting
from modelstream_operator.decide.ending import came_to_nothing, dropped, end_of, over, unseen
from modelstream_operator.decide.fields import stamp
from modelstream_operator.decide.laststate import (
    asked_for,
    handed_on,
    resolved,
    without_savepoint,
)
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.overtaken import Start, proved_again, start
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.proving import is_proven, needs_proof, prove
from modelstream_operator.decide.removing import noted, recorded
from modelstream_operator.decide.rollback import (
    beginning,
    choice_of,
    could_not_read,
    followed,
    give_way,
    kept_on,
    left_aside,
    on_trial,
    takes_less,
    told,
    watched,
    why_ended,
    why_failed,
)
from modelstream_operator.decide.savepointing import savepointing, stop
from modelstream_operator.decide.savepoints import kept_up
from modelstream_operator.decide.stored import Kind, Stored, nothing_yet

FIRST_BACK_OFF = timedelta(seconds=10)
LONGEST_BACK_OFF = timedelta(minutes=5)


_PREPARES = {Step.DEPLOYED, Step.SAVEPOINTING, Step.TEARING_DOWN}
"""Steps that lead to what was prepared, or wait for it."""


def decide(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The next step: what to remember, and then one act."""
    memory = not_ahead(memory, seen.now)
    decision = _decided(memory, wanted, seen)
    if decision.memory.step in _PREPARES or memory.step is Step.UNKNOWN:
        return decision
    return replace(decision, memory=replace(decision.memory, prepared=None))


def _decided(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if memory.step is Step.UNKNOWN:
        return _unknown(memory)
    memory, wanted = followed(memory, wanted)
    if wanted.deletion is not None:
        return deleting(memory, wanted, wanted.deletion, seen)
    match memory.step:
        case Step.DEPLOYED:
            memory, news = resolved(memory, seen.found)
            decision = _deployed(memory, wanted, seen)
            return replace(decision, news=news + decision.news)
        case Step.SAVEPOINTING:
            return savepointing(memory, wanted, seen)
        case Step.TEARING_DOWN:
            return _tearing_down(memory, wanted, seen)
        case Step.BACKING_OFF:
            return _backing_off(memory, wanted, seen)
        case Step.ENDED:
            return _after_the_end(memory, wanted, seen)
        case None if seen.pods or not seen.scaled_down:
            # Of one that had this name before, or of whom nobody knows anything any more.
            known = replace(memory, run=seen.last_run)
            return Decision(known.go(Step.TEARING_DOWN, seen.now))
        case Step.SUSPENDED if wanted.rest is None and (seen.pods or not seen.scaled_down):
            # Somebody has brought them back by hand: two jobs would write everything twice.
            return Decision(memory.go(Step.TEARING_DOWN, seen.now))
    return _next(memory, wanted, seen)


def _unknown(memory: Memory) -> Decision:
    message = (
        f"status.{memory.unknown}, which this operator does not know: a newer one, or somebody by"
        " hand, wrote it. Nothing is done until an operator of that version runs again, or the"
        " field is mended: kubectl edit modelstream NAME --subresource=status"
    )
    return Decision(memory, waiting=Waiting(Reason.UNKNOWN_STEP, message))


def _next(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """Nothing runs: rest, or deploy."""
    if not wanted.revision:
        return Decision(memory)
    if wanted.rest is None:
        begins = start(memory, wanted, seen)
        if begins is None:
            return Decision(memory)
        deployed = _deploy(memory, begins, seen)
        news = begins.news + asked_for(memory, deployed, begins.wanted) + told(memory, deployed)
        return Decision(deployed, news=news)
    if memory.step is Step.SUSPENDED:
        return Decision(memory)
    return Decision(replace(memory.go(Step.SUSPENDED, seen.now), started=None))


def _deploy(memory: Memory, begins: Start, seen: Seen) -> Memory:
    wanted, given = begins.wanted, begins.wanted.begins_with
    began = beginning(memory) if memory.goes_back else _origin(memory, wanted)
    return Memory(
        step=Step.DEPLOYED,
        since=seen.now,
        attempts=memory.attempts,
        run=begins.run,
        job_id=begins.job_id,
        revision=wanted.revision,
        parallelism=(wanted.parallelism if given is None else given) or 0,
        restored_from=began,
        previous=left_aside(memory, wanted, began),
        took_less=takes_less(memory, wanted),
        ready=memory.ready,
        failures=memory.failures,
        rollback=kept_on(memory, wanted),
        ended=memory.ended,
        prepared=begins.prepared,
        restore_nonce=wanted.restore.nonce if wanted.restore else memory.restore_nonce,
        savepoints=memory.savepoints,
        savepoint_nonce=memory.savepoint_nonce,
        remains=recorded(memory, wanted),
    )


def _origin(memory: Memory, wanted: Wanted) -> Stored | None:
    if wanted.restore is not None:
        return wanted.restore.state
    if memory.has_never_begun and wanted.looks_in:
        return nothing_yet(wanted.looks_in)
    ended = memory.ended
    came_to_nothing = ended is not None and ended.how is How.NOT_STARTED
    again = came_to_nothing and memory.revision == wanted.revision
    return handed_on(memory) if wanted.keeps_state or again else None


def _deployed(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    memory = watched(_noticed(memory, seen), wanted, seen)
    if (ended := end_of(memory, wanted, seen)) is not None:
        return _over(memory, wanted, ended, seen)
    if (ended := came_to_nothing(memory, wanted, seen)) is not None:
        return _over(memory, wanted, ended, seen)
    if (cause := why_failed(memory, wanted, seen)) is not None:
        memory, news = give_way(memory, cause, seen)
        return Decision(memory, news=news)
    if not needs_proof(memory, wanted, seen):
        memory = replace(memory, prepared=None)
        return _stop(memory, wanted, seen) if wanted.changes else _goes_on(memory, wanted, seen)
    if is_proven(memory, wanted, seen):
        assert memory.prepared is not None
        proven = replace(memory, prepared=replace(memory.prepared, proven=True))
        return _stop(proven, wanted, seen)
    memory, news = prove(memory, wanted, seen)
    decision = _goes_on(memory, wanted, seen)
    return replace(decision, news=news + decision.news)


def _over(memory: Memory, wanted: Wanted, ended: Ended, seen: Seen) -> Decision:
    """The run has ended by itself: it gives way, is begun again, or was the last."""
    nothing = ended.how is How.NOT_STARTED
    news: tuple[News, ...] = ()
    again = nothing and not memory.attempts and not memory.goes_back
    if on_trial(memory, wanted) and not again and (nothing or ended.how is How.FAILED):
        memory, news = give_way(memory, why_ended(ended), seen)
    memory = could_not_read(memory, ended)
    if nothing and not memory.goes_back:
        return Decision(_backed_off(memory, ended, seen))
    return Decision(over(memory, ended, seen), news=news)


def _goes_on(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if (waits := unseen(memory, wanted, seen)) is not None:
        return Decision(memory, waiting=waits)
    removed = noted(memory, seen)
    scaled = _scaled(removed.memory, wanted, seen)
    if scaled.act is None and scaled.memory == removed.memory:
        scaled = kept_up(removed.memory, wanted, seen)
    return replace(scaled, news=removed.news + scaled.news)


def _noticed(memory: Memory, seen: Seen) -> Memory:
    """That all tasks run, or that a checkpoint is complete, which needs no answer of Flink.

    A run that has not told yet what it goes on from would leave nothing to begin from again.
    """
    sought = memory.restored_from is not None and memory.restored_from.kind is Kind.NEWEST
    runs = seen.job is not None and seen.job.all_running and not sought
    if memory.started or not (seen.saved or runs):
        return memory
    return replace(memory, started=stamp(seen.now), attempts=0)


def _stop(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if not memory.started or not wanted.keeps_state or wanted.savepoints is None:
        ended = dropped(memory, seen, keeps=wanted.keeps_state)
        return Decision(over(memory, ended, seen))
    if memory.goes_back and not (seen.job and seen.job.settled):
        why = "the run gives way to the last revision that was Ready"
        return without_savepoint(memory, wanted, seen, why)
    return stop(memory, wanted, wanted.savepoints, seen)


def _scaled(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """Give the vertices that have what the job was given last what it is to have now."""
    goal = wanted.parallelism
    if goal is None or goal == memory.parallelism or not seen.bounds or seen.refused_scale:
        return Decision(memory)
    if memory.parallelism in seen.bounds:
        return Decision(memory, Rescale(memory.job_id, memory.parallelism, goal))
    return Decision(replace(memory, parallelism=goal))


def _backed_off(memory: Memory, ended: Ended, seen: Seen) -> Memory:
    delay = min(FIRST_BACK_OFF * 2**memory.attempts, LONGEST_BACK_OFF)
    later = memory.go(Step.BACKING_OFF, seen.now, seen.now + delay)
    return replace(later, attempts=memory.attempts + 1, ended=ended)


def _backing_off(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if wanted.changes:
        return Decision(replace(memory.go(Step.TEARING_DOWN, seen.now), attempts=0))
    if memory.deadline and seen.now < memory.deadline:
        return Decision(memory)
    return _tearing_down(memory, wanted, seen)


def _after_the_end(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """Only a change begins again what has ended; what has read all of its input needs no rest."""
    rollback = memory.rollback
    finished = memory.ended is not None and memory.ended.how is How.FINISHED
    did_not_fit = memory.ended is not None and memory.ended.how is How.FAILED
    did_not_fit = did_not_fit and not memory.started and not memory.took_less
    again = wanted.restart or (did_not_fit and wanted.takes_less)
    if again or (wanted.rest and not finished):
        return Decision(memory.go(Step.TEARING_DOWN, seen.now))
    if rollback is not None and rollback.error:
        waits = Waiting(Reason.ROLLBACK_NEEDS_CHOICE, rollback.error)
        return Decision(memory, waiting=waits)
    return Decision(memory)


def _tearing_down(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    memory, news = proved_again(memory, wanted, seen)
    if seen.pods or not seen.scaled_down:
        return Decision(memory, news=news)
    if seen.leftovers:
        return Decision(memory, ForgetHighAvailability(), news=news)
    if memory.rollback is not None and (why := choice_of(memory, wanted)):
        waits = replace(
            memory.go(Step.ENDED, seen.now), rollback=replace(memory.rollback, error=why)
        )
        choose = News(EventReason.ROLLBACK_NEEDS_CHOICE, why, warns=True)
        return Decision(waits, news=(choose,))
    following = _next(memory, wanted, seen)
    return replace(following, news=news + following.news)
