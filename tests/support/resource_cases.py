"""One table of what a ModelStream may say and may not: run offline and on a real API server."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modelstream_crds.documents import parse_path
from modelstream_crds.reserved import RESERVED, RESERVED_BY_BATCH

GONE = object()
Edits = dict[str, Any]

BASE: dict[str, Any] = {
    "apiVersion": "modelstream.dev/v1alpha1",
    "kind": "ModelStream",
    "metadata": {"name": "fraud-scores"},
    "spec": {
        "models": [{"name": "fraud", "uri": "pvc://models/fraud"}],
        "pipeline": {
            "source": {
                "connector": "kafka",
                "format": "json",
                "schema": [
                    {"name": "id", "type": "BIGINT"},
                    {"name": "features", "type": "ARRAY<FLOAT>"},
                ],
                "options": {"topic": "payments"},
            },
            "inference": {"model": "fraud", "inputs": {"x": "features"}, "outputs": {"score": "y"}},
            "sink": {"connector": "print"},
        },
    },
}


@dataclass(frozen=True)
class Case:
    """A rule (or a bound of the schema), and manifests that keep and break it.

    ``path`` is what the refusal points at; ``says`` is in its message besides what a rule of ours
    always says (of a rule, in that of ``validate`` alone).
    """

    rule: str
    accept: tuple[Edits, ...]
    reject: tuple[Edits, ...]
    path: str
    server: bool = True
    says: str = field(default="")

    def told(self, message: str) -> str:
        """What a rule with this message says of this case."""
        return f"{message} {self.says}".rstrip()


def edited(edits: Edits) -> dict[str, Any]:
    """``BASE`` with the value at each path exchanged, or taken away."""
    manifest = copy.deepcopy(BASE)
    for path, value in edits.items():
        *way, last = [int(s) if s.isdecimal() else s for s in parse_path(path)]
        target: Any = manifest
        for segment in way:
            target = target[segment] if isinstance(target, list) else target.setdefault(segment, {})
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return manifest


def replace_job(**job: Any) -> Edits:
    """Another job instead of the pipeline."""
    return {"spec.pipeline": GONE} | {f"spec.{kind}": value for kind, value in job.items()}


_URI = "spec.models[0].uri"
_SECRET = {"name": "kafka", "key": "password"}
_P = "spec.pipeline"
_DEAD = {f"{_P}.deadLetter": {"connector": "print"}}
_SHA = "sha256:" + "0a" * 32
_IMAGE = f"{_P}.inference.images.x"
_SQL = replace_job(sql={"statements": "SELECT 1"})


def _python(**program: Any) -> Edits:
    return replace_job(python=program)


_INPUT = {"name": "x", "tensor": "input:0"}
_OUTPUT = {"name": "y", "tensor": "final_result"}


def _graph(**signature: Any) -> Edits:
    """A frozen graph with one signature."""
    return {
        "spec.models[0].format": "GraphDef",
        "spec.models[0].signatures": [{"inputs": [_INPUT], "outputs": [_OUTPUT], **signature}],
    }


RULES: tuple[Case, ...] = (
    Case(
        "name",
        ({"metadata.name": "a" * 40}, {"metadata.name": "a"}, {"metadata.name": "a-1"}),
        ({"metadata.name": "a" * 41}, {"metadata.name": "1a"}, {"metadata.name": "a.b"}),
        "metadata.name",
    ),
    Case(
        "one-job",
        (_SQL, _python(module="jobs.score")),
        ({"spec.sql": {"statements": "SELECT 1"}},),
        "spec",
        says="(there are: pipeline, sql)",
    ),
    Case("one-job", (_SQL,), ({"spec.pipeline": GONE},), "spec", says="(there are: none)"),
    Case(
        "models-needed",
        tuple(_python(module="jobs.learn") | {"spec.models": models} for models in (GONE, [])),
        ({"spec.models": GONE}, {"spec.models": []}, _SQL | {"spec.models": GONE}),
        "spec.models",
    ),
    Case(
        "model-listed",
        ({"spec.models": [{"name": "a", "uri": "hf://a/b"}, BASE["spec"]["models"][0]]},),
        ({f"{_P}.inference.model": "other"},),
        f"{_P}.inference.model",
    ),
    Case(
        "savepoint-needs-state",
        (
            {"spec.upgrade": {"mode": "Savepoint"}, "spec.state": {"storage": "s3://b/p"}},
            {"spec.upgrade": {"mode": "Stateless"}},
        ),
        ({"spec.upgrade": {"mode": "Savepoint"}},),
        "spec.upgrade.mode",
    ),
    Case(
        "savepoint-needs-streaming",
        ({"spec.upgrade": {"mode": "Stateless"}, "spec.flink": {"runtimeMode": "Batch"}},),
        (
            {
                "spec.upgrade": {"mode": "Savepoint"},
                "spec.state": {"storage": "s3://b/p"},
                "spec.flink": {"runtimeMode": "Batch"},
            },
        ),
        "spec.upgrade.mode",
    ),
    Case(
        "slots-fit-gpus",
        (
            {"spec.gpu": {"count": 2}, "spec.flink": {"taskManager": {"slots": 2}}},
            {"spec.gpu": {"count": 0}, "spec.flink": {"taskManager": {"slots": 4}}},
            {"spec.flink": {"taskManager": {"slots": 4}}},
        ),
        ({"spec.gpu": {"count": 1}, "spec.flink": {"taskManager": {"slots": 2}}},),
        "spec.flink.taskManager.slots",
    ),
    Case(
        "batch-options",
        (_SQL | {"spec.flink": {"configuration": dict.fromkeys(RESERVED_BY_BATCH, "100")}},),
        tuple({"spec.flink": {"configuration": {key: "100"}}} for key in RESERVED_BY_BATCH),
        "spec.flink.configuration",
    ),
    Case(
        "model-name",
        (
            {"spec.models[0].name": "a" * 40, f"{_P}.inference.model": "a" * 40},
            {"spec.models[0].name": "f2", f"{_P}.inference.model": "f2"},
        ),
        tuple(
            {"spec.models[0].name": name, f"{_P}.inference.model": name}
            for name in ("Fraud", "2f", "a-b", "a_b", "a" * 41)
        ),
        "spec.models[0].name",
    ),
    Case(
        "uri-scheme",
        tuple(
            {_URI: uri}
            for uri in (
                "file:///models/fraud",
                "file://../models/fraud",
                "pvc://models",
                f"image://registry:5000/models/fraud@{_SHA}",
                "s3://bucket/fraud",
                "gs://bucket/fraud",
                "https://example.org/fraud.tar.gz",
                "hf://owner/model",
            )
        ),
        ({_URI: "ftp://host/model"}, {_URI: "/models/fraud"}, {_URI: "s3://"}),
        _URI,
    ),
    Case(
        "uri-image-digest",
        ({_URI: f"image://models/fraud@{_SHA}"},),
        ({_URI: "image://models/fraud:1.0"}, {_URI: "image://models/fraud@sha256:0a"}),
        _URI,
    ),
    Case(
        "uri-claim",
        ({_URI: "pvc://my-claim"}, {_URI: "pvc://my-claim/a/b"}),
        ({_URI: "pvc:///fraud"}, {_URI: "pvc://My_Claim/fraud"}),
        _URI,
    ),
    Case(
        "uri-parent",
        ({_URI: "pvc://models/a..b"}, {_URI: "file://../model"}),
        ({_URI: "pvc://models/../secret"}, {_URI: "s3://bucket/a/.."}),
        _URI,
    ),
    Case(
        "digest",
        ({"spec.models[0].digest": _SHA},),
        ({"spec.models[0].digest": "0a" * 32}, {"spec.models[0].digest": "sha256:0A"}),
        "spec.models[0].digest",
    ),
    Case(
        "secret-of-fetched",
        ({_URI: "s3://b/m", "spec.models[0].secretName": "store"},),
        ({"spec.models[0].secretName": "store"},),
        "spec.models[0].secretName",
    ),
    Case(
        "size-of-fetched",
        ({_URI: "https://h/m.zip", "spec.models[0].size": "2Gi"},),
        ({"spec.models[0].size": "2Gi"},),
        "spec.models[0].size",
    ),
    Case(
        "signatures-of-graph",
        (_graph(), _graph(name="classify", method="Classify")),
        ({"spec.models[0].format": "GraphDef"},),
        "spec.models[0].signatures",
    ),
    Case(
        "signatures-in-model",
        (_graph(),),
        (
            _graph() | {"spec.models[0].format": "Keras"},
            _graph() | {"spec.models[0].format": "SavedModel"},
        ),
        "spec.models[0].signatures",
    ),
    Case(
        "tags-of-saved-model",
        (
            {"spec.models[0].tags": ["serve", "gpu"]},
            {"spec.models[0].format": "Keras", "spec.models[0].tags": ["serve"]},
        ),
        ({"spec.models[0].format": "Keras", "spec.models[0].tags": ["serve", "gpu"]},),
        "spec.models[0].tags",
    ),
    Case(
        "tensor-name",
        tuple(
            _graph(outputs=[{"name": "y", "tensor": tensor}])
            for tensor in ("a/b_1:0", "final_result", "while/exit:12")
        ),
        tuple(
            _graph(outputs=[{"name": "y", "tensor": tensor}])
            for tensor in ("a b", "a:", "a:b", "^a", "")
        ),
        "spec.models[0].signatures[0].outputs[0].tensor",
    ),
    Case(
        "file-name",
        tuple(
            {f"{_P}.inference.method": "Classify", f"{_P}.inference.classify": {"labels": name}}
            for name in ("labels.txt", "assets/labels")
        ),
        tuple(
            {f"{_P}.inference.method": "Classify", f"{_P}.inference.classify": {"labels": name}}
            for name in ("../labels.txt", "/labels.txt", "a/../b", "")
        ),
        f"{_P}.inference.classify.labels",
    ),
    Case(
        "object-name",
        ({_URI: "s3://b/m", "spec.models[0].secretName": "model.store-1"},),
        ({_URI: "s3://b/m", "spec.models[0].secretName": "Model_Store"},),
        "spec.models[0].secretName",
    ),
    Case(
        "data-key",
        ({f"{_P}.source.secretOptions": {"password": {"name": "k", "key": "a.b_C-1"}}},),
        tuple(
            {f"{_P}.source.secretOptions": {"password": {"name": "k", "key": key}}}
            for key in ("../x", "..", "a/b", "")
        ),
        f"{_P}.source.secretOptions[password].key",
    ),
    Case(
        "bytes",
        tuple({_URI: "s3://b/m", "spec.models[0].size": s} for s in ("1", "1.5Gi", "500M", "7k")),
        tuple({_URI: "s3://b/m", "spec.models[0].size": s} for s in ("2 Gi", "2GB", "-1", "")),
        "spec.models[0].size",
    ),
    Case(
        "duration",
        tuple({f"{_P}.inference.batch": {"maxLatency": d}} for d in ("1ms", "1m30s", "2h")),
        tuple({f"{_P}.inference.batch": {"maxLatency": d}} for d in ("5", "5 s", "1.5s", "1d")),
        f"{_P}.inference.batch.maxLatency",
    ),
    Case(
        "duration-positive",
        ({f"{_P}.inference.batch": {"maxLatency": "0h1ms"}},),
        ({f"{_P}.inference.batch": {"maxLatency": "0s"}},),
        f"{_P}.inference.batch.maxLatency",
    ),
    Case(
        "dead-letter-missing",
        ({f"{_P}.inference.onError": "DeadLetter"} | _DEAD, {f"{_P}.inference.onError": "Drop"}),
        ({f"{_P}.inference.onError": "DeadLetter"},),
        f"{_P}.deadLetter",
    ),
    Case(
        "dead-letter-unused",
        ({f"{_P}.inference.onError": "DeadLetter"} | _DEAD,),
        (_DEAD, {f"{_P}.inference.onError": "Drop"} | _DEAD),
        f"{_P}.deadLetter",
    ),
    Case(
        "undecodable-format",
        (
            {f"{_P}.source.format": "avro"},
            {f"{_P}.source.format": "csv", f"{_P}.inference.onError": "Drop"},
            {f"{_P}.source.format": "raw", f"{_P}.inference.onError": "Drop"},
            {f"{_P}.source.format": GONE, f"{_P}.inference.onError": "Drop"},
        ),
        (
            {f"{_P}.source.format": "avro", f"{_P}.inference.onError": "Drop"},
            {f"{_P}.source.format": "avro", f"{_P}.inference.onError": "DeadLetter"} | _DEAD,
        ),
        f"{_P}.inference.onError",
    ),
    Case(
        "input-columns",
        ({f"{_P}.inference.inputs": {"x": "id"}}, {f"{_P}.inference.inputs": GONE}),
        ({f"{_P}.inference.inputs": {"x": "feature", "z": "id"}},),
        f"{_P}.inference.inputs",
        says="(missing: feature; there are: id, features)",
    ),
    Case(
        "image-size",
        (
            {_IMAGE: {"height": 224, "width": 224}},
            {_IMAGE: {"fit": "Crop", "mean": [127.5], "std": [127]}},
            {_IMAGE: {}},
        ),
        ({_IMAGE: {"height": 224}}, {_IMAGE: {"width": 224}}),
        _IMAGE,
    ),
    Case(
        "image-std",
        ({_IMAGE: {"std": [255]}}, {_IMAGE: {"mean": [-1], "std": [58.4, 57.1, 57.4]}}),
        ({_IMAGE: {"std": [0]}}, {_IMAGE: {"std": [1, -0.5, 1]}}),
        f"{_IMAGE}.std",
    ),
    Case(
        "image-columns",
        ({f"{_P}.inference.images": {"x": {}, "features": {}}}, {f"{_P}.inference.images": {}}),
        ({f"{_P}.inference.images": {"y": {}}},),
        f"{_P}.inference.images",
    ),
    Case(
        "keep-columns",
        ({f"{_P}.inference.keep": ["id"]}, {f"{_P}.inference.keep": []}),
        ({f"{_P}.inference.keep": ["id", "ts", "key"]},),
        f"{_P}.inference.keep",
        says="(missing: ts, key; there are: id, features)",
    ),
    Case(
        "output-columns",
        (
            {f"{_P}.inference.outputs": {"features": "y"}, f"{_P}.inference.keep": ["id"]},
            {f"{_P}.inference.outputs": GONE},
        ),
        (
            {f"{_P}.inference.outputs": {"id": "y", "score": "z"}},
            {f"{_P}.inference.outputs": {"id": "y"}, f"{_P}.inference.keep": ["id"]},
        ),
        f"{_P}.inference.outputs",
        says="(that column: id)",
    ),
    Case(
        "whole-files",
        ({f"{_P}.source.connector": "filesystem", f"{_P}.source.format": "file"},),
        ({f"{_P}.source.format": "file"},),
        f"{_P}.source.format",
    ),
    Case(
        "no-whole-file-sink",
        ({f"{_P}.sink.format": "json"},),
        ({f"{_P}.sink.format": "file"},),
        f"{_P}.sink.format",
    ),
    Case(
        "option-and-secret",
        ({f"{_P}.source.secretOptions": {"password": _SECRET}},),
        ({f"{_P}.source.secretOptions": {"topic": _SECRET}},),
        f"{_P}.source.secretOptions",
        server=False,
    ),
    Case(
        "option-is-field",
        ({f"{_P}.sink.options": {"sink.parallelism": 2}},),
        ({f"{_P}.sink.options": {"connector": "kafka"}}, {f"{_P}.sink.options": {"format": "a"}}),
        f"{_P}.sink.options",
        server=False,
    ),
    Case(
        "allowed-sizes-rise",
        ({f"{_P}.inference.batch": {"maxSize": 64, "allowedSizes": [1, 8, 64]}},),
        tuple(
            {f"{_P}.inference.batch": {"maxSize": 8, "allowedSizes": sizes}}
            for sizes in ([8, 1, 8], [1, 8, 8], [64, 8])
        ),
        f"{_P}.inference.batch.allowedSizes",
    ),
    Case(
        "allowed-sizes-end",
        ({f"{_P}.inference.batch": {"allowedSizes": [256]}},),
        ({f"{_P}.inference.batch": {"maxSize": 16, "allowedSizes": [1, 8]}},),
        f"{_P}.inference.batch.allowedSizes",
    ),
    Case(
        "classify-method",
        ({f"{_P}.inference.method": "Classify", f"{_P}.inference.classify": {"topK": 3}},),
        (
            {f"{_P}.inference.classify": {"topK": 3}},
            {f"{_P}.inference.method": "Regress", f"{_P}.inference.classify": {}},
        ),
        f"{_P}.inference.classify",
    ),
    Case(
        "one-program",
        (_python(script="/app/job.py"), _python(module="a.b"), _python(configMap={"name": "job"})),
        (_python(), _python(script="/app/job.py", module="a.b"), _python(args=["x"])),
        "spec.python",
    ),
    Case(
        "state-storage",
        ({"spec.state": {"storage": "pvc://state/jobs"}}, {"spec.state": {"storage": "s3://b"}}),
        (
            {"spec.state": {"storage": "file:///tmp"}},
            {"spec.state": {"storage": "/tmp"}},
            {"spec.state": {"storage": "pvc:///x"}},
        ),
        "spec.state.storage",
    ),
    *(
        Case(
            f"gpu-in-{place}",
            ({"spec.flink": {"taskManager": {"resources": {place: {"cpu": 2, "memory": "4Gi"}}}}},),
            tuple(
                {"spec.flink": {"taskManager": {"resources": {place: {gpu: 1}}}}}
                for gpu in ("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu")
            ),
            f"spec.flink.taskManager.resources.{place}",
        )
        for place in ("limits", "requests")
    ),
    *(
        Case(
            f"reserved {key}",
            ({"spec.flink": {"configuration": {"taskmanager.debug.memory.log": True}}},),
            ({"spec.flink": {"configuration": {key: "1"}}},),
            f"spec.flink.configuration['{key}']",
            server=not key.startswith("$"),
        )
        for key in RESERVED
    ),
    Case(
        "secret-reserved",
        ({"spec.flink": {"secretConfiguration": {"s3.secret-key": _SECRET}}},),
        ({"spec.flink": {"secretConfiguration": {"rest.port": _SECRET}}},),
        "spec.flink.secretConfiguration",
    ),
    Case(
        "configuration-and-secret",
        ({"spec.flink": {"configuration": {"a": 1}, "secretConfiguration": {"b": _SECRET}}},),
        ({"spec.flink": {"configuration": {"a": 1}, "secretConfiguration": {"a": _SECRET}}},),
        "spec.flink.secretConfiguration",
        server=False,
    ),
)

# What types, bounds and lists refuse, in the words of the API server; offline in ours.
SCHEMA: tuple[Case, ...] = (
    Case(
        "option values are scalars",
        ({f"{_P}.source.options": {"a": "x", "b": 1, "c": True, "d": 1.5}},),
        ({f"{_P}.source.options": {"a": [1]}}, {f"{_P}.source.options": {"a": {"b": 1}}}),
        f"{_P}.source.options.a",
    ),
    Case(
        "required",
        (),
        ({f"{_P}.sink.connector": GONE},),
        f"{_P}.sink.connector",
        says="equired",
    ),
    Case(
        "enum",
        ({f"{_P}.inference.onError": "Drop"},),
        ({f"{_P}.inference.onError": "drop"},),
        f"{_P}.inference.onError",
        says="DeadLetter",
    ),
    Case(
        "only formats that work",
        ({"spec.models[0].format": "SavedModel"}, {"spec.models[0].format": "Keras"}),
        ({"spec.models[0].format": "ONNX"},),
        "spec.models[0].format",
        says="SavedModel",
    ),
    Case(
        "two outputs of one name",
        (_graph(outputs=[_OUTPUT, {"name": "z", "tensor": "z"}]),),
        (_graph(outputs=[_OUTPUT, _OUTPUT]),),
        "spec.models[0].signatures[0].outputs[1]",
    ),
    Case("no outputs", (), (_graph(outputs=[]),), "spec.models[0].signatures[0].outputs"),
    Case(
        "only dtypes that columns carry",
        (_graph(outputs=[{**_OUTPUT, "dtype": "float32"}]),),
        (_graph(outputs=[{**_OUTPUT, "dtype": "complex64"}]),),
        "spec.models[0].signatures[0].outputs[0].dtype",
    ),
    Case(
        "dimensions",
        (_graph(inputs=[{"name": "x", "tensor": "x", "shape": [-1, 224, 224, 3]}]),),
        (_graph(inputs=[{"name": "x", "tensor": "x", "shape": [-2]}]),),
        "spec.models[0].signatures[0].inputs[0].shape[0]",
    ),
    Case("type", (), ({"spec.suspend": "yes"},), "spec.suspend"),
    Case("number", (), ({"spec.restartNonce": "1"},), "spec.restartNonce"),
    Case(
        "minimum", ({"spec.gpu": {"count": 0}},), ({"spec.gpu": {"count": -1}},), "spec.gpu.count"
    ),
    Case(
        "maximum",
        ({"spec.flink": {"taskManager": {"replicas": 1000}}},),
        ({"spec.flink": {"taskManager": {"replicas": 1001}}},),
        "spec.flink.taskManager.replicas",
    ),
    Case("no models", (), ({"spec.models": []},), "spec.models"),
    Case(
        "17 models",
        (),
        ({"spec.models": [{"name": f"m{i}", "uri": "hf://a/b"} for i in range(17)]},),
        "spec.models",
    ),
    Case(
        "a quantity",
        ({"spec.flink": {"taskManager": {"resources": {"limits": {"cpu": "500m"}}}}},),
        ({"spec.flink": {"taskManager": {"resources": {"limits": {"cpu": "lots"}}}}},),
        "spec.flink.taskManager.resources.limits.cpu",
    ),
    Case(
        "two models of one name",
        (),
        ({"spec.models": [BASE["spec"]["models"][0]] * 2},),
        "spec.models[1]",
    ),
    Case(
        "two columns of one name",
        (),
        ({f"{_P}.source.schema[1].name": "id", f"{_P}.inference.inputs": {"x": "id"}},),
        f"{_P}.source.schema[1]",
    ),
    Case(
        "a tag twice",
        ({"spec.models[0].tags": ["serve", "gpu"]},),
        ({"spec.models[0].tags": ["serve", "serve"]},),
        "spec.models[0].tags[1]",
    ),
)


def accepted(cases: tuple[Case, ...]) -> Iterator[tuple[str, Case, Edits]]:
    """Every manifest that must pass, once, with an id."""
    seen: list[Edits] = []
    for case in cases:
        for index, edits in enumerate(case.accept):
            if edits not in seen:
                seen.append(edits)
                yield f"{case.rule}-{index}", case, edits


def rejected(cases: tuple[Case, ...]) -> Iterator[tuple[str, Case, Edits]]:
    """Every manifest that must be refused, with an id."""
    for case in cases:
        for index, edits in enumerate(case.reject):
            yield f"{case.rule}-{index}", case, edits


def plain_path(path: str) -> str:
    """A path without the ways of writing a key, which differ between CEL and us."""
    for quoted in ("['", "']", '["', '"]', "[", "]"):
        path = path.replace(quoted, ".")
    return ".".join(part for part in path.split(".") if part)
