"""What status says of the same facts, and when a transition is one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.conditions import BEFORE, DEPLOYED, NO_MODELS, NOW, QUOTA, WELL, condition, ended

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide.decision import Answer, Decision, Rest, Waiting
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.status import status_of


@pytest.mark.parametrize(
    ("facts", "phase", "ready", "reason"),
    [
        pytest.param(WELL, "Running", "True", "Ready", id="all is well"),
        pytest.param(
            NO_MODELS, "Running", "True", "Ready", id="all is well where the program has the model"
        ),
        pytest.param(
            replace(NO_MODELS, pods=0, ready=0, job=None),
            *("Pending", "False", "Starting"),
            id="no model to wait for, and no pod yet",
        ),
        pytest.param(
            replace(WELL, ready=1), "Starting", "False", "Loading", id="one has no model yet"
        ),
        pytest.param(
            replace(WELL, job=Job("RUNNING", running=1, total=2)),
            *("Starting", "False", "JobRunning"),
            id="a task does not run",
        ),
        pytest.param(replace(WELL, job=None), "Starting", "False", "Starting", id="no job yet"),
        pytest.param(
            replace(WELL, job=Job("RESTARTING", total=2), failure="KeyError: 1 (job.py, line 3)"),
            *("Starting", "False", "JobRestarting"),
            id="the job fails and restarts",
        ),
        pytest.param(
            replace(WELL, verified={}, pods=1, ready=0, job=None),
            *("Preparing", "False", "Waiting"),
            id="models are fetched",
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.SUSPENDED))),
            *("Suspended", "False", "Suspended"),
            id="suspended",
        ),
        pytest.param(
            replace(
                WELL,
                decision=Decision(replace(DEPLOYED, step=Step.SUSPENDED)),
                rest=Rest.SCALED_TO_ZERO,
            ),
            *("Suspended", "False", "ScaledToZero"),
            id="scaled to zero",
        ),
        *(
            pytest.param(ended(how), *expected, id=how)
            for how, expected in {
                How.FINISHED: ("Finished", "False", "JobFinished"),
                How.FAILED: ("Failed", "False", "JobFailed"),
                How.CANCELED: ("Failed", "False", "JobCanceled"),
                How.STOPPED_BY_OTHERS: ("Failed", "False", "JobStopped"),
            }.items()
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.BACKING_OFF))),
            *("Pending", "False", "BackingOff"),
            id="a start came to nothing",
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.DELETING))),
            *("Deleting", "False", "Deleting"),
            id="it is deleted",
        ),
        pytest.param(
            replace(WELL, job=Job("CREATED"), ready=0, pods=0),
            *("Pending", "False", "WaitingForResources"),
            id="a job without TaskManagers",
        ),
        pytest.param(
            replace(WELL, problems=[QUOTA], pods=1),
            *("Running", "False", "QuotaExceeded"),
            id="a quota refuses to scale a job that runs",
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.SAVEPOINTING))),
            *("Updating", "False", "Savepointing"),
            id="stopping",
        ),
        pytest.param(
            replace(
                WELL,
                job=Job("RESTARTING"),
                decision=Decision(DEPLOYED, waiting=Waiting(Reason.SAVEPOINT_NOT_POSSIBLE, "x")),
            ),
            *("Starting", "False", "SavepointNotPossible"),
            id="a change that waits",
        ),
        pytest.param(
            replace(WELL, job=None, problems=[QUOTA]),
            *("Pending", "False", "QuotaExceeded"),
            id="a cause that may pass",
        ),
        pytest.param(
            replace(WELL, problems=[Problem(ConditionType.JOB_RUNNING, Reason.CRASH, "x")]),
            *("Failed", "False", "CrashLoop"),
            id="a cause that needs an edit",
        ),
    ],
)
def test_ready_and_the_phase_follow_from_the_facts(
    facts: Facts, phase: str, ready: str, reason: str
) -> None:
    status = status_of(facts, BEFORE)
    said = condition(status, ConditionType.READY)
    assert (status["phase"], said["status"], said["reason"]) == (phase, ready, reason)


def test_a_job_that_fails_again_and_again_is_one_transition() -> None:
    failed, second = "KeyError: 1 (job.py, line 3)", timedelta(seconds=1)
    turns = [
        Job("RUNNING", running=1, total=2),
        Job("RESTARTING", total=2),
        Job("CREATED"),
        Job("RUNNING", running=1, total=2, steady=second),
        Job("RUNNING", running=2, total=2, steady=4 * second),
        Job("FAILING", total=2),
    ]
    status = status_of(WELL, BEFORE)
    said = []
    for job in turns * 2:
        before = ModelStreamStatus.model_validate(status)
        status = status_of(replace(WELL, job=job, failure=failed), before)
        ready = condition(status, ConditionType.READY)
        said.append((ready["status"], ready["reason"], ready["message"]))
    assert set(said) == {("False", "JobRestarting", failed)}


@pytest.mark.parametrize(
    ("steady", "failure", "ready"),
    [
        pytest.param(0, "", "True", id="a first deploy is not held up"),
        pytest.param(4.9, "boom", "False", id="a moment after a failure"),
        pytest.param(5, "boom", "True", id="the tasks have run for a while"),
    ],
)
def test_ready_comes_back_once_the_tasks_have_run_for_a_while(
    steady: float, failure: str, ready: str
) -> None:
    restarting = replace(WELL, job=Job("RESTARTING", total=2), failure=failure)
    before = ModelStreamStatus.model_validate(status_of(restarting, BEFORE))
    job = Job("RUNNING", running=2, total=2, steady=timedelta(seconds=steady))
    status = status_of(replace(WELL, job=job, failure=failure), before)
    assert condition(status, ConditionType.READY)["status"] == ready


def test_a_task_that_ends_long_after_a_failure_leaves_ready_alone() -> None:
    before = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    job = Job("RUNNING", running=1, finished=1, total=2, steady=timedelta(0))
    status = status_of(replace(WELL, job=job, failure="boom"), before)
    assert condition(status, ConditionType.READY)["status"] == "True"


def test_every_condition_is_about_the_generation_that_was_seen() -> None:
    status = status_of(replace(WELL, gpu=True), BEFORE)
    assert status["observedGeneration"] == 3
    assert {each["observedGeneration"] for each in status["conditions"]} == {3}
    absent = {
        ConditionType.OUTDATED,
        ConditionType.SCALED,
        ConditionType.ROLLED_BACK,
        ConditionType.STATE_SAFE,
        ConditionType.RECONCILING,
        ConditionType.STALLED,
    }
    there = {each["type"] for each in status["conditions"]}
    assert there == {each.value for each in ConditionType} - absent


def test_without_a_gpu_nothing_is_said_of_one() -> None:
    kinds = {each["type"] for each in status_of(WELL, BEFORE)["conditions"]}
    assert ConditionType.GPU_AVAILABLE not in kinds


def test_a_gpu_check_that_is_turned_off_is_shown() -> None:
    said = condition(
        status_of(replace(WELL, gpu=True, gpu_checked=False), BEFORE), ConditionType.GPU_AVAILABLE
    )
    assert (said["status"], said["reason"]) == ("True", "NotChecked")
    assert "MODELSTREAM_GPU_CHECK=Off" in said["message"]


def test_the_time_of_a_condition_is_that_of_its_last_flip() -> None:
    first = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    later = replace(WELL, now=NOW + timedelta(minutes=1))
    same = condition(status_of(later, first), ConditionType.READY)
    assert same["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    flipped = condition(status_of(replace(later, ready=0), first), ConditionType.READY)
    assert flipped["lastTransitionTime"] == "2026-01-01T12:01:00Z"


def test_equal_facts_give_an_equal_status_so_that_nothing_is_written() -> None:
    first = status_of(WELL, BEFORE)
    later = replace(WELL, now=NOW + timedelta(minutes=1))
    assert status_of(later, ModelStreamStatus.model_validate(first)) == first


def test_a_refused_edit_leaves_what_runs_observed_and_told() -> None:
    running = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    refused = replace(WELL, generation=4, updated=False, refusal="spec.x: is wrong: write y")
    status = status_of(refused, running)
    assert (status["phase"], status["observedGeneration"]) == ("Running", 4)
    assert condition(status, ConditionType.READY)["status"] == "True"
    assert condition(status, ConditionType.READY)["observedGeneration"] == 3
    for kind in (ConditionType.ACCEPTED, ConditionType.UPDATED):
        said = condition(status, kind)
        assert (said["status"], said["reason"]) == ("False", "InvalidSpec")
        assert said["observedGeneration"] == 4
        assert "write y" in said["message"]
    worse = status_of(replace(refused, ready=0, job=Job("RESTARTING"), failure="boom"), running)
    assert condition(worse, ConditionType.JOB_RUNNING)["reason"] == "JobRestarting"


def test_a_refused_first_deploy_is_failed() -> None:
    facts = Facts(1, NOW, Decision(Memory()), refusal="spec.x: is wrong", updated=False)
    status = status_of(facts, BEFORE)
    assert status["phase"] == "Failed"
    assert condition(status, ConditionType.READY)["reason"] == "InvalidSpec"


@pytest.mark.parametrize("answer", [Answer.SILENT, Answer.NO_JOB])
def test_one_odd_answer_of_flink_changes_nothing(answer: Answer) -> None:
    started = replace(WELL, decision=Decision(replace(DEPLOYED, started="2026-01-01T00:00:00Z")))
    running = status_of(started, BEFORE)
    before = ModelStreamStatus.model_validate(running)
    for times in (1, 2):
        odd = replace(started, job=None, answer=answer, times=times)
        assert status_of(odd, before) == running


def test_a_flink_that_does_not_answer_is_unreachable_and_what_was_known_is_kept() -> None:
    before = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    status = status_of(replace(WELL, job=None, answer=Answer.SILENT, times=3), before)
    said = condition(status, ConditionType.JOB_RUNNING)
    assert (said["status"], said["reason"]) == ("Unknown", "FlinkUnreachable")
    assert "RUNNING" in said["message"]
    assert status["job"] == {"id": "a", "state": "RUNNING", "tasks": "2/2"}


def test_a_change_that_waits_does_not_hide_why() -> None:
    waiting = Waiting(Reason.SAVEPOINT_NOT_POSSIBLE, "the change waits")
    crash = Problem(ConditionType.MODELS_LOADED, Reason.OUT_OF_MEMORY, "raise the limit")
    facts = replace(WELL, decision=Decision(DEPLOYED, waiting=waiting), problems=[crash])
    message = condition(status_of(facts, BEFORE), ConditionType.READY)["message"]
    assert "the change waits" in message
    assert "OutOfMemory: raise the limit" in message


def test_a_job_that_stops_with_a_savepoint_is_told_as_what_it_does() -> None:
    stopping = replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.SAVEPOINTING)))
    said = condition(status_of(stopping, BEFORE), ConditionType.JOB_RUNNING)
    assert (said["status"], said["reason"]) == ("True", "Running")


@pytest.mark.parametrize("how", [How.FAILED, How.CANCELED, How.STOPPED_BY_OTHERS])
def test_an_end_says_what_it_left_and_what_an_edit_does(how: How) -> None:
    message = condition(status_of(ended(how), BEFORE), ConditionType.READY)["message"]
    assert "s3://state/chk-3" in message
    assert "restartNonce" in message
    assert "all of its input" not in message


def test_a_failed_job_is_told_with_its_cause() -> None:
    assert "boom" in condition(status_of(ended(How.FAILED), BEFORE), ConditionType.READY)["message"]


def test_a_job_that_has_ended_keeps_what_was_read_of_its_models() -> None:
    running = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    gone = ended(How.FINISHED, job=None, pods=0, scheduled=0, ready=0, verified={})
    status = status_of(gone, running)
    assert condition(status, ConditionType.MODELS_AVAILABLE)["status"] == "True"
    assert condition(status, ConditionType.MODELS_LOADED)["reason"] == "JobFinished"


def test_a_spec_that_is_being_brought_about_is_not_updated_yet() -> None:
    stopping = replace(DEPLOYED, step=Step.SAVEPOINTING)
    facts = replace(WELL, generation=4, updated=False, decision=Decision(stopping))
    before = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    status = status_of(facts, before)
    assert condition(status, ConditionType.UPDATED)["reason"] == "Savepointing"
    assert condition(status, ConditionType.UPDATED)["observedGeneration"] == 4
    assert condition(status, ConditionType.READY)["observedGeneration"] == 3
    assert condition(status, ConditionType.RECONCILING)["status"] == "True"


def test_why_a_jobmanager_has_no_job_is_told_at_once() -> None:
    refused = "IllegalArgumentException: Base job ID is not found in the recovered jobs"
    facts = replace(WELL, job=None, answer=Answer.NO_JOB, failure=refused, ready=0)
    starting = replace(facts, decision=Decision(replace(DEPLOYED, started=None)))
    ready = condition(status_of(starting, BEFORE), ConditionType.READY)
    assert (ready["reason"], ready["message"]) == ("Starting", refused)
