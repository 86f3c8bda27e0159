"""What a run begins with that takes the place of one that failed: all of the state, or a choice."""

from dataclasses import replace

from tests.support.lifecycle import (
    EDIT_KEPT,
    NEW,
    NOW,
    OLD,
    ORIGIN,
    RUNNING,
    SAME_KEPT,
    deployed,
    seen,
    started,
)
from tests.support.rolledback import (
    BACK,
    CHECKPOINT,
    DONE,
    FAILED,
    RAN,
    TRIAL,
    WANTED,
)

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.decide.decision import Decision, Restore
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.prepared import NO_PROOF
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stored import Search


def test_one_that_began_without_all_state_is_followed_from_what_it_left_aside() -> None:
    stateless = replace(EDIT_KEPT, keeps_state=False)
    over = decide(started, stateless, seen(job=RUNNING)).memory
    over = decide(over, stateless, seen(job=RUNNING)).memory
    aside = decide(over, stateless, seen()).memory
    assert aside.restored_from is None
    assert aside.previous is not None
    assert aside.previous.search == Search("s3://state/checkpoints/a")
    trial = replace(aside, ready=(OLD,))
    back = decide(decide(trial, WANTED, FAILED).memory, WANTED, seen())
    assert back.memory.restored_from == aside.previous
    assert "comes twice" in back.news[-1].message


def test_what_was_left_aside_is_still_known_when_the_run_that_did_so_has_added_nothing() -> None:
    """Another edit follows one that never ran: a way back begins with what the last Ready had."""
    nothing = Ended(3, "a", How.NOT_STARTED, NOW)
    over = replace(TRIAL.go(Step.TEARING_DOWN, NOW), restored_from=None, previous=ORIGIN)
    edited = replace(WANTED, revision="newest", restart=True)
    after = decide(replace(over, ended=nothing), edited, seen()).memory
    assert (after.restored_from, after.previous) == (None, ORIGIN)
    chosen = replace(over, restored_from=CHECKPOINT, ended=replace(nothing, left=CHECKPOINT))
    after = decide(chosen, edited, seen()).memory
    assert (after.restored_from, after.previous) == (CHECKPOINT, ORIGIN)
    saved = replace(chosen, ended=Ended(3, "a", How.STOPPED, NOW, replace(ORIGIN, path="s3://b")))
    assert decide(saved, edited, seen()).memory.previous is None


def alone(**values: bool) -> Decision:
    """A failed run that had completed a checkpoint, and had not begun with all state."""
    ended = Ended(3, "a", How.FAILED, NOW, CHECKPOINT, "boom")
    rollback = replace(BACK, alone=True)
    memory = replace(RAN.go(Step.TEARING_DOWN, NOW), rollback=rollback, ended=ended)
    wanted = replace(WANTED, **values)  # type: ignore[arg-type]  # fields of Wanted
    return decide(memory, wanted, seen())


def test_what_may_be_published_exactly_once_is_not_published_twice_unasked() -> None:
    assert alone(publishes_once=False).memory.restored_from == ORIGIN
    decision = alone(publishes_once=True)
    assert decision.memory.step is Step.ENDED
    waits = decide(decision.memory, WANTED, seen())
    assert waits.waiting is not None
    assert waits.waiting.reason is Reason.ROLLBACK_NEEDS_CHOICE
    assert ORIGIN.path in waits.waiting.message
    assert CHECKPOINT.path in waits.waiting.message
    chosen = replace(WANTED, restore=Restore(1, ORIGIN), restart=True)
    over = decide(decision.memory, chosen, seen()).memory
    assert over.step is Step.TEARING_DOWN
    after = decide(over, chosen, seen()).memory
    assert (after.restored_from, after.rollback) == (ORIGIN, None)


def test_what_the_old_one_cannot_read_is_left_aside() -> None:
    unreadable = replace(DONE, restored_from=replace(CHECKPOINT))
    over = decide(unreadable, WANTED, replace(FAILED, failures=("no operator for the state",)))
    assert over.memory.step is Step.TEARING_DOWN
    after = decide(over.memory, WANTED, seen()).memory
    assert (after.revision, after.restored_from) == (OLD, ORIGIN)
    asks = decide(over.memory, replace(WANTED, publishes_once=True), seen()).memory
    assert asks.step is Step.ENDED


LESS = replace(EDIT_KEPT, takes_less=True, startable={OLD: 2})
ENDED = Ended(3, "a", How.FAILED, NOW, ORIGIN, "no operator for the state")


def test_with_a_part_of_the_state_a_start_that_failed_is_tried_again_and_nothing_else() -> None:
    over = replace(deployed, step=Step.ENDED, ended=ENDED, restored_from=ORIGIN)
    same = replace(SAME_KEPT, takes_less=True)
    assert decide(over, SAME_KEPT, seen()).memory == over
    again = decide(decide(over, same, seen()).memory, same, seen()).memory
    assert (again.step, again.run, again.took_less) == (Step.DEPLOYED, 4, True)
    assert again.restored_from == ORIGIN
    assert again.previous == ORIGIN  # all of it is still there for a way back
    told = replace(again, ended=None)
    assert Memory.of(ModelStreamStatus.model_validate(told.written())) == told
    ran = replace(over, started=started.started)
    assert decide(ran, same, seen()).memory == ran
    runs = replace(started, restored_from=ORIGIN)
    assert decide(runs, same, seen(job=RUNNING)).memory == runs
    once = replace(over, took_less=True)
    assert decide(once, same, seen()).memory == once


def test_with_a_part_of_the_state_what_was_rolled_back_is_tried_again() -> None:
    runs = replace(DONE, started=started.started)
    there = seen(job=RUNNING, proof=NO_PROOF)
    prepared = decide(runs, LESS, there).memory.prepared
    assert prepared is not None
    assert prepared.revision == NEW
    tried = replace(runs, rollback=replace(BACK, took_less=True))
    assert decide(tried, LESS, there).memory == tried


def test_what_began_with_nothing_and_failed_is_not_tried_again_and_again() -> None:
    same = replace(SAME_KEPT, takes_less=True)
    over = replace(deployed, step=Step.ENDED, ended=replace(ENDED, left=None), took_less=True)
    assert decide(over, same, seen()).memory == over
    first = decide(Memory(), same, seen()).memory
    assert (first.restored_from, first.took_less) == (None, True)


def test_a_way_back_takes_all_of_the_state() -> None:
    over = decide(TRIAL, replace(WANTED, takes_less=True), FAILED).memory
    after = decide(over, replace(WANTED, takes_less=True), seen()).memory
    assert (after.revision, after.took_less) == (OLD, False)
