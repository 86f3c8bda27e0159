"""What the public API says to an argument of a wrong type: a sentence, where it is given."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelstream as ms
from modelstream.annotations import checked
from modelstream.errors import ModelStreamError, OptionError

X = ms.TensorSpec("float32", (None, 2), "x")
Y = ms.TensorSpec("float32", (None,), "y")
MODEL = ms.CallableModel(lambda x: x.sum(axis=1), {"x": X}, {"y": Y})

Make = Callable[[Any], object]
TAKERS: dict[str, Make] = {
    "Batch max_size": lambda given: ms.Batch(given),
    "Batch max_latency": lambda given: ms.Batch(4, given),
    "Batch allowed_sizes": lambda given: ms.Batch(4, allowed_sizes=given),
    "Predict signature": lambda given: ms.Predict(given),
    "Predict inputs": lambda given: ms.Predict(inputs=given),
    "Predict inputs of a tensor": lambda given: ms.Predict(inputs={"x": given}),
    "Predict outputs": lambda given: ms.Predict(outputs=given),
    "Predict outputs of a column": lambda given: ms.Predict(outputs={"c": given}),
    "Predict types": lambda given: ms.Predict(types=given),
    "Predict types of a column": lambda given: ms.Predict(types={"y": given}),
    "Predict allow_nan": lambda given: ms.Predict(allow_nan=given),
    "Classify inputs": lambda given: ms.Classify(inputs=given),
    "Classify outputs": lambda given: ms.Classify(outputs=given),
    "Classify top_k": lambda given: ms.Classify(top_k=given),
    "Classify labels": lambda given: ms.Classify(labels=given),
    "Classify cut": lambda given: ms.Classify(cut=given),
    "Classify threshold": lambda given: ms.Classify(threshold=given),
    "Regress inputs": lambda given: ms.Regress(inputs=given),
    "Regress strict": lambda given: ms.Regress(strict=given),
    "SavedModel path": lambda given: ms.SavedModel(given),
    "KerasModel path": lambda given: ms.KerasModel(given),
    "GraphDefModel source": lambda given: ms.GraphDefModel(given, {"x": "x"}, {"y": "y"}),
    "GraphTensor tensor": lambda given: ms.GraphTensor(given),
    "GraphTensor shape": lambda given: ms.GraphTensor("x", given),
    "GraphSignature inputs": lambda given: ms.GraphSignature(given, {"y": "y"}),
    "CallableModel function": lambda given: ms.CallableModel(given, {"x": X}, {"y": Y}),
    "CallableModel inputs": lambda given: ms.CallableModel(max, given, {"y": Y}),
    "CallableModel outputs": lambda given: ms.CallableModel(max, {"x": X}, given),
    "CallableModel signatures": lambda given: ms.CallableModel(max, signatures=given),
    "CallableModel load": lambda given: ms.CallableModel(max, {"x": X}, {"y": Y}, load=given),
    "Signature inputs": lambda given: ms.Signature("s", "predict", given, {"y": Y}),
    "TensorSpec dtype": lambda given: ms.TensorSpec(given, (None,)),
    "TensorSpec shape": lambda given: ms.TensorSpec("float32", given),
    "TensorSpec name": lambda given: ms.TensorSpec("float32", (None,), given),
    "TensorSpec layout": lambda given: ms.TensorSpec("float32", (None,), "x", given),
    "TensorFlowOptions intra_op": lambda given: ms.TensorFlowOptions(intra_op=given),
    "TensorFlowOptions memory_limit": lambda given: ms.TensorFlowOptions(memory_limit=given),
    "TensorFlowOptions memory_growth": lambda given: ms.TensorFlowOptions(memory_growth=given),
    "TensorColumn column": lambda given: ms.TensorColumn(given),
    "Image column": lambda given: ms.Image(given),
    "Image size": lambda given: ms.Image("photo", size=given),
    "OnlineModel build": lambda given: ms.OnlineModel(given, "mse", {"x": X}, {"y": Y}),
    "OnlineModel inputs": lambda given: ms.OnlineModel(dict, "mse", given, {"y": Y}),
    "OnlineModel update_every": lambda given: ms.OnlineModel(
        dict, "mse", {"x": X}, {"y": Y}, update_every=given
    ),
    "RecurrentModel model": lambda given: ms.RecurrentModel(given, {"x": "y"}),
    "RecurrentModel state": lambda given: ms.RecurrentModel(MODEL, given),
    "HiddenState specs": lambda given: ms.HiddenState(given),
    "HiddenState ttl": lambda given: ms.HiddenState({"h": X}, ttl=given),
    "Pattern name": lambda given: ms.Pattern(given, bool),
    "Pattern condition": lambda given: ms.Pattern("login", given),
    "Pattern within": lambda given: ms.Pattern("login", bool).within(given),
    "model name": lambda given: ms.model(given),
    "parse_example serialized": lambda given: ms.parse_example(given),
}
WRONG = [object(), [[1]], b"\xff", {"a": object()}, 2.5]
RIGHT = [("Classify cut", 2.5), ("Classify threshold", 2.5)]


@pytest.mark.parametrize("taker", TAKERS)
def test_a_wrong_type_is_refused_in_words(taker: str) -> None:
    for given in WRONG:
        if (taker, given) in RIGHT or (
            taker.endswith(("source", "serialized")) and given == WRONG[2]
        ):
            continue
        with pytest.raises(ModelStreamError) as caught:
            TAKERS[taker](given)
        assert len(str(caught.value)) > 20, given


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ms.Batch("4"), "Batch takes as max_size an integer, not '4' (str)"),  # type: ignore[arg-type]
        (lambda: ms.Batch(True), "Batch takes as max_size an integer, not True (bool)"),
        (lambda: ms.Batch(4, allowed_sizes=(1, "4")), "as allowed_sizes[1] an integer, not '4'"),  # type: ignore[arg-type]
        (lambda: ms.Predict(inputs={"x": 3}), "as inputs['x'] a text or a ColumnEncoder or a Con"),  # type: ignore[dict-item]
        (lambda: ms.Predict(outputs=["y"]), "Predict takes as outputs a dictionary or None, not"),  # type: ignore[arg-type]
        (lambda: ms.Predict(outputs={1: "y"}), "takes as a key of outputs a text, not 1 (int)"),  # type: ignore[dict-item]
        (lambda: ms.Classify(labels="ab"), "Classify takes as labels a list, not 'ab' (str)"),  # type: ignore[arg-type]
        (lambda: ms.Classify(threshold=float("nan")), "threshold is NaN"),
        (lambda: ms.TensorFlowOptions(intra_op=-1), "intra_op is -1; it takes 0 or more, or None"),
        (lambda: ms.TensorSpec("float32", (-1, 2)), "(-1, 2) is not a shape"),
        (lambda: ms.TensorSpec("float32", (None,), layout="ragged"), "such as Layout.RAGGED"),  # type: ignore[call-overload]
        (lambda: ms.SavedModel(4), "SavedModel takes as path a text or a PathLike, not 4"),  # type: ignore[arg-type]
        (lambda: ms.Pattern("a", bool, after_match="skip"), "AfterMatch.SKIP_PAST_LAST_EVENT or"),  # type: ignore[arg-type]
    ],
)
def test_the_sentence_names_the_part_and_what_it_takes(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ModelStreamError) as caught:
        make()
    assert message in str(caught.value)


def test_what_does_as_well_as_the_type_is_taken() -> None:
    assert ms.Batch(np.int64(4), allowed_sizes=[1, np.int32(4)]).padded(2) == 4  # type: ignore[arg-type]
    assert ms.Classify(labels=["a", "b"], cut=np.float32(0.5), strict=np.bool_(False))  # type: ignore[arg-type]
    assert ms.Classify(threshold=1).threshold == 1
    assert ms.TensorSpec("float32", [None, np.int64(2)]).shape == (None, 2)
    assert ms.Batch(4, timedelta(seconds=1)).max_latency == timedelta(seconds=1)
    with pytest.raises(ModelStreamError, match="there is no directory"):
        ms.SavedModel(Path("/nowhere"))


def test_a_function_checks_what_it_states_and_leaves_the_rest() -> None:
    @checked()
    def called(source: "Unknown", count: int = 1, *names: str, keep: bool = True) -> int:  # type: ignore[name-defined]  # noqa: F821
        return count

    assert called(object(), 2, "a", keep=False) == 2
    with pytest.raises(OptionError, match="called takes as count an integer"):
        called(object(), "2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="source"):
        called()  # type: ignore[call-arg]
