"""Each field of the spec: what a change of it alters in the plan, and what becomes of the job."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.rendered import JM, TM, changed, split
from tests.unit.operator.conftest import put

from modelstream_crds.crd import custom_resource_definition
from modelstream_crds.diff import Effect, diff, effect
from modelstream_operator.render import Target
from modelstream_operator.render.config import job_manifest
from modelstream_operator.render.revision import revision_of

TargetMaker = Callable[..., Target]
FLINK = "ConfigMap"
BOTH = {JM, TM}

SOURCE = {
    "connector": "kafka",
    "format": "json",
    "schema": [{"name": "x", "type": "FLOAT", "metadata": "key"}],
    "options": {"topic": "in"},
    "secretOptions": {"password": {"name": "db", "key": "pw"}},
}


def end(secret: str) -> dict[str, Any]:
    """A sink, with a Secret of its own."""
    options = {"password": {"name": secret, "key": "pw"}}
    return {"connector": "kafka", "format": "json", "options": {}, "secretOptions": options}


PIPELINE = {
    "source": SOURCE,
    "inference": {
        "model": "fraud",
        "signature": "serving_default",
        "method": "Classify",
        "classify": {"topK": 1, "threshold": 0.5, "labels": "labels.txt"},
        "inputs": {"x": "x"},
        "images": {"x": {"height": 8, "width": 8, "fit": "Crop", "mean": [1.0], "std": [2.0]}},
        "outputs": {"y": "label"},
        "keep": ["x"],
        "batch": {"maxSize": 8, "maxLatency": "10ms", "allowedSizes": [8]},
        "onError": "Fail",
    },
    "sink": end("out"),
    "deadLetter": end("dead"),
}
MODEL = {
    "name": "fraud",
    "uri": "gs://m/fraud",
    "digest": "sha256:" + "0" * 64,
    "format": "SavedModel",
    "tags": ["serve"],
    "secretName": "store",
    "size": "1Gi",
    "warmUp": True,
}
GPU = {
    "count": 1,
    "resourceName": "nvidia.com/gpu",
    "products": ["A100"],
    "minMemory": "40Gi",
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [
        {
            "key": "a",
            "operator": "Equal",
            "value": "b",
            "effect": "NoExecute",
            "tolerationSeconds": 1,
        }
    ],
    "runtimeClassName": "nvidia",
}
FLINK_SPEC = {
    "image": "r:1",
    "secretConfiguration": {"s3.secret-key": {"name": "s3", "key": "secret"}},
    "jobManager": {"resources": {"limits": {"memory": "2Gi"}, "requests": {"cpu": "1"}}},
    "taskManager": {"resources": {"limits": {"memory": "4Gi"}, "requests": {"cpu": "1"}}},
}
BASE = {
    "spec/models": [MODEL],
    "spec/pipeline": PIPELINE,
    "spec/gpu": GPU,
    "spec/flink": FLINK_SPEC,
    "spec/state": {"storage": "s3://state/x", "checkpointInterval": "30s"},
}
TENSOR = {"name": "x", "tensor": "x:0", "shape": [-1], "dtype": "float32"}
SIGNATURE = {"name": "a", "method": "Predict", "inputs": [TENSOR], "outputs": [{**TENSOR}]}
GRAPH = {
    **BASE,
    "spec/models": [{**MODEL, "format": "GraphDef", "signatures": [SIGNATURE]}],
}
SQL = {**BASE, "spec/pipeline": None, "spec/sql": {"statements": "SELECT 1", "onError": "Null"}}
PYTHON = {
    **BASE,
    "spec/pipeline": None,
    "spec/python": {"configMap": {"name": "code", "key": "job.py"}, "args": []},
}
SCRIPT = {**BASE, "spec/pipeline": None, "spec/python": {"script": "a.py"}}
MODULE = {**BASE, "spec/pipeline": None, "spec/python": {"module": "a"}}

FETCH = r"initContainers\[fetch-fraud\]/"
COMMAND = FETCH + r"command\[\d\]"
NAMED = r"(initContainers|volumes|containers\[main\]/volumeMounts)\[.*(fraud|other)\]"
RULES = r"affinity/.*/matchExpressions\[{}\]/"
MEMORY = r"(containers\[main\]/resources/(limits|requests)/memory|{}.memory.process.size)"


def secret(*names: str) -> str:
    any_of = "|".join(names)
    return rf"(volumes\[secret-({any_of})\]|containers\[main\]/volumeMounts\[/.*/({any_of})\])/"


# field → base, another value (at 0 in a list), the objects whose plan changes, and what in them.
# An empty set: only the job reads the field, in the ConfigMap.
FIELDS: dict[str, tuple[dict[str, Any], Any, set[str], str]] = {
    "models[].name": (BASE, "other", BOTH, NAMED),
    "models[].uri": (BASE, "gs://m/other", BOTH, COMMAND),
    "models[].digest": (BASE, "sha256:" + "1" * 64, BOTH, COMMAND),
    "models[].format": (BASE, "Keras", set(), ""),
    "models[].signatures[].name": (GRAPH, "other", set(), ""),
    "models[].signatures[].method": (GRAPH, "Regress", set(), ""),
    **{
        f"models[].signatures[].{end}[].{field}": (GRAPH, value, set(), "")
        for end in ("inputs", "outputs")
        for field, value in {
            "name": "z",
            "tensor": "z:1",
            "shape": [-1, 2],
            "dtype": "int64",
        }.items()
    },
    "models[].tags": (BASE, ["gpu"], set(), ""),
    "models[].secretName": (
        *(BASE, "other", BOTH),
        rf"({FETCH}envFrom\[0\]/secretRef/name|volumes\[credentials-fraud\]/secret/secretName)",
    ),
    "models[].size": (
        *(BASE, "2Gi", BOTH),
        rf"({COMMAND}|{FETCH}resources/requests/ephemeral-storage|volumes\[model-fraud\]/.*sizeLimit)",
    ),
    "models[].warmUp": (BASE, False, set(), ""),
    "models[].imports": (BASE, ["tensorflow_text"], set(), ""),
    "models[].shapes": (BASE, {"x": [-1, 3]}, set(), ""),
    "pipeline.source.connector": (BASE, "datagen", set(), ""),
    "pipeline.source.format": (BASE, "csv", set(), ""),
    "pipeline.source.schema[].name": (BASE, "z", set(), ""),
    "pipeline.source.schema[].type": (BASE, "DOUBLE", set(), ""),
    "pipeline.source.schema[].metadata": (BASE, "topic", set(), ""),
    "pipeline.source.options": (BASE, {"topic": "other"}, set(), ""),
    "pipeline.source.secretOptions{password}.name": (BASE, "x", {JM}, secret("db", "x")),
    "pipeline.source.secretOptions{password}.key": (BASE, "x", {JM}, secret("db")),
    "pipeline.inference.model": (BASE, "other", set(), ""),
    "pipeline.inference.signature": (BASE, "other", set(), ""),
    "pipeline.inference.method": (BASE, "Predict", set(), ""),
    "pipeline.inference.classify.topK": (BASE, 3, set(), ""),
    "pipeline.inference.classify.threshold": (BASE, 0.1, set(), ""),
    "pipeline.inference.classify.labels": (BASE, "other.txt", set(), ""),
    "pipeline.inference.classify.cut": (BASE, 0.4, set(), ""),
    "pipeline.inference.constants": (BASE, {"keep_prob": 1.0}, set(), ""),
    "pipeline.inference.inputs": (BASE, {"x": "y"}, set(), ""),
    "pipeline.inference.images{x}.height": (BASE, 9, set(), ""),
    "pipeline.inference.images{x}.width": (BASE, 9, set(), ""),
    "pipeline.inference.images{x}.fit": (BASE, "Pad", set(), ""),
    "pipeline.inference.images{x}.mean": (BASE, [3.0], set(), ""),
    "pipeline.inference.images{x}.std": (BASE, [3.0], set(), ""),
    "pipeline.inference.outputs": (BASE, {"y": "score"}, set(), ""),
    "pipeline.inference.keep": (BASE, ["z"], set(), ""),
    "pipeline.inference.batch.maxSize": (BASE, 4, set(), ""),
    "pipeline.inference.batch.maxLatency": (BASE, "20ms", set(), ""),
    "pipeline.inference.batch.allowedSizes": (BASE, [4], set(), ""),
    "pipeline.inference.onError": (BASE, "Drop", set(), ""),
    "pipeline.sink.connector": (BASE, "print", set(), ""),
    "pipeline.sink.format": (BASE, "csv", set(), ""),
    "pipeline.sink.options": (BASE, {"topic": "x"}, set(), ""),
    "pipeline.sink.secretOptions{password}.name": (BASE, "x", {JM}, secret("out", "x")),
    "pipeline.sink.secretOptions{password}.key": (BASE, "x", {JM}, secret("out")),
    "pipeline.deadLetter.connector": (BASE, "print", set(), ""),
    "pipeline.deadLetter.format": (BASE, "csv", set(), ""),
    "pipeline.deadLetter.options": (BASE, {"topic": "x"}, set(), ""),
    "pipeline.deadLetter.secretOptions{password}.name": (BASE, "x", {JM}, secret("dead", "x")),
    "pipeline.deadLetter.secretOptions{password}.key": (BASE, "x", {JM}, secret("dead")),
    "sql.statements": (SQL, "SELECT 2", set(), ""),
    "sql.onError": (SQL, "Fail", set(), ""),
    "python.script": (SCRIPT, "b.py", set(), ""),
    "python.module": (MODULE, "b", set(), ""),
    "python.configMap.name": (
        *(PYTHON, "x", BOTH),
        r"containers\[main\]/volumeMounts\[/.*/(code|x)\]/",
    ),
    "python.configMap.key": (PYTHON, "x.py", set(), ""),
    "python.args": (PYTHON, ["x"], set(), ""),
    "gpu.count": (
        *(BASE, 2, {TM, FLINK}),
        r"(containers\[main\]/(resources/limits/nvidia.com/gpu|env\[MODELSTREAM_GPU_COUNT\]/value)"
        r"|taskmanager.numberOfTaskSlots|parallelism.default)",
    ),
    "gpu.resourceName": (
        *(BASE, "amd.com/gpu", {TM}),
        r"(containers\[main\]/resources/limits/(nvidia|amd).com/gpu|affinity/.*/matchExpressions)",
    ),
    "gpu.products": (BASE, ["H100"], {TM}, RULES.format("0")),
    "gpu.allowShared": (BASE, True, {TM}, RULES.format(".")),
    "gpu.allowMig": (BASE, True, {TM}, RULES.format(".")),
    "gpu.minMemory": (BASE, "80Gi", {TM}, RULES.format("3")),
    "gpu.nodeSelector": (BASE, {"pool": "x"}, {TM}, "nodeSelector/pool"),
    "gpu.tolerations[].key": (BASE, "x", {TM}, r"tolerations\[1\]/key"),
    "gpu.tolerations[].operator": (BASE, "Exists", {TM}, r"tolerations\[1\]/operator"),
    "gpu.tolerations[].value": (BASE, "x", {TM}, r"tolerations\[1\]/value"),
    "gpu.tolerations[].effect": (BASE, "NoSchedule", {TM}, r"tolerations\[1\]/effect"),
    "gpu.tolerations[].tolerationSeconds": (
        *(BASE, 2, {TM}),
        r"tolerations\[1\]/tolerationSeconds",
    ),
    "gpu.runtimeClassName": (BASE, "x", {TM}, "runtimeClassName"),
    "gpu.memoryGrowth": (BASE, False, {TM}, r".*env\[TF_FORCE_GPU_ALLOW_GROWTH\]/value"),
    "flink.image": (BASE, "r:2", BOTH, r"(initContainers|containers)\[.*\]/image"),
    "flink.parallelism": (BASE, 7, {FLINK}, "parallelism.default"),
    "flink.runtimeMode": (
        *({**BASE, "spec/upgrade": {"mode": "Stateless"}}, "Batch", {FLINK}),
        r"(execution.runtime-mode|jobmanager.scheduler|pipeline.max-parallelism|restart-strategy\..*"
        r"|table.exec.uid.generation|slot.request.timeout"
        r"|jobmanager.adaptive-scheduler.submission.resource-wait-timeout)",
    ),
    "flink.serviceAccount.name": (
        *(BASE, "mine", BOTH | {"RoleBinding", "ServiceAccount"}),
        r"(serviceAccountName|scores-flink.*|automountServiceAccountToken)",
    ),
    "flink.serviceAccount.annotations": (
        *(BASE, {"a": "b"}, {"ServiceAccount"}),
        "scores-flink/metadata/annotations/a",
    ),
    "flink.jobManager.resources.limits": (
        *(BASE, {"memory": "3Gi"}, {JM, FLINK}),
        MEMORY.format("jobmanager"),
    ),
    "flink.jobManager.resources.requests": (BASE, {"cpu": "2"}, {JM}, ".*/requests/cpu"),
    "flink.jobManager.podTemplate": (BASE, {"spec": {"hostname": "x"}}, {JM}, "hostname"),
    "flink.taskManager.replicas": (BASE, 3, {TM, FLINK}, "(replicas|parallelism.default)"),
    "flink.taskManager.slots": (
        *(BASE, 2, {FLINK}),
        r"(taskmanager.numberOfTaskSlots|parallelism.default)",
    ),
    "flink.taskManager.resources.limits": (
        *(BASE, {"memory": "8Gi"}, {TM, FLINK}),
        MEMORY.format("taskmanager"),
    ),
    "flink.taskManager.resources.requests": (BASE, {"cpu": "2"}, {TM}, ".*/requests/cpu"),
    "flink.taskManager.podTemplate": (BASE, {"spec": {"hostname": "x"}}, {TM}, "hostname"),
    "flink.configuration": (BASE, {"a.b": "c"}, {FLINK}, "a.b"),
    "flink.secretConfiguration{s3.secret-key}.name": (BASE, "x", BOTH, secret("s3", "x")),
    "flink.secretConfiguration{s3.secret-key}.key": (BASE, "x", BOTH, secret("s3")),
    "state.storage": (
        BASE,
        "s3://o/x",
        {FLINK},
        r"(execution.checkpointing|high-availability)\..*",
    ),
    "state.checkpointInterval": (BASE, "1s", {FLINK}, "execution.checkpointing.interval"),
    "state.allowNonRestoredState": (BASE, True, set(), ""),
    "state.deletionPolicy": (BASE, "Savepoint", set(), ""),
    "state.restoreFrom.path": (BASE, "s3://o/x", set(), ""),
    "state.restoreFrom.modelStream": (BASE, "other", set(), ""),
    "state.restoreFrom.newest": (BASE, True, set(), ""),
    "state.restoreFrom.nothing": (BASE, True, set(), ""),
    "state.restoreFrom.nonce": (BASE | {"spec/state/restoreFrom/nothing": True}, 1, set(), ""),
    "state.savepoints.interval": (BASE, "1h", set(), ""),
    "state.savepoints.keep": (BASE, 3, set(), ""),
    "upgrade.mode": (BASE, "Stateless", set(), ""),
    "upgrade.rollback": (BASE, False, set(), ""),
    "upgrade.readyTimeout": (BASE, "1m", set(), ""),
    "suspend": (BASE, True, set(), ""),
    "restartNonce": (BASE, 1, set(), ""),
    "savepointNonce": (BASE, 1, set(), ""),
    "networkPolicy.enabled": (BASE, False, {"NetworkPolicy"}, ""),
    "podDisruptionBudget.enabled": (BASE, True, {"PodDisruptionBudget"}, ""),
}
NOT_READ_BY_THE_JOB = {
    *("flink.jobManager.podTemplate", "flink.taskManager.podTemplate"),
    *(field for field in FIELDS if effect(field) is not Effect.RESTART),
}


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """The fields that a person writes: what is free below counts as one."""
    inner = schema.get("items", schema.get("additionalProperties"))
    if schema.get("properties") and "x-kubernetes-preserve-unknown-fields" not in schema:
        for name, below in schema["properties"].items():
            yield from fields(below, f"{path}.{name}".lstrip("."))
    elif isinstance(inner, dict) and inner.get("properties"):
        yield from fields(inner, path + ("[]" if "items" in schema else "{}"))
    else:
        yield path


def test_every_field_of_the_definition_is_in_the_table() -> None:
    version = custom_resource_definition()["spec"]["versions"][0]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(fields(spec)) == {re.sub(r"\{.*?\}", "{}", path) for path in FIELDS}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_its_effect_on_a_job_that_runs(target: TargetMaker, field: str) -> None:
    base, value, *_ = FIELDS[field]
    before, after = target(base), target({**base, place(field): value})
    found = diff(before.spec, after.spec)
    assert found.effect is effect(re.sub(r"\{.*?\}", "{}", field))
    assert found.paths


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_changes_its_part_of_the_plan_and_nothing_else(
    target: TargetMaker, field: str
) -> None:
    base, value, objects, pattern = FIELDS[field]
    before, after = target(base), target({**base, place(field): value})
    found = {split(path) for path in changed(before, after)}
    assert {where for where, _ in found} == objects
    assert [what for _, what in found if not re.match(pattern, what)] == []


@pytest.mark.parametrize("field", sorted(FIELDS.keys() - NOT_READ_BY_THE_JOB))
def test_the_job_reads_the_field_as_it_was_written(target: TargetMaker, field: str) -> None:
    base, value, *_ = FIELDS[field]
    before, after = target(base), target({**base, place(field): value})
    assert job_manifest(before) != job_manifest(after)
    assert put(job_manifest(before), place(field), value) == job_manifest(after)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_what_concerns_no_run_is_in_no_revision(target: TargetMaker, field: str) -> None:
    base, value, *_ = FIELDS[field]
    before, after = target(base), target({**base, place(field): value})
    same = revision_of(before).id == revision_of(after).id
    assert same is (effect(field) in {Effect.NOTHING, Effect.SCALE})


def place(field: str) -> str:
    """Where ``put`` finds the field: the first item of a list, the named entry of a map."""
    steps = field.replace("[].", "/0/")
    head, brace, rest = steps.partition("{")
    key, _, tail = rest.partition("}.")
    return "spec/" + head.replace(".", "/") + (f"/{key}/{tail}" if brace else "")
