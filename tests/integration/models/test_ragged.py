"""Ragged tensors into real models, by both of TensorFlow's loaders."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.support import models, ragged

from modelstream.convert import RaggedValue, TensorValue
from modelstream.convert.protos import TYPE_SPEC_CLASSES
from modelstream.errors import SignatureMismatchError, UnevenShapesError
from modelstream.models import (
    Classify,
    KerasModel,
    Layout,
    Predict,
    Regress,
    SavedModel,
    TensorFlowOptions,
    TensorSpec,
    metagraph,
    warm_up,
)
from modelstream.models.loaded import load, tensorflow_loaders
from modelstream.scoring.batch import Batch
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Scorer

LOADERS = ("v1 session loader", "v2 loader")
ROWS = [[1, 2], [], [3.5]]


@pytest.fixture(params=LOADERS)
def loaded(request):
    """What loads a model with one loader only."""
    opened = []

    def one(path: Path, **options):
        loaders = {request.param: tensorflow_loaders()[request.param]}
        opened.append(load(path, ("serve",), TensorFlowOptions(), lambda: loaders, **options))
        return opened[-1]

    yield one
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    ("name", "inputs", "output", "expected"),
    [
        ("sum", {"x": ROWS}, "sum", [3, 0, 3.5]),
        ("sum", {"x": ROWS}, "doubled", [[2, 4], [], [7]]),
        ("sum", {"x": []}, "sum", []),
        ("sum", {"x": [[], []]}, "sum", [0, 0]),
        ("deep", {"ids": [[[1], [2, 3]], [], [[], [4]]]}, "sum", [6, 0, 4]),
        ("join", {"words": [["ä", "b"], [], ["c"]]}, "joined", ["äb".encode(), b"", b"c"]),
        ("join", {"words": [["to", "be"], [], ["or"]]}, "count", [2, 0, 1]),
        ("join", {"words": [[], []]}, "joined", [b"", b""]),
        ("points", {"points": [[[1, 2, 3], [4, 5, 6]], []], "weight": [2, 1]}, "sum", [42, 0]),
        ("four", {"x": [[1], [2, 3], [], [4]]}, "sum", [1, 5, 0, 4]),
        ("pairs", {"x": [[[1], [2, 3]], [[], [4]]]}, "sum", [6, 4]),
    ],
)  # fmt: skip
def test_nested_lists_go_in(loaded, name, inputs, output, expected):
    found = loaded(ragged.bags()).predict(name, **inputs)[output]
    assert found.tolist() == expected


@pytest.mark.parametrize("name", ["sum", "deep", "join", "points", "four", "pairs", "first"])
def test_every_signature_takes_a_warm_up(loaded, name):
    warm_up(loaded(ragged.bags()), name, [4, 8] if name != "four" else [4])


def test_a_batch_may_be_a_ragged_value_or_a_tensor_of_tensorflow_or_records_of_any_kind(loaded):
    import tensorflow as tf

    model = loaded(ragged.bags())
    column = pa.array(ROWS, pa.list_(pa.float32())).to_pandas()
    for batch in (
        RaggedValue.of(ROWS, "float32"),
        RaggedValue.of([[1, 2], [], [3]]),
        tf.ragged.constant(ROWS),
        column,
        [np.array([1.0, 2.0]), (), TensorValue([3.5])],
    ):
        sums = model.predict("sum", x=batch)["sum"].tolist()
        assert sums[:2] == [3, 0]
    for batch in (np.ones((2, 3)), TensorValue(np.ones((2, 3), np.float32)), tf.ones((2, 3))):
        assert model.predict("sum", x=batch)["sum"].tolist() == [3, 3]


def test_an_export_of_tf1_has_the_ragged_tensor_whole(loaded):
    model = loaded(ragged.tf1())
    spec = TensorSpec("float32", (None, None), "x", Layout.RAGGED, 1)
    assert model.signatures["serving_default"].inputs == {"x": spec}
    warm_up(model, "serving_default")
    found = model.predict(x=ROWS)
    assert found["sum"].tolist() == [3, 0, 3.5]
    assert found["doubled"].tolist() == [[2, 4], [], [7]]


def test_an_export_in_text_form_is_read_as_the_binary_one_is(tmp_path):
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2, struct_pb2

    classes = {number: name for name, number in struct_pb2.TypeSpecProto.TypeSpecClass.items()}
    assert classes == TYPE_SPEC_CLASSES
    binary = (ragged.bags() / "saved_model.pb").read_bytes()
    text = text_format.MessageToString(saved_model_pb2.SavedModel.FromString(binary))
    assert "type_spec_class: RAGGED_TENSOR_SPEC" in text
    (tmp_path / "saved_model.pbtxt").write_text(text)
    assert SavedModel(tmp_path).signatures == SavedModel(ragged.bags()).signatures


def test_ragged_tensors_inside_of_one_argument_are_inputs_of_their_own(loaded):
    model = loaded(ragged.several())
    assert str(model.signatures["serving_default"]) == (
        "serving_default(inputs: ragged float32[?, ?], inputs_2: float32[?], "
        "inputs_3: ragged int64[?, ?]) -> (sum: float32[?])"
    )
    found = model.predict(inputs=[[1, 2], []], inputs_2=[10, 20], inputs_3=[[100], [200, 300]])
    assert found["sum"].tolist() == [113, 520]


def test_a_function_whose_trace_was_not_kept_tells_its_ragged_inputs_too(loaded):
    model = loaded(ragged.detached())
    inputs = {name: signature.inputs for name, signature in model.signatures.items()}
    assert inputs["sum"] == {"x": TensorSpec("float32", (None, None), "x", Layout.RAGGED, 1)}
    assert inputs["deep"] == {
        "ids": TensorSpec("int64", (None, None, None), "ids", Layout.RAGGED, 2)
    }
    assert inputs["lists"] == {
        "x": TensorSpec("float32", (None,), "x"),
        "x_1": TensorSpec("int64", (None,), "x_1"),
    }
    assert model.predict("sum", x=ROWS)["sum"].tolist() == [3, 0, 3.5]
    assert model.predict("deep", ids=[[[1], [2, 3]], []])["sum"].tolist() == [6, 0]
    assert model.predict("lists", x=[1, 2], x_1=[3, 4])["y"].tolist() == [4, 6]


def test_plain_tensors_that_look_like_the_pieces_of_a_ragged_one_stay_plain():
    model = SavedModel(ragged.lookalikes())
    plain = {"x": TensorSpec("float32", (None,), "x"), "x_1": TensorSpec("int64", (None,), "x_1")}
    names = {"lengths", "rowids", "starts", "limits", "gather", "scope"}
    found = {name: signature.inputs for name, signature in model.signatures.items()}
    assert found == dict.fromkeys(names, plain)
    with model.open() as opened:
        assert opened.predict("lengths", x=[1, 2, 3], x_1=[2, 1])["y"].tolist() == [3, 3]


def test_what_the_operations_tell_is_what_the_trace_tells():
    meta = metagraph.meta_graph(metagraph.read(ragged.bags()), ("serve",), ragged.bags())
    traced = metagraph.signatures(meta)
    meta.ClearField("object_graph_def")
    told = metagraph.signatures(meta)
    for name in ("sum", "deep", "join", "points"):
        assert told[name] == traced[name]


def test_plain_pieces_are_one_ragged_input_where_the_user_says_so(loaded):
    model = loaded(ragged.pieces(), ragged={"x": ("values", "row_splits")})
    assert str(model.signatures["serving_default"].inputs["x"]) == "ragged float32[?, ?]"
    assert model.predict(x=ROWS)["sum"].tolist() == [3, 0, 3.5]
    plain = SavedModel(ragged.pieces())
    stated = SavedModel(ragged.pieces(), ragged={"x": ("values", "row_splits")})
    assert plain != stated
    with plain.open() as pieces, stated.open() as whole:
        assert pieces.predict(values=[1, 2], row_splits=[0, 2])["sum"].tolist() == [3]
        assert whole.predict(x=[[1, 2]])["sum"].tolist() == [3]


def test_a_piece_by_itself_is_refused_with_the_name_of_the_whole():
    refused = pytest.raises(SignatureMismatchError, match="part of the ragged input 'x': give 'x'")
    with SavedModel(ragged.bags()).open() as model, refused:
        model.predict("sum", x=[1.0, 2.0], x_1=[0, 2])


def test_what_is_called_with_tensors_takes_those_of_its_layout():
    with SavedModel(ragged.bags()).open() as model:
        points, weight = RaggedValue.of([[[1, 2, 3]]], "float32"), np.ones(1, np.float32)
        assert model.call("points", {"points": points, "weight": weight})["sum"].tolist() == [6]
        with pytest.raises(
            SignatureMismatchError, match="a RaggedValue of ragged rank 1 for input"
        ):
            model.call("points", {"points": weight, "weight": weight})
        with pytest.raises(SignatureMismatchError, match="call takes an array for input 'weight'"):
            model.call("points", {"points": points, "weight": points})
        with pytest.raises(
            SignatureMismatchError, match="not RaggedValue of ragged rank 1: predict"
        ):
            model.call("deep", {"ids": RaggedValue.of([[1], [2]])})


def test_a_ragged_value_of_even_rows_feeds_a_dense_input():
    with SavedModel(models.total()).open() as model:
        assert model.predict(values=RaggedValue.of([[1, 2], [3, 4]]))["sum"].tolist() == [3, 7]
        with pytest.raises(UnevenShapesError):
            model.predict(values=RaggedValue.of([[1, 2], [3]]))


def test_a_keras_file_with_a_ragged_input_is_a_model():
    model = KerasModel(ragged.keras_ragged() / "net.keras")
    (spec,) = model.signatures["serving_default"].inputs.values()
    assert spec == TensorSpec("int64", (None, None), "ids", Layout.RAGGED, 1)
    with model.open() as opened:
        warm_up(opened, "serving_default", [1, 4])
        both = opened.predict(ids=[[1, 2], [3]])["score"]
        np.testing.assert_allclose(both[1], opened.predict(ids=[[3]])["score"][0], rtol=1e-5)


def score(name: str, columns, n: int, batch: Batch = Batch(), method=None):  # noqa: B008  # frozen
    model = SavedModel(ragged.bags())
    bound = (method or Predict(name)).bind(model)
    with model.open() as opened:
        return Scorer(bound, opened, batch).score(Given.of(columns, n))


@pytest.mark.parametrize("n", [1, 3, 4, 5, 11])
def test_a_batch_of_a_fixed_size_is_cut_and_filled_up(n):
    rows = [[float(each)] * (each % 3) for each in range(n)]
    outcome = score("four", {"x": rows}, n)
    assert outcome.columns["sum"].tolist() == list(map(sum, rows))


def test_padding_is_what_a_model_takes_that_refuses_empty_rows():
    rows = [[5.0, 1.0], [7.0], [9.0, 2.0, 3.0]]
    outcome = score("first", {"x": rows}, 3, Batch(8, allowed_sizes=(2, 8)))
    assert outcome.failures == {}
    assert outcome.columns["first"].tolist() == [5, 7, 9]


def test_a_bad_record_costs_itself_only():
    words = [["a"], None, ["b", None], [], "c", ["d"], [["e"]]]
    outcome = score("join", {"words": words}, len(words))
    joined = outcome.columns["joined"]
    assert [joined[at] for at in (0, 3, 5)] == ["a", "", "d"]
    assert {at: failure.stage for at, failure in outcome.failures.items()} == dict.fromkeys(
        (1, 2, 4, 6), "encode"
    )
    assert "column 'words': the record does not fit words (ragged string[?, ?]): it is null" in (
        outcome.failures[1].message
    )


def test_classify_and_regress_take_ragged_inputs():
    model = SavedModel(ragged.methods())
    words = [["a"], ["b", "c"], [], ["too", "many", "letters"]]
    labels = Classify(labels=("long", "short")).bind(model)
    lengths = Regress("regress").bind(model)
    with model.open() as opened:
        best = Scorer(labels, opened).score(Given.of({"words": words}, 4))
        values = Scorer(lengths, opened).score(Given.of({"words": words}, 4))
    assert best.columns["label"] == ["short", "long", "short", "long"]
    assert values.columns["value"].tolist() == [1, 2, 0, None]
    assert list(values.failures) == [3]
    assert "too long" in values.failures[3].message
