from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from modelstream.convert import TensorSpec, from_tensor, register_type, to_tensor, unregister_type
from modelstream.errors import ConversionError, SignatureMismatchError, UnevenShapesError

SCALAR = TensorSpec("float32", (None,), "x")
VECTOR = TensorSpec("float32", (None, 3), "x")
ANY_LENGTH = TensorSpec("float32", (None, None), "x")
COLUMN = TensorSpec("float32", (None, 1), "x")
MATRIX = TensorSpec("float32", (None, 2, 2), "x")
UNKNOWN = TensorSpec("float32", None, "x")
INT = TensorSpec("int32", (None,), "x")
LONG = TensorSpec("int64", (None,), "x")
DOUBLE = TensorSpec("float64", (None,), "x")
TEXT = TensorSpec("string", (None,), "x")
TEXTS = TensorSpec("string", (None, 2), "x")
FLAG = TensorSpec("bool", (None,), "x")
ROW = np.array([1, 2, 3], np.float32)


class Named:
    """A row with names, as pyflink.common.Row is one."""

    _fields = ("x", "name")

    def as_dict(self):
        return {"x": 1.5, "name": "a"}


@pytest.mark.parametrize(
    ("values", "spec", "expected"),
    [
        pytest.param([1.0, 2.0], SCALAR, [1, 2], id="floats"),
        pytest.param([1, 2.5], SCALAR, [1, 2.5], id="whole-numbers-among-floats"),
        pytest.param(pd.Series([1, 2]), SCALAR, [1, 2], id="series-of-integers-into-floats"),
        pytest.param(np.arange(3), INT, [0, 1, 2], id="int64-array-into-int32"),
        pytest.param([np.float64(1), np.float32(2)], SCALAR, [1, 2], id="numpy-scalars"),
        pytest.param([[1, 2, 3], (4, 5, 6)], VECTOR, [[1, 2, 3], [4, 5, 6]], id="lists-and-tuples"),
        pytest.param(pd.Series([ROW, ROW]), VECTOR, [[1, 2, 3]] * 2, id="series-of-arrays"),
        pytest.param([[[1, 2], [3, 4]]], MATRIX, [[[1, 2], [3, 4]]], id="nested-lists"),
        pytest.param([1.0, 2.0], COLUMN, [[1], [2]], id="scalars-into-a-dimension-of-one"),
        pytest.param([[[1], [2]]], ANY_LENGTH, None, id="one-dimension-too-many"),
        pytest.param([[1.0, 2.0]], UNKNOWN, [[1, 2]], id="unknown-rank-takes-any"),
        pytest.param([True, False], FLAG, [True, False], id="booleans"),
        pytest.param(["a", "ü"], TEXT, [b"a", "ü".encode()], id="text-as-utf8"),
        pytest.param([b"a", "b"], TEXT, [b"a", b"b"], id="bytes-among-text"),
        pytest.param([bytearray(b"a")], TEXT, [b"a"], id="bytearray"),
        pytest.param([b"a\0\0"], TEXT, [b"a\0\0"], id="trailing-zero-bytes-stay"),
        pytest.param([["a", "b"], [b"c", "d"]], TEXTS, [[b"a", b"b"], [b"c", b"d"]], id="texts"),
    ],
)
def test_values_become_the_tensor(values, spec, expected):
    if expected is None:
        with pytest.raises(ConversionError):
            to_tensor(values, spec)
        return
    tensor = to_tensor(values, spec)
    assert tensor.tolist() == expected
    assert tensor.dtype == (object if spec.dtype == "string" else np.dtype(spec.dtype))


@pytest.mark.parametrize(
    ("values", "spec", "index", "words"),
    [
        pytest.param([1.0, None], SCALAR, 1, "it is null", id="null"),
        pytest.param(["a", None], TEXT, 1, "it is null", id="null-text"),
        pytest.param([[1, 2, 3], [1, None, 3]], VECTOR, 1, "it has a null", id="null-in-a-list"),
        pytest.param([1.0, float("nan")], SCALAR, 1, "null or NaN", id="nan"),
        pytest.param(pd.Series([1.0, None, 3.0]), SCALAR, 1, "null or NaN", id="null-in-a-series"),
        pytest.param(pd.Series([1, None, 3]), INT, 1, "null or NaN", id="null-among-integers"),
        pytest.param([ROW, ROW[:2]], VECTOR, 1, "has the shape [2], x takes [3]", id="length"),
        pytest.param([[1, 2, 3], [[1, 2, 3]]], VECTOR, 1, "[1, 3]", id="rank"),
        pytest.param([[[1, 2], [3]]], MATRIX, 0, "differ in length", id="irregular"),
        pytest.param([1, 1.5], INT, 1, "floats (1.5) do not fit int32", id="float-into-integer"),
        pytest.param([1.0], INT, 0, "without loss", id="whole-float-into-integer"),
        pytest.param(pd.Series([1, 2.5]), INT, 1, "not a whole number", id="float-series"),
        pytest.param([1, 2**31], INT, 1, "2147483648 overflows int32", id="integer-overflow"),
        pytest.param([1, 2**70], LONG, 1, "717411303424 is beyond 64 bits", id="huge-integer"),
        pytest.param([2**24 + 1], SCALAR, 0, "cannot be held exactly", id="inexact-integer"),
        pytest.param([1e300], SCALAR, 0, "overflows float32", id="float-overflow"),
        pytest.param([2, True], SCALAR, 1, "booleans (True)", id="boolean-into-float"),
        pytest.param([1], FLAG, 0, "integers (1) do not fit bool", id="integer-into-boolean"),
        pytest.param(["1.0"], SCALAR, 0, "'1.0' is not a number", id="text-into-float"),
        pytest.param([Decimal("1.0")], SCALAR, 0, "make a double", id="decimal"),
        pytest.param([{"x": 1}], SCALAR, 0, "is not a number", id="dict-into-float"),
        pytest.param(["a", 1], TEXT, 1, "1 is neither text nor bytes", id="number-into-text"),
        pytest.param(["a", "\ud800"], TEXT, 1, "not Unicode", id="broken-text"),
        pytest.param([["a", "b"], ["a"]], TEXTS, 1, "[1], x takes [2]", id="short-list-of-text"),
        pytest.param([b"a", np.datetime64("2026-01-01")], TEXT, 1, "neither", id="date"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_position(values, spec, index, words):
    with pytest.raises(ConversionError) as caught:
        to_tensor(values, spec)
    assert caught.value.index == index
    assert words in str(caught.value)
    assert f"record {index} does not fit x ({spec})" in str(caught.value)


def test_nan_passes_where_it_is_data():
    assert np.isnan(to_tensor([float("nan")], SCALAR, allow_nan=True)).all()


def test_infinity_is_data():
    assert to_tensor([float("inf")], SCALAR).tolist() == [float("inf")]


@pytest.mark.parametrize(
    "neighbours", [pytest.param([], id="alone"), pytest.param([0.5], id="among-floats")]
)
def test_an_inexact_integer_is_refused_whatever_its_neighbours_are(neighbours):
    with pytest.raises(ConversionError, match="cannot be held exactly") as caught:
        to_tensor([*neighbours, 2**24 + 1], SCALAR)
    assert caught.value.index == len(neighbours)


@pytest.mark.parametrize("values", [[2**53 + 1], [2**53 + 1, 1], [2**63 + 1, 1], [2**63 + 1, -1]])
def test_a_double_takes_only_integers_that_it_holds(values):
    with pytest.raises(ConversionError, match="cannot be held exactly") as caught:
        to_tensor(values, DOUBLE)
    assert caught.value.index == 0
    assert to_tensor([2**53, -(2**60), 2**63], DOUBLE).tolist() == [2.0**53, -(2.0**60), 2.0**63]


@pytest.mark.parametrize("neighbour", [-1, 0, 2**63])
def test_an_integer_beyond_int64_is_refused_whatever_its_neighbours_are(neighbour):
    with pytest.raises(ConversionError, match="cannot be held exactly") as caught:
        to_tensor([2**63 + 1, neighbour], SCALAR)
    assert caught.value.index == 0


def test_an_integer_that_pandas_may_have_rounded_is_refused():
    column = pd.Series([2**53 + 2, None])[:1]
    with pytest.raises(ConversionError, match="may have been rounded"):
        to_tensor(column, LONG)


def test_integers_beside_a_null_are_exact_without_it():
    column = pd.Series([7, None, 9])
    assert to_tensor(column[column.notna()], LONG).tolist() == [7, 9]


def test_records_of_different_length_are_told_apart_in_groups():
    with pytest.raises(UnevenShapesError) as caught:
        to_tensor([[1.0], [1.0, 2.0], [3.0]], ANY_LENGTH)
    assert caught.value.groups == [[0, 2], [1]]


def test_an_empty_batch_has_the_shape_of_the_tensor():
    assert to_tensor([], VECTOR).shape == (0, 3)


def test_empty_lists_feed_a_dimension_that_varies():
    assert to_tensor([[], []], ANY_LENGTH).shape == (2, 0)


def test_a_tensor_without_a_batch_takes_no_column():
    with pytest.raises(SignatureMismatchError, match="without a batch dimension"):
        to_tensor([1.0], TensorSpec("float32", (), "x"))


@pytest.mark.parametrize(
    "value", [pytest.param({"x": 1.5, "name": "a"}, id="dict"), pytest.param(Named(), id="row")]
)
def test_a_row_feeds_a_string_tensor_as_an_example(value):
    from modelstream.convert import parse_example

    (serialized,) = to_tensor([value], TEXT)
    assert parse_example(serialized) == {"x": [1.5], "name": [b"a"]}


def test_a_frame_feeds_a_string_tensor_as_examples():
    from modelstream.convert import parse_example

    frame = pd.DataFrame({"x": [1.5, 2.5], "n": [1, 2]})
    examples = [parse_example(each) for each in to_tensor(frame, TEXT)]
    assert examples == [{"x": [1.5], "n": [1]}, {"x": [2.5], "n": [2]}]


class Money:
    def __init__(self, cents):
        self.cents = cents


class Tip(Money):
    pass


@pytest.fixture
def money():
    register_type(Money, lambda value: value.cents / 100)
    yield
    unregister_type(Money)


def test_a_registered_type_is_converted_with_its_subclasses(money):
    assert to_tensor([Money(150), Tip(50), 1.0], SCALAR).tolist() == [1.5, 0.5, 1.0]


def test_a_failing_converter_is_an_error_of_its_record(money):
    with pytest.raises(ConversionError, match="registered for Money failed: TypeError") as caught:
        to_tensor([Money(1), Money("x")], SCALAR)
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        pytest.param(np.array([1.5, 2.5], np.float16), [1.5, 2.5], id="half"),
        pytest.param(np.array([255], np.uint8), [255], id="uint8"),
        pytest.param(np.array([2**32 - 1], np.uint32), [2**32 - 1], id="uint32"),
        pytest.param(np.array([2**64 - 1], np.uint64), [Decimal(2**64 - 1)], id="uint64"),
        pytest.param(np.array([[5]], np.uint64), [[Decimal(5)]], id="uint64 vector"),
        pytest.param(np.array([b"a", "ü".encode()], object), ["a", "ü"], id="text"),
        pytest.param(np.array([[b"a", b"b"]], object), [["a", "b"]], id="texts"),
    ],
)
def test_a_batch_becomes_column_values(array, expected):
    column = from_tensor(array)
    assert list(column) == expected


def test_arrays_of_a_batch_nest_down_to_vectors():
    (record,) = from_tensor(np.zeros((1, 2, 3), np.float32))
    assert [type(row) for row in record] == [np.ndarray, np.ndarray]


def test_bytes_that_are_no_text_name_the_record_and_the_way_out():
    with pytest.raises(ConversionError, match=r"types=\{column: 'BYTES'\}") as caught:
        from_tensor(np.array([b"a", b"\xff"], object))
    assert caught.value.index == 1


def test_bytes_stay_bytes_where_they_are_wanted():
    assert from_tensor(np.array([b"\xff"], object), binary=True) == [b"\xff"]


def test_an_unsigned_integer_beyond_bigint_is_refused():
    with pytest.raises(ConversionError, match="more than BIGINT holds") as caught:
        from_tensor(np.array([1, 2**63], np.uint64), signed=True)
    assert caught.value.index == 1


def test_whole_decimals_feed_unsigned_integers_that_no_other_type_holds():
    spec = TensorSpec("uint64", (None,), "x")
    values = [Decimal(2**64 - 1), Decimal("7.00")]
    assert to_tensor(values, spec).tolist() == [2**64 - 1, 7]
    with pytest.raises(ConversionError, match="is not a number"):
        to_tensor([Decimal("0.5")], spec)
    with pytest.raises(ConversionError, match=r"overflows|beyond 64 bits"):
        to_tensor([Decimal(2**64)], spec)
