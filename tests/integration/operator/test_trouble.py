"""The API server away, another field manager, many at once, bad specs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.controlplane import ApiError, ControlPlane

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
    space.delete("deployments", "scores-jobmanager-1")
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)


def test_another_field_manager_loses_what_the_operator_owns(
    plane: ControlPlane, space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "scores-taskmanager-1", "annotations": {"team": "fraud"}},
        "spec": {"replicas": 7},
    }
    path = space.path("deployments", "scores-taskmanager-1")
    plane.server_side_apply(path, theirs, force="true")
    until(lambda: space.get("deployments", "scores-taskmanager-1")["spec"]["replicas"] == 1)
    annotations = space.get("deployments", "scores-taskmanager-1")["metadata"]["annotations"]
    assert annotations["team"] == "fraud"


@pytest.mark.timeout(900)
def test_60_at_once_all_get_their_children(
    space: Any, scores: Any, operator: Any, until: Any
) -> None:
    for index in range(60):
        space.create({**scores, "metadata": {"name": f"scores-{index}"}})
    until(lambda: len(space.names("deployments")) == 60 * DEPLOYMENTS, 400)
    until(lambda: 'modelstream_objects{phase="Pending"} 60.0' in metrics(operator))


def metrics(operator: Any) -> str:
    return str(operator.read(operator.metrics, "/metrics")[1])


def test_metrics_tell_of_passes_requests_and_the_queue(
    space: Any, scores: Any, operator: Any, until: Any
) -> None:
    space.create(scores)
    for name in (
        'modelstream_reconcile_passes_total{result="ok"}',
        'modelstream_api_calls_total{kind="Deployment",status="201",verb="apply"}',
        *(f"modelstream_{each}_seconds_count" for each in ("reconcile", "queue", "api")),
    ):
        until(lambda name=name: name in metrics(operator))


def test_liveness_fails_while_a_pass_is_stuck_and_comes_back(
    plane: ControlPlane, space: Any, scores: Any, operator: Any, until: Any
) -> None:
    without_services(space, until)
    space.create(scores)
    until(lambda: child_refused(space))  # from now on a pass every second tries it once more
    until(operator.is_well)
    with frozen(plane):
        until(lambda: operator.read(operator.liveness, "/healthz")[0] == 500)
    until(operator.is_well)


def test_a_server_that_is_killed_and_comes_back_breaks_no_watch_for_good(
    plane: ControlPlane, space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)
    plane.restart_api_server()
    space.delete("deployments", "scores-jobmanager-1")
    space.create({**scores, "metadata": {"name": "new"}})
    until(lambda: len(space.names("deployments")) == 2 * DEPLOYMENTS, 240)


def test_what_stands_in_the_way_is_told_and_its_end_is_noticed(
    space: Any, scores: Any, until: Any
) -> None:
    without_services(space, until)
    space.create(scores)
    refusal = until(lambda: child_refused(space))
    assert "exceeded quota: small" in refusal["message"]
    assert len(space.names("deployments")) == DEPLOYMENTS, "the others are made all the same"
    space.delete("resourcequotas", "small")
    until(lambda: len(space.names("services")) == 2)  # admission may know the quota for 30 s more
    until(lambda: not child_refused(space))


def without_services(space: Any, until: Any) -> None:
    """A quota of no service, which admission goes by a moment after it was written."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"services": "0"}},
    }
    space.plane.request("POST", space.path("resourcequotas"), quota)
    used = {"status": {"hard": {"services": "0"}, "used": {"services": "0"}}}
    space.patch("resourcequotas", "small", used, part="/status")  # what its controller writes
    until(lambda: no_service_is_let_in(space))


def no_service_is_let_in(space: Any) -> bool:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "asked"}}
    asked = {**service, "spec": {"ports": [{"port": 80}]}}
    try:
        space.plane.request("POST", space.path("services") + "?dryRun=All", asked)
    except ApiError as error:
        return "exceeded quota" in error.message
    return False


def child_refused(space: Any) -> dict[str, Any]:
    found: dict[str, Any] = space.condition("scores", "JobRunning")
    return found if found.get("reason") == "ChildRefused" else {}


def test_a_server_that_drops_image_volumes_is_noticed(space: Any, scores: Any, until: Any) -> None:
    """This one has the feature off, as those before 1.35 have: the volume vanishes silently."""
    scores["spec"]["models"][0]["uri"] = "image://registry/half@sha256:" + "0" * 64
    space.create(scores)
    refusal = until(lambda: unsupported(space))
    assert "model-half" in refusal["message"]
    assert "pvc://" in refusal["message"]


def unsupported(space: Any) -> dict[str, Any]:
    found: dict[str, Any] = space.condition("scores", "ModelsAvailable")
    return found if found.get("reason") == "ImageVolumeUnsupported" else {}


def test_a_stream_ends_with_its_namespace(space: Any, scores: Any, until: Any) -> None:
    """No controller runs here, so the test deletes what is in it as one would."""
    space.create(scores)
    until(lambda: len(space.names("deployments")) == DEPLOYMENTS)
    space.plane.request("DELETE", f"/api/v1/namespaces/{space.name}")
    for plural in ("deployments", "services", "configmaps"):
        for name in space.names(plural):
            space.delete(plural, name)
    until(lambda: space.condition("scores", "Ready").get("reason") == "NamespaceTerminating")
    space.create_is_refused({**scores, "metadata": {"name": "late"}})
    space.delete("modelstreams", "scores")
    until(lambda: space.get("modelstreams", "scores") is None)


def test_300_kb_of_pod_template_reach_the_pods_and_wrong_ones_are_told(
    space: Any, scores: Any, until: Any
) -> None:
    env = [{"name": f"V{i}", "value": "x" * 100} for i in range(2400)]
    template = {"spec": {"containers": [{"name": "main", "env": env}]}}
    scores["spec"]["flink"] = {"taskManager": {"podTemplate": template}}
    space.create(scores)
    made = until(lambda: space.get("deployments", "scores-taskmanager-1"))
    (main,) = made["spec"]["template"]["spec"]["containers"]
    assert {each["name"] for each in env} <= {each["name"] for each in main["env"]}
    wrong = {"taskManager": {"podTemplate": {"spec": {"containers": "main"}}}}
    space.patch("modelstreams", "scores", {"spec": {"flink": wrong}})
    refusal = until(lambda: refused(space))
    assert "podTemplate.spec.containers" in refusal["message"]


def test_an_edit_that_cannot_run_leaves_the_pods_alone_and_says_so(
    space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Accepted").get("status") == "True")
    created = until(lambda: space.get("deployments", "scores-taskmanager-1"))  # after the status
    before = created["metadata"]["generation"]
    little = {"taskManager": {"resources": {"limits": {"memory": "1Gi"}}}}
    space.patch("modelstreams", "scores", {"spec": {"flink": little}})
    refusal = until(lambda: refused(space))
    assert "spec.flink.taskManager.resources.limits.memory" in refusal["message"]
    assert space.get("deployments", "scores-taskmanager-1")["metadata"]["generation"] == before
    space.patch("modelstreams", "scores", {"spec": {"flink": None}})
    until(lambda: space.condition("scores", "Accepted").get("status") == "True")


def refused(space: Any) -> dict[str, Any]:
    found: dict[str, Any] = space.condition("scores", "Accepted")
    return found if found.get("status") == "False" else {}
