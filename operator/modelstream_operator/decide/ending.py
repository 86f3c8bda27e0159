"""How a run has ended, and what it leaves for a later one. Pure."""

from dataclasses import replace

from modelstream_operator.decide.decision import SURE, Seen, Waiting, Wanted
from modelstream_operator.decide.job import SUCCEEDED, JobState, Record
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.saved import Saved, with_one
from modelstream_operator.decide.stored import Kind, Stored, newest

_HOW: dict[str, How] = {
    JobState.FINISHED: How.FINISHED,
    SUCCEEDED: How.FINISHED,
    JobState.CANCELED: How.CANCELED,
    JobState.FAILED: How.FAILED,
}


def end_of(memory: Memory, wanted: Wanted, seen: Seen) -> Ended | None:
    """The end that Flink tells of, or has recorded; None while the run may still go on."""
    if seen.job is not None and seen.job.ended:
        return _told(memory, wanted, seen)
    return _recorded(memory, wanted, seen.record, seen) if seen.record else None


def over(memory: Memory, ended: Ended, seen: Seen) -> Memory:
    """The run is over: what we have stopped goes on as was asked, other ends need a wish."""
    if ended.how is How.STOPPED and ended.left is not None:
        one = Saved(ended.left.path, seen.now, memory.job_id, memory.revision, seen.made_of)
        memory = replace(memory, savepoints=with_one(memory.savepoints, one))
    by_us = ended.how in {How.STOPPED, How.DROPPED, How.NOT_STARTED}
    if by_us or (ended.how is How.FAILED and memory.goes_back):
        return replace(memory.go(Step.TEARING_DOWN, seen.now), ask=None, ended=ended)
    stays = replace(memory, rollback=None) if memory.goes_back else memory
    return replace(stays.go(Step.ENDED, seen.now), ask=None, ended=ended)


def unseen(memory: Memory, wanted: Wanted, seen: Seen) -> Waiting | None:
    """That the job has ended while nobody looked: what it left, only a person can tell."""
    known = wanted.checkpoints and memory.started and seen.has_no_job
    if not known or seen.planned is not False:
        return None
    message = (
        f"the JobManager no longer knows job {memory.job_id}: it has ended while nobody looked."
        f" Its checkpoints are in {wanted.checkpoints}/{memory.job_id}, savepoints in"
        f" {wanted.savepoints}: an edit, or another restartNonce, goes on from the newest of them"
    )
    return Waiting(Reason.ENDED_UNSEEN, message)


def dropped(memory: Memory, seen: Seen, *, keeps: bool) -> Ended:
    """An end by us; the run has kept nothing, but what it was itself restored from."""
    how = How.DROPPED if memory.started else How.NOT_STARTED
    return Ended(memory.run, memory.job_id, how, seen.now, _began(memory) if keeps else None)


def stopped(memory: Memory, seen: Seen, path: str, how: How = How.STOPPED) -> Ended:
    """An end by a stop whose savepoint is complete."""
    left = Stored(path, Kind.SAVEPOINT, memory.job_id)
    return Ended(memory.run, memory.job_id, how, seen.now, left)


def came_to_nothing(memory: Memory, wanted: Wanted, seen: Seen) -> Ended | None:
    """The end of a start whose job has never been there, and will never be.

    A JobManager answers long before its program has submitted the job: only one whose application
    is over, or that nobody knows of, submits none.
    """
    if not wanted.checkpoints or memory.started or not seen.has_no_job:
        return None
    if seen.planned or seen.application_runs:
        return None
    ended = dropped(memory, seen, keeps=True)
    return replace(ended, error=seen.failures[0] if seen.failures else "")


def _told(memory: Memory, wanted: Wanted, seen: Seen) -> Ended | None:
    assert seen.job is not None
    kept = seen.checkpoints
    if kept is None:  # Flink has not said yet what the job leaves: it is asked again
        return None
    if seen.job.state == JobState.FAILED and not seen.failures and seen.times < SURE:
        return None  # nor why: its program ends a moment later
    if seen.job.state == JobState.FINISHED and kept.stopped_with:
        return _stopped(memory, wanted, seen, kept.stopped_with)
    failed = seen.job.state == JobState.FAILED
    error = "; before: ".join(seen.failures) if failed else ""
    # A JobManager that has replaced another one tells only of checkpoints of its own time.
    how = _HOW[seen.job.state]
    left = kept.newest or _newest(memory, wanted, how) or _began(memory)
    return Ended(memory.run, memory.job_id, how, seen.now, left, error, seen.saved)


def _newest(memory: Memory, wanted: Wanted, how: How) -> Stored | None:
    streams = wanted.checkpoints and wanted.savepoints and memory.started
    if not streams or how is How.FINISHED:
        return None
    return newest(str(wanted.checkpoints), memory.job_id)


def _began(memory: Memory) -> Stored | None:
    return memory.restored_from.settled if memory.restored_from else None


def _stopped(memory: Memory, wanted: Wanted, seen: Seen, path: str) -> Ended:
    """By us where the savepoint is in our place, also where we no longer wait for it."""
    ours = path.startswith(f"{wanted.savepoints}/{memory.job_id}-")
    return stopped(memory, seen, path, How.STOPPED if ours else How.STOPPED_BY_OTHERS)


def _recorded(memory: Memory, wanted: Wanted, record: Record, seen: Seen) -> Ended:
    """A job that succeeded and left a savepoint was stopped."""
    path = record.path
    saved = path is not None and path.startswith(f"{wanted.savepoints}/")
    if path and saved and record.status == SUCCEEDED:
        return _stopped(memory, wanted, seen, path)
    left = _began(memory)
    if path:
        left = Stored(path, Kind.SAVEPOINT if saved else Kind.CHECKPOINT, memory.job_id)
    return Ended(memory.run, memory.job_id, _HOW[record.status], seen.now, left)
