"""What status says of scaling, of models and of pods, and of a newer operator's words."""

from dataclasses import replace

import pytest
from tests.support.conditions import BEFORE, DEPLOYED, NO_MODELS, TOLD, WELL, condition

from modelstream_crds.v1alpha1 import ConditionType, Phase
from modelstream_operator.decide.decision import Decision, Waiting
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.memory import Step
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.status import read, status_of, unknown_status
from modelstream_operator.evidence import digests_of


@pytest.mark.parametrize(
    ("given", "refused", "status", "reason"),
    [
        pytest.param(4, "", "True", "Scaled", id="it is"),
        pytest.param(2, "", "Unknown", "Waiting", id="it will be"),
        pytest.param(2, "max parallelism is 2", "False", "ScaleRefused", id="it cannot be"),
    ],
)
def test_whether_the_job_is_scaled_is_told(
    given: int, refused: str, status: str, reason: str
) -> None:
    decision = Decision(replace(DEPLOYED, parallelism=given))
    facts = replace(WELL, decision=decision, parallelism=4, refused_scale=refused)
    said = condition(status_of(facts, BEFORE), ConditionType.SCALED)
    assert (said["status"], said["reason"]) == (status, reason)


def test_what_a_newer_operator_wrote_is_left_as_it_is() -> None:
    theirs = status_of(WELL, BEFORE) | {"prepared": {"run": 4}, "step": {"name": "RollingBack"}}
    waits = Decision(
        replace(DEPLOYED, step=Step.UNKNOWN, unknown="step.name is RollingBack"),
        waiting=Waiting(Reason.UNKNOWN_STEP, "RollingBack is not known"),
    )
    status = unknown_status(theirs, replace(WELL, decision=waits), BEFORE)
    assert condition(status, ConditionType.READY)["reason"] == "UnknownStep"
    assert {**status, "conditions": theirs["conditions"]} == theirs


def test_a_phase_of_a_newer_operator_hides_nothing_else() -> None:
    status = status_of(WELL, BEFORE)
    newer = read(status | {"phase": "RollingBack"})
    assert (newer.phase, newer.conditions) == (None, read(status).conditions)
    assert read(status).phase is Phase.RUNNING


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


def test_pods_that_the_operator_would_make_otherwise_are_told_and_ready_stays() -> None:
    found = {each["type"]: each for each in status_of(WELL, BEFORE)["conditions"]}
    assert "Outdated" not in found
    told = status_of(replace(WELL, outdated=True), BEFORE)
    found = {each["type"]: each for each in told["conditions"]}
    assert (found["Outdated"]["status"], found["Outdated"]["reason"]) == ("True", "OperatorChanged")
    assert found["Ready"]["status"] == "True"


AT_REST = replace(DEPLOYED, step=Step.SUSPENDED)


@pytest.mark.parametrize(
    ("facts", "digests"),
    [
        pytest.param(TOLD, {"fraud": "sha256:a"}, id="told"),
        pytest.param(WELL, {}, id="not told yet"),
        pytest.param(
            replace(TOLD, updated=False), {"fraud": "sha256:a"}, id="told, and a change waits"
        ),
        pytest.param(replace(TOLD, decision=Decision(AT_REST)), {}, id="nothing runs"),
    ],
)
def test_what_a_run_s_models_are_is_known_once_a_pod_has_told(
    facts: Facts, digests: dict[str, str]
) -> None:
    assert digests_of(facts) == digests
