"""The API server away, another field manager, many at once, bad specs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.controlplane import ControlPlane

pytestmark = pytest.mark.apiserver

DEPLOYMENTS = 2


@contextlib.contextmanager
def frozen(plane: ControlPlane) -> Iterator[None]:
    """The API server takes connections and answers nothing."""
    _, server = plane.pids
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


def test_an_api_server_that_was_away_is_caught_up_with(
    plane: ControlPlane, space: Any, scores: Any, operator: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)
    with frozen(plane), pytest.raises(subprocess.TimeoutExpired):
        operator.process.wait(5)  # it lives through that
    space.delete("deployments", "scores-jobmanager")
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS, 60)


def test_another_field_manager_loses_what_the_operator_owns(
    plane: ControlPlane, space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "scores-taskmanager", "annotations": {"team": "fraud"}},
        "spec": {"replicas": 7},
    }
    path = space.path("deployments", "scores-taskmanager")
    plane.server_side_apply(path, theirs, force="true")
    until(lambda: space.get("deployments", "scores-taskmanager")["spec"]["replicas"] == 1)
    annotations = space.get("deployments", "scores-taskmanager")["metadata"]["annotations"]
    assert annotations["team"] == "fraud"


def test_many_at_once_all_get_their_children(space: Any, scores: Any, until: Any) -> None:
    for index in range(40):
        space.create({**scores, "metadata": {"name": f"scores-{index}"}})
    until(lambda: len(space.names("deployments")) == 40 * DEPLOYMENTS, 120)


def test_an_edit_that_cannot_run_leaves_the_pods_alone_and_says_so(
    space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Accepted").get("status") == "True")
    created = until(lambda: space.get("deployments", "scores-taskmanager"))  # after the status
    before = created["metadata"]["generation"]
    little = {"taskManager": {"resources": {"limits": {"memory": "1Gi"}}}}
    space.patch("modelstreams", "scores", {"spec": {"flink": little}})
    refusal = until(lambda: refused(space))
    assert "spec.flink.taskManager.resources.limits.memory" in refusal["message"]
    assert space.get("deployments", "scores-taskmanager")["metadata"]["generation"] == before
    space.patch("modelstreams", "scores", {"spec": {"flink": None}})
    until(lambda: space.condition("scores", "Accepted").get("status") == "True")


def refused(space: Any) -> dict[str, Any]:
    found: dict[str, Any] = space.condition("scores", "Accepted")
    return found if found.get("status") == "False" else {}
