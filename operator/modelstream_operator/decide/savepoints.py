"""Savepoints of a job that goes on: taken in time or on demand, the oldest disposed of. Pure.

One thing at a time is asked of Flink. What fails is tried again, less and less often; nothing of it
concerns the job.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from modelstream_operator.decide.ask import Ask, AskKind
from modelstream_operator.decide.decision import (
    Decision,
    DisposeSavepoint,
    Seen,
    TakeSavepoint,
    Wanted,
)
from modelstream_operator.decide.fields import time
from modelstream_operator.decide.job import JobState
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.proving import AGAIN
from modelstream_operator.decide.saved import Saved, with_one

SILENT = timedelta(minutes=10)
"""How long Flink may know nothing of what it was asked for, before that counts as failed."""


def kept_up(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The next step of a run that goes on."""
    asked = memory.ask
    if wanted.savepoints is None or not memory.started or memory.goes_back:
        return Decision(replace(memory, ask=None))
    if asked is not None and (asked.run != memory.run or asked.kind is AskKind.STOP):
        asked = None
    if asked is None or asked.trigger_id is None:
        return _next(memory, wanted, asked, seen)
    if asked.kind is AskKind.SAVEPOINT:
        return _being_taken(memory, asked, seen)
    return _being_disposed_of(memory, asked, seen)


def surplus(memory: Memory, wanted: Wanted) -> tuple[Saved, ...]:
    """Those beyond ``keep`` that nothing in status needs, the oldest first."""
    if wanted.keep is None:
        return ()
    needed = _needed(memory)
    beyond = memory.savepoints[wanted.keep :]
    return tuple(each for each in reversed(beyond) if each.path not in needed)


def _needed(memory: Memory) -> frozenset[str]:
    """What the present run began with, or has left aside, and what the one before has left."""
    rollback, ended, began = memory.rollback, memory.ended, memory.restored_from
    stored = [
        began,
        began.search.otherwise if began and began.search else None,
        memory.previous,
        rollback.previous if rollback else None,
        ended.left if ended else None,
    ]
    return frozenset(each.path for each in stored if each is not None)


def _next(memory: Memory, wanted: Wanted, failed: Ask | None, seen: Seen) -> Decision:
    """Ask for what is due, once the last failure is long enough ago."""
    if failed is not None and seen.now < _again(failed):
        return Decision(memory)
    due = _is_due(memory, wanted, seen)
    old = _disposable(memory, wanted, seen)
    # In turn where both fail: a store that is full takes no savepoint before one has gone.
    turn = failed is None or failed.kind is AskKind.SAVEPOINT or not due
    if old is not None and turn:
        return Decision(_asking(memory, failed, seen, AskKind.DISPOSAL, old.path))
    if not due:
        return Decision(replace(memory, ask=None))
    if seen.job is None or not seen.job.settled:
        return Decision(memory)
    directory = f"{wanted.savepoints}/{memory.job_id}-{seen.fresh_id}"
    asking = _asking(memory, failed, seen, AskKind.SAVEPOINT, directory)
    assert asking.ask is not None
    return Decision(replace(asking, ask=replace(asking.ask, nonce=wanted.savepoint_nonce)))


def _again(failed: Ask) -> datetime:
    delay = AGAIN[min(max(failed.attempts, 1), len(AGAIN)) - 1]
    return failed.since + delay


def _is_due(memory: Memory, wanted: Wanted, seen: Seen) -> bool:
    if wanted.savepoint_nonce > memory.savepoint_nonce:
        return True
    last = memory.savepoints[0].time if memory.savepoints else time(memory.started)
    interval = wanted.savepoint_interval
    return interval is not None and last is not None and seen.now - last >= interval


def _disposable(memory: Memory, wanted: Wanted, seen: Seen) -> Saved | None:
    """The oldest that nobody needs, as far as it is known what others need."""
    if seen.spared is None:
        return None
    found = (each for each in surplus(memory, wanted) if each.path not in seen.spared)
    return next(found, None)


def _asking(memory: Memory, failed: Ask | None, seen: Seen, kind: AskKind, place: str) -> Memory:
    ask = Ask(
        run=memory.run,
        job_id=memory.job_id,
        directory=place,
        since=seen.now,
        trigger_id=seen.fresh_id,
        attempts=failed.attempts if failed else 0,
        error=failed.error if failed else "",
        kind=kind,
    )
    return replace(memory, ask=ask)


def _being_taken(memory: Memory, asked: Ask, seen: Seen) -> Decision:
    answer = seen.savepoint
    if answer is not None and answer.path:
        saved = Saved(answer.path, seen.now, memory.job_id, memory.revision, seen.made_of)
        done = replace(
            memory,
            ask=None,
            savepoints=with_one(memory.savepoints, saved),
            savepoint_nonce=max(memory.savepoint_nonce, asked.nonce),
        )
        text = f"savepoint {answer.path} of job {memory.job_id} is complete; the job goes on"
        return Decision(done, news=(News(EventReason.SAVEPOINT_TAKEN, text),))
    if failure := (answer.failure if answer else None) or seen.refused_stop:
        return _failed(memory, asked, failure, seen)
    if answer is not None:
        return Decision(memory)
    if seen.now - asked.since >= SILENT:
        return _failed(memory, asked, "Flink does not know of it", seen)
    if seen.job is None or seen.job.state != JobState.RUNNING:
        return Decision(memory)
    assert asked.trigger_id is not None
    return Decision(memory, TakeSavepoint(memory.job_id, asked.directory, asked.trigger_id))


def _being_disposed_of(memory: Memory, asked: Ask, seen: Seen) -> Decision:
    answer = seen.disposal
    if answer is not None and (not answer.failure or answer.is_gone):
        others = (each for each in memory.savepoints if each.path != asked.directory)
        return Decision(replace(memory, ask=None, savepoints=tuple(others)))
    if failure := (answer.failure if answer else "") or seen.refused_stop:
        return _failed(memory, asked, failure, seen)
    if seen.now - asked.since >= SILENT:
        return _failed(memory, asked, "Flink does not say that it is done", seen)
    assert asked.trigger_id is not None
    return Decision(memory, DisposeSavepoint(asked.directory, asked.trigger_id))


def _failed(memory: Memory, asked: Ask, failure: str, seen: Seen) -> Decision:
    attempts = asked.attempts + 1
    failed = replace(asked, trigger_id=None, since=seen.now, attempts=attempts, error=failure)
    if asked.kind is AskKind.SAVEPOINT:
        text = f"no savepoint was taken ({failure}); the job goes on, and it is tried again"
        news = News(EventReason.SAVEPOINT_NOT_TAKEN, text, warns=True)
    else:
        text = f"savepoint {asked.directory} was not disposed of ({failure}); it is tried again"
        news = News(EventReason.SAVEPOINT_NOT_DISPOSED, text, warns=True)
    return Decision(replace(memory, ask=failed), news=(news,))
