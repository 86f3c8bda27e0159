"""What a run goes on from when the one before could give no savepoint: its newest checkpoint. Pure.

The operator does not read the store: the next run's JobManager looks there, and tells.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from modelstream_operator.decide.decision import Answer, Decision, Seen, Waiting, Wanted
from modelstream_operator.decide.ending import over
from modelstream_operator.decide.fields import stamp
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stored import Found, Kind, Search, Stored, newest

IDLE = timedelta(minutes=1)
"""How long a job may not run before a change does without its savepoint."""
SILENT = timedelta(minutes=10)
"""How long a ready JobManager may not answer before that."""

_UNKNOWN = (
    "what the run was made of is no longer known, so that its checkpoints cannot be found: the"
    " change waits until the job runs; spec.state.restoreFrom with a greater nonce says what else"
    " to begin with"
)


def patience(seen: Seen) -> timedelta:
    """How long a job that gives no savepoint is waited for."""
    return SILENT if seen.answer is Answer.SILENT else IDLE


def without_savepoint(memory: Memory, wanted: Wanted, seen: Seen, why: str) -> Decision:
    """End the run; the next one goes on from what it has completed last."""
    if wanted.checkpoints is None:
        return Decision(memory, waiting=Waiting(Reason.SAVEPOINT_NOT_POSSIBLE, _UNKNOWN))
    left = newest(wanted.checkpoints, memory.job_id)
    ended = Ended(memory.run, memory.job_id, How.DROPPED, seen.now, left, completed=seen.saved)
    message = f"{why}: what comes next goes on from the newest checkpoint of job {memory.job_id}"
    return Decision(over(memory, ended, seen), news=(News(EventReason.LAST_STATE, message),))


def waits(seen: Seen, until: datetime) -> Waiting:
    """Why no savepoint is taken, and when the job ends without one."""
    message = (
        f"{state_of(seen)}, so that no savepoint can be taken: unless it runs again before"
        f" {stamp(until)}, it ends without one, and leaves its newest checkpoint"
    )
    return Waiting(Reason.SAVEPOINT_NOT_POSSIBLE, message)


def state_of(seen: Seen) -> str:
    """How the job is, in Flink's word where there is one."""
    if seen.job is not None:
        return f"the job is {seen.job.state}"
    if seen.answer is Answer.NO_JOB:
        return "the JobManager has no job"
    silent = seen.answer is Answer.SILENT
    return "the JobManager does not answer" if silent else "no JobManager is ready"


def handed_on(memory: Memory) -> Stored | None:
    """What the run that has ended leaves for the next one; None of one that left nothing."""
    ended, began = memory.ended, memory.restored_from
    if ended is None or ended.left is None or ended.how is How.FINISHED:
        return None
    left = ended.left
    if began is not None and left.path == began.path:
        return began.settled
    left = replace(left, revision=memory.revision)
    if left.kind is not Kind.NEWEST:
        return left
    if began is not None and began.kind is Kind.NEWEST:
        # It counts as started only because it has completed one, and nobody knows what is older.
        return replace(left, search=Search(left.path, needed=True))
    otherwise = began.settled if began else None
    return replace(left, search=Search(left.path, ended.completed, otherwise))


def has_state(memory: Memory) -> bool:
    """Whether there is anything that the next run goes on from: a change could lose it."""
    if memory.step in {Step.DEPLOYED, Step.SAVEPOINTING}:
        began = memory.restored_from
        return bool(memory.started or (began and began.settled))
    return handed_on(memory) is not None


def resolved(memory: Memory, found: Found | None) -> tuple[Memory, tuple[News, ...]]:
    """With what the JobManager has found, and the news of it."""
    sought = memory.restored_from
    if found is None or sought is None or sought.kind is not Kind.NEWEST:
        return memory, ()
    taken = sought.found(found)
    return replace(memory, restored_from=taken), (_told(memory, sought, taken, found),)


def asked_for(memory: Memory, deployed: Memory, wanted: Wanted) -> tuple[News, ...]:
    """The news of a run that begins with what a person has chosen, and of what it leaves aside."""
    if wanted.restore is None:
        return ()
    state, left = wanted.restore.state, handed_on(memory)
    with_what = state.named if state else "nothing"
    text = f"run {deployed.run} begins with {with_what}, as spec.state.restoreFrom asks"
    if left is not None:
        text += f"; what the run before left stays where it is: {left.path}"
    return (News(EventReason.RESTORE_FROM, text),)


def _told(memory: Memory, sought: Stored, taken: Stored, found: Found) -> News:
    run = f"run {memory.run}"
    if taken.kind is Kind.NOTHING and sought.is_of_any_job:
        text = f"no job has completed a checkpoint or savepoint in {sought.path}"
        return News(EventReason.BEGUN_ANEW, f"{text}: {run} begins anew")
    if taken.kind is Kind.NOTHING:
        text = f"job {sought.job_id} had completed no checkpoint: {run} begins anew, as it had"
        return News(EventReason.BEGUN_ANEW, text)
    if taken.job_id != sought.job_id and not sought.is_of_any_job:
        text = (
            f"job {sought.job_id} had completed no checkpoint: {run} begins where it had begun,"
            f" from {taken.path} of job {taken.job_id}"
        )
        return News(EventReason.RESTORED, text)
    age = ""
    if found.time and memory.since:
        seconds = max(0, round((memory.since - found.time).total_seconds()))
        age = f", completed at {stamp(found.time)}, {seconds} s before the run began"
    kind = str(taken.kind).lower()
    of = f" of job {taken.job_id}" if taken.job_id else ""
    return News(EventReason.RESTORED, f"{run} goes on from {kind} {taken.path}{of}{age}")
