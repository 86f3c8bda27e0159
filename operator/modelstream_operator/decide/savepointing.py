"""The stop with a savepoint: can be repeated at any moment, and never waits in silence. Pure."""

from dataclasses import replace
from datetime import timedelta

from modelstream_operator.decide.decision import (
    Decision,
    Seen,
    StopWithSavepoint,
    Waiting,
    Wanted,
)
from modelstream_operator.decide.ending import dropped, end_of, stopped, unseen
from modelstream_operator.decide.memory import Ask, Ended, How, Memory, Step
from modelstream_operator.decide.problem import Reason

RETRY = timedelta(seconds=30)
"""Between a savepoint that failed and the next attempt."""
PATIENCE = timedelta(minutes=10)
"""How long a stop may take before status calls it stuck."""


def ask(memory: Memory, root: str, seen: Seen) -> Memory:
    """Remember the stop before it is asked for; a directory of its own tells it from all others."""
    again = memory.ask if memory.step is Step.SAVEPOINTING else None
    asked = Ask(
        run=memory.run,
        job_id=memory.job_id,
        directory=f"{root}/{memory.job_id}-{seen.fresh_id}",
        since=seen.now,
        trigger_id=seen.fresh_id,
        attempts=again.attempts if again else 0,
        error=again.error if again else "",
    )
    if again:
        return replace(memory, ask=asked)
    return replace(memory.go(Step.SAVEPOINTING, seen.now, seen.now + PATIENCE), ask=asked)


def savepointing(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The next step of a job that is to stop with a savepoint."""
    asked = memory.ask
    if asked is None or not wanted.keeps_state:
        without = dropped(memory, seen, keeps=wanted.keeps_state)
        return Decision(over(memory, without, seen))
    if (path := _path(seen)) is not None:
        return Decision(over(memory, stopped(memory, seen, path), seen))
    if not _under_way(seen) and (ended := end_of(memory, wanted, seen)) is not None:
        return Decision(over(memory, ended, seen))
    if asked.trigger_id is None:
        return _after_failure(memory, asked, wanted, seen)
    answer = seen.savepoint
    if failure := (answer.failure if answer else None) or seen.refused_stop:
        return _failed(memory, asked, failure, seen)
    act = None
    if answer is None and seen.job and seen.job.state == "RUNNING":
        act = StopWithSavepoint(memory.job_id, asked.directory, asked.trigger_id)
    return Decision(memory, act, waiting=_stuck(memory, wanted, seen))


def _path(seen: Seen) -> str | None:
    """Of the trigger's answer, or of the job's history once Flink has dropped that answer."""
    if seen.savepoint and seen.savepoint.path:
        return seen.savepoint.path
    over = seen.job is not None and seen.job.state == "FINISHED"
    return seen.checkpoints.stopped_with if over and seen.checkpoints else None


def _under_way(seen: Seen) -> bool:
    """A job that has stopped is FINISHED a moment before its savepoint is told to be complete."""
    there = seen.savepoint is not None and not seen.savepoint.failure
    return there and seen.job is not None and seen.job.state == "FINISHED"


def over(memory: Memory, ended: Ended, seen: Seen) -> Memory:
    """The run is over: what we have stopped goes on as was asked, other ends need a wish."""
    by_us = ended.how in {How.STOPPED, How.DROPPED, How.NOT_STARTED}
    step = Step.TEARING_DOWN if by_us else Step.ENDED
    return replace(memory.go(step, seen.now), ask=None, ended=ended)


def _failed(memory: Memory, asked: Ask, failure: str, seen: Seen) -> Decision:
    failed = replace(
        asked, trigger_id=None, since=seen.now, attempts=asked.attempts + 1, error=failure
    )
    return Decision(replace(memory, ask=failed), waiting=_again(failed))


def _after_failure(memory: Memory, failed: Ask, wanted: Wanted, seen: Seen) -> Decision:
    """A savepoint has failed: go back if it is no longer wanted, else try again after a while."""
    if not wanted.changes:
        return Decision(replace(memory.go(Step.DEPLOYED, seen.now), ask=None))
    if seen.now - failed.since < RETRY:
        return Decision(memory, waiting=_again(failed))
    root = failed.directory.rpartition("/")[0]
    return Decision(ask(memory, root, seen), waiting=_again(failed))


def _again(failed: Ask) -> Waiting:
    times = f" ({failed.attempts} times in a row)" if failed.attempts > 1 else ""
    return Waiting(Reason.SAVEPOINT_FAILED, f"{failed.error}{times}; it is tried again")


def _stuck(memory: Memory, wanted: Wanted, seen: Seen) -> Waiting | None:
    """After the deadline the step says so; what keeps it is among the causes that pods tell."""
    if (waits := unseen(memory, wanted, seen)) is not None:
        return waits
    if memory.deadline is None or seen.now < memory.deadline:
        return None
    state = f"the job is {seen.job.state}" if seen.job else "the JobManager does not answer"
    minutes = round(PATIENCE.total_seconds() / 60)
    message = (
        f"the job has not stopped for {minutes} minutes, {state}: it is waited for, or goes without"
        " its state with upgrade.mode: Stateless"
    )
    return Waiting(Reason.SAVEPOINT_STUCK, message)
