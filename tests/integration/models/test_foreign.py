"""Real models that need something of somebody else: operations, layers, Python, a fixed batch."""

import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tests.support import models

from modelstream.errors import ModelLoadError, SignatureMismatchError
from modelstream.models import KerasModel, Predict, SavedModel


def lower(target: Path, operation: str) -> Path:
    """A model whose one operation is called otherwise."""

    class Lower(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text):
            return {"low": tf.strings.lower(text)}

    module = Lower()
    tf.saved_model.save(module, str(target), signatures=module.__call__)
    file = target / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    for node in nodes:
        node.op = operation if node.op == "StringLower" else node.op
    file.write_bytes(saved.SerializeToString())
    return target


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("CaseFoldUTF8", r"package tensorflow-text.*imports=\['tensorflow_text'\]"),
        ("SimpleMLInferenceOpWithHandle", r"package tensorflow-decision-forests"),
        ("OursAlone", r"'OursAlone' is none of TensorFlow's: install the package that brings it"),
    ],
)
def test_an_operation_of_another_package_is_named_with_it(tmp_path, operation, said):
    model = SavedModel(lower(tmp_path / "model", operation))
    with pytest.raises(ModelLoadError, match=said) as error, model.open():
        pass
    assert "contrib" not in str(error.value)


LAYERS = """
import keras

@keras.saving.register_keras_serializable("ours")
class Twice(keras.layers.Layer):
    def call(self, x):
        return x * 2
"""


@pytest.fixture
def twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model with a layer of a module that nothing has imported."""
    (tmp_path / "layers_of_ours.py").write_text(LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    import layers_of_ours

    x = keras.Input((1,), name="x")
    keras.Model(x, layers_of_ours.Twice(name="y")(x)).save(tmp_path / "twice.keras")
    forget()
    yield tmp_path / "twice.keras"
    forget()


def forget() -> None:
    sys.modules.pop("layers_of_ours", None)
    keras.saving.get_custom_objects().pop("ours>Twice", None)


def test_a_module_brings_the_layers_of_a_file(twice):
    with pytest.raises(ModelLoadError, match=r"needs the class 'Twice'.*imports=\["):
        KerasModel(twice)
    with KerasModel(twice, imports=["layers_of_ours"]).open() as opened:
        assert opened.predict(x=[[1.5], [2.0]])["y"].tolist() == [[3.0], [4.0]]


def test_a_module_that_is_not_there_is_named(twice):
    with pytest.raises(ModelLoadError, match=r"imports: the module 'layers_of_none' cannot be"):
        KerasModel(twice, imports="layers_of_none")


def test_a_model_that_calls_python_is_refused_before_it_runs(tmp_path):
    class Python(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            y = tf.numpy_function(np.sqrt, [x], tf.float32)
            return {"y": tf.ensure_shape(y, [None])}

    module = Python()
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.__call__)
    model = SavedModel(tmp_path / "model")
    with pytest.raises(SignatureMismatchError, match="Python function"):
        Predict().bind(model)
    with model.open() as opened, pytest.raises(SignatureMismatchError, match="Python function"):
        opened.predict(x=[4.0])


@pytest.mark.parametrize("n", [1, 4, 10])
def test_a_model_of_a_fixed_batch_is_called_with_such_batches(n):
    rows = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
    with SavedModel(models.fixed_batch()).open() as opened:
        assert opened.predict(x=rows)["y"].tolist() == rows.sum(axis=1).tolist()
