"""Before a run that is well is stopped for a change: the proof that the change can run. Pure.

A pod beside the job fetches and verifies the models and builds the program. As long as it has not
succeeded the job is not touched.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from modelstream_crds.podreasons import PodReason
from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.decision import Answer, Seen, Wanted
from modelstream_operator.decide.fields import stamp
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.prepared import Prepared, Proof
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.stage import Says

PATIENCE = timedelta(minutes=30)
"""How long an attempt may take: a large model is fetched in it."""
AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Between an attempt that failed and the next one; the last for all that follow."""
HEALS = frozenset(
    {
        PodReason.FETCH_FAILED.value,
        PodReason.STATE_UNREACHABLE.value,
        Reason.EVICTED.value,
        Reason.POD_FAILED.value,
        Reason.CRASH.value,
    }
)
"""Reasons of an attempt that has ended which may be gone at the next one."""


def needs_proof(memory: Memory, wanted: Wanted, seen: Seen) -> bool:
    """Whether a change has to be proven first: there is a job that runs, and is to make room.

    What has begun is brought to its end, also where the job has a bad moment meanwhile.
    """
    if wanted.rest is not None or not wanted.restart:
        return False
    return memory.goes_back or is_prepared(memory, wanted) or runs_well(memory, seen)


def is_prepared(memory: Memory, wanted: Wanted) -> bool:
    """Whether what is prepared is what is wanted now."""
    found = memory.prepared
    return found is not None and (found.revision, found.choice) == (wanted.revision, wanted.choice)


def runs_well(memory: Memory, seen: Seen) -> bool:
    """Whether a job runs and is not about to fail again; one that nobody hears of may well run."""
    if not memory.started:
        return False
    if seen.job is None:
        return seen.answer is Answer.SILENT
    return seen.job.all_running and (seen.job.settled or not seen.failures)


def is_proven(memory: Memory, wanted: Wanted, seen: Seen) -> bool:
    """Whether the attempt that is under way has succeeded."""
    prepared = memory.prepared
    under_way = prepared is not None and not prepared.error and is_prepared(memory, wanted)
    return under_way and seen.proof.succeeded


def prove(memory: Memory, wanted: Wanted, seen: Seen) -> tuple[Memory, tuple[News, ...]]:
    """Begin, wait, note the failure, or begin again; with what is worth an event."""
    prepared = memory.prepared
    if prepared is None or prepared.proven or not is_prepared(memory, wanted):
        return begun(memory, wanted, seen, attempts=0), ()
    late = prepared.deadline is not None and seen.now >= prepared.deadline
    if prepared.error:
        again = begun(memory, wanted, seen, prepared.attempts)
        return (again if late else memory), ()
    problem = seen.proof.problem
    if seen.proof.over or late:
        return _failed(memory, prepared, problem or _late(), seen, heals=not seen.proof.over)
    return memory, ()


def begun(memory: Memory, wanted: Wanted, seen: Seen, attempts: int) -> Memory:
    """With a first attempt of what is wanted, or the next one."""
    before = memory.prepared if is_prepared(memory, wanted) else None
    highest = max(memory.run, seen.last_run, memory.prepared.run if memory.prepared else 0)
    prepared = Prepared(
        run=highest + 1,
        revision=wanted.revision,
        job_id=seen.fresh_id,
        since=seen.now,
        deadline=seen.now + PATIENCE,
        attempts=attempts,
        choice=wanted.choice,
        instead=before.instead if before else "",
    )
    return replace(memory, prepared=prepared)


def _late() -> Problem:
    minutes = round(PATIENCE.total_seconds() / 60)
    text = f"the new revision is not proven within {minutes} minutes"
    return Problem(ConditionType.UPDATED, Reason.NOT_PROVEN, text)


def _failed(
    memory: Memory, prepared: Prepared, problem: Problem, seen: Seen, *, heals: bool
) -> tuple[Memory, tuple[News, ...]]:
    delay = AGAIN[min(prepared.attempts, len(AGAIN) - 1)]
    again = heals or problem.reason in HEALS
    failed = replace(
        prepared,
        since=seen.now,
        deadline=seen.now + delay if again else None,
        attempts=prepared.attempts + 1,
        error=f"{problem.reason}: {problem.message}",
    )
    news = News(EventReason.PROOF_FAILED, f"the change is not made: {failed.error}", warns=True)
    return replace(memory, prepared=failed), (news,)


def says(prepared: Prepared, proof: Proof, stopped_until: datetime | None = None) -> Says:
    """How far a change is that is being proven; of a job that has stopped, until when it waits."""
    meanwhile = _meanwhile(prepared, stopped_until)
    if prepared.error:
        reason, _, message = prepared.error.partition(": ")
        return Says("False", reason, f"{message}; {meanwhile}. {_then(prepared)}")
    if proof.problem is not None:
        text = f"the new revision waits for its proof: {proof.problem.message}"
        return Says("False", proof.problem.reason, f"{text}; {meanwhile}")
    text = f"run {prepared.run} is proven in a pod of its own; {meanwhile}"
    return Says("False", Reason.PROVING, text)


def _meanwhile(prepared: Prepared, stopped_until: datetime | None) -> str:
    if not prepared.instead:
        return "the job that runs goes on"
    if stopped_until is None:
        return f"revision {prepared.instead} was started instead, and goes on"
    return (
        "the job has stopped for another change before it: unless this one is proven by"
        f" {stamp(stopped_until)}, revision {prepared.instead} starts"
    )


def _then(prepared: Prepared) -> str:
    edit = "an edit, also one that takes it back, is taken at once"
    if prepared.deadline is None:
        return f"It is not tried again by itself: {edit}"
    return f"It is tried again at {stamp(prepared.deadline)}; {edit}"
