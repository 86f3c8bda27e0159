import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.diagnosis import Scene, diagnose, is_ready, verified_models
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.render import Target

TargetMaker = Callable[..., Target]
TRACEBACK = 'Traceback (most recent call last):\n  File "j.py", line 3\nKeyError: 1'
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
GPU = {"spec/gpu": {"count": 2, "products": ["A100"]}}


def pod(component: str = "taskmanager", age: float = 60, **status: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"scores-{component}-1",
            "namespace": "fraud",
            "labels": {"app.kubernetes.io/component": component},
            "creationTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
        },
        "spec": {"nodeName": "", "volumes": []},
        "status": {"phase": "Pending", **status},
    }


def waiting(reason: str, message: str = "", name: str = "main", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "image": "r:1", "ready": False, "state": state, **more}


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def unscheduled(message: str, **more: Any) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(conditions=[{**condition, "message": message}], **more)


def node(name: str, gpus: int = 0, **labels: str) -> dict[str, Any]:
    shown = {f"nvidia.com/gpu.{key}": value for key, value in labels.items()}
    return {
        "metadata": {"name": name, "labels": shown},
        "spec": {"taints": []},
        "status": {"allocatable": {"nvidia.com/gpu": str(gpus)} if gpus else {}},
    }


def claim(mode: str = "ReadWriteMany") -> dict[str, Any]:
    return {"spec": {"accessModes": [mode]}, "status": {"phase": "Bound"}}


def only(scene: Scene) -> Problem:
    (problem,) = diagnose(scene)
    return problem


@pytest.mark.parametrize(
    ("component", "status", "about", "reason", "words"),
    [
        pytest.param(
            "jobmanager",
            {"containerStatuses": [waiting("ImagePullBackOff", "not found")]},
            ConditionType.JOB_RUNNING,
            Reason.IMAGE_PULL,
            ["image r:1", "not found"],
            id="image pull",
        ),
        pytest.param(
            "taskmanager",
            {"containerStatuses": [waiting("CrashLoopBackOff", lastState=ended(1, "boom"))]},
            ConditionType.MODELS_LOADED,
            Reason.CRASH,
            ["TaskManager failed: boom"],
            id="crash loop with the last log line",
        ),
        pytest.param(
            "jobmanager",
            {
                "containerStatuses": [
                    waiting(
                        "CrashLoopBackOff",
                        restartCount=4,
                        lastState=ended(
                            1,
                            TRACEBACK,
                        ),
                    )
                ]
            },
            ConditionType.JOB_RUNNING,
            "PythonError",
            ["KeyError: 1 (j.py, line 3)", "restarted 4 times"],
            id="Python traceback of the job",
        ),
        pytest.param(
            "jobmanager",
            {
                "containerStatuses": [
                    waiting("CrashLoopBackOff", lastState=ended(1, "SignatureMismatch: x is int"))
                ]
            },
            ConditionType.JOB_RUNNING,
            "SignatureMismatch",
            ["x is int"],
            id="a model that does not fit",
        ),
        pytest.param(
            "taskmanager",
            {
                "containerStatuses": [
                    waiting("CrashLoopBackOff", lastState=ended(137, "", "OOMKilled"))
                ]
            },
            ConditionType.MODELS_LOADED,
            Reason.OUT_OF_MEMORY,
            ["4096 MiB", "1638 MiB for the", "taskManager.resources.limits.memory"],
            id="out of memory",
        ),
        pytest.param(
            "taskmanager",
            {
                "containerStatuses": [
                    waiting(
                        "CrashLoopBackOff",
                        lastState=ended(1, "x\njava.lang.OutOfMemoryError: Java heap space\ny"),
                    )
                ]
            },
            ConditionType.MODELS_LOADED,
            "JvmOutOfMemory",
            ["the JVM of the TaskManager", "raise spec.flink.taskManager.resources.limits.memory"],
            id="out of memory on the JVM's side",
        ),
        pytest.param(
            "taskmanager",
            {"containerStatuses": [waiting("CrashLoopBackOff", lastState=ended(137))]},
            ConditionType.MODELS_LOADED,
            Reason.CRASH,
            ["exit code 137", "does not say that memory was the cause"],
            id="killed by nobody knows whom",
        ),
        pytest.param(
            "taskmanager",
            {
                "containerStatuses": [
                    waiting("CrashLoopBackOff", lastState=ended(1, "GpuNotVisible: sees 0 of 1"))
                ]
            },
            ConditionType.GPU_AVAILABLE,
            "GpuNotVisible",
            ["sees 0 of 1"],
            id="a GPU that is not visible",
        ),
        pytest.param(
            "taskmanager",
            {
                "initContainerStatuses": [
                    waiting(
                        "CrashLoopBackOff",
                        name="fetch-fraud",
                        lastState=ended(1, "Fetch: https://x answered 404"),
                    )
                ]
            },
            ConditionType.MODELS_AVAILABLE,
            "Fetch",
            ["fetch-fraud", "404"],
            id="an init container",
        ),
        pytest.param(
            "taskmanager",
            {
                "initContainerStatuses": [
                    waiting(
                        "CreateContainerConfigError", 'secret "store" not found', name="fetch-fraud"
                    )
                ]
            },
            ConditionType.MODELS_AVAILABLE,
            Reason.SECRET_NOT_FOUND,
            ["store"],
            id="a missing secret",
        ),
        pytest.param(
            "taskmanager",
            {"phase": "Failed", "reason": "Evicted", "message": "low on ephemeral-storage"},
            ConditionType.JOB_RUNNING,
            Reason.EVICTED,
            ["low on ephemeral-storage"],
            id="evicted",
        ),
    ],
)
def test_a_pod_says_why_it_does_not_run(
    target: TargetMaker,
    component: str,
    status: dict[str, Any],
    about: ConditionType,
    reason: str,
    words: list[str],
) -> None:
    problem = only(Scene(target(), NOW, pods=[pod(component, **status)]))
    assert (problem.about, problem.reason) == (about, reason)
    for each in words:
        assert each in problem.message


def test_an_image_that_holds_a_model_is_told_by_its_model(target: TargetMaker) -> None:
    reference = "registry/fraud@sha256:" + "b" * 64
    made = target({"spec/models": [{"name": "fraud", "uri": f"image://{reference}"}]})
    words = f'Back-off pulling image "{reference}": not found'
    waits = waiting("ImagePullBackOff", words, name="verify")
    problem = only(Scene(made, NOW, pods=[pod(initContainerStatuses=[waits])]))
    assert (problem.about, problem.reason) == (ConditionType.MODELS_AVAILABLE, Reason.IMAGE_PULL)
    assert problem.message.startswith("the image of model fraud cannot be pulled")


def test_a_node_that_cannot_set_the_pod_up_is_not_called_a_volume(target: TargetMaker) -> None:
    event = {
        "reason": "FailedCreatePodSandBox",
        "message": 'no runtime for "nvidia" is configured',
        "involvedObject": {"name": "scores-taskmanager-1"},
    }
    starting = pod(containerStatuses=[waiting("ContainerCreating")])
    problem = only(Scene(target(), NOW, pods=[starting], events=[event]))
    assert problem.reason == Reason.SANDBOX
    assert "runtimeClassName" in problem.message


def test_state_on_a_claim_that_nobody_may_write_is_told(target: TargetMaker) -> None:
    made = target({"spec/state": {"storage": "pvc://state/jobs"}})
    claims = {"models": claim("ReadOnlyMany"), "state": claim("ReadOnlyMany")}
    problem = only(Scene(made, NOW, claims=claims))
    assert (problem.about, problem.reason) == (ConditionType.JOB_RUNNING, Reason.CLAIM_ACCESS_MODE)
    assert "claim state is ReadOnlyMany".lower() in problem.message.lower()


def test_a_container_that_recovered_is_no_problem(target: TargetMaker) -> None:
    healthy = {"name": "main", "ready": True, "state": {"running": {}}, "lastState": ended(1, "x")}
    assert diagnose(Scene(target(), NOW, pods=[pod(containerStatuses=[healthy])])) == ()


def test_a_pod_that_is_going_is_no_problem(target: TargetMaker) -> None:
    going = pod(containerStatuses=[waiting("CrashLoopBackOff", lastState=ended(1))])
    going["metadata"]["deletionTimestamp"] = NOW.isoformat()
    assert diagnose(Scene(target(), NOW, pods=[going])) == ()


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


def test_a_shared_claim_is_no_problem(target: TargetMaker) -> None:
    assert diagnose(Scene(target(), NOW, claims={"models": claim()})) == ()


def test_quota_comes_from_the_deployment(target: TargetMaker) -> None:
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "message": 'pods "x" is forbidden: exceeded quota: small, requested: pods=1',
    }
    deployments = {"scores-taskmanager": {"conditions": [condition]}}
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


def test_the_same_cause_in_two_pods_is_said_once(target: TargetMaker) -> None:
    broken = pod(containerStatuses=[waiting("ErrImagePull", "denied")])
    assert len(diagnose(Scene(target(), NOW, pods=[broken, broken]))) == 1


def test_models_come_before_what_depends_on_them(target: TargetMaker) -> None:
    crash = pod("jobmanager", containerStatuses=[waiting("CrashLoopBackOff", lastState=ended(1))])
    found = diagnose(Scene(target(), NOW, pods=[crash], claims={"models": None}))
    assert [each.about for each in found] == [
        ConditionType.MODELS_AVAILABLE,
        ConditionType.JOB_RUNNING,
    ]


def test_verify_tells_digests_and_signatures() -> None:
    message = json.dumps({"models": [{"name": "fraud", "digest": "d", "signatures": ["a"]}]})
    done = {"name": "verify", "state": ended(0, message)}
    found = verified_models([pod(initContainerStatuses=[done])])
    assert (found["fraud"].digest, found["fraud"].signatures) == ("d", ("a",))


def test_a_message_that_is_no_json_tells_nothing() -> None:
    done = {"name": "verify", "state": ended(0, "warning: x")}
    assert verified_models([pod(initContainerStatuses=[done])]) == {}


def test_a_pod_that_is_going_is_not_ready() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert is_ready(ready)
    ready["metadata"]["deletionTimestamp"] = NOW.isoformat()
    assert not is_ready(ready)


def unhealthy(message: str, second: int = 1) -> dict[str, Any]:
    return {
        "reason": "Unhealthy",
        "message": f"Readiness probe failed: {message}",
        "involvedObject": {"kind": "Pod", "name": "scores-taskmanager-1"},
        "lastTimestamp": f"2026-01-01T12:00:{second:02}Z",
    }


def test_a_python_worker_that_was_killed_alone_is_told_by_the_readiness_probe(target):
    running = pod(phase="Running", containerStatuses=[{"name": "main", "state": {"running": {}}}])
    events = [unhealthy("PythonWorkerOutOfMemory: the kernel ended a Python worker")]
    found = only(Scene(target(), NOW, pods=[running], events=events))

    assert found.about is ConditionType.MODELS_LOADED
    assert found.reason == "PythonWorkerOutOfMemory"


def test_a_kill_that_is_over_is_not_told_any_more(target):
    running = pod(phase="Running", containerStatuses=[{"name": "main", "state": {"running": {}}}])
    events = [
        unhealthy("PythonWorkerOutOfMemory: the kernel ended a Python worker", 1),
        unhealthy("ModelsLoading: the models are being loaded", 2),
    ]

    assert diagnose(Scene(target(), NOW, pods=[running], events=events)) == ()
