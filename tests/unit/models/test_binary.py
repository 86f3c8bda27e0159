"""Two classes out of one number a record."""

import math

import numpy as np
import pytest
from tests.support.graphs import FLOAT, graph, placeholder
from tests.support.signatures import TEXT, X

from modelstream.errors import (
    BrokenModelError,
    ConversionError,
    OptionError,
    SignatureMismatchError,
)
from modelstream.models import Classify, GraphDefModel

ONE = {"spam": ("float32", (None, 1))}
SHAPES = [(None, 1), (None,), (None, 1, 1)]
GIVEN = np.array([[0.99], [0.01], [0.5]], np.float32)


def sigmoid(*after):
    """A graph whose output ``y`` is a sigmoid, and what comes after it."""
    nodes = [placeholder("x", "float32", (None, 1)), ("s", "Sigmoid", ["x"], FLOAT)]
    return GraphDefModel(graph(*nodes, *after), {"x": "x"}, {"y": after[-1][0] if after else "s"})


def decoded(bound, values, output="spam"):
    return bound.read({output: np.asarray(values, np.float32)}, len(values))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("options", "labels"),
    [
        pytest.param({"labels": ("ham", "spam")}, ["spam", "ham", "spam"], id="labels"),
        pytest.param({"cut": 0.5}, ["1", "0", "1"], id="cut"),
        pytest.param({"labels": ("ham", "spam"), "cut": 0.6}, ["spam", "ham", "ham"], id="both"),
    ],
)
def test_one_probability_is_that_of_the_second_class(model_with, shape, options, labels):
    bound = Classify(**options).bind(model_with(X, {"spam": ("float32", shape)}))
    found = decoded(bound, GIVEN.reshape(3, *[1] * (len(shape) - 1)))
    assert found["label"] == labels
    assert found["score"].tolist() == pytest.approx([0.99, 0.99, 0.5])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_number_of_which_nothing_is_known_is_refused_with_both_ways_out(model_with, shape):
    model = model_with(X, {"spam": ("float32", shape)})
    with pytest.raises(SignatureMismatchError, match=r"two labels .*classify\.cut.*use Predict"):
        Classify().bind(model)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([], id="alone"),
        pytest.param([("y", "Identity", ["s"], FLOAT)], id="identity"),
        pytest.param([("y", "Squeeze", ["s"], FLOAT)], id="squeeze"),
        pytest.param([("r", "Identity", ["s:0"], FLOAT), ("y", "Identity", ["r"], FLOAT)], id="2"),
    ],
)
def test_a_sigmoid_in_the_graph_makes_it_a_probability(after):
    assert sigmoid(*after).signatures["serving_default"].probabilities == {"y"}


@pytest.mark.parametrize("op", ["Neg", "Log", "Add"])
def test_what_is_reckoned_with_a_sigmoid_is_no_probability(op):
    model = sigmoid(("y", op, ["s", "s"], FLOAT))
    assert not model.signatures["serving_default"].probabilities


def test_top_k_has_both_classes_and_the_threshold_holds_for_each(model_with):
    bound = Classify(labels=("ham", "spam"), top_k=2, threshold=0.6).bind(model_with(X, ONE))
    found = decoded(bound, GIVEN)
    assert found["label"] == ["spam", "ham", None]
    assert [list(row) for row in found["top_k"]] == [["spam"], ["ham"], []]
    both = Classify(labels=("ham", "spam"), top_k=2).bind(model_with(X, ONE))
    assert decoded(both, GIVEN)["top_k"][1] == pytest.approx({"ham": 0.99, "spam": 0.01})


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("number", [0.1, 0.3, 0.7, 0.9])
def test_a_probability_that_is_the_cut_or_the_threshold_reaches_it(model_with, dtype, number):
    model = model_with(X, {"spam": (dtype, (None, 1))})
    given = {"spam": np.array([[number]], dtype)}
    exact = float(np.float32(given["spam"][0, 0]))
    assert Classify(cut=exact).bind(model).read(given, 1)["label"] == ["1"]
    least = 1 - exact if number < 0.5 else exact
    found = Classify(labels=("a", "b"), threshold=least).bind(model).read(given, 1)
    assert found["label"] == ["b" if number > 0.5 else "a"]
    assert found["score"].dtype == np.float32


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_records_give_no_classes(model_with, shape):
    bound = Classify(cut=0.5, top_k=2).bind(model_with(X, {"spam": ("float32", shape)}))
    found = bound.read({"spam": np.zeros((0, *[1] * (len(shape) - 1)), np.float32)}, 0)
    assert {name: list(values) for name, values in found.items()} == {
        "label": [],
        "score": [],
        "top_k": [],
    }


def test_nan_is_its_record_s_failure(model_with):
    bound = Classify(cut=0.5).bind(model_with(X, ONE))
    with pytest.raises(ConversionError, match="NaN as a score") as caught:
        decoded(bound, [[0.1], [math.nan]])
    assert caught.value.index == 1


@pytest.mark.parametrize("number", [1.00001, -0.00001, 7.5, math.inf])
def test_a_number_beyond_0_and_1_is_the_model_s_fault(model_with, number):
    bound = Classify(cut=0.5).bind(model_with(X, ONE))
    with pytest.raises(BrokenModelError, match=r"'spam' gave .*not a probability"):
        decoded(bound, [[0.5], [number]])


def test_what_rounding_does_is_no_fault(model_with):
    bound = Classify(cut=0.5).bind(model_with(X, ONE))
    found = decoded(bound, [[1 + 5e-7], [-5e-7]])
    assert found["score"].tolist() == [1, 1]


@pytest.mark.parametrize("shape", [None, (None, None)], ids=str)
def test_how_many_numbers_there_are_may_be_seen_when_the_model_runs(model_with, shape):
    model = model_with(X, {"scores": ("float32", shape)})
    bound = Classify(labels=("ham", "spam")).bind(model)
    assert decoded(bound, GIVEN, "scores")["label"] == ["spam", "ham", "spam"]
    assert decoded(bound, [[0.2, 0.8]], "scores")["label"] == ["spam"]
    with pytest.raises(BrokenModelError, match="one score a record"):
        decoded(Classify().bind(model), GIVEN, "scores")


def test_labels_and_cut_that_do_not_fit_are_refused(model_with):
    with pytest.raises(SignatureMismatchError, match=r"3 labels .*give two labels"):
        Classify(labels=("a", "b", "c")).bind(model_with(X, ONE))
    with pytest.raises(SignatureMismatchError, match="leave cut out"):
        Classify(cut=0.5).bind(model_with(X, {"scores": ("float32", (None, 3))}))
    for cut in (0.0, 1.0, 2.0, math.nan):
        with pytest.raises(OptionError, match="between 0 and 1"):
            Classify(cut=cut)


def test_a_matrix_of_scores_comes_before_one_number_beside_it(model_with):
    outputs = {"scores3": ("float32", (None, 3)), "doubt": ("float32", (None,))}
    bound = Classify().bind(model_with(TEXT, outputs))
    assert bound.reader.tensors == ("scores3",)
