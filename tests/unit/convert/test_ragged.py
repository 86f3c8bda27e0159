"""Columns of lists into ragged tensors."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelstream.convert import (
    Layout,
    RaggedValue,
    TensorColumn,
    TensorSpec,
    TensorValue,
    to_ragged,
    to_tensor,
)
from modelstream.errors import ConversionError, SignatureMismatchError, UnevenShapesError


def ragged(dtype, *shape, rank=1, splits="int64"):
    return TensorSpec(dtype, (None, *shape), "x", Layout.RAGGED, rank, splits)


X = ragged("float32", None)
DEEP = ragged("int64", None, None, rank=2)
WORDS = ragged("string", None)
POINTS = ragged("float32", None, 3)
ROWS = [[1.0, 2.0], [], [3.5]]


def column(rows, kind):
    """A column as a pandas function of PyFlink gets it."""
    return pa.array(rows, kind).to_pandas()


def test_a_ragged_tensor_has_one_ragged_dimension_unless_it_says_otherwise():
    spec = TensorSpec("float32", (None, None, 3), layout=Layout.RAGGED)
    assert spec.ragged_rank == 1
    assert spec.elements == TensorSpec("float32", (None, 3))
    assert str(spec) == "ragged float32[?, ?, 3]"


@pytest.mark.parametrize(
    ("shape", "rank", "splits", "words"),
    [
        pytest.param((None,), 1, "int64", "ragged rank 1 takes a shape of 2 dimensions or more"),
        pytest.param((None, None), 2, "int64", "ragged rank 2 takes a shape of 3 dimensions or"),
        pytest.param((None, None), -1, "int64", "ragged rank -1 .* at least 1"),
        pytest.param((None, None), 1, "float32", "splits are int64 or int32, not float32"),
    ],
)
def test_a_ragged_tensor_that_cannot_be_is_refused_where_it_is_written(shape, rank, splits, words):
    with pytest.raises(SignatureMismatchError, match=f"^x .*{words}"):
        TensorSpec("float32", shape, "x", Layout.RAGGED, rank, splits)


@pytest.mark.parametrize(
    ("rows", "spec"),
    [
        pytest.param(ROWS, X, id="floats"),
        pytest.param([], X, id="no-records"),
        pytest.param([[], []], X, id="empty-rows"),
        pytest.param([[[1], [2, 3]], [], [[], [4]]], DEEP, id="deep"),
        pytest.param([[b"a", b""], [], [b"\xff"]], WORDS, id="bytes"),
        pytest.param([[[1.0, 2.0, 3.0]], [], [[4.0, 5.0, 6.0]] * 2], POINTS, id="uniform-inside"),
        pytest.param([[[], [1.0]], [[2.0], []]], ragged("float32", 2, None, rank=2), id="uniform"),
        pytest.param([[True], [], [False, True]], ragged("bool", None), id="booleans"),
        pytest.param([[1, 2], [3]], TensorSpec("int32", None, "x", Layout.RAGGED), id="no-rank"),
    ],
)
def test_nested_lists_become_rows(rows, spec):
    tensor = to_ragged(rows, spec)
    assert tensor.tolist() == rows
    assert tensor.dtype == spec.dtype
    assert len(tensor.splits) == spec.ragged_rank


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([np.array([1, 2]), np.array([], np.float32), np.array([3.5])], id="arrays"),
        pytest.param([(1, 2.0), (), (3.5,)], id="tuples"),
        pytest.param([TensorValue([1.0, 2.0]), [], TensorValue([3.5])], id="tensor-values"),
        pytest.param(pd.Series(ROWS), id="series"),
        pytest.param(RaggedValue.of(ROWS), id="ragged-value"),
        pytest.param(RaggedValue.of(ROWS, "float64"), id="of-another-dtype"),
        pytest.param(RaggedValue.of(ROWS, "bfloat16"), id="of-a-small-dtype"),
    ],
)
def test_a_batch_comes_in_many_forms(values):
    assert to_ragged(values, X).tolist() == ROWS


@pytest.mark.parametrize("values", [np.ones((2, 3)), TensorValue(np.ones((2, 3), np.float32))])
def test_an_array_is_a_batch_whose_rows_have_one_length(values):
    assert to_ragged(values, X).tolist() == [[1.0] * 3] * 2


def test_a_tensor_value_is_a_batch_whatever_its_dtype():
    assert to_ragged(TensorValue([[1.5, 2.0]], "bfloat16"), X).tolist() == [[1.5, 2.0]]
    with pytest.raises(ConversionError, match=r"^record 1 .* overflows float32") as refused:
        to_ragged(TensorValue(np.array([[1.0], [1e300]])), X)
    assert refused.value.index == 1


def test_an_array_of_text_is_a_batch_too():
    assert to_ragged(np.array([["a", "b"]], object), WORDS).tolist() == [[b"a", b"b"]]


def test_an_array_is_a_deep_batch_too():
    values = np.arange(12).reshape(2, 3, 2)
    assert to_ragged(values, DEEP).tolist() == values.tolist()


def test_a_size_of_one_at_the_end_may_be_left_out():
    assert to_ragged([[1.0, 2.0], []], ragged("float32", None, 1)).tolist() == [[[1.0], [2.0]], []]


def test_a_ragged_value_that_is_split_deeper_fits_where_its_lists_do():
    deeper = RaggedValue.of([[[1, 2, 3]], [[4, 5, 6], [7, 8, 9]]], ragged_rank=2)
    assert to_ragged(deeper, POINTS).shape == (2, None, 3)
    uneven = RaggedValue.of([[[1, 2, 3]], [[4, 5]]], ragged_rank=2)
    with pytest.raises(ConversionError, match=r"record 1 .* have the shape \[2\], x takes \[3\]"):
        to_ragged(uneven, POINTS)


@pytest.mark.parametrize(
    ("values", "spec", "index", "words"),
    [
        pytest.param([[1], None], X, 1, "it is null", id="null-row"),
        pytest.param([[1], [2, None]], X, 1, "it has a null", id="null-element"),
        pytest.param([[1], [2, float("nan")]], X, 1, "it has a null or NaN", id="nan"),
        pytest.param([[[1]], [[2], None]], DEEP, 1, "a null where a list belongs", id="null-list"),
        pytest.param([["a"], ["b", None]], WORDS, 1, "it has a null", id="null-text"),
        pytest.param([[1], 2], X, 1, "2 is not a list, the tensor takes a list", id="scalar"),
        pytest.param([["a"], "b"], WORDS, 1, "'b' is not a list", id="text"),
        pytest.param([[[1]], [2]], DEEP, 1, "lists nested 2 deep", id="too-flat"),
        pytest.param([[1], [[2]]], X, 1, r"have the shape \[1\], x takes \[\]", id="too-deep"),
        pytest.param([[1], ["a"]], X, 1, "is not a number", id="text-for-numbers"),
        pytest.param([[[1]], [[2.5]]], DEEP, 1, "floats .* do not fit int64", id="fraction"),
        pytest.param([[1], [1e39]], X, 1, "overflows float32", id="overflow"),
        pytest.param([["a"], [1]], WORDS, 1, "neither text nor bytes", id="number-for-text"),
        pytest.param(
            [[[1], [2]], [[3]]],
            ragged("float32", 2, None, rank=2),
            1,
            "1 elements in a list that takes 2",
            id="uniform",
        ),
        pytest.param([[[1, 2, 3]], [[1, 2]]], POINTS, 1, r"\[2\], x takes \[3\]", id="inside"),
        pytest.param(
            [[[1, 2, 3]], [[1, 2, 3], [1]]], POINTS, 1, "lists differ in length", id="uneven-inside"
        ),
    ],
)
def test_a_record_that_does_not_fit_is_named(values, spec, index, words):
    with pytest.raises(ConversionError, match=words) as refused:
        to_ragged(values, spec)
    assert refused.value.index == index
    assert str(refused.value).startswith(f"record {index} does not fit x (ragged {spec.dtype}")


def test_nan_is_data_where_the_user_says_so():
    (row,) = to_ragged([[float("nan")]], X, allow_nan=True).tolist()
    assert np.isnan(row[0])


def test_elements_of_different_shapes_go_in_calls_of_their_own():
    with pytest.raises(UnevenShapesError) as refused:
        to_ragged([[[1, 2]], [], [[3]], [[4, 5], [6, 7]]], ragged("float32", None, None))
    assert refused.value.groups == [[0, 1, 3], [2]]


def test_each_kind_of_tensor_has_a_function_of_its_own():
    with pytest.raises(SignatureMismatchError, match="to_ragged makes it"):
        to_tensor([[1.0]], X)
    with pytest.raises(SignatureMismatchError, match="to_tensor makes it"):
        to_ragged([[1.0]], TensorSpec("float32", (None, None), "x"))


# Arrow's columns.


def test_a_fresh_column_is_used_without_a_copy():
    rows = [[float(each)] * (each % 5) for each in range(200)]
    values = column(rows, pa.list_(pa.float32()))
    tensor = to_ragged(values, X)
    assert tensor.tolist() == rows
    assert np.shares_memory(tensor.values.numpy(), values[1])


def test_a_column_of_nested_lists_is_used_without_a_copy():
    rows = [[[each] * (at % 3) for at in range(each % 4)] for each in range(100)]
    values = column(rows, pa.list_(pa.list_(pa.int64())))
    tensor = to_ragged(values, DEEP)
    assert tensor.tolist() == rows
    assert np.shares_memory(tensor.values.numpy(), values[3][1])


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [0, 0, 2], [1, 3, 2], [1], [0, 2]], ids=str)
def test_a_rearranged_column_keeps_its_order(order):
    rows = [[1.0], [], [2.0, 3.0], [4.0]]
    values = column(rows, pa.list_(pa.float32()))
    expected = [rows[at] for at in order]
    assert to_ragged(values.iloc[order], X).tolist() == expected
    assert to_ragged([values[at] for at in order], X).tolist() == expected


def test_a_slice_of_a_column_begins_where_it_begins():
    rows = [[float(each)] * (each % 3) for each in range(30)]
    values = column(rows, pa.list_(pa.float32()))
    assert to_ragged(values[10:20], X).tolist() == rows[10:20]


def test_a_row_that_was_put_in_place_of_another_is_the_one_that_counts():
    rows = [[float(each)] * 2 for each in range(100)]
    values = column(rows, pa.list_(pa.float32()))
    values[3] = np.array([9, 9], np.float32)
    doubled = column(rows, pa.list_(pa.float32())).map(lambda row: row * 2 if row[0] == 3 else row)
    assert to_ragged(values, X).tolist()[2:5] == [[2, 2], [9, 9], [4, 4]]
    assert to_ragged(doubled, X).tolist()[2:5] == [[2, 2], [6, 6], [4, 4]]


def test_rows_that_are_read_backwards_are_read_so():
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]
    values = column(rows, pa.list_(pa.float32()))[:2].map(lambda row: row[::-1])
    assert to_ragged(values, X).tolist() == [[2, 1], [4, 3]]


@pytest.mark.parametrize(
    ("rows", "kind", "spec"),
    [
        pytest.param([["a", "ä"], [], ["b"]], pa.list_(pa.string()), WORDS, id="text"),
        pytest.param([[True], [], [False]], pa.list_(pa.bool_()), ragged("bool", None), id="bool"),
        pytest.param([[[1.0, 2, 3]], []], pa.list_(pa.list_(pa.float32())), POINTS, id="uniform"),
        pytest.param([[1, 2], []], pa.list_(pa.int32()), ragged("float32", None), id="widened"),
        pytest.param([[], []], pa.list_(pa.float32()), X, id="all-empty"),
    ],
)
def test_columns_of_every_kind(rows, kind, spec):
    assert to_ragged(column(rows, kind), spec) == to_ragged(rows, spec)


@pytest.mark.parametrize(
    ("rows", "kind", "spec"),
    [
        pytest.param([[1.0], None, [2.0]], pa.list_(pa.float32()), X, id="row"),
        pytest.param([[1.0], [None], [2.0]], pa.list_(pa.float32()), X, id="float"),
        pytest.param([[1], [None, 3], [2]], pa.list_(pa.int64()), ragged("int64", None), id="int"),
        pytest.param([["a"], [None], []], pa.list_(pa.string()), WORDS, id="text"),
        pytest.param([[[1]], [None], []], pa.list_(pa.list_(pa.int64())), DEEP, id="list"),
    ],
)
def test_nulls_in_a_column_cost_their_record(rows, kind, spec):
    with pytest.raises(ConversionError, match="null") as refused:
        to_ragged(column(rows, kind), spec)
    assert refused.value.index == 1


# Properties.

NUMBERS = st.lists(st.lists(st.integers(-(2**24), 2**24), max_size=4), max_size=6)
NESTED = st.lists(st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=3), max_size=5)


@given(NUMBERS)
def test_lists_and_columns_make_the_same_tensor_of_numbers(rows):
    spec = ragged("int64", None)
    tensor = to_ragged(rows, spec)
    assert tensor.tolist() == rows
    assert to_ragged(column(rows, pa.list_(pa.int64())), spec) == tensor
    assert to_ragged([np.array(row, np.int64) for row in rows], spec) == tensor
    assert RaggedValue.from_bytes(tensor.to_bytes()) == tensor


@given(NESTED)
def test_lists_and_columns_make_the_same_tensor_of_text(rows):
    spec = ragged("string", None, None, rank=2)
    tensor = to_ragged(rows, spec)
    assert tensor.tolist() == [[[text.encode() for text in words] for words in row] for row in rows]
    assert to_ragged(column(rows, pa.list_(pa.list_(pa.string()))), spec) == tensor
    assert to_ragged(tensor, spec) == tensor


@given(NESTED, st.data())
def test_rows_are_taken_in_any_order_and_several_times(rows, data):
    tensor = to_ragged(rows, ragged("string", None, None, rank=2))
    places = st.lists(st.integers(0, len(rows) - 1), max_size=8) if rows else st.just([])
    order = data.draw(places)
    assert len(tensor) == len(rows)
    assert tensor.take(order).tolist() == [tensor.tolist()[at] for at in order]


# Packed tensors.


def test_packed_tensors_of_any_length_feed_a_ragged_tensor():
    encoder = TensorColumn("packed")
    packed = [TensorValue([1.0, 2.0]).to_bytes(), TensorValue([], "float32").to_bytes()]
    assert encoder.misfit("BYTES", X) is None
    assert encoder.to_tensor(packed, X).tolist() == [[1.0, 2.0], []]
    deep = [RaggedValue.of([[1], [2, 3]]).to_bytes(), TensorValue([[4]]).to_bytes()]
    assert encoder.to_tensor(deep, DEEP).tolist() == [[[1], [2, 3]], [[4]]]


def test_a_packed_tensor_that_is_damaged_is_named():
    packed = [RaggedValue.of([[1]]).to_bytes(), RaggedValue.of([[1]]).to_bytes()[:20]]
    with pytest.raises(ConversionError, match="record 1 is not a tensor: ") as refused:
        TensorColumn("packed").to_tensor(packed, DEEP)
    assert refused.value.index == 1


# Columns before a job is submitted.
