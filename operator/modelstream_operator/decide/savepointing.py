"""The stop with a savepoint: can be repeated at any moment, and never waits in silence. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from modelstream_operator.decide.ask import Ask
from modelstream_operator.decide.decision import (
    Decision,
    Seen,
    StopWithSavepoint,
    Waiting,
    Wanted,
)
from modelstream_operator.decide.ending import dropped, end_of, over, stopped
from modelstream_operator.decide.job import JobState
from modelstream_operator.decide.laststate import patience, state_of, waits, without_savepoint
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.overtaken import is_overtaken
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.proving import is_prepared, runs_well

RETRY = timedelta(seconds=30)
"""Between a savepoint that failed and the next attempt."""
FAILURES = 3
"""Savepoints of a job that have failed in a row: there will be none."""
PATIENCE = timedelta(minutes=10)
"""How long a stop may take before status calls it stuck; one that is refused is given up then."""


def stop(memory: Memory, wanted: Wanted, root: str, seen: Seen) -> Decision:
    """Begin to end a run that has state: with a savepoint, unless the newest checkpoint will do."""
    if wanted.from_checkpoint:
        return without_savepoint(memory, wanted, seen, "upgrade.mode is LastState")
    if seen.job and seen.job.all_running:
        return Decision(ask(memory, root, seen))
    idle = Ask(memory.run, memory.job_id, _directory(memory, root, seen), seen.now, idle=seen.now)
    waiting = replace(_stopping(memory, seen), ask=idle)
    return Decision(waiting, waiting=waits(seen, seen.now + patience(seen)))


def ask(memory: Memory, root: str, seen: Seen) -> Memory:
    """Remember the stop before it is asked for; a directory of its own tells it from all others."""
    again = memory.ask if memory.step is Step.SAVEPOINTING else None
    asked = Ask(
        run=memory.run,
        job_id=memory.job_id,
        directory=_directory(memory, root, seen),
        since=seen.now,
        trigger_id=seen.fresh_id,
        attempts=again.attempts if again else 0,
        error=again.error if again else "",
    )
    return replace(memory if again else _stopping(memory, seen), ask=asked)


def _stopping(memory: Memory, seen: Seen) -> Memory:
    return memory.go(Step.SAVEPOINTING, seen.now, seen.now + PATIENCE)


def _directory(memory: Memory, root: str, seen: Seen) -> str:
    return f"{root}/{memory.job_id}-{seen.fresh_id}"


def savepointing(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The next step of a job that is to stop with a savepoint."""
    asked = memory.ask
    if not wanted.keeps_state and not is_overtaken(memory, wanted):
        return Decision(over(memory, dropped(memory, seen, keeps=False), seen))
    if asked is None:
        return without_savepoint(memory, wanted, seen, "nobody knows what was asked for")
    if (path := _path(seen)) is not None:
        return Decision(over(memory, stopped(memory, seen, path), seen))
    if not _ends_well(seen) and (ended := end_of(memory, wanted, seen)) is not None:
        return Decision(over(memory, ended, seen))
    if asked.trigger_id is None and not _is_still_wanted(memory, wanted, seen):
        return Decision(replace(memory.go(Step.DEPLOYED, seen.now), ask=None))
    asked = replace(asked, idle=_idle(asked, seen))
    return _waiting(replace(memory, ask=asked), asked, wanted, seen)


def _is_still_wanted(memory: Memory, wanted: Wanted, seen: Seen) -> bool:
    """Whether the job is still to stop: not for a change that is not proven, while it runs well.

    That is one which has become another meanwhile, or that came while the job had a bad moment.
    """
    if wanted.rest is not None or memory.goes_back or not wanted.restart:
        return wanted.rest is not None or memory.goes_back
    unproven = not is_prepared(memory, wanted)
    return not unproven or not (memory.prepared is not None or runs_well(memory, seen))


def _waiting(memory: Memory, asked: Ask, wanted: Wanted, seen: Seen) -> Decision:
    """No savepoint yet: ask for it, once more, or do without."""
    answer = seen.savepoint
    if wanted.from_checkpoint and not _under_way(seen):
        return without_savepoint(memory, wanted, seen, "upgrade.mode is LastState")
    if asked.idle and seen.now - asked.idle >= patience(seen):
        why = f"{state_of(seen)} for {round((seen.now - asked.idle).total_seconds())} s"
        return without_savepoint(memory, wanted, seen, why)
    if asked.trigger_id is None:
        return _after_failure(memory, asked, seen)
    if failure := (answer.failure if answer else None) or seen.refused_stop:
        return _failed(memory, asked, wanted, failure, seen)
    act = None
    if answer is None and seen.job and seen.job.state == JobState.RUNNING:
        act = StopWithSavepoint(memory.job_id, asked.directory, asked.trigger_id)
    return Decision(memory, act, waiting=_stuck(memory, asked, seen))


def _path(seen: Seen) -> str | None:
    """Of the trigger's answer, or of the job's history once Flink has dropped that answer."""
    if seen.savepoint and seen.savepoint.path:
        return seen.savepoint.path
    over = seen.job is not None and seen.job.state == JobState.FINISHED
    return seen.checkpoints.stopped_with if over and seen.checkpoints else None


def _under_way(seen: Seen) -> bool:
    return seen.savepoint is not None and not seen.savepoint.failure


def _ends_well(seen: Seen) -> bool:
    """A job that has stopped is FINISHED a moment before its savepoint is told to be complete."""
    return _under_way(seen) and seen.job is not None and seen.job.state == JobState.FINISHED


def _idle(asked: Ask, seen: Seen) -> datetime | None:
    """Since when the job has not been running; Flink gives up a savepoint that it cannot take."""
    if _under_way(seen) or (seen.job is not None and seen.job.all_running):
        return None
    return asked.idle or seen.now


def _failed(memory: Memory, asked: Ask, wanted: Wanted, failure: str, seen: Seen) -> Decision:
    attempts = asked.attempts + 1
    failed = replace(asked, trigger_id=None, since=seen.now, attempts=attempts, error=failure)
    late = memory.deadline is not None and seen.now >= memory.deadline
    if late or (attempts >= FAILURES and not seen.refused_stop):
        why = f"{attempts} savepoints have failed ({failure})"
        return without_savepoint(memory, wanted, seen, why)
    return Decision(replace(memory, ask=failed), waiting=_again(failed))


def _after_failure(memory: Memory, failed: Ask, seen: Seen) -> Decision:
    """A savepoint has failed, or was not possible: try again once that makes sense."""
    if failed.idle:
        return Decision(memory, waiting=waits(seen, failed.idle + patience(seen)))
    if failed.attempts and seen.now - failed.since < RETRY:
        return Decision(memory, waiting=_again(failed))
    root = failed.directory.rpartition("/")[0]
    return Decision(ask(memory, root, seen), waiting=_again(failed) if failed.attempts else None)


def _again(failed: Ask) -> Waiting:
    times = f" ({failed.attempts} times in a row)" if failed.attempts > 1 else ""
    return Waiting(Reason.SAVEPOINT_FAILED, f"{failed.error}{times}; it is tried again")


def _stuck(memory: Memory, asked: Ask, seen: Seen) -> Waiting | None:
    """What keeps the savepoint; after the deadline, that it takes too long."""
    if asked.idle:
        return waits(seen, asked.idle + patience(seen))
    if memory.deadline is None or seen.now < memory.deadline:
        return None
    minutes = round(PATIENCE.total_seconds() / 60)
    message = (
        f"the job has not stopped for {minutes} minutes, {state_of(seen)}: it is waited for, or"
        " goes on from its newest checkpoint with upgrade.mode: LastState"
    )
    return Waiting(Reason.SAVEPOINT_STUCK, message)
