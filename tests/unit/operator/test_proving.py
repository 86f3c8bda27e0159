"""A run that is well is stopped for a change only when the change is proven."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.conditions import BEFORE, WELL, condition
from tests.support.lifecycle import (
    DOWN,
    EDIT,
    EDIT_KEPT,
    FRESH,
    NEW,
    NOW,
    RUNNING,
    SAME,
    deployed,
    proven,
    saved,
    seen,
    started,
    torn,
)

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide.decision import Answer, Decision, OfRun, Rescale, Rest, Seen
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import NO_PROOF, Prepared, Proof
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.proving import AGAIN, PATIENCE
from modelstream_operator.decide.status import status_of
from modelstream_operator.resources import Manifest

RECONCILING, STALLED = ConditionType.RECONCILING, ConditionType.STALLED
RESTARTING = Job("RESTARTING", total=2)
STOPPED_FOR = Prepared(4, NEW, FRESH, NOW, proven=True)
WAITS = seen(job=RUNNING, proof=NO_PROOF)


def fails(reason: str, **values: object) -> Seen:
    problem = Problem(ConditionType.MODELS_AVAILABLE, reason, "no such model")
    return seen(job=RUNNING, proof=Proof(over=True, problem=problem), **values)


def test_a_change_of_a_job_that_runs_is_proven_as_the_next_run() -> None:
    decision = decide(started, EDIT, WAITS)
    assert decision.memory == replace(
        started, prepared=Prepared(4, NEW, FRESH, NOW, deadline=NOW + PATIENCE)
    )
    assert decision.act is None
    assert decide(decision.memory, EDIT, WAITS).memory == decision.memory


@pytest.mark.parametrize(
    ("memory", "there"),
    [
        pytest.param(deployed, seen(proof=NO_PROOF), id="has never run"),
        pytest.param(started, seen(job=RESTARTING, proof=NO_PROOF), id="does not run"),
        pytest.param(started, seen(proof=NO_PROOF), id="no JobManager is ready"),
        pytest.param(
            started,
            seen(job=replace(RUNNING, steady=timedelta(seconds=1)), failures=("boom",)),
            id="runs for a moment between two failures",
        ),
    ],
)
def test_where_nothing_runs_the_change_that_repairs_is_taken_at_once(
    memory: Memory, there: Seen
) -> None:
    assert decide(memory, EDIT, there).memory.step is Step.TEARING_DOWN


def test_a_job_that_nobody_hears_of_may_run_and_is_not_stopped_unproven() -> None:
    decision = decide(started, EDIT, seen(answer=Answer.SILENT, proof=NO_PROOF))
    assert decision.memory.step is Step.DEPLOYED
    assert decision.memory.prepared


@pytest.mark.parametrize("rest", list(Rest))
def test_rest_needs_no_proof_and_drops_the_one_that_is_under_way(rest: Rest) -> None:
    stopped = decide(proven, replace(EDIT, rest=rest), WAITS).memory
    assert (stopped.step, stopped.prepared) == (Step.TEARING_DOWN, None)


def test_a_job_whose_change_is_proven_stops_and_the_next_run_is_the_one_that_was() -> None:
    stopping = decide(proven, EDIT_KEPT, seen(job=RUNNING)).memory
    assert (stopping.step, stopping.prepared) == (Step.SAVEPOINTING, STOPPED_FOR)
    over = replace(torn, prepared=STOPPED_FOR)
    there = replace(DOWN, fresh_id="e" * 32, runs={4: OfRun()})
    after = decide(over, EDIT_KEPT, there).memory
    assert (after.run, after.job_id, after.prepared) == (4, FRESH, None)


def test_the_number_of_a_proof_is_not_used_for_anything_else() -> None:
    newer = replace(EDIT, revision="newer")
    again = decide(proven, newer, WAITS).memory.prepared
    assert again is not None
    assert (again.run, again.revision) == (5, "newer")


def test_a_job_that_has_a_bad_moment_while_a_change_is_proven_is_not_stopped_for_it() -> None:
    there = seen(job=RESTARTING, proof=NO_PROOF)
    assert decide(proven, EDIT, there).memory == proven
    failed = decide(proven, EDIT, fails("DigestMismatch")).memory
    assert decide(failed, EDIT, there).memory == failed


def test_an_edit_that_is_taken_back_leaves_nothing_of_it() -> None:
    assert decide(proven, SAME, WAITS).memory == started


def test_what_cannot_run_is_told_and_waits_for_an_edit() -> None:
    decision = decide(proven, EDIT, fails("DigestMismatch"))
    failed = decision.memory.prepared
    assert failed == Prepared(4, NEW, FRESH, NOW, attempts=1, error="DigestMismatch: no such model")
    assert (decision.news[0].reason, decision.news[0].warns) == ("ProofFailed", True)
    later = replace(WAITS, now=NOW + timedelta(days=7))
    assert decide(decision.memory, EDIT, later).memory == decision.memory


def test_what_may_heal_is_tried_again_less_and_less_often() -> None:
    memory, time, delays = proven, NOW, []
    for _ in range(len(AGAIN) + 1):
        memory = decide(memory, EDIT, fails("FetchFailed", now=time)).memory
        assert memory.prepared is not None
        assert memory.prepared.deadline is not None
        delays.append(memory.prepared.deadline - time)
        time = memory.prepared.deadline
        run = memory.prepared.run
        memory = decide(memory, EDIT, replace(WAITS, now=time)).memory
        assert memory.prepared is not None
        assert (memory.prepared.run, memory.prepared.error) == (run + 1, "")
    assert delays == [*AGAIN, AGAIN[-1]]


def test_a_proof_that_takes_too_long_has_failed_with_what_keeps_it() -> None:
    begun = decide(started, EDIT, WAITS).memory
    words = Problem(ConditionType.JOB_RUNNING, Reason.UNSCHEDULABLE, "0/1 nodes")
    late = replace(WAITS, now=NOW + PATIENCE, proof=Proof(problem=words))
    failed = decide(begun, EDIT, late).memory.prepared
    assert failed is not None
    assert failed.error == "Unschedulable: 0/1 nodes"
    assert failed.deadline == late.now + AGAIN[0]
    silent = decide(begun, EDIT, replace(late, proof=NO_PROOF)).memory.prepared
    assert silent is not None
    assert silent.error.startswith("NotProven: ")


def test_the_running_job_is_scaled_while_another_revision_waits() -> None:
    there = replace(WAITS, bounds=frozenset({2}))
    begun = replace(proven, parallelism=2)
    wanted = replace(EDIT, parallelism=4, begins_with=9)
    assert decide(begun, wanted, there).act == Rescale("a", 2, 4)
    over = replace(torn, prepared=STOPPED_FOR)
    assert decide(over, wanted, DOWN).memory.parallelism == 9
    assert decide(over, replace(wanted, begins_with=0), DOWN).memory.parallelism == 0


def test_an_edit_before_the_next_attempt_of_a_savepoint_is_proven_first() -> None:
    stopping = decide(proven, EDIT_KEPT, seen(job=RUNNING)).memory
    failed = decide(stopping, EDIT_KEPT, seen(job=RUNNING, refused_stop="403")).memory
    assert failed.step is Step.SAVEPOINTING
    newer = replace(EDIT_KEPT, revision="newer")
    back = decide(failed, newer, WAITS).memory
    assert back.step is Step.DEPLOYED
    assert decide(back, newer, WAITS).memory.prepared
    assert decide(failed, EDIT_KEPT, WAITS).memory.step is Step.SAVEPOINTING


def test_a_run_that_has_ended_has_nothing_to_protect() -> None:
    over = decide(replace(torn, step=Step.ENDED, ended=saved), EDIT, DOWN).memory
    assert over.step is Step.TEARING_DOWN


@pytest.mark.parametrize("error", ["", "FetchFailed: https://x: 503"])
def test_status_holds_what_is_prepared(error: str) -> None:
    prepared = Prepared(4, NEW, FRESH, NOW, NOW + PATIENCE, attempts=2, error=error)
    memory = replace(started, prepared=prepared)
    assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory


def shown(prepared: Prepared | None, proof: Proof = NO_PROOF) -> Manifest:
    memory = replace(WELL.decision.memory, prepared=prepared)
    facts = replace(WELL, decision=Decision(memory), updated=prepared is None, proof=proof)
    return status_of(facts, BEFORE)


UNDER_WAY = Prepared(4, NEW, FRESH, NOW, NOW + PATIENCE)
FAILED = replace(UNDER_WAY, deadline=None, attempts=1, error="DigestMismatch: it is another one")


@pytest.mark.parametrize(
    ("prepared", "proof", "reason", "words", "told"),
    [
        pytest.param(UNDER_WAY, NO_PROOF, "Proving", "run 4", RECONCILING, id="under way"),
        pytest.param(
            UNDER_WAY,
            Proof(problem=Problem(ConditionType.JOB_RUNNING, "ImagePullFailed", "no image")),
            *("ImagePullFailed", "no image", RECONCILING),
            id="waits for something",
        ),
        pytest.param(
            replace(FAILED, deadline=NOW, error="FetchFailed: 503"),
            NO_PROOF,
            *("FetchFailed", "503; the job that runs goes on. It is tried again at", RECONCILING),
            id="is tried again",
        ),
        pytest.param(FAILED, NO_PROOF, "DigestMismatch", "another one", STALLED, id="has failed"),
    ],
)
def test_updated_says_what_keeps_a_change_and_ready_stays_what_it_is(
    prepared: Prepared, proof: Proof, reason: str, words: str, told: ConditionType
) -> None:
    status = shown(prepared, proof)
    assert status["phase"] == "Running"
    assert condition(status, ConditionType.READY)["status"] == "True"
    updated = condition(status, ConditionType.UPDATED)
    assert (updated["status"], updated["reason"]) == ("False", reason)
    assert words in updated["message"]
    assert condition(status, told)["reason"] == reason


def test_nothing_is_told_of_a_proof_that_is_over() -> None:
    kinds = {each["type"] for each in shown(None)["conditions"]}
    assert not kinds & {RECONCILING, STALLED}
