"""The state machine: memory, wish and what is seen in; memory and one act out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.lifecycle import (
    DOWN,
    EDIT,
    EDIT_KEPT,
    FRESH,
    NEW,
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
    proven,
    saved,
    seen,
    started,
    torn,
)

from modelstream_operator.decide.ask import Ask
from modelstream_operator.decide.decision import (
    ForgetHighAvailability,
    OfRun,
    Rescale,
    Rest,
    Seen,
    StopWithSavepoint,
    TakeDown,
    Wanted,
)
from modelstream_operator.decide.job import Checkpoints, Job, SavepointAnswer
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.savepointing import PATIENCE, RETRY


def test_how_long_the_tasks_are_steady_is_told_by_the_jobmanager_s_clock() -> None:
    entry = {
        "state": "RUNNING",
        "start-time": 1_000_000,
        "duration": 9_000,
        "last-modification": 1_002_500,
        "tasks": {"running": 2, "finished": 0, "total": 2},
    }
    job = Job.of(entry)
    assert job == Job("RUNNING", running=2, total=2, steady=timedelta(seconds=6.5))
    assert job.settled
    assert not Job.of({**entry, "last-modification": 1_004_001}).settled


def test_a_new_resource_is_deployed_under_a_fresh_job_id() -> None:
    decision = decide(Memory(), Wanted(NEW, parallelism=2), seen())
    assert decision.memory == Memory(
        Step.DEPLOYED, since=NOW, run=1, job_id=FRESH, revision=NEW, parallelism=2
    )
    assert decision.running


def test_a_run_has_a_number_that_nothing_else_has() -> None:
    assert decide(Memory(), Wanted(NEW), seen(runs={7: OfRun()})).memory.run == 8
    assert decide(torn, EDIT, replace(DOWN, runs={1: OfRun()})).memory.run == 4


@pytest.mark.parametrize("rest", list(Rest))
def test_a_new_resource_that_rests_starts_nothing(rest: Rest) -> None:
    decision = decide(Memory(), Wanted(NEW, rest=rest), seen())
    assert decision.memory.step is Step.SUSPENDED
    assert not decision.running


def test_a_new_resource_that_is_refused_starts_nothing() -> None:
    assert decide(Memory(), Wanted(""), seen()).memory == Memory()


def test_the_same_spec_keeps_the_same_job() -> None:
    decision = decide(started, SAME, seen(job=RUNNING))
    assert decision.memory == started
    assert decision.act is None


@pytest.mark.parametrize("there", [seen(job=RUNNING), seen(saved=True)])
def test_the_first_time_that_all_tasks_run_or_a_checkpoint_is_complete_is_remembered(
    there: Seen,
) -> None:
    assert decide(deployed, SAME, there).memory.started == "2026-01-01T00:00:00Z"


def test_a_job_that_never_ran_is_replaced_at_once_and_leaves_what_it_was_restored_from() -> None:
    decision = decide(replace(deployed, restored_from=ORIGIN), EDIT_KEPT, seen())
    assert decision.memory.step is Step.TEARING_DOWN
    after = decide(decision.memory, EDIT_KEPT, DOWN).memory
    assert after.restored_from == ORIGIN


def test_a_job_with_a_checkpoint_is_not_taken_for_one_that_never_ran() -> None:
    decision = decide(deployed, EDIT_KEPT, seen(saved=True))
    assert decision.memory.step is Step.SAVEPOINTING
    assert decision.waiting is not None


def test_a_stateless_change_tears_the_running_job_down() -> None:
    decision = decide(proven, EDIT, seen(job=RUNNING))
    assert decision.memory.step is Step.TEARING_DOWN
    assert not decision.running


def test_a_job_that_was_made_without_state_has_nothing_to_save() -> None:
    grown = replace(EDIT_KEPT, savepoints=None, checkpoints=None)
    assert decide(proven, grown, seen(job=RUNNING)).memory.step is Step.TEARING_DOWN


def test_a_change_with_state_asks_for_a_savepoint_under_an_id_that_is_written_first() -> None:
    decision = decide(proven, EDIT_KEPT, seen(job=RUNNING))
    assert decision.memory.step is Step.SAVEPOINTING
    assert decision.memory.deadline == NOW + PATIENCE
    assert decision.memory.ask == Ask(3, "a", f"{ROOT}/a-{FRESH}", NOW, FRESH)
    assert decision.act is None


def test_a_trigger_that_flink_does_not_know_is_sent() -> None:
    decision = decide(asked, EDIT_KEPT, seen(job=RUNNING))
    assert decision.act == StopWithSavepoint("a", f"{ROOT}/a-trigger", "trigger")


def test_a_savepoint_in_progress_is_waited_for() -> None:
    decision = decide(asked, EDIT_KEPT, seen(job=RUNNING, savepoint=SavepointAnswer()))
    assert decision.memory == asked
    assert decision.act is None


def test_a_finished_job_that_was_stopped_is_not_taken_for_the_end_of_its_input() -> None:
    there = seen(job=Job("FINISHED"), savepoint=SavepointAnswer(), checkpoints=Checkpoints())
    assert decide(asked, EDIT_KEPT, there).memory.step is Step.SAVEPOINTING


def test_a_finished_savepoint_is_what_the_next_job_starts_from() -> None:
    there = seen(job=Job("FINISHED"), savepoint=SavepointAnswer(path="s3://state/sp-1"))
    stopped = decide(asked, EDIT_KEPT, there).memory
    assert stopped.step is Step.TEARING_DOWN
    assert stopped.ended == saved
    assert stopped.ask is None
    after = decide(stopped, EDIT_KEPT, DOWN).memory
    assert (after.step, after.job_id, after.run) == (Step.DEPLOYED, FRESH, 4)
    assert saved.left is not None
    assert after.restored_from == replace(saved.left, revision=OLD)


def test_a_savepoint_whose_answer_flink_has_dropped_is_found_in_the_job_s_history() -> None:
    kept = Checkpoints(stopped_with="s3://state/sp-1")
    there = seen(job=Job("FINISHED"), checkpoints=kept)
    assert decide(asked, EDIT_KEPT, there).memory.ended == saved


def test_a_failed_savepoint_is_tried_again_under_another_id_after_a_while() -> None:
    failed = decide(
        replace(asked, prepared=proven.prepared),
        EDIT_KEPT,
        seen(job=RUNNING, savepoint=SavepointAnswer(failure="no space")),
    )
    assert failed.waiting is not None
    assert "no space" in failed.waiting.message
    assert decide(failed.memory, EDIT_KEPT, seen(job=RUNNING)).memory == failed.memory
    later = seen(job=RUNNING, now=NOW + RETRY + timedelta(seconds=1))
    again = decide(failed.memory, EDIT_KEPT, later).memory.ask
    assert again is not None
    assert (again.trigger_id, again.directory) == (FRESH, f"{ROOT}/a-{FRESH}")
    assert (again.attempts, again.error) == (1, "no space")


def test_a_stop_that_flink_refuses_is_told_and_tried_again() -> None:
    decision = decide(asked, EDIT_KEPT, seen(job=RUNNING, refused_stop="403 of the mesh"))
    assert decision.act is None
    assert decision.waiting is not None
    assert "403 of the mesh" in decision.waiting.message


def test_a_change_that_is_taken_back_after_a_failed_savepoint_leaves_the_job_alone() -> None:
    came_from = replace(asked, restored_from=ORIGIN)
    failed = decide(came_from, SAME_KEPT, seen(job=RUNNING, refused_stop="403")).memory
    decision = decide(failed, SAME_KEPT, seen(job=RUNNING))
    assert decision.memory.step is Step.DEPLOYED
    assert (decision.memory.job_id, decision.memory.ask) == ("a", None)
    assert decision.memory.restored_from == ORIGIN


def test_a_savepoint_that_takes_too_long_is_told_and_waited_for() -> None:
    there = seen(now=NOW + PATIENCE, job=RUNNING, savepoint=SavepointAnswer())
    decision = decide(asked, EDIT_KEPT, there)
    assert decision.memory == asked
    assert decision.waiting is not None
    assert decision.waiting.reason is Reason.SAVEPOINT_STUCK
    assert "upgrade.mode: LastState" in decision.waiting.message


def test_stateless_ends_the_wait_for_a_savepoint() -> None:
    assert decide(asked, EDIT, seen()).memory.step is Step.TEARING_DOWN


@pytest.mark.parametrize("there", [left(pods=1), left(scaled_down=False)])
def test_the_next_job_waits_for_the_last_pod_of_the_old_one(there: Seen) -> None:
    assert decide(torn, EDIT, there).memory.step is Step.TEARING_DOWN


def test_what_high_availability_left_goes_before_the_next_job_comes() -> None:
    decision = decide(torn, EDIT, left(leftovers=2))
    assert decision.act == ForgetHighAvailability()
    assert decision.memory.step is Step.TEARING_DOWN


def test_a_stateless_restart_forgets_an_older_savepoint() -> None:
    assert decide(torn, EDIT, DOWN).memory.restored_from is None


@pytest.mark.parametrize("rest", list(Rest))
def test_rest_keeps_the_savepoint_and_the_next_run_starts_from_it(rest: Rest) -> None:
    wanted = replace(SAME_KEPT, rest=rest)
    resting = decide(torn, wanted, DOWN).memory
    assert resting.step is Step.SUSPENDED
    assert decide(resting, wanted, DOWN).memory == resting
    resumed = decide(resting, SAME_KEPT, DOWN).memory
    assert resumed.step is Step.DEPLOYED
    assert saved.left is not None
    assert resumed.restored_from == replace(saved.left, revision=OLD)


@pytest.mark.parametrize("step", [None, *Step])
def test_a_deletion_is_a_step_like_any_other_and_ends(step: Step | None) -> None:
    patience = timedelta(minutes=1)
    gone = Wanted("", deletion=patience)
    memory = replace(started, step=step)
    if step in {Step.UNKNOWN, Step.DELETING}:
        memory = replace(started.go(Step.DELETING, NOW, NOW + patience))
    leaving = decide(memory, gone, left(pods=2, deployments=2)).memory
    assert leaving.step is Step.DELETING
    assert decide(leaving, gone, left(pods=2, deployments=2)).act == TakeDown()
    waits = decide(leaving, gone, left(pods=2))
    assert (waits.act, waits.gone) == (None, False)
    assert decide(leaving, gone, left(leftovers=1)).act == ForgetHighAvailability()
    assert decide(leaving, gone, seen()).gone
    assert decide(leaving, gone, replace(left(pods=2), now=NOW + patience)).gone


def test_a_stream_that_nothing_is_known_of_begins_once_the_pods_of_its_name_are_gone() -> None:
    """Such as those of one that had the name before."""
    for there in (left(pods=1), left(deployments=1, scaled_down=False)):
        waits = decide(Memory(), SAME, there).memory
        assert waits.step is Step.TEARING_DOWN
        assert decide(waits, SAME, there).memory == waits
    begun = decide(waits, SAME, seen()).memory
    assert (begun.step, begun.run) == (Step.DEPLOYED, 4)


def test_a_step_of_a_newer_operator_waits_with_a_reason() -> None:
    memory = replace(started, step=Step.UNKNOWN, unknown="step.name is RollingBack")
    decision = decide(memory, EDIT_KEPT, seen(job=RUNNING))
    assert decision.memory == memory
    assert decision.act is None
    assert decision.waiting is not None
    assert "RollingBack" in decision.waiting.message


running = replace(started, parallelism=2)


def test_a_running_job_is_rescaled_where_it_is() -> None:
    there = seen(job=RUNNING, bounds=frozenset({1, 2}))
    assert decide(running, replace(SAME, parallelism=4), there).act == Rescale("a", 2, 4)
    assert decide(running, replace(SAME, parallelism=2), there).act is None


def test_a_job_that_was_rescaled_is_known_to_be() -> None:
    there = seen(job=RUNNING, bounds=frozenset({1, 4}))
    decision = decide(running, replace(SAME, parallelism=4), there)
    assert (decision.act, decision.memory.parallelism) == (None, 4)


def test_the_parallelism_that_a_program_sets_itself_is_left_alone() -> None:
    there = seen(job=RUNNING, bounds=frozenset({1}))
    assert decide(running, replace(SAME, parallelism=4), there).act is None


def test_a_rescaling_that_flink_refuses_is_asked_for_once() -> None:
    there = seen(job=RUNNING, bounds=frozenset({2}), refused_scale="max parallelism is 2")
    assert decide(running, replace(SAME, parallelism=4), there).act is None
