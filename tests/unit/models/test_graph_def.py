"""Frozen graphs, as far as they are read without TensorFlow."""

import pickle
import subprocess
import sys

import pytest
from tests.support.graphs import DENSE, graph, placeholder

from modelstream.errors import ModelFormatError, ModelNotFoundError, SignatureMismatchError
from modelstream.models import Classify, GraphDefModel, GraphSignature, GraphTensor
from modelstream.models.signature import CLASSIFY


def specs(model, name="serving_default"):
    signature = model.signatures[name]
    return {key: str(each) for key, each in {**signature.inputs, **signature.outputs}.items()}


def test_dtypes_and_shapes_are_read_from_the_nodes():
    model = GraphDefModel(DENSE, {"x": "x"}, {"scores": "probabilities:0", "best": "best"})
    assert specs(model) == {
        "x": "float32[1, 4]",
        "scores": "float32[1, 3]",
        "best": "int64[...]",
    }


def test_a_shape_that_is_given_wins_and_reaches_the_outputs():
    model = GraphDefModel(DENSE, {"x": GraphTensor("x", (None, 4))}, {"scores": "probabilities"})
    assert specs(model) == {"x": "float32[?, 4]", "scores": "float32[?, 3]"}


@pytest.mark.parametrize(("producer", "shape"), [(23, "float32[...]"), (24, "float32[]")])
def test_an_old_graph_means_any_shape_by_no_shape(producer, shape):
    content = graph(placeholder("x", "float32", ()), producer=producer)
    assert specs(GraphDefModel(content, {"x": "x"}, {"y": "x"}))["x"] == shape


def test_what_the_graph_does_not_tell_is_given():
    tensor = GraphTensor("mystery", (None, 2), "int32")
    assert specs(GraphDefModel(DENSE, {"x": "x"}, {"y": tensor}))["y"] == "int32[?, 2]"
    with pytest.raises(SignatureMismatchError, match=r"dtype of 'mystery': give it, GraphTensor"):
        GraphDefModel(DENSE, {"x": "x"}, {"y": "mystery"})


def test_several_signatures_have_their_own_methods():
    signatures = {
        "classify": GraphSignature({"x": "x"}, {"scores": "probabilities"}, CLASSIFY),
        "features": GraphSignature({"x": "x"}, {"y": GraphTensor("far", (None, 3))}),
    }
    model = GraphDefModel(DENSE, signatures=signatures, name="dense")
    assert model.signatures["classify"].method_name == CLASSIFY
    bound = Classify("classify", labels=("a", "b", "c")).bind(model)
    assert [column.name for column in bound.output_columns] == ["label", "score"]
    assert bound.model == "dense"


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        pytest.param({"x": "X"}, {"y": "sum"}, "no node 'X'.* begins at 'x' and ends at", id="in"),
        pytest.param({"x": "x"}, {"y": "probability"}, r"did you mean 'probabilities'\?", id="out"),
        pytest.param({"x": "x"}, {}, "has no output", id="no-output"),
        pytest.param({"x": "x y"}, {"y": "sum"}, "'x y' is not a tensor of a graph", id="spelling"),
        pytest.param(None, None, "give inputs and outputs for one signature", id="nothing"),
    ],
)
def test_a_signature_that_the_graph_does_not_have(inputs, outputs, words):
    with pytest.raises(SignatureMismatchError, match=words):
        GraphDefModel(DENSE, inputs, outputs)


def test_a_dtype_that_no_column_can_carry_is_refused():
    with pytest.raises(SignatureMismatchError, match="a tensor of dtype complex64 cannot"):
        GraphTensor("x", dtype="complex64")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "holds no graph", id="empty"),
        pytest.param(DENSE[:-3], "corrupt", id="cut-short"),
        pytest.param(b"not a graph", "not a frozen graph, or is corrupt", id="text"),
        pytest.param(b"PK\x03\x04", "a Keras model is a KerasModel", id="keras"),
    ],
)
def test_bytes_that_are_no_graph(tmp_path, content, words):
    path = tmp_path / "graph.pb"
    path.write_bytes(content)
    with pytest.raises(ModelFormatError, match=words) as caught:
        GraphDefModel(path, {"x": "x"}, {"y": "y"})
    assert str(path) in str(caught.value)


def test_the_one_graph_of_a_directory_is_found(tmp_path):
    (tmp_path / "labels.txt").write_text("cat\n")
    with pytest.raises(ModelNotFoundError, match=r"no frozen graph .* it holds labels.txt"):
        GraphDefModel(tmp_path, {"x": "x"}, {"y": "sum"})
    (tmp_path / "a.pb").write_bytes(DENSE)
    assert GraphDefModel(tmp_path, {"x": "x"}, {"y": "sum"}).path == tmp_path / "a.pb"
    (tmp_path / "b.pb").write_bytes(DENSE)
    with pytest.raises(ModelNotFoundError, match=r"a\.pb, b\.pb; name one of the files"):
        GraphDefModel(tmp_path, {"x": "x"}, {"y": "sum"})


def test_a_file_is_pickled_as_its_path_and_bytes_go_along(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(DENSE * 1000)
    model = GraphDefModel(path, {"x": "x"}, {"y": "sum"})
    assert len(pickle.dumps(model)) < 2000
    assert pickle.loads(pickle.dumps(model)) == model
    shipped = GraphDefModel(DENSE, {"x": "x"}, {"y": "sum"})
    assert DENSE in pickle.dumps(shipped)
    copy = pickle.loads(pickle.dumps(shipped))
    assert copy == shipped
    assert copy.signatures == shipped.signatures


def test_other_signatures_or_scopes_are_other_copies_in_memory():
    keys = {
        GraphDefModel(DENSE, {"x": "x"}, {"y": "sum"}).key,
        GraphDefModel(DENSE, {"x": "x"}, {"y": "product"}).key,
        GraphDefModel(DENSE, {"x": "x"}, {"y": "sum"}, prefix="a").key,
    }
    assert len(keys) == 3


def test_nothing_of_this_needs_tensorflow(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(DENSE)
    code = (
        "import sys, modelstream as ms\n"
        "graph = ms.GraphDefModel(sys.argv[1], {'x': 'x'}, {'scores': 'probabilities'})\n"
        "ms.Classify().bind(graph)\n"
        "x = {'x': ms.TensorSpec('float32', (None,))}\n"
        "with ms.CallableModel(lambda x: x, x, {'y': x['x']}).open() as opened:\n"
        "    opened.predict(x=[1.0])\n"
        "sys.exit(', '.join({'tensorflow', 'pyflink'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
