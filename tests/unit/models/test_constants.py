"""Constants for tensors, and shapes that the model does not state."""

import pickle

import numpy as np
import pytest
from tests.support.signatures import Fake, X, Y, columns

from modelstream.convert import Constant
from modelstream.errors import (
    SignatureMismatchError,
)
from modelstream.models import Predict, SavedModel

KEEP = {**X, "keep": ("float32", ())}
FLAT = {"x": ("float32", (None, 3)), "limits": ("float32", (2,))}
FLAT3 = {"x": ("float32", (None, 3)), "limits": ("float32", (3,))}
ONE = {"x": ("float32", (None, 3)), "keep": ("float32", (1,))}
RATE = {"x": ("float32", (None, 3)), "rate": ("float32", (None,))}
LOOSE = {"x": ("float32", (None, 3)), "keep": ("float32", None)}


@pytest.mark.parametrize(
    ("inputs", "given", "tensor", "value"),
    [
        pytest.param(KEEP, {"keep": Constant(0.5)}, "keep", 0.5, id="scalar"),
        pytest.param(KEEP, {"keep": Constant(1)}, "keep", 1.0, id="an integer as a float"),
        pytest.param(LOOSE, {"keep": Constant(0.5)}, "keep", 0.5, id="no rank"),
        pytest.param(LOOSE, {"keep": Constant([1, 2])}, "keep", [1, 2], id="no rank, a vector"),
        pytest.param(FLAT, {"limits": Constant([1, 2])}, "limits", [1, 2], id="vector"),
        pytest.param(RATE, {"rate": Constant(0.5)}, "rate", [0.5, 0.5], id="each record"),
        pytest.param(ONE, {"keep": Constant(0.5)}, "keep", [0.5], id="a vector of one"),
        pytest.param(FLAT3, {"limits": Constant(2)}, "limits", [2, 2, 2], id="a vector of some"),
        pytest.param(X | {"on": ("bool", ())}, {"on": Constant(True)}, "on", True, id="switch"),
        pytest.param(X | {"by": ("string", ())}, {"by": Constant("a")}, "by", b"a", id="text"),
    ],
)
def test_a_constant_feeds_a_tensor_for_all_records(model_with, inputs, given, tensor, value):
    bound = pickle.loads(pickle.dumps(Predict(inputs=given).bind(model_with(inputs, Y))))
    assert bound.feeds == {"x": "x"}
    bound.check({"x": "ARRAY<FLOAT>"})
    seen = {}
    fake = Fake(lambda **tensors: seen.update(tensors) or {"y": np.zeros((2, 1))})
    bound.run(fake, bound.encode({"x": [[1, 2, 3]] * 2}))
    assert seen[tensor].tolist() == value
    assert list(columns(bound)) == ["y"]


@pytest.mark.parametrize(
    ("inputs", "given", "words"),
    [
        pytest.param(KEEP, {"keep": Constant([1, 2])}, r"whose shape is \[2\]", id="rank"),
        pytest.param(KEEP, {"keep": Constant("much")}, "cannot be the constant 'much'", id="dtype"),
        pytest.param(FLAT, {"limits": Constant([1, 2, 3])}, "cannot be the constant", id="size"),
        pytest.param(
            FLAT, {"limits": Constant([[1.0], [1.0, 2.0]])}, "differ in length", id="lists"
        ),
        pytest.param(X, {"x": Constant([1, 2, 3])}, "no input but constants", id="nothing left"),
        pytest.param(X, {"kep": Constant(1)}, "tensor 'kep'", id="unknown"),
        pytest.param(
            LOOSE,
            {},
            r"not state the rank of input 'keep'.*shapes=\{'keep'.*inputs=\{'keep': Constant",
            id="a column for a tensor without a rank",
        ),
    ],
)
def test_what_cannot_feed_a_tensor_is_refused_at_the_bind(model_with, inputs, given, words):
    with pytest.raises(SignatureMismatchError, match=words):
        Predict(inputs=given).bind(model_with(inputs, Y))


def test_a_single_value_beside_the_batch_is_refused_with_what_to_give(model_with):
    bound = Predict().bind(model_with(KEEP, Y))
    with pytest.raises(SignatureMismatchError, match=r"inputs=\{'keep': Constant"):
        bound.check({"x": "ARRAY<FLOAT>", "keep": "FLOAT"})


def test_a_first_dimension_that_counts_as_the_batch_is_told(model_with):
    bound = Predict().bind(model_with({"x": ("float32", (3,))}, {"y": ("float32", (3,))}))
    with pytest.raises(SignatureMismatchError, match=r"takes a scalar.*counts as the batch \(3\)"):
        bound.check({"x": "ARRAY<FLOAT>"})


def test_a_shape_that_the_model_does_not_state_is_stated(write_model):
    path = write_model({("serve",): {"serving_default": (LOOSE, {"y": ("float32", None)})}})
    model = SavedModel(path, shapes={"keep": (None,), "y": (None, 3)})
    bound = Predict().bind(pickle.loads(pickle.dumps(model)))
    bound.check({"x": "ARRAY<FLOAT>", "keep": "FLOAT"})
    assert columns(bound) == {"y": "ARRAY<FLOAT>"}
    assert model != SavedModel(path)
    for shapes, words in (
        ({"x": (None, 4)}, r"'x' is \[\?, 4\], but the model says float32\[\?, 3\]"),
        ({"kep": ()}, r"tensor 'kep', which no signature has \(did you mean 'keep'"),
    ):
        with pytest.raises(SignatureMismatchError, match=words):
            SavedModel(path, shapes=shapes)
