"""What a record is told that does not fit: the same words on every path, with the column."""

import numpy as np
import pytest

from modelstream.errors import ConversionError
from modelstream.models import CallableModel, Predict, TensorSpec


def model(**outputs: TensorSpec) -> CallableModel:
    inputs = {"n": TensorSpec("int64", (None,), "n"), "t": TensorSpec("string", (None,), "t")}
    return CallableModel(lambda n, t: {}, inputs, outputs or {"y": TensorSpec("int64", (None,))})


@pytest.mark.parametrize("tensor", ["n", "t"])
def test_a_null_is_told_the_same_whether_flink_or_the_tensor_finds_it(tensor: str) -> None:
    bound = Predict(inputs={"n": "a", "t": "b"}).bind(model())
    columns = {"a": np.array([1]), "b": ["x"]}
    column = bound.feeds[tensor]
    with pytest.raises(ConversionError) as caught:
        bound.encode({**columns, column: [None]})
    assert str(caught.value) == str(bound.null(column))
    assert f"column '{column}': record 0 does not fit {tensor} (" in str(caught.value)


def test_an_output_that_its_column_cannot_hold_is_named() -> None:
    bound = Predict(outputs={"word": "s"}).bind(model(s=TensorSpec("string", (None,), "s")))
    with pytest.raises(ConversionError, match=r"^column 'word': record 1: .* not UTF-8") as caught:
        bound.reader.read({"s": np.array([b"a", b"\xc3"], object)})
    assert caught.value.index == 1


@pytest.mark.parametrize("kind", ["STRING", "BYTES"])
def test_text_that_utf_8_does_not_have_fails_its_record(kind: str) -> None:
    spec = TensorSpec("string", (None,), "s")
    bound = Predict(types={"s": kind}).bind(model(s=spec))
    with pytest.raises(ConversionError, match=r"^column 's': record 1: .* UTF-8 does not have"):
        bound.reader.read({"s": np.array(["é", "x\ud800"], object)})
