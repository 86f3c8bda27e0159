"""What status says of the same facts, and when a transition is one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide.conditions import Facts, refused_status, status_of
from modelstream_operator.decide.diagnosis import Verified
from modelstream_operator.decide.lifecycle import Decision, Job, Memory, Step, Waiting
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.resources import Manifest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEPLOYED = Memory(Step.DEPLOYED, job_id="a", deployed="x", target="x")
WELL = Facts(
    generation=3,
    now=NOW,
    decision=Decision(DEPLOYED),
    job=Job("RUNNING", running=2, total=2),
    replicas=2,
    pods=2,
    scheduled=2,
    ready=2,
    models={"fraud": "pvc://models/fraud"},
    verified={"fraud": Verified("sha256:a", ("serving_default",))},
    selector="a=b",
)
NO_MODELS = replace(WELL, models={}, verified={})
BEFORE = ModelStreamStatus()


def condition(status: Manifest, kind: ConditionType) -> Manifest:
    found: Manifest = next(each for each in status["conditions"] if each["type"] == kind)
    return found


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
            replace(WELL, job=Job("FAILED", total=2), failure="boom"),
            *("Failed", "False", "JobFailed"),
            id="the job has failed",
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
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.FINISHED))),
            *("Finished", "False", "JobFinished"),
            id="finished",
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.TEARING_DOWN))),
            *("Updating", "False", "TearingDown"),
            id="its pods end",
        ),
        pytest.param(
            replace(
                WELL,
                decision=Decision(replace(DEPLOYED, step=Step.TEARING_DOWN)),
                overdue="pod p on node n should have ended",
            ),
            *("Updating", "False", "PodNotEnding"),
            id="one of its pods does not end",
        ),
        pytest.param(
            replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.SAVEPOINTING))),
            *("Updating", "False", "Savepointing"),
            id="stopping",
        ),
        pytest.param(
            replace(
                WELL, decision=Decision(DEPLOYED, waiting=Waiting("SavepointNotPossible", "x"))
            ),
            *("Starting", "False", "SavepointNotPossible"),
            id="a change that waits",
        ),
        pytest.param(
            replace(WELL, problems=[Problem(ConditionType.JOB_RUNNING, Reason.QUOTA, "x")]),
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
    assert {each["type"] for each in status["conditions"]} == {each.value for each in ConditionType}


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


def test_a_refused_edit_keeps_what_is_known_of_the_running_job() -> None:
    running = status_of(WELL, BEFORE)
    facts = Facts(4, NOW, Decision(DEPLOYED), refusal="spec.flink.x: is wrong: write y")
    status = refused_status(running, facts, ModelStreamStatus.model_validate(running))
    assert status["job"] == running["job"]
    assert (status["phase"], status["observedGeneration"]) == ("Running", 4)
    assert condition(status, ConditionType.JOB_RUNNING)["status"] == "True"
    for kind in (ConditionType.ACCEPTED, ConditionType.READY):
        assert condition(status, kind)["reason"] == "InvalidSpec"
        assert "write y" in condition(status, kind)["message"]


def test_a_job_that_has_ended_well_keeps_what_was_read_of_its_models() -> None:
    running = ModelStreamStatus.model_validate(status_of(WELL, BEFORE))
    ended = replace(WELL, decision=Decision(replace(DEPLOYED, step=Step.FINISHED)))
    gone = replace(ended, job=None, pods=0, scheduled=0, ready=0, verified={})
    status = status_of(gone, running)
    assert condition(status, ConditionType.MODELS_AVAILABLE)["status"] == "True"
    assert condition(status, ConditionType.MODELS_LOADED)["reason"] == "JobFinished"


def test_without_models_in_the_manifest_nothing_is_said_of_any() -> None:
    status = status_of(NO_MODELS, BEFORE)
    assert status["models"] == []
    for kind in (ConditionType.MODELS_AVAILABLE, ConditionType.MODELS_LOADED):
        said = condition(status, kind)
        assert (said["status"], said["reason"]) == ("True", "NoModels")
    assert "loaded" not in condition(status, ConditionType.READY)["message"]


def test_a_taskmanager_that_is_not_ready_is_waited_for_without_models_too() -> None:
    said = condition(status_of(replace(NO_MODELS, ready=1), BEFORE), ConditionType.MODELS_LOADED)
    assert (said["status"], said["message"]) == ("False", "1/2 TaskManagers are ready")
