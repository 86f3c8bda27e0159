"""What types, bounds and lists refuse, in the words of the API server; offline in ours."""

from tests.support.resource_cases.case import BASE, GONE, PIPELINE, Case
from tests.support.resource_cases.models import OUTPUT, graph

CASES: tuple[Case, ...] = (
    Case(
        "option values are scalars",
        ({f"{PIPELINE}.source.options": {"a": "x", "b": 1, "c": True, "d": 1.5}},),
        (
            {f"{PIPELINE}.source.options": {"a": [1]}},
            {f"{PIPELINE}.source.options": {"a": {"b": 1}}},
        ),
        f"{PIPELINE}.source.options.a",
    ),
    Case(
        "required",
        (),
        ({f"{PIPELINE}.sink.connector": GONE},),
        f"{PIPELINE}.sink.connector",
        says="equired",
    ),
    Case(
        "enum",
        ({f"{PIPELINE}.inference.onError": "Drop"},),
        ({f"{PIPELINE}.inference.onError": "drop"},),
        f"{PIPELINE}.inference.onError",
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
        (graph(outputs=[OUTPUT, {"name": "z", "tensor": "z"}]),),
        (graph(outputs=[OUTPUT, OUTPUT]),),
        "spec.models[0].signatures[0].outputs[1]",
    ),
    Case("no outputs", (), (graph(outputs=[]),), "spec.models[0].signatures[0].outputs"),
    Case(
        "only dtypes that columns carry",
        (graph(outputs=[{**OUTPUT, "dtype": "float32"}]),),
        (graph(outputs=[{**OUTPUT, "dtype": "complex64"}]),),
        "spec.models[0].signatures[0].outputs[0].dtype",
    ),
    Case(
        "dimensions",
        (graph(inputs=[{"name": "x", "tensor": "x", "shape": [-1, 224, 224, 3]}]),),
        (graph(inputs=[{"name": "x", "tensor": "x", "shape": [-2]}]),),
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
        ({f"{PIPELINE}.source.schema[1].name": "id", f"{PIPELINE}.inference.inputs": {"x": "id"}},),
        f"{PIPELINE}.source.schema[1]",
    ),
    Case(
        "a tag twice",
        ({"spec.models[0].tags": ["serve", "gpu"]},),
        ({"spec.models[0].tags": ["serve", "serve"]},),
        "spec.models[0].tags[1]",
    ),
)
