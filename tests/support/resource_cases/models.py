"""What an entry of spec.models may say."""

from typing import Any

from tests.support.resource_cases.case import PIPELINE, Case, Edits

_URI = "spec.models[0].uri"
_SHA = "sha256:" + "0a" * 32
INPUT = {"name": "x", "tensor": "input:0"}
OUTPUT = {"name": "y", "tensor": "final_result"}


def graph(**signature: Any) -> Edits:
    """A frozen graph with one signature."""
    return {
        "spec.models[0].format": "GraphDef",
        "spec.models[0].signatures": [{"inputs": [INPUT], "outputs": [OUTPUT], **signature}],
    }


CASES: tuple[Case, ...] = (
    Case(
        "model-name",
        (
            {"spec.models[0].name": "a" * 40, f"{PIPELINE}.inference.model": "a" * 40},
            {"spec.models[0].name": "f2", f"{PIPELINE}.inference.model": "f2"},
        ),
        tuple(
            {"spec.models[0].name": name, f"{PIPELINE}.inference.model": name}
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
        (graph(), graph(name="classify", method="Classify")),
        ({"spec.models[0].format": "GraphDef"},),
        "spec.models[0].signatures",
    ),
    Case(
        "signatures-in-model",
        (graph(),),
        (
            graph() | {"spec.models[0].format": "Keras"},
            graph() | {"spec.models[0].format": "SavedModel"},
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
        "shapes-of-saved-model",
        (
            {"spec.models[0].shapes": {"x": [-1, 3], "keep": []}},
            {"spec.models[0].format": "Keras", "spec.models[0].shapes": {}},
        ),
        ({"spec.models[0].format": "Keras", "spec.models[0].shapes": {"x": [-1, 3]}},),
        "spec.models[0].shapes",
    ),
    Case(
        "module-name",
        ({"spec.models[0].imports": ["tensorflow_text", "my.layers"]},),
        tuple({"spec.models[0].imports": [name]} for name in ("tensorflow-text", "a..b", "1a", "")),
        "spec.models[0].imports[0]",
    ),
    Case(
        "tensor-name",
        tuple(
            graph(outputs=[{"name": "y", "tensor": tensor}])
            for tensor in ("a/b_1:0", "final_result", "while/exit:12")
        ),
        tuple(
            graph(outputs=[{"name": "y", "tensor": tensor}])
            for tensor in ("a b", "a:", "a:b", "^a", "")
        ),
        "spec.models[0].signatures[0].outputs[0].tensor",
    ),
    Case(
        "object-name",
        ({_URI: "s3://b/m", "spec.models[0].secretName": "model.store-1"},),
        ({_URI: "s3://b/m", "spec.models[0].secretName": "Model_Store"},),
        "spec.models[0].secretName",
    ),
    Case(
        "bytes",
        tuple({_URI: "s3://b/m", "spec.models[0].size": s} for s in ("1", "1.5Gi", "500M", "7k")),
        tuple({_URI: "s3://b/m", "spec.models[0].size": s} for s in ("2 Gi", "2GB", "-1", "")),
        "spec.models[0].size",
    ),
)
