"""Everything that is rendered is accepted by a real API server, under Pod Security's restricted."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.controlplane import ControlPlane

from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator.render import Target, children
from modelstream_operator.resources import Ref
from modelstream_operator.settings import Settings

pytestmark = pytest.mark.apiserver

NAMESPACE = "restricted"
PIPELINE = {
    "source": {
        "connector": "kafka",
        "format": "json",
        "schema": [{"name": "x", "type": "ARRAY<FLOAT>"}],
        "secretOptions": {"properties.sasl.jaas.config": {"name": "kafka.user", "key": "jaas"}},
    },
    "inference": {"model": "fraud"},
    "sink": {"connector": "print"},
}
SPECS: dict[str, dict[str, Any]] = {
    "minimal": {"models": [{"name": "fraud", "uri": "pvc://models/fraud"}], "pipeline": PIPELINE},
    "everything": {
        "models": [
            {"name": "fraud", "uri": "pvc://models"},
            {"name": "a", "uri": "gs://b/a", "secretName": "store", "size": "1Gi"},
            {"name": "b", "uri": "s3://b/b", "secretName": "store"},
            {"name": "c", "uri": "hf://o/c@main"},
            {"name": "d", "uri": "file:///opt/d"},
            {"name": "e", "uri": "image://registry/e@sha256:" + "0" * 64},
            {"name": "f", "uri": "pvc://models/keras/f.keras", "format": "Keras"},
        ],
        "python": {"configMap": {"name": "code", "key": "job.py"}},
        "gpu": {
            "count": 2,
            "products": ["NVIDIA-A100"],
            "allowShared": True,
            "allowMig": True,
            "minMemory": "40Gi",
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoExecute"}],
            "runtimeClassName": "nvidia",
        },
        "flink": {
            "parallelism": 4,
            "configuration": {"s3.endpoint": "http://minio:9000"},
            "secretConfiguration": {"s3.secret-key": {"name": "s3", "key": "secret"}},
            "taskManager": {
                "replicas": 2,
                "resources": {"limits": {"cpu": "2", "memory": "8Gi"}},
                "podTemplate": {
                    "metadata": {"annotations": {"a": "b"}},
                    "spec": {
                        "priorityClassName": "high",
                        "containers": [
                            {"name": "main", "env": [{"name": "A", "value": "b"}]},
                            {"name": "proxy", "image": "p:1"},
                        ],
                        "volumes": [{"name": "scratch", "emptyDir": {}}],
                    },
                },
            },
        },
        "state": {"storage": "pvc://state/jobs", "checkpointInterval": "10s"},
    },
}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane.start(None, "--feature-gates=ImageVolume=true") as plane:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        }
        plane.server_side_apply(f"/api/v1/namespaces/{NAMESPACE}", namespace)
        priority = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 1000,
        }
        plane.server_side_apply("/apis/scheduling.k8s.io/v1/priorityclasses/high", priority)
        runtime = {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "nvidia"},
            "handler": "nvidia",
        }
        plane.server_side_apply("/apis/node.k8s.io/v1/runtimeclasses/nvidia", runtime)
        yield plane


def rendered(spec: dict[str, Any]) -> list[dict[str, Any]]:
    manifest = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {
            "name": "s" * 40,
            "namespace": NAMESPACE,
            "uid": "6f4d3b1e-0000-4000-8000-000000000000",
        },
        "spec": spec,
    }
    settings = Settings(image_pull_secrets=("pull",), image_pull_policy="IfNotPresent")
    stream = ModelStream.model_validate(manifest)
    return children(
        Target(stream, manifest, settings, run=1, job_id="a" * 32, restore_from="s3://x")
    )


@pytest.mark.parametrize("name", SPECS)
def test_every_object_is_accepted_without_an_unknown_field(plane: ControlPlane, name: str) -> None:
    for manifest in rendered(SPECS[name]):
        ref = Ref.of(manifest)
        path = ref.resource.path(ref.namespace, ref.name)
        plane.server_side_apply(path, manifest, dryRun="All", force="true")


@pytest.mark.parametrize("name", SPECS)
def test_every_pod_passes_pod_security_restricted(plane: ControlPlane, name: str) -> None:
    account = next(each for each in rendered(SPECS[name]) if each["kind"] == "ServiceAccount")
    account["metadata"].pop("ownerReferences")
    ref = Ref.of(account)
    plane.server_side_apply(ref.resource.path(ref.namespace, ref.name), account, force="true")
    for manifest in rendered(SPECS[name]):
        if manifest["kind"] != "Deployment":
            continue
        component = manifest["metadata"]["labels"]["app.kubernetes.io/component"]
        template = manifest["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        pod["metadata"] = {**template["metadata"], "name": component, "namespace": NAMESPACE}
        plane.server_side_apply(
            f"/api/v1/namespaces/{NAMESPACE}/pods/{component}", pod, dryRun="All"
        )
