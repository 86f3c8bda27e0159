from collections.abc import Callable
from typing import Any

import pytest

from modelstream_operator.decide.drift import is_as_applied
from modelstream_operator.decide.refusals import refusals
from modelstream_operator.render import Target, children

TargetMaker = Callable[..., Target]
TM = "spec/flink/taskManager"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            {f"{TM}/resources": {"limits": {"memory": "1Gi"}}},
            "taskManager.resources.limits.memory: 1024 MiB is too little",
            id="TaskManager memory",
        ),
        pytest.param(
            {"spec/flink/jobManager/resources": {"limits": {"memory": "1Gi"}}},
            "write at least 1536Mi",
            id="JobManager memory",
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"hostNetwork": True}}}, "hostNetwork", id="host network"
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"volumes": [{"name": "x", "hostPath": {}}]}}},
            "volumes[0].hostPath",
            id="host path",
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"containers": [{"name": "main", "command": []}]}}},
            "containers[0].command",
            id="command",
        ),
        pytest.param({"spec/flink/parallelism": 300}, "max-parallelism (256)", id="parallelism"),
    ],
)
def test_what_cannot_run_is_refused_with_what_to_write(
    target: TargetMaker, change: dict[str, Any], words: str
) -> None:
    (refusal,) = refusals(target(change))
    assert words in refusal


def test_a_sound_spec_is_not_refused(target: TargetMaker) -> None:
    sidecar = {"name": "proxy", "image": "p", "command": ["x"]}
    assert list(refusals(target({f"{TM}/podTemplate": {"spec": {"containers": [sidecar]}}}))) == []


def test_a_child_with_more_than_was_asked_for_is_as_applied(target: TargetMaker) -> None:
    for desired in children(target()):
        live = {**desired, "metadata": {**desired["metadata"], "uid": "x"}, "status": {}}
        assert is_as_applied(desired, live)


def test_a_child_that_someone_changed_is_not_as_applied(target: TargetMaker) -> None:
    desired = children(target())[-1]
    live = {**desired, "spec": {**desired["spec"], "replicas": 9}}
    assert not is_as_applied(desired, live)


def test_a_child_of_another_plan_is_not_as_applied(target: TargetMaker) -> None:
    old, new = children(target())[-1], children(target(running=False))[-1]
    assert not is_as_applied(new, old)
