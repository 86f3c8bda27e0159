import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.support.controlplane import ApiError, ControlPlane
from tests.support.resource_cases import edited

from modelstream_crds.v1alpha1 import ModelStream

pytestmark = pytest.mark.apiserver

OBJECTS = "/apis/modelstream.dev/v1alpha1/namespaces/default/modelstreams"
NAME = "fraud-scores"


@pytest.fixture
def stream(plane: ControlPlane) -> Iterator[dict[str, Any]]:
    yield plane.server_side_apply(f"{OBJECTS}/{NAME}", edited({"spec.gpu": {"count": 2}}))
    plane.request("DELETE", f"{OBJECTS}/{NAME}")


def _status(plane: ControlPlane, status: dict[str, Any]) -> Any:
    body = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": NAME},
        "status": status,
    }
    return plane.server_side_apply(f"{OBJECTS}/{NAME}/status", body, fieldManager="operator")


def _condition(kind: str, status: str, message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "Tested",
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def test_the_api_server_and_the_models_agree_about_defaults(stream: dict[str, Any]) -> None:
    stored = ModelStream.model_validate(stream).spec
    assert stored == ModelStream.model_validate(edited({"spec.gpu": {"count": 2}})).spec
    assert stream["spec"]["pipeline"]["inference"]["batch"] == {
        "maxSize": 256,
        "maxLatency": "50ms",
        "allowedSizes": [],
    }
    assert stream["spec"]["flink"]["taskManager"]["replicas"] == 1


def test_option_values_keep_the_type_that_was_written(plane: ControlPlane) -> None:
    values = {"text": "x", "number": 1, "flag": True, "part": 1.5}
    manifest = edited({"spec.pipeline.source.options": values})
    stored = plane.server_side_apply(f"{OBJECTS}/{NAME}", manifest, dryRun="All")
    assert stored["spec"]["pipeline"]["source"]["options"] == values
    pipeline = ModelStream.model_validate(stored).spec.pipeline
    assert pipeline is not None
    assert pipeline.source.options == {"text": "x", "number": "1", "flag": "true", "part": "1.5"}


def test_unknown_fields_are_refused_by_strict_decoding(plane: ControlPlane) -> None:
    manifest = edited({"spec.pipeline.inference.batchSize": 3})
    with pytest.raises(ApiError) as refusal:
        plane.request("POST", f"{OBJECTS}?fieldValidation=Strict&dryRun=All", manifest)
    assert 'unknown field "spec.pipeline.inference.batchSize"' in refusal.value.message


def test_kubectl_refuses_unknown_fields(plane: ControlPlane) -> None:
    if plane.kubectl is None:
        pytest.fail("kubectl is missing: put it beside kube-apiserver or on PATH")
    manifest = yaml.safe_dump(edited({"spec.gpus": 1}))
    refused = plane.run_kubectl("apply", "-f", "-", stdin=manifest)
    assert refused.returncode != 0
    assert "spec.gpus" in refused.stderr


def test_kubectl_finds_the_resource_by_its_short_name_and_category(
    plane: ControlPlane, stream: dict[str, Any]
) -> None:
    for kind in ("mst", "all"):
        listed = plane.run_kubectl("get", kind, "-o", "name")
        assert f"modelstream.modelstream.dev/{NAME}" in listed.stdout


def test_the_columns_say_how_it_goes(plane: ControlPlane, stream: dict[str, Any]) -> None:
    ready = _condition("Ready", "False", "1 of 2 TaskManagers")
    status = {"phase": "Starting", "conditions": [ready], "taskManager": {"readyReplicas": 1}}
    _status(plane, status)
    table = plane.run_kubectl("get", "mst", NAME, "-o", "wide").stdout.splitlines()
    head = ["NAME", "READY", "PHASE", "MODEL", "GPUS", "TMS", "AGE", "REASON", "MESSAGE"]
    assert table[0].split() == head
    name, ready_column, phase, model, gpus, managers, _, reason, *message = table[1].split()
    assert (name, ready_column, phase, model) == (NAME, "False", "Starting", "fraud")
    assert (gpus, managers, reason) == ("2", "1", "Tested")
    assert " ".join(message) == "1 of 2 TaskManagers"


def test_the_scale_subresource_changes_the_task_managers(
    plane: ControlPlane, stream: dict[str, Any]
) -> None:
    _status(plane, {"taskManager": {"replicas": 1, "selector": "app=x"}})
    scale = plane.request("GET", f"{OBJECTS}/{NAME}/scale")
    assert scale["status"] == {"replicas": 1, "selector": "app=x"}
    scaled = plane.run_kubectl("scale", "mst", NAME, "--replicas=3")
    assert scaled.returncode == 0, scaled.stderr
    stored = plane.request("GET", f"{OBJECTS}/{NAME}")
    assert stored["spec"]["flink"]["taskManager"]["replicas"] == 3


def test_conditions_are_merged_by_their_type(plane: ControlPlane, stream: dict[str, Any]) -> None:
    _status(plane, {"conditions": [_condition("Ready", "False"), _condition("Accepted", "True")]})
    stored = _status(
        plane, {"conditions": [_condition("Ready", "True"), _condition("Accepted", "True")]}
    )
    assert {c["type"]: c["status"] for c in stored["status"]["conditions"]} == {
        "Ready": "True",
        "Accepted": "True",
    }


def test_status_is_not_written_with_the_spec(plane: ControlPlane, stream: dict[str, Any]) -> None:
    manifest = edited({"status": {"phase": "Running"}})
    stored = plane.server_side_apply(f"{OBJECTS}/{NAME}", manifest, force="true")
    assert "phase" not in stored.get("status", {})


def test_300_kb_of_pod_template_pass_server_side_apply_unpruned(plane: ControlPlane) -> None:
    env = [{"name": f"V{i}", "value": "x" * 100} for i in range(2400)]
    template = {"spec": {"containers": [{"name": "main", "env": env}]}}
    assert len(json.dumps(template)) > 300_000
    manifest = edited({"spec.flink": {"taskManager": {"podTemplate": template}}})
    stored = plane.server_side_apply(f"{OBJECTS}/{NAME}", manifest)
    plane.request("DELETE", f"{OBJECTS}/{NAME}")
    assert stored["spec"]["flink"]["taskManager"]["podTemplate"] == template


def test_kubectl_explains_a_field(plane: ControlPlane) -> None:
    said = plane.run_kubectl("explain", "mst.spec.pipeline.inference.batch.allowedSizes").stdout
    assert "Batches are padded" in said


def test_two_control_planes_run_side_by_side(plane: ControlPlane) -> None:
    with ControlPlane.start() as other:
        assert other.url != plane.url
        assert not set(other.pids) & set(plane.pids)
