"""N records in are N rows out, each in its place, whatever the values are."""

import pickle
from contextlib import suppress

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from modelstream.convert import (
    TENSOR_DTYPES,
    RaggedValue,
    TensorSpec,
    TensorValue,
    example,
    from_tensor,
    parse_example,
    to_tensor,
    to_values,
)
from modelstream.convert.dtypes import DTYPES, holder
from modelstream.errors import ConversionError, UnevenShapesError

FLOATS = st.floats(width=32, allow_nan=False)
LONGS = st.integers(-(2**63), 2**63 - 1)
SHAPED = st.integers(0, 4).flatmap(
    lambda size: st.lists(st.lists(FLOATS, min_size=size, max_size=size), max_size=20)
)
ANYTHING = st.one_of(st.none(), FLOATS, LONGS, st.text(max_size=3), st.lists(FLOATS, max_size=3))


@given(st.lists(FLOATS))
def test_floats_round_trip(values):
    assert list(from_tensor(to_tensor(values, TensorSpec("float32", (None,))))) == values


@given(st.lists(LONGS))
def test_integers_round_trip(values):
    assert list(from_tensor(to_tensor(values, TensorSpec("int64", (None,))))) == values


@given(st.lists(st.text()))
def test_text_round_trips(values):
    assert from_tensor(to_tensor(values, TensorSpec("string", (None,)))) == values


@given(st.lists(st.binary()))
def test_bytes_round_trip(values):
    tensor = to_tensor(values, TensorSpec("string", (None,)))
    assert from_tensor(tensor, binary=True) == values


@given(SHAPED)
def test_vectors_round_trip(rows):
    tensor = to_tensor(rows, TensorSpec("float32", (None, None)))
    assert [row.tolist() for row in from_tensor(tensor)] == rows


@given(SHAPED.map(lambda rows: [np.array(row, np.float32) for row in rows]), st.randoms())
def test_a_series_and_a_list_of_arrays_give_the_same_tensor(rows, random):
    random.shuffle(rows)
    spec = TensorSpec("float32", (None, None))
    series = pd.Series(rows, dtype=object)
    assert np.array_equal(to_tensor(series, spec), to_tensor(rows, spec))


@given(st.lists(st.lists(FLOATS, max_size=3), min_size=1))
def test_groups_of_uneven_records_hold_each_record_once_and_fit(rows):
    spec = TensorSpec("float32", (None, None))
    try:
        groups = [list(range(len(to_tensor(rows, spec))))]
    except UnevenShapesError as error:
        groups = error.groups
    assert sorted(index for group in groups for index in group) == list(range(len(rows)))
    for group in groups:
        picked = [rows[index] for index in group]
        assert to_tensor(picked, spec).tolist() == picked


@given(st.lists(ANYTHING, min_size=1), st.sampled_from(["float32", "int32", "string", "bool"]))
def test_the_first_bad_record_is_named_and_without_the_bad_ones_all_pass(values, dtype):
    spec = TensorSpec(dtype, (None,))
    rest = list(values)
    while (bad := first_bad(rest, spec)) is not None:
        assert first_bad([rest[bad]], spec) == 0, f"{rest[bad]!r} was blamed but passes alone"
        del rest[bad]
    assert len(to_tensor(rest, spec)) == len(rest)


def first_bad(values, spec):
    try:
        to_tensor(values, spec)
    except ConversionError as error:
        return error.index
    return None


@given(
    st.dictionaries(
        st.text(),
        st.one_of(
            st.lists(FLOATS, min_size=1),
            st.lists(LONGS, min_size=1),
            st.lists(st.binary(), min_size=1),
        ),
    )
)
def test_examples_round_trip(features):
    assert parse_example(example(**features)) == features


SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def tensors(draw):
    """A tensor of any dtype and shape, with any bits that the dtype has."""
    dtype, shape = draw(st.sampled_from(TENSOR_DTYPES)), draw(SHAPES)
    count = int(np.prod(shape, dtype=int))
    if dtype == "string":
        values = draw(st.lists(st.binary(max_size=5), min_size=count, max_size=count))
        array = np.empty(count, object)
        array[:] = values
        return TensorValue(array.reshape(shape))
    size = holder(dtype).itemsize * count
    limits = {"bool": (0, 1), "int4": (0, 7), "uint4": (0, 15)}.get(dtype, (0, 255))
    bits = draw(st.lists(st.integers(*limits), min_size=size, max_size=size))
    array = np.frombuffer(bytes(bits), holder(dtype)) if size else np.empty(0, holder(dtype))
    return TensorValue.view(array.reshape(shape), dtype)


@settings(deadline=None)  # the first row imports PyFlink
@given(tensors())
def test_a_tensor_round_trips_through_bytes_pickles_and_rows(value):
    copies = [
        TensorValue.from_bytes(value.to_bytes()),
        pickle.loads(pickle.dumps(value)),
        TensorValue.from_row(value.to_row()),
        TensorValue.from_row(value.to_row().as_dict()),
        TensorValue(value.numpy(), value.dtype),
    ]
    for copy in copies:
        assert copy == value
        assert hash(copy) == hash(value)
        assert (copy.dtype, copy.shape, copy.nbytes) == (value.dtype, value.shape, value.nbytes)
        assert copy.numpy().dtype == value.numpy().dtype


@given(tensors(), st.data())
def test_damaged_bytes_are_a_tensor_or_a_typed_error(value, data):
    damaged = bytearray(value.to_bytes())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    with suppress(ConversionError):
        assert isinstance(TensorValue.from_bytes(damaged), TensorValue)


@given(st.lists(st.lists(st.lists(FLOATS, max_size=3), max_size=3), max_size=4))
def test_a_ragged_tensor_round_trips(rows):
    value = RaggedValue.of(rows, "float32", ragged_rank=2)
    copy = RaggedValue.from_bytes(value.to_bytes())
    assert copy == value
    assert copy.tolist() == rows


ROUNDED = ("bfloat16", "string")  # bfloat16 travels to a model as float32


@given(tensors().filter(lambda v: v.shape and v.dtype in DTYPES and v.dtype not in ROUNDED))
def test_a_batch_of_tensors_becomes_tensor_values_again(value):
    records = [TensorValue.view(np.asarray(each)) for each in value.numpy()]
    batch = to_tensor(records, TensorSpec(value.dtype, (None, *value.shape[1:])), allow_nan=True)
    assert to_values(batch, TensorValue) == records
