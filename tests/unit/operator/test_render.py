"""Changing field X of the resource changes exactly path Y of what is rendered."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.rendered import EXPRESSIONS, FLINK, JM, JM_POD, TM, TM_POD, changed, env

from modelstream_operator.render import Target

TargetMaker = Callable[..., Target]
GPU = {"spec/gpu": {"count": 1}}


def _one_file(mounts: str) -> dict[str, Any]:
    """The mount of a claim's file in place of that of a directory."""
    new = {
        "name": "claim-models",
        "mountPath": "/models/fraud/graph.pb",
        "subPath": "fraud/graph.pb",
        "readOnly": True,
    }
    gone = {f"{mounts}[/models/fraud]/{key}": None for key in new}
    return {**gone, **{f"{mounts}[/models/fraud/graph.pb]/{key}": new[key] for key in new}}


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [
        pytest.param(
            {},
            {"spec/flink/image": "mine:1"},
            {
                f"{pod}/{kind}[{name}]/image": "mine:1"
                for pod in (JM_POD, TM_POD)
                for kind, name in (("containers", "main"), ("initContainers", "verify"))
            },
            id="flink.image",
        ),
        pytest.param(
            {},
            {"spec/models/0/uri": "pvc://models/fraud/graph.pb"},
            {
                path: value
                for pod in (JM_POD, TM_POD)
                for where in ("containers[main]", "initContainers[verify]")
                for path, value in _one_file(f"{pod}/{where}/volumeMounts").items()
            },
            id="models.uri of one file, which keeps its name",
        ),
        pytest.param(
            {},
            {"spec/flink/parallelism": 7},
            {f"{FLINK}/parallelism.default": "7"},
            id="flink.parallelism",
        ),
        pytest.param(
            {},
            {"spec/flink/taskManager/replicas": 3},
            {f"{TM}/spec/replicas": 3, f"{FLINK}/parallelism.default": "3"},
            id="flink.taskManager.replicas",
        ),
        pytest.param(
            {},
            {"spec/flink/taskManager/slots": 2},
            {f"{FLINK}/taskmanager.numberOfTaskSlots": "2", f"{FLINK}/parallelism.default": "2"},
            id="flink.taskManager.slots",
        ),
        pytest.param(
            {},
            {"spec/flink/taskManager/resources": {"limits": {"memory": "10Gi", "cpu": "3"}}},
            {
                f"{TM_POD}/containers[main]/resources/limits/memory": "10Gi",
                f"{TM_POD}/containers[main]/resources/requests/memory": "10Gi",
                **{
                    f"{TM_POD}/{container}/resources/{kind}/cpu": "3"
                    for container in ("containers[main]", "initContainers[verify]")
                    for kind in ("limits", "requests")
                },
                f"{FLINK}/taskmanager.memory.process.size": "4096m",
            },
            id="flink.taskManager.resources",
        ),
        pytest.param(
            {},
            {"spec/flink/jobManager/resources": {"requests": {"memory": "3Gi"}}},
            {
                f"{JM_POD}/containers[main]/resources/limits/memory": "3Gi",
                f"{JM_POD}/containers[main]/resources/requests/memory": "3Gi",
                f"{FLINK}/jobmanager.memory.process.size": "2304m",
            },
            id="flink.jobManager.resources",
        ),
        pytest.param(
            {},
            {"spec/flink/configuration": {"s3.endpoint": "http://minio"}},
            {f"{FLINK}/s3.endpoint": "http://minio"},
            id="flink.configuration",
        ),
        pytest.param(
            {},
            {"spec/flink/configuration": {"restart-strategy.type": "none"}},
            {f"{FLINK}/restart-strategy.type": "none"},
            id="flink.configuration over a default",
        ),
        pytest.param(
            {},
            {"spec/flink/taskManager/podTemplate": {"spec": {"priorityClassName": "high"}}},
            {f"{TM_POD}/priorityClassName": "high"},
            id="flink.taskManager.podTemplate",
        ),
        pytest.param(
            {},
            {"spec/flink/jobManager/podTemplate": {"metadata": {"annotations": {"a": "b"}}}},
            {f"{JM}/spec/template/metadata/annotations/a": "b"},
            id="flink.jobManager.podTemplate",
        ),
        pytest.param(
            {},
            GPU,
            {
                f"{TM_POD}/containers[main]/image": "modelstream/runtime-cuda:latest",
                f"{TM_POD}/initContainers[verify]/image": "modelstream/runtime-cuda:latest",
                f"{JM_POD}/containers[main]/image": "modelstream/runtime-cuda:latest",
                f"{JM_POD}/initContainers[verify]/image": "modelstream/runtime-cuda:latest",
                f"{TM_POD}/containers[main]/resources/limits/nvidia.com/gpu": "1",
                f"{TM_POD}/containers[main]/env[MODELSTREAM_GPU_COUNT]/value": "1",
                f"{TM_POD}/containers[main]/env[NVIDIA_VISIBLE_DEVICES]/name": None,
                f"{TM_POD}/containers[main]/env[NVIDIA_VISIBLE_DEVICES]/value": None,
                f"{TM_POD}/tolerations[0]/key": "nvidia.com/gpu",
                f"{TM_POD}/tolerations[0]/operator": "Exists",
                f"{TM_POD}/tolerations[0]/effect": "NoSchedule",
                f"{EXPRESSIONS}[0]/key": "nvidia.com/gpu.sharing-strategy",
                f"{EXPRESSIONS}[0]/operator": "NotIn",
                f"{EXPRESSIONS}[0]/values[0]": "time-slicing",
                f"{EXPRESSIONS}[0]/values[1]": "mps",
                f"{EXPRESSIONS}[1]/key": "nvidia.com/gpu.slices.gi",
                f"{EXPRESSIONS}[1]/operator": "DoesNotExist",
                **env(TM_POD, "MODELSTREAM_GPU_CHECK", "On"),
                **env(TM_POD, "TF_FORCE_GPU_ALLOW_GROWTH", "true"),
            },
            id="gpu.count",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/count": 4},
            {
                f"{TM_POD}/containers[main]/resources/limits/nvidia.com/gpu": "4",
                f"{TM_POD}/containers[main]/env[MODELSTREAM_GPU_COUNT]/value": "4",
                f"{FLINK}/taskmanager.numberOfTaskSlots": "4",
                f"{FLINK}/parallelism.default": "4",
            },
            id="gpu.count gives as many slots",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/runtimeClassName": "nvidia"},
            {f"{TM_POD}/runtimeClassName": "nvidia"},
            id="gpu.runtimeClassName",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/nodeSelector": {"pool": "gpu"}},
            {f"{TM_POD}/nodeSelector/pool": "gpu"},
            id="gpu.nodeSelector",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/memoryGrowth": False},
            {f"{TM_POD}/containers[main]/env[TF_FORCE_GPU_ALLOW_GROWTH]/value": "false"},
            id="gpu.memoryGrowth",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/minMemory": "40Gi"},
            {
                f"{EXPRESSIONS}[2]/key": "nvidia.com/gpu.memory",
                f"{EXPRESSIONS}[2]/operator": "Gt",
                f"{EXPRESSIONS}[2]/values[0]": "40959",
            },
            id="gpu.minMemory",
        ),
        pytest.param(
            GPU,
            {"spec/gpu/tolerations": [{"key": "spot", "operator": "Exists"}]},
            {
                f"{TM_POD}/tolerations[1]/key": "spot",
                f"{TM_POD}/tolerations[1]/operator": "Exists",
            },
            id="gpu.tolerations",
        ),
        pytest.param(
            {},
            {"spec/networkPolicy": {"enabled": False}},
            None,
            id="networkPolicy.enabled",
        ),
        pytest.param({}, {"spec/upgrade": {"mode": "Stateless"}}, {}, id="upgrade.mode"),
        pytest.param({}, {"spec/restartNonce": 2}, {}, id="restartNonce"),
        pytest.param({}, {"spec/suspend": True}, {}, id="suspend"),
        pytest.param(
            {},
            {"spec/pipeline/sink/secretOptions": {"password": {"name": "db", "key": "pw"}}},
            {
                f"{JM_POD}/volumes[secret-db]/name": "secret-db",
                f"{JM_POD}/volumes[secret-db]/secret/secretName": "db",
                f"{JM_POD}/volumes[secret-db]/secret/defaultMode": 0o440,
                f"{JM_POD}/volumes[secret-db]/secret/items[0]/key": "pw",
                f"{JM_POD}/volumes[secret-db]/secret/items[0]/path": "pw",
                **{
                    f"{JM_POD}/containers[main]/volumeMounts[/etc/modelstream/secrets/db]/{key}": v
                    for key, v in {
                        "name": "secret-db",
                        "mountPath": "/etc/modelstream/secrets/db",
                        "readOnly": True,
                    }.items()
                },
            },
            id="pipeline.sink.secretOptions, on the JobManager only",
        ),
    ],
)
def test_a_field_changes_exactly_its_own_paths(
    target: TargetMaker, base: dict[str, Any], change: dict[str, Any], expected: Any
) -> None:
    found = changed(target(base), target({**base, **change}))
    if expected is None:  # the whole object goes
        assert {path.split("/")[0] for path in found} == {"NetworkPolicy"}
    else:
        assert found == expected
