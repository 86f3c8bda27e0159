"""What is rendered for a resource: what belongs to whom, and which pod sees what."""

import json
from collections.abc import Callable

import pytest
from tests.support.rendered import (
    EXPRESSIONS,
    FLINK,
    JM,
    JM_POD,
    MANIFEST,
    TM,
    TM_POD,
    changed,
    env,
    leaves,
)

from modelstream_operator.names import LABEL_RUN
from modelstream_operator.render import Target, children
from modelstream_operator.render.config import flink_options
from modelstream_operator.settings import Settings

TargetMaker = Callable[..., Target]
GPU = {"spec/gpu": {"count": 1}}


def test_the_job_reads_the_same_manifest_without_pod_templates(target: TargetMaker) -> None:
    template = {"spec": {"priorityClassName": "high"}}
    made = target({"spec/flink/taskManager": {"replicas": 2, "slots": 2, "podTemplate": template}})
    data = next(c for c in children(made) if c["kind"] == "ConfigMap")["data"]
    read = json.loads(data["modelstream.yaml"])
    assert read["spec"]["flink"]["taskManager"] == {"slots": 2}
    assert read["spec"]["pipeline"] == made.manifest["spec"]["pipeline"]


def test_equal_targets_render_equal_manifests(target: TargetMaker) -> None:
    assert children(target(GPU)) == children(target(GPU))


def test_every_child_belongs_to_the_resource(target: TargetMaker) -> None:
    made_for = target({"spec/state": {"storage": "s3://bucket/x"}})
    made = children(made_for)
    assert {c["metadata"]["ownerReferences"][0]["uid"] for c in made} == {
        made_for.manifest["metadata"]["uid"]
    }
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
    named, unnamed = role["rules"]
    cluster = options["kubernetes.cluster-id"]
    assert named["resourceNames"] == [
        f"{cluster}-cluster-config-map",
        f"{cluster}-{'ab' * 16}-config-map",
    ]
    assert unnamed["verbs"] == ["create"]


def test_no_two_runs_and_no_two_objects_of_one_name_share_flinks_cluster_id(
    target: TargetMaker,
) -> None:
    again = target({"metadata/uid": "ffffffff-4b5a-6978-8796-a5b4c3d2e1f0"})
    ids = [target().cluster_id, target(run=12).cluster_id, again.cluster_id]
    assert ids == ["scores-0f1e2d3c-1", "scores-0f1e2d3c-12", "scores-ffffffff-1"]


def test_a_run_selects_its_own_pods_and_has_children_of_its_own(target: TargetMaker) -> None:
    made = {
        run: children(target({"spec/state": {"storage": "s3://b/x"}}, run=run)) for run in (1, 2)
    }
    names = {
        run: {(c["kind"], c["metadata"]["name"]) for c in found} for run, found in made.items()
    }
    assert names[1] & names[2] == {
        ("ServiceAccount", "scores-flink"),
        ("Service", "scores-rest"),
        ("NetworkPolicy", "scores-flink"),
    }
    for child in made[2]:
        if child["kind"] == "Deployment":
            labels = child["spec"]["template"]["metadata"]["labels"]
            assert child["spec"]["selector"]["matchLabels"].items() <= labels.items()
            assert child["spec"]["selector"]["matchLabels"][LABEL_RUN] == labels[LABEL_RUN] == "2"
        if child["kind"] == "Service":
            assert child["spec"]["selector"][LABEL_RUN] == "2"


def test_before_the_first_run_there_is_only_what_stays(target: TargetMaker) -> None:
    kinds = [c["kind"] for c in children(target(run=0))]
    assert kinds == ["Service", "ServiceAccount", "NetworkPolicy"]


def test_the_policy_lets_in_the_pods_of_every_run(target: TargetMaker) -> None:
    (policy,) = [c for c in children(target()) if c["kind"] == "NetworkPolicy"]
    assert policy["spec"]["podSelector"]["matchLabels"] == {"modelstream.dev/name": "scores"}


def test_a_budget_keeps_the_pods_of_both_roles_in_every_run(target: TargetMaker) -> None:
    made = children(target({"spec/podDisruptionBudget": {"enabled": True}}, run=2))
    (budget,) = [c for c in made if c["kind"] == "PodDisruptionBudget"]
    assert budget["spec"]["maxUnavailable"] == 0
    selector = budget["spec"]["selector"]
    (roles,) = selector["matchExpressions"]
    for child in made:
        if child["kind"] == "Deployment":
            labels = child["spec"]["template"]["metadata"]["labels"]
            assert selector["matchLabels"].items() <= labels.items()
            assert labels[roles["key"]] in roles["values"]
    assert LABEL_RUN not in selector["matchLabels"]
    assert "proof" not in roles["values"]


def test_the_operator_reaches_a_jobmanager_by_its_run_s_own_service(target: TargetMaker) -> None:
    ports = leaves(target())
    assert ports["Service/scores-jobmanager-1/spec/ports[rest]/port"] == 8081
    assert ports["Service/scores-jobmanager-1/spec/clusterIP"] == "None"


def test_rights_go_to_the_account_that_the_pods_have(target: TargetMaker) -> None:
    account = {"spec/flink/serviceAccount": {"name": "mine"}}
    made = children(target({"spec/state": {"storage": "s3://bucket/x"}} | account))
    (binding,) = [c for c in made if c["kind"] == "RoleBinding"]
    assert [each["name"] for each in binding["subjects"]] == ["mine"]
    assert not [c for c in made if c["kind"] == "ServiceAccount"]
    pods = [c["spec"]["template"]["spec"] for c in made if c["kind"] == "Deployment"]
    assert {pod["serviceAccountName"] for pod in pods} == {"mine"}
    assert {pod["automountServiceAccountToken"] for pod in pods} == {True}


def test_the_stream_s_own_account_carries_what_a_cloud_asks_for(target: TargetMaker) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}
    made = children(target({"spec/flink/serviceAccount": {"annotations": role}}))
    (account,) = [c for c in made if c["kind"] == "ServiceAccount"]
    assert account["metadata"]["annotations"].items() >= role.items()


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


def test_a_jobmanager_that_hangs_is_started_again_after_minutes(target: TargetMaker) -> None:
    found = leaves(target())
    probe = f"{JM_POD}/containers[main]/livenessProbe"

    assert found[f"{probe}/httpGet/path"] == "/config"
    assert found[f"{probe}/periodSeconds"] * found[f"{probe}/failureThreshold"] == 300
    assert not [path for path in found if path.startswith(TM) and "livenessProbe" in path]


def test_a_quota_on_limits_finds_one_on_every_container(target: TargetMaker) -> None:
    limits = {"limits": {"cpu": "50m"}}
    change = {"spec/flink/jobManager/resources": limits, "spec/models/0/uri": "s3://models/fraud"}
    found = leaves(target(change))
    parts = ("initContainers[fetch-fraud]", "initContainers[verify]", "containers[main]")

    for container in parts:
        assert found[f"{JM_POD}/{container}/resources/limits/cpu"] == "50m"
        assert found[f"{JM_POD}/{container}/resources/requests/cpu"] == "50m"


def test_a_savepoint_to_start_from_is_told_to_the_jobmanager(target: TargetMaker) -> None:
    found = changed(target(), target(restore_from="s3://s/1"))
    assert found == env(JM_POD, "MODELSTREAM_RESTORE_FROM", "s3://s/1")


def test_secret_flink_options_never_reach_the_config_map(target: TargetMaker) -> None:
    made = target({"spec/flink/secretConfiguration": {"s3.secret-key": {"name": "s3", "key": "k"}}})
    found = leaves(made)
    assert f"{FLINK}/s3.secret-key" not in found
    for pod in (JM_POD, TM_POD):
        assert found[f"{pod}/volumes[secret-s3]/secret/items[0]/path"] == "k"


def test_a_python_job_from_a_config_map_has_a_copy_mounted_in_both_roles(
    target: TargetMaker,
) -> None:
    made = target({"spec/python": {"configMap": {"name": "code", "key": "job.py"}}})
    found = leaves(made)
    for pod in (JM_POD, TM_POD):
        assert found[f"{pod}/volumes[python]/configMap/name"] == "scores-program-1"


def test_names_at_the_length_limit_are_names_after_many_runs(target: TargetMaker) -> None:
    name = "a" * 40
    models = [{"name": "m" * 40, "uri": "gs://m/x", "secretName": "s" * 63}]
    pipeline = {"spec/models": models, "spec/pipeline/inference/model": "m" * 40}
    stored = {"spec/state": {"storage": "s3://bucket/x"}, "metadata/name": name}
    for child in children(target(pipeline | stored, run=99999)):
        assert len(child["metadata"]["name"]) <= 63
        assert all(len(value) <= 63 for value in child["metadata"]["labels"].values())
        if child["kind"] == "Deployment":
            pod = child["spec"]["template"]
            assert all(len(value) <= 63 for value in pod["metadata"]["labels"].values())
            parts = ("volumes", "initContainers", "containers")
            assert all(len(each["name"]) <= 63 for part in parts for each in pod["spec"][part])


def test_settings_reach_the_pods(target: TargetMaker) -> None:
    settings = Settings(
        image_cpu="r:2", image_pull_policy="Always", image_pull_secrets=("pull",), namespace="ops"
    )
    found = leaves(target(settings=settings))
    assert found[f"{TM_POD}/containers[main]/image"] == "r:2"
    assert found[f"{TM_POD}/containers[main]/imagePullPolicy"] == "Always"
    assert found[f"{TM_POD}/imagePullSecrets[pull]/name"] == "pull"
    assert "ops" in {v for p, v in found.items() if p.startswith("NetworkPolicy")}


@pytest.mark.parametrize(
    ("mode", "option"),
    [
        ("Streaming", "jobmanager.adaptive-scheduler.submission.resource-wait-timeout"),
        ("Streaming", "taskmanager.registration.timeout"),
        ("Batch", "slot.request.timeout"),
        ("Batch", "taskmanager.registration.timeout"),
    ],
)
def test_a_job_waits_for_its_pods_for_months(
    target: Callable[..., Target], mode: str, option: str
) -> None:
    options = flink_options(target({"spec/flink/runtimeMode": mode}))
    days, unit = options[option].split()
    assert unit == "d"
    assert int(days) > 90
