"""What a cluster shows of pods that do not run, as what the resource says of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.pods import NOW, ended, only, pod, waiting

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.diagnosis import (
    Scene,
    diagnose,
    first_digests,
    strangers,
    verified_models,
)
from modelstream_operator.decide.problem import Reason
from modelstream_operator.render import Target

TargetMaker = Callable[..., Target]
TRACEBACK = 'Traceback (most recent call last):\n  File "j.py", line 3\nKeyError: 1'


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


def test_a_container_that_recovered_is_no_problem(target: TargetMaker) -> None:
    healthy = {"name": "main", "ready": True, "state": {"running": {}}, "lastState": ended(1, "x")}
    assert diagnose(Scene(target(), NOW, pods=[pod(containerStatuses=[healthy])])) == ()


def test_a_pod_that_is_going_is_no_problem(target: TargetMaker) -> None:
    going = pod(containerStatuses=[waiting("CrashLoopBackOff", lastState=ended(1))])
    going["metadata"]["deletionTimestamp"] = NOW.isoformat()
    assert diagnose(Scene(target(), NOW, pods=[going])) == ()


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


def verified(
    name: str, digest: str, component: str = "taskmanager", at: str = ""
) -> dict[str, Any]:
    """A pod whose models were verified."""
    message = json.dumps({"models": [{"name": "fraud", "digest": digest}]})
    state = ended(0, message)
    state["terminated"]["finishedAt"] = at
    made = pod(component, initContainerStatuses=[{"name": "verify", "state": state}])
    made["metadata"]["name"] = name
    return made


def test_pods_with_other_contents_of_a_model_are_told_with_both_digests(
    target: TargetMaker,
) -> None:
    pods = [verified("a", "sha256:1"), verified("b", "sha256:1"), verified("c", "sha256:2")]
    problem = only(Scene(target(), NOW, pods))

    assert (problem.about, problem.reason) == (ConditionType.MODELS_AVAILABLE, "ModelsDiffer")
    assert "sha256:1 in a, sha256:2 in c" in problem.message
    assert "restartNonce" in problem.message


def test_the_models_of_a_run_are_those_of_the_taskmanager_that_verified_them_first() -> None:
    first = verified("z", "sha256:1", at="2026-01-01T12:00:01Z")
    then = verified("a", "sha256:2", at="2026-01-01T12:00:02Z")
    earlier = verified("jm", "sha256:3", "jobmanager", at="2026-01-01T12:00:00Z")
    assert first_digests([then, first, earlier], {"fraud"}) == {"fraud": "sha256:1"}
    assert first_digests([then, first], {"fraud", "other"}) == {}
    assert first_digests([pod(), earlier], {"fraud"}) == {}


def test_a_taskmanager_with_other_models_than_the_run_is_a_stranger() -> None:
    mine, other = verified("a", "sha256:1"), verified("b", "sha256:2")
    leaving = verified("c", "sha256:2")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    coordinates = verified("jm", "sha256:2", "jobmanager")
    pods = [mine, other, leaving, coordinates, pod()]
    assert strangers(pods, {"fraud": "sha256:1"}) == [other]
    assert strangers(pods, {}) == []


def test_a_jobmanager_of_before_does_not_score(target: TargetMaker) -> None:
    pods = [verified("a", "sha256:1"), verified("jm", "sha256:2", "jobmanager")]

    assert diagnose(Scene(target(), NOW, pods)) == ()


def test_verify_tells_digests_and_signatures() -> None:
    message = json.dumps({"models": [{"name": "fraud", "digest": "d", "signatures": ["a"]}]})
    done = {"name": "verify", "state": ended(0, message)}
    found = verified_models([pod(initContainerStatuses=[done])])
    assert (found["fraud"].digest, found["fraud"].signatures) == ("d", ("a",))


def test_a_message_that_is_no_json_tells_nothing() -> None:
    done = {"name": "verify", "state": ended(0, "warning: x")}
    assert verified_models([pod(initContainerStatuses=[done])]) == {}


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
