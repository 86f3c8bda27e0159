"""What of a stream's pods counts: those that live; and which should long have ended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.support.pods import NOW, node, only, pod, unscheduled

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.diagnosis import Scene, diagnose
from modelstream_operator.decide.pods import OVERDUE, is_ended, is_ready, overdue, unasked
from modelstream_operator.decide.problem import Reason
from modelstream_operator.render import Target

TargetMaker = Callable[..., Target]
EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "low on ephemeral-storage"}


def leaving(ago: timedelta, name: str = "scores-taskmanager-1", on: str = "n1") -> dict[str, Any]:
    found = pod()
    found["metadata"] |= {"name": name, "deletionTimestamp": (NOW - ago).isoformat()}
    found["spec"]["nodeName"] = on
    return found


@pytest.mark.parametrize(
    ("phase", "ended"),
    [
        *(("Pending", False), ("Running", False), ("Unknown", False)),
        *(("Failed", True), ("Succeeded", True)),
    ],
)
def test_a_pod_in_a_last_phase_is_history(phase: str, ended: bool) -> None:
    assert is_ended(pod(phase=phase)) is ended


@pytest.mark.parametrize(("node", "ended"), [("", True), ("n1", False)])
def test_a_pod_that_ends_before_it_had_a_node_is_history(node: str, ended: bool) -> None:
    """A finalizer of somebody else keeps its object: no scheduler looks at it any more."""
    assert is_ended(leaving(timedelta(), on=node)) is ended


def test_pods_that_nobody_tells_to_end_are_told_by_name() -> None:
    there = [leaving(timedelta(), "going"), pod()]
    name = pod()["metadata"]["name"]
    assert unasked(there, NOW - OVERDUE, NOW) == ""
    assert unasked(there[:1], NOW - OVERDUE * 2, NOW) == ""
    said = unasked(there, NOW - OVERDUE * 2, NOW)
    assert said.startswith(f"pods {name} have not been told to end since 2026-")


def test_an_evicted_pod_whose_place_is_taken_is_no_cause(target: TargetMaker) -> None:
    scene = Scene(target(), NOW, pods=[pod(phase="Running")], ended=[pod(**EVICTED)])
    assert not [each for each in diagnose(scene) if each.about is ConditionType.JOB_RUNNING]


def test_a_role_without_a_living_pod_is_explained_by_the_newest_that_failed(
    target: TargetMaker,
) -> None:
    old = pod(age=90, phase="Failed", reason="NodeShutdown", message="the node shut down")
    scene = Scene(target(), NOW, pods=[pod("jobmanager")], ended=[old, pod(age=60, **EVICTED)])
    found = only(scene)
    assert (found.about, found.reason) == (ConditionType.JOB_RUNNING, Reason.EVICTED)
    assert "low on ephemeral-storage" in found.message


def test_a_pod_that_ended_well_is_never_a_cause(target: TargetMaker) -> None:
    assert diagnose(Scene(target(), NOW, ended=[pod(phase="Succeeded")])) == ()


def test_what_the_one_that_took_its_place_lacks_is_the_cause(target: TargetMaker) -> None:
    late = unscheduled("0/1 nodes are available: 1 Insufficient memory.")
    found = only(Scene(target(), NOW, pods=[late], ended=[pod(**EVICTED)]))
    assert found.reason == Reason.UNSCHEDULABLE


def test_a_pod_that_is_going_is_not_ready() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert is_ready(ready)
    ready["metadata"]["deletionTimestamp"] = NOW.isoformat()
    assert not is_ready(ready)


@pytest.mark.parametrize("ago", [-timedelta(seconds=30), timedelta(0), OVERDUE])
def test_a_pod_that_ends_in_its_time_is_not_told(ago: timedelta) -> None:
    assert overdue([leaving(ago), pod()], [], NOW) == ""


def test_a_pod_that_does_not_end_is_told_with_its_node_the_time_and_the_way_out() -> None:
    cut_off = node("n1")
    since = "2026-01-01T11:00:00Z"
    cut_off["status"]["conditions"] = [
        {"type": "Ready", "status": "Unknown", "lastTransitionTime": since}
    ]
    said = overdue([leaving(OVERDUE * 2)], [cut_off], NOW)
    for words in (
        "pod scores-taskmanager-1 on node n1 (not ready since 2026-01-01T11:00:00Z)",
        (NOW - OVERDUE * 2).isoformat(),
        "delete the node, or kubectl delete pod scores-taskmanager-1 -n fraud --force",
    ):
        assert words in said


def test_each_pod_that_does_not_end_is_told_and_what_is_known_of_its_node() -> None:
    late = [leaving(OVERDUE * 2, name, on) for name, on in (("b", "n2"), ("a", "n1"))]
    well = node("n1")
    well["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    first, second = overdue(late, [well], NOW).split("; ")
    assert first.startswith("pod a on node n1 should")
    assert second.startswith("pod b on node n2 (which is gone) should")


def test_nothing_is_said_of_nodes_that_may_not_be_read() -> None:
    assert "on node n1 should" in overdue([leaving(OVERDUE * 2)], [], NOW)
