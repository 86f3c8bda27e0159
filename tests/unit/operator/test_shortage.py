"""What a pod waits for that the cluster does not have: nodes, GPUs, claims, quota, volumes."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.pods import NOW, claim, node, only, pod, unscheduled, waiting

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.diagnosis import Scene, diagnose
from modelstream_operator.decide.problem import Reason
from modelstream_operator.render import Target

TargetMaker = Callable[..., Target]
GPU = {"spec/gpu": {"count": 2, "products": ["A100"]}}
FULL = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2 nodes are available"
NO_MATCH = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."


@pytest.mark.parametrize(
    ("message", "nodes", "reason", "words"),
    [
        pytest.param(
            NO_MATCH,
            [node("a", 4, product="T4"), node("b", 4, product="L4")],
            Reason.NO_MATCHING_NODE,
            "none of 2 nodes has nvidia.com/gpu.product in [A100]: they have L4, T4",
            id="which label, and what there is",
        ),
        pytest.param(
            FULL,
            [node("a", 1, product="A100")],
            Reason.INSUFFICIENT_GPU,
            "a TaskManager asks for 2 nvidia.com/gpu, and no node has so many: a has 1",
            id="no node is large enough",
        ),
        pytest.param(
            FULL,
            [node("a", 2, product="A100"), node("b", 2, product="A100")],
            Reason.INSUFFICIENT_GPU,
            "2 nvidia.com/gpu asked for, 4 on the matching nodes (a has 2, b has 2), and too few",
            id="all taken",
        ),
        pytest.param(
            FULL,
            [],
            Reason.INSUFFICIENT_GPU,
            "0/2 nodes are available: 2 Insufficient nvidia.com/gpu",
            id="the scheduler is quoted where nodes may not be read",
        ),
        pytest.param(
            NO_MATCH,
            [node("a", 4, **{"product": "A100", "sharing-strategy": "time-slicing"})],
            Reason.NO_MATCHING_NODE,
            "gpu.allowShared: true",
            id="shared nodes only",
        ),
    ],
)
def test_a_taskmanager_without_a_node_says_what_is_missing(
    target: TargetMaker, message: str, nodes: list[dict[str, Any]], reason: Reason, words: str
) -> None:
    problem = only(Scene(target(GPU), NOW, pods=[unscheduled(message)], nodes=nodes))
    assert (problem.about, problem.reason) == (ConditionType.GPU_AVAILABLE, reason)
    assert words in problem.message
    assert "preemption" not in problem.message


def test_a_pod_without_a_gpu_quotes_the_scheduler(target: TargetMaker) -> None:
    message = "0/1 nodes are available: 1 node(s) had untolerated taint {a: b}."
    problem = only(Scene(target(), NOW, pods=[unscheduled(message)]))
    assert (problem.about, problem.reason) == (ConditionType.JOB_RUNNING, Reason.UNSCHEDULABLE)
    assert problem.message == message.rstrip(".")


def test_a_pod_that_asks_for_too_much_is_told_with_the_field(target: TargetMaker) -> None:
    message = (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    problem = only(Scene(target(), NOW, pods=[unscheduled(message)]))
    assert problem.message == (
        "0/1 nodes are available: 1 Insufficient cpu: lower"
        " spec.flink.taskManager.resources.requests.cpu, or add a node"
    )


def test_a_claim_that_is_being_bound_is_given_ten_seconds(target: TargetMaker) -> None:
    words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    assert diagnose(Scene(target(), NOW, pods=[unscheduled(words, age=9)])) == ()
    problem = only(Scene(target(), NOW, pods=[unscheduled(words, age=11)]))
    assert problem.reason == Reason.CLAIM_NOT_BOUND


def test_a_missing_claim_is_said_before_any_pod_hangs(target: TargetMaker) -> None:
    problem = only(Scene(target(), NOW, claims={"models": None}))
    assert problem.reason == Reason.CLAIM_NOT_FOUND
    assert "PersistentVolumeClaim models does not exist" in problem.message


def test_a_claim_for_one_pod_cannot_serve_two_roles(target: TargetMaker) -> None:
    problem = only(Scene(target(), NOW, claims={"models": claim("ReadWriteOncePod")}))
    assert problem.reason == Reason.CLAIM_ACCESS_MODE
    assert "2 pods" in problem.message


def test_state_on_a_claim_that_nobody_may_write_is_told(target: TargetMaker) -> None:
    made = target({"spec/state": {"storage": "pvc://state/jobs"}})
    claims = {"models": claim("ReadOnlyMany"), "state": claim("ReadOnlyMany")}
    problem = only(Scene(made, NOW, claims=claims))
    assert (problem.about, problem.reason) == (ConditionType.JOB_RUNNING, Reason.CLAIM_ACCESS_MODE)
    assert "claim state is ReadOnlyMany".lower() in problem.message.lower()


def test_a_shared_claim_is_no_problem(target: TargetMaker) -> None:
    assert diagnose(Scene(target(), NOW, claims={"models": claim()})) == ()


def test_quota_comes_from_the_deployment(target: TargetMaker) -> None:
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "message": 'pods "x" is forbidden: exceeded quota: small, requested: pods=1',
    }
    deployments = {"scores-taskmanager-1": {"conditions": [condition]}}
    problem = only(Scene(target(), NOW, deployments=deployments))
    assert problem.reason == Reason.QUOTA
    assert "exceeded quota: small" in problem.message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param('secret "db" not found', Reason.SECRET_NOT_FOUND, id="secret"),
        pytest.param('configmap "code" not found', Reason.CONFIG_MAP_NOT_FOUND, id="config map"),
        pytest.param("Multi-Attach error for volume", Reason.VOLUME, id="attach"),
    ],
)
def test_a_volume_that_is_not_mounted_is_told_by_its_event(
    target: TargetMaker, message: str, reason: Reason
) -> None:
    starting = pod(containerStatuses=[waiting("ContainerCreating")])
    event = {
        "reason": "FailedMount",
        "message": message,
        "involvedObject": {"name": "scores-taskmanager-1"},
    }
    scene = Scene(
        target(), NOW, pods=[starting], events=[event], claims={"models": claim("ReadWriteOnce")}
    )
    problem = only(scene)
    assert problem.reason == reason
    if reason is Reason.VOLUME:
        assert "models is ReadWriteOnce" in problem.message
