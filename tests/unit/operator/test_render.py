"""Changing field X of the resource changes exactly path Y of what is rendered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.rendered import FLINK, MANIFEST, changed, leaves

from modelstream_operator.render import Target, children
from modelstream_operator.settings import Settings

TargetMaker = Callable[..., Target]

JM, TM = "Deployment/scores-jobmanager", "Deployment/scores-taskmanager"
JM_POD, TM_POD = f"{JM}/spec/template/spec", f"{TM}/spec/template/spec"


def on_both(path: str, value: Any) -> dict[str, Any]:
    return {f"{pod}{path}": value for pod in (JM_POD, TM_POD)}


def env(pod: str, name: str, value: str) -> dict[str, Any]:
    root = f"{pod}/containers[main]/env[{name}]"
    return {f"{root}/name": name, f"{root}/value": value}


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


GPU = {"spec/gpu": {"count": 1}}
EXPRESSIONS = (
    f"{TM_POD}/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
    "/nodeSelectorTerms[0]/matchExpressions"
)


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
                f"{TM_POD}/containers[main]/resources/limits/cpu": "3",
                f"{TM_POD}/containers[main]/resources/requests/memory": "10Gi",
                f"{TM_POD}/containers[main]/resources/requests/cpu": "3",
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


def test_the_job_reads_the_same_manifest_without_pod_templates(target: TargetMaker) -> None:
    template = {"spec": {"priorityClassName": "high"}}
    made = target({"spec/flink/taskManager": {"replicas": 2, "podTemplate": template}})
    data = next(c for c in children(made) if c["kind"] == "ConfigMap")["data"]
    read = json.loads(data["modelstream.yaml"])
    assert read["spec"]["flink"]["taskManager"] == {"replicas": 2}
    assert read["spec"]["pipeline"] == made.manifest["spec"]["pipeline"]


def test_equal_targets_render_equal_manifests(target: TargetMaker) -> None:
    assert children(target(GPU)) == children(target(GPU))


def test_every_child_belongs_to_the_resource(target: TargetMaker) -> None:
    made = children(target({"spec/state": {"storage": "s3://bucket/x"}}))
    assert {c["metadata"]["ownerReferences"][0]["uid"] for c in made} == {"u-1"}
    assert {c["metadata"]["labels"]["modelstream.dev/name"] for c in made} == {"scores"}
    assert {c["metadata"]["namespace"] for c in made} == {"fraud"}


def test_pods_stop_and_objects_stay_when_not_running(target: TargetMaker) -> None:
    found = changed(target(), target(running=False))
    assert found == {f"{JM}/spec/replicas": 0, f"{TM}/spec/replicas": 0}


def test_state_brings_high_availability_and_a_narrow_role(target: TargetMaker) -> None:
    made = children(target({"spec/state": {"storage": "s3://bucket/x"}}, job_id="ab" * 16))
    options = json.loads(next(c for c in made if c["kind"] == "ConfigMap")["data"]["flink.yaml"])
    assert options["high-availability.type"] == "kubernetes"
    assert options["high-availability.storageDir"] == f"s3://bucket/x/fraud/scores/ha/{'ab' * 16}"
    assert (
        options["execution.checkpointing.savepoint-dir"] == "s3://bucket/x/fraud/scores/savepoints"
    )
    (role,) = [c for c in made if c["kind"] == "Role"]
    assert {name for rule in role["rules"] for name in rule["resources"]} == {"configmaps"}


def test_without_state_flink_gets_no_token_and_no_role(target: TargetMaker) -> None:
    made = children(target())
    assert not [c for c in made if c["kind"] in {"Role", "RoleBinding"}]
    pods = [c["spec"]["template"]["spec"] for c in made if c["kind"] == "Deployment"]
    assert [pod["automountServiceAccountToken"] for pod in pods] == [False, False]


def test_state_on_a_claim_is_mounted_in_both_roles(target: TargetMaker) -> None:
    found = leaves(target({"spec/state": {"storage": "pvc://state/jobs"}}))
    mount = "/containers[main]/volumeMounts[/var/lib/modelstream/state]"
    for pod in (JM_POD, TM_POD):
        assert found[f"{pod}/volumes[state]/persistentVolumeClaim/claimName"] == "state"
        assert found[f"{pod}{mount}/subPath"] == "jobs"
        assert f"{pod}{mount}/readOnly" not in found


def test_a_model_on_a_claim_is_mounted_read_only(target: TargetMaker) -> None:
    found = leaves(target())
    mount = f"{TM_POD}/containers[main]/volumeMounts[/models/fraud]"
    assert found[f"{mount}/readOnly"] is True
    assert found[f"{mount}/subPath"] == "fraud"
    assert found[f"{TM_POD}/volumes[claim-models]/persistentVolumeClaim/readOnly"] is True


@pytest.mark.parametrize(
    ("mode", "expected"),
    [pytest.param("Streaming", "ALWAYS", id="streaming"), pytest.param("Batch", None, id="batch")],
)
def test_what_has_savepoints_has_ids_that_do_not_change_with_the_parallelism(
    target: TargetMaker, mode: str, expected: str | None
) -> None:
    found = leaves(target({"spec/flink/runtimeMode": mode}))
    assert found.get(f"{FLINK}/table.exec.uid.generation") == expected


def test_a_program_that_brings_its_models_waits_for_none(target: TargetMaker) -> None:
    program = {"script": "/app/learn.py"}
    made = target({"spec/models": [], "spec/pipeline": None, "spec/python": program})
    pods = [c["spec"]["template"]["spec"] for c in children(made) if c["kind"] == "Deployment"]
    assert [pod["initContainers"] for pod in pods] == [[], []]
    mounts = [each for pod in pods for each in pod["containers"][0]["volumeMounts"]]
    assert {each["name"] for each in mounts} == {"config", "flink-conf", "tmp"}


def test_two_models_of_one_claim_share_its_volume(target: TargetMaker) -> None:
    models = [{"name": name, "uri": f"pvc://models/{name}"} for name in ("a", "b")]
    models.append({"name": "fraud", "uri": "file:///opt/fraud"})
    found = leaves(target({"spec/models": models}))
    assert found[f"{TM_POD}/volumes[claim-models]/name"] == "claim-models"
    assert not [p for p in found if "/models/fraud]" in p]


def test_only_the_fetching_container_has_the_credentials(target: TargetMaker) -> None:
    model = {"name": "fraud", "uri": "s3://m/fraud", "secretName": "store", "size": "2Gi"}
    found = leaves(target({"spec/models": [model]}))
    using = {path for path, value in found.items() if value == "store" and MANIFEST not in path}
    assert using == {
        f"{pod}/initContainers[fetch-fraud]/envFrom[0]/secretRef/name" for pod in (JM_POD, TM_POD)
    }
    assert found[f"{TM_POD}/volumes[model-fraud]/emptyDir/sizeLimit"] == "2Gi"
    assert found[f"{TM_POD}/containers[main]/volumeMounts[/models/fraud]/subPath"] == "fraud"


def test_fetch_is_told_the_digest_and_the_cap(target: TargetMaker) -> None:
    digest = "sha256:" + "a" * 64
    model = {"name": "fraud", "uri": "s3://m/fraud", "digest": digest, "size": "1Ki"}
    pod = children(target({"spec/models": [model]}))[-1]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["command"] == [
        *("modelstream-pod", "fetch", "s3://m/fraud", "/models/fraud"),
        *("--max-bytes", "1024", "--digest", digest),
    ]


def test_an_image_with_a_model_is_a_volume(target: TargetMaker) -> None:
    reference = "registry/models/fraud@sha256:" + "b" * 64
    made = target({"spec/models": [{"name": "fraud", "uri": f"image://{reference}"}]})
    found = leaves(made)
    assert found[f"{TM_POD}/volumes[model-fraud]/image/reference"] == reference


def test_products_come_with_the_variants_that_are_allowed(target: TargetMaker) -> None:
    gpu = {"count": 1, "products": ["A100"], "allowShared": True, "allowMig": True}
    rules = {
        value
        for path, value in leaves(target({"spec/gpu": gpu})).items()
        if path.startswith(f"{EXPRESSIONS}[0]/values")
    }
    assert {"A100", "A100-SHARED", "A100-MIG-1g.5gb", "A100-MIG-1g.5gb-SHARED"} <= rules


def test_the_jobmanager_never_sees_a_gpu(target: TargetMaker) -> None:
    found = leaves(target({"spec/gpu": {"count": 2}}))
    assert found[f"{JM_POD}/containers[main]/env[NVIDIA_VISIBLE_DEVICES]/value"] == "void"
    assert not [p for p in found if p.startswith(JM_POD) and "nvidia.com/gpu" in p]


def test_a_savepoint_to_start_from_is_told_to_the_jobmanager(target: TargetMaker) -> None:
    found = changed(target(), target(restore_from="s3://s/1"))
    assert found == env(JM_POD, "MODELSTREAM_RESTORE_FROM", "s3://s/1")


def test_secret_flink_options_never_reach_the_config_map(target: TargetMaker) -> None:
    made = target({"spec/flink/secretConfiguration": {"s3.secret-key": {"name": "s3", "key": "k"}}})
    found = leaves(made)
    assert f"{FLINK}/s3.secret-key" not in found
    for pod in (JM_POD, TM_POD):
        assert found[f"{pod}/volumes[secret-s3]/secret/items[0]/path"] == "k"


def test_a_python_job_from_a_config_map_is_mounted_in_both_roles(target: TargetMaker) -> None:
    made = target({"spec/python": {"configMap": {"name": "code", "key": "job.py"}}})
    found = leaves(made)
    for pod in (JM_POD, TM_POD):
        assert found[f"{pod}/volumes[python]/configMap/name"] == "code"


def test_settings_reach_the_pods(target: TargetMaker) -> None:
    settings = Settings(
        image_cpu="r:2", image_pull_policy="Always", image_pull_secrets=("pull",), namespace="ops"
    )
    found = leaves(target(settings=settings))
    assert found[f"{TM_POD}/containers[main]/image"] == "r:2"
    assert found[f"{TM_POD}/containers[main]/imagePullPolicy"] == "Always"
    assert found[f"{TM_POD}/imagePullSecrets[pull]/name"] == "pull"
    assert "ops" in {v for p, v in found.items() if p.startswith("NetworkPolicy")}
