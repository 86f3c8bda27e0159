import pickle

import numpy as np
import pytest
from tests.support.signatures import CLASSES, TEXT, Fake, X, Y, columns

from modelstream.convert import Image, TensorColumn, TensorValue
from modelstream.errors import (
    BrokenModelError,
    ConversionError,
    ModelError,
    SignatureMismatchError,
    SignatureNotFoundError,
    UnevenShapesError,
)
from modelstream.models import Classify, Predict, Regress, method_for
from modelstream.models.warmup import try_to_warm_up


class Known:
    """An open model with the one signature of its own."""

    def __init__(self, fake, signature):
        self.call = fake.call
        self.signatures = {signature.name: signature}


def test_predict_gives_every_output_under_its_own_name(model_with):
    bound = Predict().bind(model_with(X, {**Y, "label": ("string", (None,))}))
    assert columns(bound) == {"label": "STRING", "y": "ARRAY<FLOAT>"}


def test_predict_renames_and_picks_outputs(model_with):
    bound = Predict(outputs={"score": "y"}).bind(model_with(X, {**Y, "z": ("int32", (None,))}))
    assert columns(bound) == {"score": "ARRAY<FLOAT>"}


def test_inputs_are_fed_from_columns(model_with):
    bound = Predict(inputs={"x": "features"}).bind(model_with(X, Y))
    assert list(bound.inputs) == ["features"]
    assert bound.encode({"features": [[1, 2, 3]]})["x"].tolist() == [[1, 2, 3]]


def test_a_tensor_without_a_column_takes_the_column_of_its_name(model_with):
    bound = Predict(inputs={"a": "left"}).bind(model_with({"a": X["x"], "b": X["x"]}, Y))
    assert bound.feeds == {"a": "left", "b": "b"}


def test_an_encoder_makes_the_tensor_of_its_column(model_with):
    bound = Predict(inputs={"a": TensorColumn("packed")}).bind(model_with({"a": X["x"]}, Y))
    assert bound.feeds == {"a": "packed"}
    bound.check({"packed": "BYTES"})
    packed = [TensorValue([1.0, 2.0, 3.0]).to_bytes()]
    assert bound.encode({"packed": packed})["a"].tolist() == [[1, 2, 3]]
    with pytest.raises(
        ConversionError, match="column 'packed': record 1 is not a tensor"
    ) as caught:
        bound.encode({"packed": [*packed, b"{}"]})
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("encoder", "column_type", "words"),
    [
        pytest.param(TensorColumn("c"), "STRING", "as BYTES or ROW<dtype STRING", id="tensors"),
        pytest.param(TensorColumn("c"), "ROW<a INT>", "not as ROW<a INT>", id="row"),
        pytest.param(Image("c"), "BYTES", "height, width and channels", id="image"),
    ],
)
def test_a_column_that_an_encoder_cannot_read_is_told_before_the_job_starts(
    model_with, encoder, column_type, words
):
    bound = Predict(inputs={"x": encoder}).bind(model_with(X, Y))
    with pytest.raises(SignatureMismatchError, match=words):
        bound.check({"c": column_type})


def test_outputs_without_a_row_a_record_are_left_out(model_with):
    outputs = {**Y, "loss": ("float32", ()), "names": ("string", (54,))}
    assert list(columns(Predict().bind(model_with(X, outputs)))) == ["y"]


NAMES = {"names": ("string", (3,)), "scores": ("float32", (3,)), "value": ("float32", (1,))}


@pytest.mark.parametrize(
    ("method", "output"),
    [
        pytest.param(Predict(outputs={"name": "names"}), "names", id="predict"),
        pytest.param(Classify(labels=("a", "b")), "scores", id="classify"),
        pytest.param(Regress(), "value", id="regress"),
    ],
)
def test_an_output_whose_first_dimension_is_no_batch_is_refused(model_with, method, output):
    model = model_with(X, {output: NAMES[output]})
    with pytest.raises(SignatureMismatchError, match=rf"output '{output}'.*it is not a batch"):
        method.bind(model)
    assert method.bind(model_with({"x": ("float32", NAMES[output][1])}, {output: NAMES[output]}))


def test_an_output_that_has_another_number_of_rows_is_the_model_s_fault(model_with):
    bound = Predict(outputs={"y": "y"}).bind(model_with(X, {"y": ("string", (None,))}))
    fake = Fake(lambda x: {"y": np.array([b"cat", b"dog", b"eel"], object)})
    with pytest.raises(BrokenModelError, match=r"'y' with the shape \[3\] for 2 records"):
        bound.run(fake, bound.encode({"x": [[1, 2, 3]] * 2}))
    with pytest.raises(BrokenModelError, match="its first dimension is not a batch"):
        try_to_warm_up(Known(fake, bound.signature), bound, [1])


@pytest.mark.parametrize(
    ("method", "words"),
    [
        pytest.param(Predict("serving"), "has no signature 'serving'", id="signature"),
        pytest.param(Predict("serving_defualt"), "did you mean 'serving_default'?", id="typo"),
    ],
)
def test_a_missing_signature_lists_those_that_exist(model_with, method, words):
    with pytest.raises(SignatureNotFoundError) as caught:
        method.bind(model_with(X, Y))
    assert words in str(caught.value)
    assert "it has 'serving_default'" in str(caught.value)


@pytest.mark.parametrize(
    ("method", "inputs", "outputs", "words"),
    [
        pytest.param(
            Predict(inputs={"X": "f"}), X, Y, "tensor 'X'.* does not take.*it takes 'x'", id="input"
        ),
        pytest.param(
            Predict(outputs={"s": "Y"}), X, Y, "output 'Y', which signature.*has 'y'", id="output"
        ),
        pytest.param(Predict(), {}, Y, "takes no input", id="no-input"),
        pytest.param(
            Predict(), X, {"loss": ("float32", ())}, "nothing that has one row", id="no-batch"
        ),
        pytest.param(
            Predict(outputs={"l": "loss"}),
            X,
            {"loss": ("float32", ())},
            "cannot be the column 'l'",
            id="scalar",
        ),
        pytest.param(
            Predict(), X, {"y": ("float32", None)}, r"types=\{'y': 'ARRAY<FLOAT>'\}", id="rank"
        ),
        pytest.param(Predict(types={"z": "INT"}), X, Y, "not an output column.*'y'", id="types"),
        pytest.param(Predict(types={"y": "INT"}), X, Y, "gives FLOAT values", id="type"),
        pytest.param(
            Predict(types={"y": "DECIMAL(19, 0)"}),
            X,
            {"y": ("uint64", (None,))},
            r"gives BIGINT or DECIMAL\(20, 0\) values",
            id="too few digits",
        ),
        pytest.param(
            Predict(types={"y": "ARRAY<ARRAY<FLOAT>>"}), X, Y, "has 1 dimensions", id="type-rank"
        ),
        pytest.param(Classify(), X, {"y": ("int32", (None,))}, "cannot classify", id="classify"),
        pytest.param(
            Classify(outputs={"c": "lable"}), TEXT, CLASSES, "did you mean 'label'", id="virtual"
        ),
        pytest.param(
            Classify(threshold=0.5),
            TEXT,
            {"classes": CLASSES["classes"]},
            "no scores to hold against the threshold",
            id="threshold",
        ),
        pytest.param(Regress(), X, CLASSES, "cannot regress", id="regress"),
    ],
)
def test_a_signature_that_does_not_fit_the_method(model_with, method, inputs, outputs, words):
    with pytest.raises(SignatureMismatchError, match=words):
        method.bind(model_with(inputs, outputs))


@pytest.mark.parametrize(
    ("lenient", "strict", "stated"),
    [
        pytest.param(Predict(), Predict(strict=True), "classify", id="predict"),
        pytest.param(Classify(), Classify(strict=True), "predict", id="classify"),
        pytest.param(Regress(), Regress(strict=True), "predict", id="regress"),
    ],
)
def test_a_strict_method_refuses_the_method_name_of_another(model_with, lenient, strict, stated):
    outputs = Y if isinstance(strict, Regress) else CLASSES
    own = type(strict).__name__.lower()
    lenient.bind(model_with(X, outputs, stated))
    strict.bind(model_with(X, outputs, own))
    with pytest.raises(SignatureMismatchError, match=f"serving/{stated}', not .*serving/{own}'"):
        strict.bind(model_with(X, outputs, stated))


def test_the_check_before_submit_names_both_sides_of_every_problem(model_with):
    inputs = {**X, "name": ("string", (None,))}
    bound = Predict(inputs={"x": "features"}).bind(model_with(inputs, Y))
    with pytest.raises(SignatureMismatchError) as caught:
        bound.check({"features": "ARRAY<STRING>", "names": "STRING"})
    message = str(caught.value)
    assert "column 'features' (ARRAY<STRING>) cannot feed input 'x' (float32[?, 3])" in message
    assert "input 'name' (string[?]) is to be fed from column 'name'" in message
    assert "did you mean 'names'?" in message


def test_the_check_passes_with_columns_that_nobody_reads(model_with):
    Predict().bind(model_with(X, Y)).check({"x": "ARRAY<DOUBLE>", "when": "TIMESTAMP(3)"})


def test_the_first_bad_record_of_all_columns_is_named(model_with):
    bound = Predict().bind(model_with({"a": ("int32", (None,)), "b": ("int32", (None,))}, Y))
    with pytest.raises(ConversionError, match="column 'b': record 1") as caught:
        bound.encode({"a": [1, 2, None], "b": [1, None, 3]})
    assert caught.value.index == 1


def test_records_go_together_when_they_do_for_every_input(model_with):
    any_length = ("float32", (None, None))
    bound = Predict().bind(model_with({"a": any_length, "b": any_length}, Y))
    with pytest.raises(UnevenShapesError) as caught:
        bound.encode({"a": [[1], [1], [1, 2], [1]], "b": [[1], [1, 2], [1], [1]]})
    assert caught.value.groups == [[0, 3], [1], [2]]


def test_nan_passes_a_method_that_allows_it(model_with):
    bound = Predict(allow_nan=True).bind(model_with(X, Y))
    assert np.isnan(bound.encode({"x": [[float("nan")] * 3]})["x"]).all()


def test_padding_after_the_records_is_dropped(model_with):
    bound = Predict().bind(model_with(X, Y))
    assert len(bound.read({"y": np.zeros((8, 1), np.float32)}, 3)["y"]) == 3


def test_an_output_that_lost_the_batch_is_told(model_with):
    bound = Predict().bind(model_with(X, Y))
    model = Fake(lambda x: {"y": np.zeros((1, 1), np.float32)})
    with pytest.raises(ModelError, match=r"'y' with the shape \[1, 1\] for 2 records"):
        bound.run(model, {"x": np.zeros((2, 3), np.float32)})


def test_a_fixed_batch_is_fed_in_batches_of_that_size(model_with):
    fixed = model_with({"x": ("float32", (4,))}, {"y": ("float32", (4,))})
    bound = Predict().bind(fixed)
    model = Fake(lambda x: {"y": x * 2})
    tensors = bound.encode({"x": [float(each) for each in range(10)]})
    assert bound.read(bound.run(model, tensors), 10)["y"].tolist() == list(range(0, 20, 2))
    assert model.sizes == [4, 4, 4]


def test_types_leave_out_dimensions_of_one(model_with):
    bound = Predict(types={"y": "FLOAT"}).bind(model_with(X, Y))
    assert columns(bound) == {"y": "FLOAT"}
    assert bound.read({"y": np.ones((2, 1), np.float32)}, 2)["y"].tolist() == [1, 1]


def test_types_keep_bytes(model_with):
    bound = Predict(types={"y": "BYTES"}).bind(model_with(X, {"y": ("string", (None,))}))
    assert bound.read({"y": np.array([b"\xff"], object)}, 1) == {"y": [b"\xff"]}


@pytest.mark.parametrize(
    ("outputs", "shape"),
    [
        pytest.param({"outputs": ("float32", (None, 1))}, (2, 1), id="column"),
        pytest.param({"outputs": ("float32", (None,))}, (2,), id="vector"),
        pytest.param({"dense": ("float32", (None, 1))}, (2, 1), id="any-name"),
        pytest.param({"outputs": ("float32", None)}, (2, 1), id="unknown-rank"),
    ],
)
def test_regress_gives_one_number_a_record(model_with, outputs, shape):
    bound = Regress().bind(model_with(X, outputs, "regress"))
    assert columns(bound) == {"value": "FLOAT"}
    (tensor,) = outputs
    assert bound.read({tensor: np.ones(shape, np.float32)}, 2)["value"].tolist() == [1, 1]


def test_regress_names_its_column(model_with):
    bound = Regress(outputs={"price": "value"}).bind(model_with(X, {"outputs": Y["y"]}))
    assert columns(bound) == {"price": "FLOAT"}


@pytest.mark.parametrize(
    ("method_name", "expected"),
    [("classify", Classify), ("regress", Regress), ("predict", Predict), ("", Predict)],
)
def test_the_method_that_the_exporter_meant(model_with, method_name, expected):
    model = model_with(TEXT, {**CLASSES, "outputs": Y["y"]}, method_name)
    method = method_for(model.signatures["serving_default"])
    assert method == expected("serving_default")


@pytest.mark.parametrize("method", [Predict(), Classify(), Regress()], ids=repr)
def test_a_bound_method_pickles(model_with, method):
    outputs = {**CLASSES, "outputs": Y["y"]}
    bound = method.bind(model_with(TEXT, outputs))
    assert pickle.loads(pickle.dumps(bound)) == bound


@pytest.mark.parametrize("kind", ["DECIMAL(20, 0)", "DECIMAL(22,2)", "BIGINT"])
def test_a_64_bit_fingerprint_is_what_it_is_stated_to_be(model_with, kind):
    model = model_with(X, {"y": ("uint64", (None,))})
    bound = Predict(types={"y": kind}).bind(model)
    assert [column.type for column in bound.output_columns] == [kind]
    assert list(bound.read({"y": np.array([2**63 - 1], np.uint64)}, 1)["y"]) == [2**63 - 1]


def test_an_output_of_a_dtype_that_no_column_has_is_left_out_or_refused_by_it(model_with):
    model = model_with(X, {**Y, "c": ("complex64", (None,))})
    assert columns(Predict().bind(model)) == {"y": "ARRAY<FLOAT>"}
    with pytest.raises(SignatureMismatchError, match="no column can carry complex64"):
        Predict(outputs={"c": "c"}).bind(model)


def test_a_rank_that_is_not_the_column_s_is_no_record_s_fault(model_with):
    bound = Predict(types={"y": "FLOAT"}).bind(model_with(X, {"y": ("float32", None)}))
    assert bound.read({"y": np.ones((2, 1), np.float32)}, 2)["y"].tolist() == [1, 1]
    with pytest.raises(BrokenModelError, match=r"shape \[2, 3\], and its column takes rank 0"):
        bound.read({"y": np.ones((2, 3), np.float32)}, 2)
