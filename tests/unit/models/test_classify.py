"""The best classes of a record, out of scores and classes."""

import numpy as np
import pytest
from tests.support.signatures import CLASSES, TEXT, X, columns

from modelstream.errors import (
    BrokenModelError,
    ConversionError,
    OptionError,
    SignatureMismatchError,
)
from modelstream.models import Classify

SCORED = {
    "classes": np.array([[b"cat", b"dog", b"elk"]] * 3, object),
    "scores": np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [0.3, 0.3, 0.4]], np.float32),
}


def test_classify_gives_the_best_class_and_its_score(model_with):
    bound = Classify().bind(model_with(TEXT, CLASSES, "classify"))
    assert columns(bound) == {"label": "STRING", "score": "FLOAT"}
    decoded = bound.read(SCORED, 3)
    assert decoded["label"] == ["dog", "cat", "elk"]
    assert decoded["score"].tolist() == pytest.approx([0.7, 0.5, 0.4])


def test_classify_ranks_the_best_few_with_ties_in_class_order(model_with):
    bound = Classify(top_k=2, outputs={"best": "top_k"}).bind(model_with(TEXT, CLASSES))
    assert columns(bound) == {"best": "MAP<STRING, FLOAT>"}
    ranked = bound.read(SCORED, 3)["best"]
    assert [list(row) for row in ranked] == [
        ["dog", "elk"],
        ["cat", "dog"],
        ["elk", "cat"],
    ]


def test_top_k_tells_the_score_of_each_class(model_with):
    (_, row, _) = Classify(top_k=2).bind(model_with(TEXT, CLASSES)).read(SCORED, 3)["top_k"]
    assert row == {"cat": 0.5, "dog": 0.5}


def test_more_than_one_best_class_adds_top_k_to_the_columns(model_with):
    assert list(columns(Classify(top_k=9).bind(model_with(TEXT, CLASSES)))) == [
        "label",
        "score",
        "top_k",
    ]


def test_below_the_threshold_there_is_no_label_but_a_score(model_with):
    bound = Classify(top_k=3, threshold=0.5).bind(model_with(TEXT, CLASSES))
    decoded = bound.read(SCORED, 3)
    assert decoded["label"] == ["dog", "cat", None]
    assert decoded["score"].tolist() == pytest.approx([0.7, 0.5, 0.4])
    assert [len(row) for row in decoded["top_k"]] == [1, 2, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_score_that_is_the_threshold_reaches_it(model_with, dtype):
    bound = Classify(threshold=0.7, top_k=3).bind(model_with(X, {"scores": (dtype, (None, 3))}))
    found = bound.read({"scores": SCORED["scores"].astype(dtype)}, 3)
    assert found["label"] == ["1", None, None]
    assert [len(row) for row in found["top_k"]] == [1, 0, 0]


def test_classes_without_scores_give_the_first_class(model_with):
    bound = Classify().bind(model_with(TEXT, {"classes": CLASSES["classes"]}))
    assert columns(bound) == {"label": "STRING"}
    assert bound.read(SCORED, 3) == {"label": ["cat"] * 3}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param((), ["1", "0", "2"], id="numbers"),
        pytest.param(("a", "b", "c"), ["b", "a", "c"], id="given"),
    ],
)
def test_scores_without_classes_are_labelled(model_with, labels, expected):
    model = model_with(X, {"dense_1": ("float32", (None, 3))})
    bound = Classify(labels=labels).bind(model)
    assert bound.read({"dense_1": SCORED["scores"]}, 3)["label"] == expected


def test_an_estimators_predict_is_classified_by_all_its_classes(model_with):
    outputs = {
        "classes": ("string", (None, 1)),
        "all_classes": ("string", (None, 3)),
        "probabilities": ("float32", (None, 3)),
        "logits": ("float32", (None, 3)),
    }
    bound = Classify().bind(model_with(X, outputs))
    tensors = {"all_classes": SCORED["classes"], "probabilities": SCORED["scores"]}
    assert bound.read(tensors, 3)["label"] == ["dog", "cat", "elk"]


def test_too_few_labels_are_told_at_the_bind_where_the_model_says_how_many(model_with):
    model = model_with(X, {"scores": ("float32", (None, 3))})
    with pytest.raises(SignatureMismatchError, match=r"2 labels were given; .* 3 classes"):
        Classify(labels=("a", "b")).bind(model)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c", "d")], ids=len)
def test_labels_that_are_not_one_a_class_are_no_record_s_fault(model_with, labels):
    model = model_with(X, {"scores": ("float32", (None, None))})
    bound = Classify(labels=labels).bind(model)
    with pytest.raises(BrokenModelError, match=rf"scores 3 classes, and {len(labels)} labels"):
        bound.read({"scores": SCORED["scores"]}, 3)


def test_classes_and_scores_of_different_numbers_are_no_record_s_fault(model_with):
    bound = Classify().bind(model_with(TEXT, CLASSES))
    with pytest.raises(BrokenModelError, match="gave 3 classes and 2 scores a record"):
        bound.read({**SCORED, "scores": SCORED["scores"][:, :2]}, 3)


def test_nan_scores_are_an_error_of_their_record(model_with):
    bound = Classify().bind(model_with(TEXT, CLASSES))
    scores = SCORED["scores"].copy()
    scores[1, 2] = np.nan
    with pytest.raises(ConversionError, match="NaN as a score") as caught:
        bound.read({**SCORED, "scores": scores}, 3)
    assert caught.value.index == 1


def test_top_k_takes_one_or_more():
    with pytest.raises(OptionError, match="top_k is 0"):
        Classify(top_k=0)
