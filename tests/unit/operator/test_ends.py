"""The ends of a job, and starts that come to nothing, in the state machine."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.lifecycle import (
    DOWN,
    EDIT_KEPT,
    NOW,
    OLD,
    ORIGIN,
    ROOT,
    RUNNING,
    SAME,
    SAME_KEPT,
    asked,
    deployed,
    left,
    no_job,
    proven,
    saved,
    seen,
    started,
)

from modelstream_operator.decide.decision import (
    SURE,
    Answer,
    Rest,
    Seen,
)
from modelstream_operator.decide.job import Checkpoints, Job, Record
from modelstream_operator.decide.lifecycle import FIRST_BACK_OFF, LONGEST_BACK_OFF, decide
from modelstream_operator.decide.memory import Ended, How, Step
from modelstream_operator.decide.prepared import NO_PROOF
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stored import Kind, Stored

QUARTER = timedelta(minutes=15)
END = {
    "FINISHED": How.FINISHED,
    "CANCELED": How.CANCELED,
    "FAILED": How.FAILED,
}
CHECKPOINT = Stored("s3://state/checkpoints/a/chk-3", Kind.CHECKPOINT, "a")


@pytest.mark.parametrize("state", END)
def test_a_job_that_has_ended_is_never_run_again_by_itself(state: str) -> None:
    there = seen(job=Job(state), checkpoints=Checkpoints(newest=CHECKPOINT), failures=("x", "y"))
    over = decide(started, SAME_KEPT, there)
    assert over.memory.ended is not None
    assert (over.memory.step, over.memory.ended.how) == (Step.ENDED, END[state])
    assert over.memory.ended.left == CHECKPOINT
    assert not over.running
    assert decide(over.memory, SAME_KEPT, DOWN).memory == over.memory


def test_the_end_is_believed_once_flink_has_said_what_the_job_leaves() -> None:
    assert decide(started, SAME_KEPT, seen(job=Job("FAILED"))).memory.step is Step.DEPLOYED


def test_a_failed_job_leaves_its_causes() -> None:
    there = seen(job=Job("FAILED"), checkpoints=Checkpoints(), failures=("first", "second"))
    ended = decide(started, SAME_KEPT, there).memory.ended
    assert ended is not None
    assert ended.error == "first; before: second"


def test_a_failed_job_whose_cause_nobody_tells_is_over_after_three_answers() -> None:
    there = seen(job=Job("FAILED"), checkpoints=Checkpoints(), times=SURE - 1)
    assert decide(started, SAME_KEPT, there).memory == started
    over = decide(started, SAME_KEPT, replace(there, times=SURE)).memory
    assert over.ended is not None
    assert (over.ended.how, over.ended.error) == (How.FAILED, "")


def test_a_job_that_somebody_stopped_has_not_read_all_of_its_input() -> None:
    kept = Checkpoints(newest=saved.left, stopped_with="s3://state/sp-1")
    over = decide(started, SAME_KEPT, seen(job=Job("FINISHED"), checkpoints=kept)).memory
    assert over.ended == replace(saved, how=How.STOPPED_BY_OTHERS)


@pytest.mark.parametrize("there", [{"pods": 1}, {"scaled_down": False}])
def test_what_rests_goes_on_only_once_pods_that_somebody_brought_back_are_gone(
    there: dict[str, int],
) -> None:
    rests = replace(started.go(Step.SUSPENDED, NOW), ended=saved)
    waits = decide(rests, SAME_KEPT, left(**there)).memory
    assert (waits.step, waits.run) == (Step.TEARING_DOWN, 3)
    begun = decide(waits, SAME_KEPT, DOWN).memory
    assert (begun.step, begun.run, begun.restored_from) == (
        *(Step.DEPLOYED, 4),
        replace(saved.left, revision=OLD),  # type: ignore[type-var]  # it is there
    )


def test_a_wait_is_not_longer_because_a_clock_was_wrong() -> None:
    day = timedelta(days=1)
    ahead = deployed.go(Step.BACKING_OFF, NOW + day, NOW + day + FIRST_BACK_OFF)
    waits = decide(ahead, SAME_KEPT, DOWN).memory
    assert (waits.since, waits.deadline) == (NOW, NOW + FIRST_BACK_OFF)
    assert asked.ask is not None
    idle = replace(asked, ask=replace(asked.ask, trigger_id=None, since=NOW + day, idle=NOW + day))
    stops = decide(idle, EDIT_KEPT, DOWN)
    assert stops.memory.ask is not None
    assert (stops.memory.ask.since, stops.memory.ask.idle) == (NOW, NOW)
    late = replace(proven.prepared, since=NOW + day, deadline=NOW + day + QUARTER)  # type: ignore[type-var]
    proves = decide(replace(started, prepared=late), EDIT_KEPT, seen(job=RUNNING, proof=NO_PROOF))
    assert proves.memory.prepared == replace(late, since=NOW, deadline=NOW + QUARTER)


def test_a_stop_of_ours_that_nobody_waits_for_any_more_is_followed_by_the_next_run() -> None:
    """A proxy refused it, Flink did it, and the change was taken back meanwhile."""
    kept = Checkpoints(stopped_with=f"{ROOT}/a-trigger/savepoint-1")
    over = decide(started, SAME_KEPT, seen(job=Job("FINISHED"), checkpoints=kept)).memory
    assert over.ended is not None
    assert (over.step, over.ended.how) == (Step.TEARING_DOWN, How.STOPPED)


@pytest.mark.parametrize("how", [How.FAILED, How.CANCELED, How.STOPPED_BY_OTHERS])
def test_an_edit_of_a_job_that_ended_goes_on_from_what_it_left(how: How) -> None:
    over = replace(started.go(Step.ENDED, NOW), ended=Ended(3, "a", how, NOW, CHECKPOINT))
    edited = decide(over, EDIT_KEPT, DOWN).memory
    assert edited.step is Step.TEARING_DOWN
    after = decide(edited, EDIT_KEPT, DOWN).memory
    assert (after.run, after.restored_from) == (4, replace(CHECKPOINT, revision=OLD))


def test_an_edit_of_a_finished_job_begins_anew() -> None:
    ended = Ended(3, "a", How.FINISHED, NOW, CHECKPOINT)
    over = replace(started.go(Step.ENDED, NOW), ended=ended, restored_from=ORIGIN)
    torn_down = decide(over, EDIT_KEPT, DOWN).memory
    assert decide(torn_down, EDIT_KEPT, DOWN).memory.restored_from is None


def test_a_finished_job_needs_no_rest_and_a_failed_one_takes_it() -> None:
    over = started.go(Step.ENDED, NOW)
    wanted = replace(SAME_KEPT, rest=Rest.SUSPENDED)
    finished = replace(over, ended=Ended(3, "a", How.FINISHED, NOW))
    assert decide(finished, wanted, DOWN).memory == finished
    failed = replace(over, ended=Ended(3, "a", How.FAILED, NOW, CHECKPOINT))
    assert decide(failed, wanted, DOWN).memory.step is Step.TEARING_DOWN


@pytest.mark.parametrize(
    ("there", "attempts"),
    [
        pytest.param(no_job(application_runs=False, failures=("no table x",)), 1, id="it failed"),
        pytest.param(no_job(application_runs=True), 0, id="the program still builds its job"),
        pytest.param(no_job(application_runs=False, planned=True), 0, id="Flink recovers a job"),
        pytest.param(
            seen(answer=Answer.NO_JOB, application_runs=False), 0, id="one answer is not enough"
        ),
    ],
)
def test_a_start_that_came_to_nothing_is_over(there: Seen, attempts: int) -> None:
    assert decide(deployed, SAME_KEPT, there).memory.attempts == attempts


def test_a_start_that_came_to_nothing_is_followed_by_another_one_after_a_while() -> None:
    there = no_job(application_runs=False, failures=("no table x",))
    later = decide(replace(deployed, restored_from=ORIGIN), SAME_KEPT, there).memory
    assert (later.step, later.deadline) == (Step.BACKING_OFF, NOW + FIRST_BACK_OFF)
    assert later.ended is not None
    assert (later.ended.how, later.ended.error) == (How.NOT_STARTED, "no table x")
    assert decide(later, SAME_KEPT, DOWN).memory == later
    again = decide(later, SAME_KEPT, replace(DOWN, now=NOW + FIRST_BACK_OFF)).memory
    assert (again.step, again.run, again.attempts) == (Step.DEPLOYED, 4, 1)
    assert again.restored_from == ORIGIN


def test_starts_that_come_to_nothing_become_rare_until_one_runs() -> None:
    there = no_job(application_runs=False)
    tired = decide(replace(deployed, attempts=30), SAME_KEPT, there).memory
    assert tired.deadline == NOW + LONGEST_BACK_OFF
    assert decide(replace(deployed, attempts=3), SAME_KEPT, seen(job=RUNNING)).memory.attempts == 0


def test_an_edit_does_not_wait_for_the_next_start_of_the_old_spec() -> None:
    off = replace(deployed.go(Step.BACKING_OFF, NOW, NOW + LONGEST_BACK_OFF), attempts=9)
    edited = decide(off, EDIT_KEPT, seen()).memory
    assert (edited.step, edited.attempts) == (Step.TEARING_DOWN, 0)


def test_a_jobmanager_without_state_that_has_no_job_is_starting() -> None:
    memory = decide(deployed, SAME, no_job(application_runs=False)).memory
    assert memory == deployed


LEFT = {
    "SUCCEEDED": None,
    f"SUCCEEDED {ROOT}/a-trigger/savepoint-1": Kind.SAVEPOINT,
    "FAILED s3://state/checkpoints/a/chk-3": Kind.CHECKPOINT,
    f"FAILED {ROOT}/a-trigger/savepoint-1": Kind.SAVEPOINT,
    "CANCELED": None,
}


@pytest.mark.parametrize("step", [Step.DEPLOYED, Step.SAVEPOINTING])
@pytest.mark.parametrize("said", LEFT)
def test_an_end_that_only_flink_s_record_knows_is_an_end_like_any_other(
    said: str, step: Step
) -> None:
    memory = started if step is Step.DEPLOYED else asked
    over = decide(memory, SAME_KEPT, seen(record=Record.of(f"JobEnded: {said}"))).memory
    by_us = "SUCCEEDED s3" in said
    assert over.step is (Step.TEARING_DOWN if by_us else Step.ENDED)
    assert over.ended is not None
    assert (over.ended.left and over.ended.left.kind) == LEFT[said]


def test_a_savepoint_that_is_not_where_ours_are_was_asked_for_by_somebody_else() -> None:
    said = f"JobEnded: SUCCEEDED {ROOT}/savepoint-aaaaaa-1"
    over = decide(started, SAME_KEPT, seen(record=Record.of(said))).memory
    assert over.step is Step.ENDED
    assert over.ended is not None
    assert over.ended.how is How.STOPPED_BY_OTHERS
    assert over.ended.left is not None


def test_a_message_of_another_kind_is_no_record_of_an_end() -> None:
    assert Record.of("KeyError: 'x'") is None


def test_an_end_that_nobody_knows_of_waits_for_an_edit() -> None:
    decision = decide(started, SAME_KEPT, no_job(planned=False))
    assert decision.memory == started
    assert decision.waiting is not None
    assert decision.waiting.reason is Reason.ENDED_UNSEEN
    assert "s3://state/checkpoints/a" in decision.waiting.message
