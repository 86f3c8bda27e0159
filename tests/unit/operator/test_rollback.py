"""A new revision that does not work gives way, and what did work comes back with its state."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.conditions import BEFORE, WELL, condition
from tests.support.lifecycle import (
    EDIT_KEPT,
    FRESH,
    NEW,
    NOW,
    OLD,
    ORIGIN,
    ROOT,
    RUNNING,
    SAME_KEPT,
    deployed,
    no_job,
    seen,
    started,
)
from tests.support.rolledback import (
    BACK,
    DONE,
    FAILED,
    FAILING,
    LATE,
    LIMIT,
    RAN,
    STARTS_UP,
    TRIAL,
    WANTED,
)

from modelstream_crds.v1alpha1 import Condition, ConditionType, ModelStreamStatus
from modelstream_operator.decide.decision import Answer, Decision, Rest, Restore, Seen
from modelstream_operator.decide.failed import Failure
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import NO_PROOF, Prepared, Proof
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.rollback import RESTARTS, STARTS
from modelstream_operator.decide.status import status_of
from modelstream_operator.decide.stored import Search
from modelstream_operator.evidence import with_told


def test_a_run_has_passed_once_it_is_ready_and_has_completed_a_checkpoint() -> None:
    there = seen(job=RUNNING, ready=True)
    assert decide(RAN, WANTED, there).memory.ready == (OLD,)
    moment = replace(RUNNING, steady=timedelta(seconds=1))
    between = replace(there, job=moment, saved=True)
    assert decide(RAN, WANTED, between).memory.ready == (OLD,)
    passed = decide(RAN, WANTED, replace(there, saved=True)).memory
    assert passed.ready == (NEW, OLD)
    failed = decide(passed, WANTED, FAILED).memory
    assert (failed.step, failed.rollback) == (Step.ENDED, None)


def test_time_counts_anew_from_the_moment_at_which_all_pods_have_nodes() -> None:
    later = replace(STARTS_UP, now=NOW + LIMIT / 2)
    waits = decide(TRIAL, WANTED, replace(later, placed=False)).memory
    assert waits.deadline == NOW + LIMIT
    counted = decide(waits, WANTED, later).memory
    assert counted.deadline == later.now + LIMIT
    assert decide(counted, WANTED, LATE).memory == counted
    assert decide(counted, WANTED, replace(LATE, placed=False)).memory == counted
    assert decide(counted, WANTED, replace(LATE, ready=True)).memory.deadline is None


def test_what_finds_no_node_gives_way_and_what_has_run_and_lost_its_node_does_not() -> None:
    """The run before has given its place; of one that was Ready before nobody counts."""
    nowhere = replace(LATE, placed=False, said="Unschedulable: no node has an A100")
    waits = decide(TRIAL, WANTED, replace(nowhere, now=NOW)).memory
    after = decide(waits, WANTED, nowhere).memory
    assert after.rollback is not None
    assert "no node has an A100" in after.rollback.cause.message
    assert decide(RAN, WANTED, nowhere).memory == RAN
    known = replace(TRIAL, ready=(OLD, NEW))
    assert decide(known, WANTED, nowhere).memory == known


@pytest.mark.parametrize(
    ("memory", "there", "reason", "words"),
    [
        pytest.param(
            replace(TRIAL, since=NOW - LIMIT, deadline=LATE.now),
            LATE,
            "NotReady",
            "Loading: 0/1",
            id="not Ready",
        ),
        pytest.param(TRIAL, FAILED, "JobFailed", "boom", id="its job failed"),
        pytest.param(
            RAN,
            seen(job=FAILING, failures=("boom",), restarts=RESTARTS),
            *("JobRestarting", "boom"),
            id="restarts without a checkpoint",
        ),
        pytest.param(
            replace(TRIAL, attempts=1),
            no_job(planned=False, application_runs=False, failures=("no table",)),
            *("NotStarted", "no table"),
            id="submits no job, twice",
        ),
    ],
)
def test_what_does_not_work_gives_way(memory: Memory, there: Seen, reason: str, words: str) -> None:
    decision = decide(memory, WANTED, there)
    after = decision.memory
    assert after.rollback is not None
    assert (after.rollback.revision, after.rollback.to, after.rollback.run) == (NEW, OLD, 3)
    assert after.rollback.cause.reason == reason
    assert words in after.rollback.cause.message
    assert after.failures == (Failure(NEW, 1, there.now, reason),)
    assert (decision.news[0].reason, decision.news[0].warns) == ("RollingBack", True)
    told = replace(after, ended=None)
    assert Memory.of(ModelStreamStatus.model_validate(told.written())) == told


@pytest.mark.parametrize(
    ("memory", "there"),
    [
        pytest.param(
            RAN, seen(job=FAILING, restarts=RESTARTS - 1, failures=("boom",)), id="four times"
        ),
        pytest.param(
            RAN, seen(job=FAILING, restarts=RESTARTS, saved=True), id="after a checkpoint"
        ),
        pytest.param(
            TRIAL,
            no_job(planned=False, application_runs=False),
            id="submits no job, once",
        ),
    ],
)
def test_what_may_still_work_does_not(memory: Memory, there: Seen) -> None:
    assert decide(memory, WANTED, there).memory.rollback is None


@pytest.mark.parametrize(
    ("memory", "wanted"),
    [
        pytest.param(replace(TRIAL, ready=()), WANTED, id="nothing was Ready before"),
        pytest.param(TRIAL, replace(WANTED, rolls_back=False), id="upgrade.rollback is false"),
        pytest.param(replace(TRIAL, ready=(OLD, NEW)), WANTED, id="it was Ready before"),
        pytest.param(TRIAL, replace(WANTED, startable={}), id="the other is no longer there"),
    ],
)
def test_there_is_no_way_back_where_it(memory: Memory, wanted: object) -> None:
    after = decide(memory, wanted, FAILED).memory  # type: ignore[arg-type]  # a Wanted
    assert (after.step, after.rollback) == (Step.ENDED, None)


def test_what_has_ended_is_followed_by_the_last_that_was_ready_from_where_it_began() -> None:
    over = decide(TRIAL, WANTED, FAILED).memory
    assert over.step is Step.TEARING_DOWN
    decision = decide(over, WANTED, seen())
    after = decision.memory
    assert (after.step, after.run, after.revision) == (Step.DEPLOYED, 4, OLD)
    assert (after.parallelism, after.restored_from) == (2, ORIGIN)
    assert after.rollback is not None
    assert decision.news[-1].reason == "RolledBack"


def test_what_runs_is_stopped_only_when_the_other_is_proven_with_a_savepoint() -> None:
    back = replace(RAN, rollback=BACK)
    there = seen(job=RUNNING, proof=NO_PROOF)
    proving = decide(back, WANTED, there).memory
    assert (proving.step, proving.prepared and proving.prepared.revision) == (Step.DEPLOYED, OLD)
    stops = decide(proving, WANTED, seen(job=RUNNING)).memory
    assert stops.step is Step.SAVEPOINTING
    assert stops.ask is not None
    assert stops.ask.directory.startswith(f"{ROOT}/a-")
    assert decide(stops, WANTED, seen(job=RUNNING)).memory.step is Step.SAVEPOINTING


def test_what_only_restarts_is_not_waited_for_and_leaves_its_newest_or_what_it_began_with() -> None:
    back = replace(RAN, rollback=BACK, prepared=Prepared(4, OLD, FRESH, NOW))
    over = decide(back, WANTED, seen(job=FAILING)).memory
    assert over.step is Step.TEARING_DOWN
    after = decide(over, WANTED, seen()).memory
    assert (after.run, after.revision) == (4, OLD)
    assert after.restored_from is not None
    path = "s3://state/checkpoints/a"
    assert after.restored_from.search == Search(path, otherwise=ORIGIN)


def test_one_that_fails_while_it_stops_is_followed_as_well() -> None:
    back = replace(RAN, rollback=BACK)
    stops = decide(
        decide(back, WANTED, seen(job=RUNNING, proof=NO_PROOF)).memory,
        WANTED,
        seen(job=RUNNING),
    ).memory
    assert decide(stops, WANTED, FAILED).memory.step is Step.TEARING_DOWN
    finished = replace(FAILED, job=Job("FINISHED", finished=2, total=2), failures=())
    ended = decide(stops, WANTED, finished).memory
    assert (ended.step, ended.rollback) == (Step.ENDED, None)


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        pytest.param(WANTED, Step.DEPLOYED, id="another edit"),
        pytest.param(replace(WANTED, rest=Rest.SUSPENDED), Step.SUSPENDED, id="rest"),
    ],
)
def test_what_is_asked_for_meanwhile(wanted: object, step: Step) -> None:
    over = replace(decide(TRIAL, WANTED, FAILED).memory)
    edit = replace(wanted, revision="newest", restart=True)  # type: ignore[type-var]  # a Wanted
    after = decide(over, edit, seen()).memory
    assert after.step is step
    if step is Step.SUSPENDED:
        assert (after.rollback, after.failures) == (None, ())
    else:
        assert after.revision == OLD  # the edit is proven beside it


def test_one_that_works_after_all_stays() -> None:
    back = replace(RAN, rollback=BACK, failures=(Failure(NEW, 1, NOW, "NotReady"),))
    after = decide(back, WANTED, seen(job=RUNNING, ready=True)).memory
    assert (after.step, after.rollback, after.failures) == (Step.DEPLOYED, None, ())


def test_the_failed_one_is_not_tried_again_and_another_is() -> None:
    failed = replace(EDIT_KEPT, rolls_back=True, startable={OLD: 2})
    there = seen(job=RUNNING, proof=NO_PROOF)
    assert decide(DONE, failed, there).memory == replace(DONE, started="2026-01-01T00:00:00Z")
    other = replace(failed, revision="other")
    runs = replace(DONE, started=started.started)
    assert decide(runs, other, there).memory.prepared is not None
    chosen = replace(failed, restore=Restore(1, None))
    assert decide(runs, chosen, there).memory.prepared is not None
    twice = replace(runs, rollback=None, failures=(Failure(NEW, STARTS, NOW, "x"),))
    assert decide(twice, failed, there).memory == twice
    once = replace(twice, failures=(Failure(NEW, 1, NOW, "x"),))
    assert decide(once, failed, there).memory.prepared is not None


def test_a_change_that_is_taken_back_leaves_nothing_of_it_and_a_refused_one_does_not() -> None:
    runs = replace(DONE, started=started.started)
    there = seen(job=RUNNING)
    assert decide(runs, SAME_KEPT, there).memory.rollback is None
    assert decide(runs, replace(SAME_KEPT, stale=True), there).memory.rollback == BACK


def test_where_the_other_cannot_be_proven_the_failed_one_goes_on_trying() -> None:
    gone = Problem(ConditionType.MODELS_AVAILABLE, "ModelNotFound", "no model at s3://m/1")
    prepared = Prepared(4, OLD, FRESH, NOW)
    back = replace(RAN, rollback=BACK, prepared=prepared)
    waits = decide(back, WANTED, seen(job=FAILING, proof=Proof(over=True, problem=gone))).memory
    assert waits.step is Step.DEPLOYED
    status = status_of(replace(WELL, decision=Decision(waits), held=True, updated=False), BEFORE)
    said = condition(status, ConditionType.ROLLED_BACK)
    assert (said["status"], said["reason"]) == ("False", Reason.MODEL_GONE)
    assert "no model at s3://m/1" in said["message"]
    other = replace(WANTED, revision="other", restart=True)
    assert decide(waits, other, seen(job=FAILING)).memory.step is not Step.DEPLOYED


@pytest.mark.parametrize(
    ("memory", "status", "reason", "words"),
    [
        pytest.param(DONE, "True", Reason.ROLLED_BACK, "runs again, as run 5", id="done"),
        pytest.param(
            replace(RAN, rollback=BACK), "False", Reason.ROLLING_BACK, "gives way", id="on its way"
        ),
        pytest.param(
            replace(RAN, step=Step.ENDED, rollback=replace(BACK, error="choose")),
            *("False", Reason.ROLLBACK_NEEDS_CHOICE, "choose"),
            id="waits",
        ),
    ],
)
def test_status_says_why_and_what_runs(
    memory: Memory, status: str, reason: Reason, words: str
) -> None:
    facts = replace(WELL, decision=Decision(memory), held=True, updated=False)
    shown = status_of(facts, BEFORE)
    for kind in (ConditionType.ROLLED_BACK, ConditionType.UPDATED):
        said = condition(shown, kind)
        assert said["reason"] == reason
        assert words in said["message"]
    assert condition(shown, ConditionType.ROLLED_BACK)["status"] == status
    assert condition(shown, ConditionType.UPDATED)["status"] == "False"
    # Whoever waits for the newest spec to be Ready is not told so of another one.
    assert condition(shown, ConditionType.READY)["observedGeneration"] == 2


def test_what_has_failed_before_is_told_although_nothing_was_rolled_back() -> None:
    memory = replace(DONE, rollback=None, failures=(Failure(NEW, STARTS, NOW, "JobFailed"),))
    facts = replace(WELL, decision=Decision(memory), held=True, updated=False)
    updated = condition(status_of(facts, BEFORE), ConditionType.UPDATED)
    assert updated["reason"] == Reason.ROLLED_BACK
    assert "has failed 2 times, with JobFailed" in updated["message"]


def test_ready_is_what_status_says_of_the_present_run() -> None:
    said = Condition(
        type="Ready", status="True", reason="Ready", message="m", last_transition_time="x"
    )
    status = ModelStreamStatus(run=3, conditions=(said,))
    there = seen(answer=Answer.JOB)
    assert with_told(there, status, deployed).ready
    assert not with_told(there, status, replace(deployed, run=4)).ready
    assert not with_told(there, status, replace(deployed, step=Step.TEARING_DOWN)).ready
