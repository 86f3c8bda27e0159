"""Operators that are there by mistake, or beside another on purpose: one serves each namespace."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.controlplane import ControlPlane
from tests.support.operatorprocess import Operator, Space, running_operator

pytestmark = pytest.mark.apiserver


def says(operator: Operator, *words: str) -> bool:
    return any(all(word in line["message"] for word in words) for line in operator.lines())


def test_a_second_operator_of_the_cluster_waits_and_does_nothing(
    plane: ControlPlane, space: Space, scores: Any, tmp_path: Path, until: Any
) -> None:
    before = transitions(plane)
    with running_operator(plane, tmp_path / "log") as beside:
        until(lambda: says(beside, "modelstream-cluster", "holds it: waiting"))
        space.create(scores)
        until(lambda: space.condition("scores", "Ready").get("reason") == "ClaimNotFound")
    assert not says(beside, "ClaimNotFound")
    assert transitions(plane) == before


def transitions(plane: ControlPlane) -> int:
    """How often the Lease of the cluster has gone to another operator."""
    return int(plane.request("GET", LEASE)["spec"]["leaseTransitions"])


LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/modelstream-cluster"


def test_a_namespace_that_another_operator_serves_is_left_to_it(
    space: Space, scores: Any, operator: Operator, tmp_path: Path, until: Any
) -> None:
    served = {"MODELSTREAM_NAMESPACES": space.name, "MODELSTREAM_LEASE_DURATION": "3"}
    with running_operator(space.plane, tmp_path / "log", **served) as beside:
        until(lambda: says(beside, "it is held here"))
        space.create(scores)
        until(lambda: says(beside, "ClaimNotFound"))
        space.patch("modelstreams", "scores", {"spec": {"suspend": True}})
        space.controllers_scale_down("scores-jobmanager-1", "scores-taskmanager-1")
        until(lambda: says(beside, "Suspended"))
        assert says(operator, space.name, "is left out")
    space.patch("modelstreams", "scores", {"spec": {"suspend": False}})
    until(lambda: space.get("deployments", "scores-jobmanager-2"))
    assert says(operator, space.name, "is served again")


def test_a_status_that_is_mended_by_hand_is_taken(space: Space, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Ready").get("reason") == "ClaimNotFound")
    until(lambda: space.get("deployments", "scores-jobmanager-1"))
    space.patch("modelstreams", "scores", {"status": {"run": 5}}, part="/status")
    until(lambda: space.get("deployments", "scores-jobmanager-5"))
    assert space.status("scores")["run"] == 5
