"""The state machine: memory, wish and what is seen in; memory and one act out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modelstream_operator.decide.lifecycle import (
    RETRY_SAVEPOINT,
    ForgetHighAvailability,
    Job,
    Memory,
    Rescale,
    Savepoint,
    SavepointAnswer,
    Seen,
    Step,
    StopWithSavepoint,
    Wanted,
    decide,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = Job("RUNNING", running=2, total=2)
DIRECTORY = "s3://state/savepoints"
OLD, NEW, FRESH = "old", "new", "f" * 32

deployed = Memory(Step.DEPLOYED, job_id="a", deployed=OLD, target=OLD)
started = replace(deployed, started="2026-01-01T00:00:00+00:00")
asked = replace(
    started, step=Step.SAVEPOINTING, target=NEW, savepoint=Savepoint("trigger", job_id="a")
)
torn = replace(started, step=Step.TEARING_DOWN, target=NEW)


def seen(**values: object) -> Seen:
    return replace(Seen(NOW, FRESH), **values)  # type: ignore[arg-type]  # fields of Seen


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
    decision = decide(Memory(), Wanted(NEW), seen())
    assert decision.memory == Memory(Step.DEPLOYED, run=1, job_id=FRESH, deployed=NEW, target=NEW)
    assert decision.running


def test_a_start_takes_a_number_that_nothing_of_the_object_has_had() -> None:
    again = decide(replace(torn, run=3), Wanted(NEW), seen(scaled_down=True))
    assert again.memory.run == 4
    lost = decide(Memory(), Wanted(NEW), seen(newest_run=7))
    assert lost.memory.run == 8


def test_a_new_resource_that_is_suspended_starts_nothing() -> None:
    decision = decide(Memory(), Wanted(NEW, suspend=True), seen())
    assert decision.memory.step is Step.SUSPENDED
    assert not decision.running


def test_the_same_spec_keeps_the_same_job() -> None:
    decision = decide(started, Wanted(OLD), seen(job=RUNNING))
    assert decision.memory == started
    assert decision.act is None


def test_the_first_time_that_all_tasks_run_is_remembered() -> None:
    decision = decide(deployed, Wanted(OLD), seen(job=RUNNING))
    assert decision.memory.started == NOW.isoformat(timespec="seconds")


def test_a_job_that_never_ran_is_replaced_at_once_even_with_savepoints() -> None:
    decision = decide(deployed, Wanted(NEW, savepoint_directory=DIRECTORY), seen())
    assert decision.memory.step is Step.TEARING_DOWN


def test_a_stateless_change_tears_the_running_job_down() -> None:
    decision = decide(started, Wanted(NEW), seen(job=RUNNING))
    assert decision.memory.step is Step.TEARING_DOWN
    assert not decision.running


def test_a_change_with_state_asks_for_a_savepoint_under_an_id_that_is_written_first() -> None:
    decision = decide(started, Wanted(NEW, savepoint_directory=DIRECTORY), seen(job=RUNNING))
    assert decision.memory.step is Step.SAVEPOINTING
    assert decision.memory.savepoint == Savepoint(FRESH, job_id="a")
    assert decision.act is None
    assert not decision.apply


@pytest.mark.parametrize("job", [None, Job("FAILED"), Job("RESTARTING"), Job("RUNNING", 1, 0, 2)])
def test_state_is_never_given_up_silently(job: Job | None) -> None:
    decision = decide(started, Wanted(NEW, savepoint_directory=DIRECTORY), seen(job=job))
    assert decision.memory == started
    assert not decision.apply
    assert decision.waiting is not None
    assert decision.waiting.reason == "SavepointNotPossible"
    assert "upgrade.mode: Stateless" in decision.waiting.message


def test_a_trigger_that_flink_does_not_know_is_sent() -> None:
    decision = decide(asked, Wanted(NEW, savepoint_directory=DIRECTORY), seen(job=RUNNING))
    assert decision.act == StopWithSavepoint("a", f"{DIRECTORY}/a-trigger", "trigger")


def test_a_savepoint_in_progress_is_waited_for() -> None:
    there = seen(job=RUNNING, savepoint=SavepointAnswer())
    decision = decide(asked, Wanted(NEW, savepoint_directory=DIRECTORY), there)
    assert decision.memory == asked
    assert decision.act is None


def test_a_finished_job_that_was_stopped_is_not_taken_for_the_end_of_its_input() -> None:
    there = seen(job=Job("FINISHED"), savepoint=SavepointAnswer())
    decision = decide(asked, Wanted(NEW, savepoint_directory=DIRECTORY), there)
    assert decision.memory.step is Step.SAVEPOINTING


def test_a_finished_savepoint_is_what_the_next_job_starts_from() -> None:
    wanted = Wanted(NEW, savepoint_directory=DIRECTORY)
    there = seen(job=Job("FINISHED"), savepoint=SavepointAnswer(path="s3://state/sp-1"))
    torn = decide(asked, wanted, there).memory
    assert torn.step is Step.TEARING_DOWN
    after = decide(torn, wanted, seen(scaled_down=True)).memory
    assert after.step is Step.DEPLOYED
    assert after.job_id == FRESH
    assert after.restore_from == "s3://state/sp-1"


def test_a_failed_savepoint_is_tried_again_under_another_id_after_a_while() -> None:
    wanted = Wanted(NEW, savepoint_directory=DIRECTORY)
    failed = decide(asked, wanted, seen(savepoint=SavepointAnswer(failure="no space")))
    assert failed.waiting is not None
    assert "no space" in failed.waiting.message
    assert decide(failed.memory, wanted, seen()).memory == failed.memory
    later = seen(now=NOW + RETRY_SAVEPOINT + timedelta(seconds=1))
    again = decide(failed.memory, wanted, later).memory
    assert again.savepoint == Savepoint(FRESH, job_id="a")


def test_a_change_that_is_taken_back_after_a_failed_savepoint_leaves_the_job_alone() -> None:
    failed = replace(asked, savepoint=Savepoint(job_id="a", time=NOW.isoformat()))
    decision = decide(failed, Wanted(OLD, savepoint_directory=DIRECTORY), seen(job=RUNNING))
    assert decision.memory.step is Step.DEPLOYED
    assert decision.memory.job_id == "a"


def test_a_lost_savepoint_waits_for_a_person() -> None:
    decision = decide(asked, Wanted(NEW, savepoint_directory=DIRECTORY), seen(job=Job("FINISHED")))
    assert decision.memory == asked
    assert decision.waiting is not None
    assert decision.waiting.reason == "SavepointLost"


@pytest.mark.parametrize("there", [seen(pods=1, scaled_down=True), seen(pods=0)])
def test_the_next_job_waits_for_the_last_pod_of_the_old_one(there: Seen) -> None:
    assert decide(torn, Wanted(NEW), there).memory.step is Step.TEARING_DOWN


def test_what_high_availability_left_goes_before_the_next_job_comes() -> None:
    decision = decide(torn, Wanted(NEW), seen(scaled_down=True, leftovers=2))
    assert decision.act == ForgetHighAvailability()
    assert decision.memory.step is Step.TEARING_DOWN


def test_a_stateless_restart_forgets_an_older_savepoint() -> None:
    old = replace(torn, savepoint=Savepoint("t", "z", "s3://state/old"))
    assert decide(old, Wanted(NEW), seen(scaled_down=True)).memory.restore_from is None


def test_suspend_keeps_the_savepoint_and_resume_starts_from_it() -> None:
    wanted = Wanted(OLD, suspend=True, savepoint_directory=DIRECTORY)
    saved = replace(torn, savepoint=Savepoint("t", "a", "s3://state/sp-1"))
    suspended = decide(saved, wanted, seen(scaled_down=True)).memory
    assert suspended.step is Step.SUSPENDED
    resumed = decide(suspended, replace(wanted, suspend=False), seen()).memory
    assert resumed.step is Step.DEPLOYED
    assert resumed.restore_from == "s3://state/sp-1"


def test_a_finished_job_is_never_run_again_by_itself() -> None:
    finished = decide(started, Wanted(OLD), seen(job=Job("FINISHED", finished=2, total=2)))
    assert finished.memory.step is Step.FINISHED
    assert not finished.running
    assert decide(finished.memory, Wanted(OLD), seen()).memory == finished.memory


def test_a_finished_job_runs_again_after_an_edit() -> None:
    finished = replace(started, step=Step.FINISHED)
    assert decide(finished, Wanted(NEW), seen()).memory.step is Step.TEARING_DOWN


def test_a_running_job_is_rescaled_where_it_is() -> None:
    there = seen(job=RUNNING, bounds=frozenset({1, 2}))
    assert decide(started, Wanted(OLD, parallelism=4), there).act == Rescale("a", 4)
    assert decide(started, Wanted(OLD, parallelism=2), there).act is None
