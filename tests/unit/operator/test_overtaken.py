"""Another change that comes while the job stops for a first one: proven as well, or not made."""

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
    asked,
    left,
    saved,
    seen,
    torn,
)

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide.decision import Decision, Rest, Restore, Seen, Wanted
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.decide.overtaken import HURRY
from modelstream_operator.decide.prepared import NO_PROOF, Prepared, Proof
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.status import status_of

NEWER = "newer"
FIRST = Prepared(4, NEW, "b" * 32, NOW, proven=True)
OVER = replace(torn, prepared=FIRST)
SECOND = replace(EDIT_KEPT, revision=NEWER, startable={OLD: 2, NEW: 3})
CHOSEN = Restore(2, ORIGIN)
LEAVING = replace(left(pods=1, scaled_down=False), proof=NO_PROOF)
DOWN = seen(proof=NO_PROOF)
PROBLEM = Problem(ConditionType.MODELS_AVAILABLE, "ModelNotFound", "no such model")
FAILS = seen(proof=Proof(over=True, problem=PROBLEM))


def proving(wanted: Wanted = SECOND, memory: Memory = OVER) -> Memory:
    return decide(memory, wanted, LEAVING).memory


def test_it_is_proven_while_the_pods_of_the_run_before_end() -> None:
    memory = proving()
    assert memory.step is Step.TEARING_DOWN
    assert memory.prepared is not None
    # 5 is left for what starts where it cannot be proven.
    assert (memory.prepared.run, memory.prepared.revision) == (6, NEWER)
    assert memory.prepared.instead == NEW
    assert memory.proving == memory.prepared
    assert decide(memory, SECOND, LEAVING).memory == memory


def test_nothing_starts_before_it_is_proven_and_then_it_does() -> None:
    memory = proving()
    assert decide(memory, SECOND, DOWN).memory == memory
    after = decide(memory, SECOND, seen()).memory
    assert (after.step, after.run, after.revision) == (Step.DEPLOYED, 6, NEWER)
    assert (after.job_id, after.prepared) == (FRESH, None)


@pytest.mark.parametrize(
    ("there", "words", "error"),
    [
        pytest.param(FAILS, "ModelNotFound: no such model", "ModelNotFound", id="it fails"),
        pytest.param(
            replace(DOWN, now=NOW + HURRY), "not within 2 minutes", "", id="it takes too long"
        ),
    ],
)
def test_what_was_proven_before_starts_where_it_cannot_be(
    there: Seen, words: str, error: str
) -> None:
    decision = decide(proving(), SECOND, replace(there, fresh_id="c" * 32))
    after = decision.memory
    assert (after.step, after.run, after.revision) == (Step.DEPLOYED, 5, NEW)
    assert after.parallelism == 3
    assert after.restored_from is not None
    assert after.restored_from.path == "s3://state/sp-1"
    assert after.prepared is not None
    assert (after.job_id, after.prepared.job_id) == ("c" * 32, FRESH)
    assert after.prepared.error.startswith(error)
    told = decision.news[-1]
    assert (told.reason, told.warns) == ("StartedInstead", True)
    assert words in told.message
    assert "the change before it" in told.message


def test_the_change_that_is_not_proven_waits_beside_the_run_that_was_started_instead() -> None:
    after = decide(proving(), SECOND, FAILS).memory
    wanted = replace(SECOND, startable={})
    assert decide(after, wanted, DOWN).memory == after
    newest = replace(wanted, revision="newest")
    assert decide(after, newest, DOWN).memory.step is Step.TEARING_DOWN  # it repairs


def test_what_ran_starts_again_where_what_was_proven_is_no_longer_there() -> None:
    wanted = replace(SECOND, startable={OLD: 2})
    decision = decide(proving(), wanted, FAILS)
    assert (decision.memory.revision, decision.memory.parallelism) == (OLD, 2)
    assert "what ran before" in decision.news[-1].message


def test_a_chosen_beginning_counts_only_with_the_change_that_asks_for_it() -> None:
    chosen = replace(OVER, prepared=replace(FIRST, choice="1: nothing"))
    assert decide(proving(memory=chosen), SECOND, FAILS).memory.revision == OLD
    after = decide(proving(replace(SECOND, restore=CHOSEN)), replace(SECOND, restore=CHOSEN), FAILS)
    assert after.memory.restore_nonce == 0
    assert after.memory.restored_from is not None
    assert after.memory.restored_from.path == "s3://state/sp-1"


def test_where_neither_is_there_the_proof_is_waited_for() -> None:
    wanted = replace(SECOND, startable={})
    memory = decide(proving(), wanted, FAILS).memory
    assert memory.step is Step.TEARING_DOWN


def test_a_third_change_is_proven_instead_of_the_second() -> None:
    third = replace(SECOND, revision="third")
    memory = proving(third, proving())
    assert memory.prepared is not None
    assert (memory.prepared.revision, memory.prepared.run) == ("third", 8)
    assert memory.prepared.instead == NEW
    assert decide(memory, third, FAILS).memory.run == 7


@pytest.mark.parametrize(
    ("wanted", "step", "revision"),
    [
        pytest.param(replace(SECOND, revision=NEW), Step.DEPLOYED, NEW, id="to the first"),
        pytest.param(Wanted(OLD, keeps_state=True), Step.DEPLOYED, OLD, id="to what ran"),
        pytest.param(replace(SECOND, rest=Rest.SUSPENDED), Step.SUSPENDED, OLD, id="to rest"),
    ],
)
def test_a_second_change_that_is_taken_back_needs_no_proof(
    wanted: Wanted, step: Step, revision: str
) -> None:
    after = decide(proving(), wanted, DOWN).memory
    assert (after.step, after.revision) == (step, revision)


def test_a_job_that_was_not_stopped_for_something_proven_has_nothing_to_protect() -> None:
    after = decide(torn, SECOND, DOWN).memory
    assert (after.step, after.revision) == (Step.DEPLOYED, NEWER)


def test_state_is_not_given_up_for_a_change_that_is_not_made() -> None:
    stopping = replace(asked, prepared=FIRST)
    stateless = replace(SECOND, keeps_state=False)
    assert decide(stopping, stateless, DOWN).memory.step is Step.SAVEPOINTING
    dropped = decide(stopping, replace(stateless, revision=NEW), DOWN).memory
    assert dropped.ended is not None
    assert dropped.ended.how is How.DROPPED


def test_status_holds_what_starts_instead() -> None:
    memory = proving()
    assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory


@pytest.mark.parametrize(
    ("memory", "reason", "words"),
    [
        pytest.param(proving(), Reason.PROVING, f"00:02:00Z, revision {NEW} starts", id="waits"),
        pytest.param(
            decide(proving(), SECOND, FAILS).memory,
            *("ModelNotFound", f"revision {NEW} was started instead"),
            id="was not proven",
        ),
    ],
)
def test_updated_says_what_starts_instead(memory: Memory, reason: str, words: str) -> None:
    facts = replace(WELL, decision=Decision(memory), updated=False, proof=NO_PROOF)
    status = status_of(facts, BEFORE)
    updated = condition(status, ConditionType.UPDATED)
    assert (updated["status"], updated["reason"]) == ("False", reason)
    assert words in updated["message"]


def test_the_time_in_which_nothing_runs_is_bounded_however_long_a_proof_may_take() -> None:
    memory = replace(proving(), ended=saved)
    assert memory.deadline == NOW + HURRY
    assert memory.prepared is not None
    assert memory.prepared.deadline is not None
    assert memory.prepared.deadline - NOW > timedelta(minutes=10)
