import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from modelstream.convert import TensorSpec, to_tensor
from modelstream.errors import ConversionError

SPEC = TensorSpec("float32", (None, 4), "x")


def column(rows):
    """A column as a pandas function of PyFlink gets it."""
    return pa.array(rows, pa.list_(pa.float32())).to_pandas()


@pytest.fixture
def rows():
    return np.arange(400, dtype=np.float32).reshape(100, 4)


def test_a_fresh_column_is_reshaped_without_a_copy(rows):
    values = column(list(rows))
    tensor = to_tensor(values, SPEC)
    assert np.array_equal(tensor, rows)
    assert np.shares_memory(tensor, values[0])


def test_a_slice_of_a_column_is_reshaped_without_a_copy(rows):
    values = column(list(rows))
    tensor = to_tensor(values[30:70], SPEC)
    assert np.array_equal(tensor, rows[30:70])
    assert np.shares_memory(tensor, values[30])


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 2, 1, 3], id="inside-swapped"),
        pytest.param(list(range(99, -1, -1)), id="reversed"),
        pytest.param([0, 0, 0], id="repeated"),
        pytest.param([0, 5, 10], id="picked"),
    ],
)
@pytest.mark.parametrize(
    "rearranged",
    [
        pytest.param(lambda values, order: values.iloc[order], id="series"),
        pytest.param(lambda values, order: [values[index] for index in order], id="list"),
    ],
)
def test_a_rearranged_column_keeps_its_order(rows, order, rearranged):
    tensor = to_tensor(rearranged(column(list(rows)), order), SPEC)
    assert np.array_equal(tensor, rows[order])


def test_a_row_that_was_put_in_place_of_another_is_the_one_that_counts(rows):
    values = column(list(rows))
    values[3] = np.array([9, 9, 9, 9], np.float32)
    assert to_tensor(values, SPEC)[2:5].tolist() == [[8, 9, 10, 11], [9] * 4, [16, 17, 18, 19]]


def test_rows_that_are_read_backwards_are_read_so(rows):
    values = column(list(rows))[:50].map(lambda row: row[::-1])
    assert np.array_equal(to_tensor(values, SPEC), rows[:50, ::-1])


def test_lengths_that_only_add_up_are_refused():
    values = column([[1.0] * 4, [2.0] * 5, [3.0] * 3, [4.0] * 4])
    with pytest.raises(ConversionError, match=r"\[5\], x takes \[4\]") as caught:
        to_tensor(values, SPEC)
    assert caught.value.index == 1


def test_a_null_among_the_rows_is_found(rows):
    values = column([*rows[:3], None, *rows[3:]])
    with pytest.raises(ConversionError, match="it is null") as caught:
        to_tensor(values, SPEC)
    assert caught.value.index == 3


def test_a_null_inside_a_row_is_found():
    with pytest.raises(ConversionError, match="null or NaN") as caught:
        to_tensor(column([[1.0] * 4, [1.0, None, 3.0, 4.0]]), SPEC)
    assert caught.value.index == 1


def test_arrays_of_other_dtypes_are_stacked_and_cast():
    values = pd.Series([np.arange(4), np.arange(4.0)])
    assert to_tensor(values, SPEC).tolist() == [[0, 1, 2, 3]] * 2


def test_arrays_of_arrays_become_matrices():
    kind = pa.list_(pa.list_(pa.float32()))
    values = pa.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], kind).to_pandas()
    tensor = to_tensor(values, TensorSpec("float32", (None, 2, 2)))
    assert tensor.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_arrays_of_text_become_a_tensor_of_strings():
    values = pa.array([["a", "b"], ["c", "d"]], pa.list_(pa.string())).to_pandas()
    assert to_tensor(values, TensorSpec("string", (None, 2))).tolist() == [
        [b"a", b"b"],
        [b"c", b"d"],
    ]
