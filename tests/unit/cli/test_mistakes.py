"""What a stranger writes at first: each is refused in words that say what to write instead."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.support.numpymodel import NumpyModel

import modelstream as ms
from modelstream.errors import ModelStreamError

DENSE = ms.TensorSpec("float32", (None, 2))


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        pytest.param((None, 2), "float32", id="the order of TensorFlow"),
        pytest.param([None, 2], np.float32, id="a list and a type of numpy"),
        pytest.param(np.dtype("float32"), (None, np.int64(2)), id="a dtype of numpy"),
    ],
)
def test_a_spec_takes_both_orders_and_dtypes_of_numpy(dtype: Any, shape: Any) -> None:
    assert ms.TensorSpec(dtype, shape) == DENSE
    assert str(ms.TensorSpec(dtype, shape)) == "float32[?, 2]"


def test_a_spec_of_a_rank_that_is_not_known_takes_both_orders() -> None:
    assert ms.TensorSpec(None, "string") == ms.TensorSpec("string", None)  # type: ignore[arg-type]  # on purpose


def online(**options: Any) -> Any:
    spec = ms.TensorSpec("float32", (None,))
    return ms.OnlineModel(dict, "mse", {"x": spec}, {"y": spec}, **options)


def predicted(*given: Any) -> Any:
    model = ms.CallableModel(lambda x: x, inputs={"x": DENSE}, outputs={"y": DENSE})
    with model.open() as opened:
        return opened.predict(*given)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        pytest.param(lambda: ms.TensorSpec("float32", 2), "2 is not a shape: write a", id="shape"),
        pytest.param(lambda: ms.TensorSpec((None,), (2,)), "is not a dtype: write", id="dtype"),
        pytest.param(lambda: ms.TensorSpec("float32", "int64"), "not a shape", id="two dtypes"),
        pytest.param(lambda: ms.Classify(3), "Classify takes the name of a signature", id="top"),
        pytest.param(lambda: ms.Predict({"x": "f"}), r"Predict\(inputs=", id="inputs"),
        pytest.param(lambda: ms.Regress(None), "Regress takes the name", id="none"),
        pytest.param(lambda: predicted([1, 2]), r"write predict\(x=", id="predict"),
        pytest.param(lambda: online(update_every=ms.Batch(4)), "takes a number", id="batch"),
        pytest.param(
            lambda: ms.HiddenState({"h": DENSE}).get(), "is not open: call its open", id="hidden"
        ),
        pytest.param(
            lambda: ms.register(None, "f", NumpyModel(), on_error="Null"),
            r"register takes Null\(\) or Fail\(\)",
            id="register",
        ),
    ],
)
def test_a_mistake_is_told_in_words(made: Callable[[], Any], message: str) -> None:
    with pytest.raises(ModelStreamError, match=message):
        made()


def test_one_record_can_be_scored_where_a_model_is_opened() -> None:
    spec = ms.TensorSpec("float32", (None,))
    model = ms.CallableModel(
        lambda x, y: x + y, inputs={"x": spec, "y": spec}, outputs={"sum": spec}
    )
    with model.open() as opened:
        assert opened.score({"x": 1, "y": 2.5, "other": None}) == {"sum": 3.5}
        assert opened.score({"x": 1, "y": 2}, ms.Predict(outputs={"s": "sum"})) == {"s": 3}
        with pytest.raises(ModelStreamError, match="the record lacks 'y'; it has 'x'"):
            opened.score({"x": 1})
