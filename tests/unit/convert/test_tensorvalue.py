import pickle

import numpy as np
import pytest

from modelstream.convert import TENSOR_DTYPES, RaggedValue, TensorSpec, TensorValue, to_tensor
from modelstream.errors import ConversionError


@pytest.mark.parametrize(
    ("values", "dtype", "shape"),
    [
        pytest.param(1.5, "float32", (), id="float"),
        pytest.param(2**40, "int64", (), id="int"),
        pytest.param(True, "bool", (), id="bool"),
        pytest.param("ä", "string", (), id="text"),
        pytest.param([b"a", b"\xff"], "string", (2,), id="bytes"),
        pytest.param([[1, 2.5], [3, 4]], "float32", (2, 2), id="whole-numbers-among-floats"),
        pytest.param(((1, 2), (3, 4)), "int64", (2, 2), id="tuples"),
        pytest.param(np.zeros((2, 0, 3), np.uint8), "uint8", (2, 0, 3), id="empty"),
        pytest.param(np.float16(1), "float16", (), id="numpy-scalar"),
        pytest.param(np.array(["a", "b"]), "string", (2,), id="numpy-text"),
        pytest.param(1 + 2j, "complex64", (), id="complex"),
        pytest.param([np.zeros(2, np.int8)] * 3, "int8", (3, 2), id="list-of-arrays"),
        pytest.param([np.float64(1)], "float64", (1,), id="list-of-numpy-scalars"),
        pytest.param(np.arange(3, dtype=">i4"), "int32", (3,), id="big-endian"),
        pytest.param(np.arange(6).reshape(2, 3).T, "int64", (3, 2), id="transposed"),
    ],
)
def test_values_tell_dtype_and_shape(values, dtype, shape):
    value = TensorValue(values)
    assert (value.dtype, value.shape) == (dtype, shape)
    expected = np.asarray(values).tolist()
    if dtype != "string":
        assert value.tolist() == expected
        assert value.numpy().dtype.isnative


@pytest.mark.parametrize(
    ("values", "dtype", "words"),
    [
        pytest.param([], None, "give it, as in", id="empty-list"),
        pytest.param([1, "a"], None, "of one kind", id="mixed"),
        pytest.param(None, None, "of one kind", id="null"),
        pytest.param([[1], [1, 2]], None, "differ in length", id="ragged"),
        pytest.param([1, 2**24 + 1], "float32", "cannot be held exactly", id="inexact"),
        pytest.param([1.5], "int32", "do not fit int32", id="fraction"),
        pytest.param([300], "uint8", "overflows uint8", id="overflow"),
        pytest.param([8], "int4", "not one of its numbers", id="four-bits"),
        pytest.param([257], "bfloat16", "not one of its numbers", id="inexact-bfloat16"),
        pytest.param([np.zeros(1), np.zeros(2)], None, "differ in length", id="uneven-arrays"),
        pytest.param([1e39], "bfloat16", "overflows", id="bfloat16"),
        pytest.param([1e6], "float8_e4m3fn", "not one of its numbers", id="float8"),
        pytest.param([1j], "float32", "do not fit", id="complex-into-real"),
        pytest.param([1], "string", "neither text nor bytes", id="number-into-text"),
        pytest.param([1], "resource", "has no values outside", id="resource"),
        pytest.param(np.array(["2026"], "M8[Y]"), None, "is not a dtype of TensorFlow", id="date"),
    ],
)
def test_what_is_no_tensor_is_refused(values, dtype, words):
    with pytest.raises(ConversionError, match=words):
        TensorValue(values, dtype)


def test_an_alias_is_taken_for_its_dtype():
    assert TensorValue([1.5], "half").dtype == "float16"


def test_it_does_not_change_with_the_array_that_it_was_made_of():
    array = np.zeros(3, np.float32)
    window = array[:]
    window.flags.writeable = False
    value, other = TensorValue(array), TensorValue(window)
    array[0] = 1
    assert value.tolist() == other.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        value.numpy()[0] = 1


def test_a_view_shares_the_memory_of_its_array():
    array = np.zeros((2, 3), np.float32)
    assert np.shares_memory(TensorValue.view(array).numpy(), array)


def test_bytes_are_read_where_they_are():
    data = TensorValue(np.arange(1000.0)).to_bytes()
    array = TensorValue.from_bytes(data).numpy()
    assert np.shares_memory(array, np.frombuffer(data, np.uint8))
    assert not array.flags.writeable
    assert array.flags.aligned


def test_bytes_that_can_be_written_to_are_copied():
    data = bytearray(TensorValue([1, 2]).to_bytes())
    value = TensorValue.from_bytes(data)
    data[-8:] = bytes(8)
    assert value.tolist() == [1, 2]


def test_the_layout_of_version_1_stays():
    value = TensorValue(np.array([[1, -2]], np.int16))
    assert value.to_bytes().hex() == (
        "4d535456" "01" "00" "0500" "02000000" "00000000"
        "0100000000000000" "0200000000000000" "0100feff"
    )  # fmt: skip
    assert TensorValue.from_bytes(value.to_bytes()) == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda data: b"", "0 bytes are not a tensor", id="nothing"),
        pytest.param(lambda data: b"{" + data[1:], "do not begin with MSTV", id="magic"),
        pytest.param(lambda data: data[:4] + b"\2" + data[5:], "layout version 2", id="newer"),
        pytest.param(lambda data: data[:5] + b"\1" + data[6:], "not a dense tensor", id="ragged"),
        pytest.param(lambda data: data[:6] + b"\x14\0" + data[8:], "broken", id="resource"),
        pytest.param(lambda data: data[:8] + b"\xff" * 4 + data[12:], "broken", id="rank"),
        pytest.param(lambda data: data[:16] + b"\xff" * 8 + data[24:], "negative", id="negative"),
        pytest.param(lambda data: data[:-1], "15 bytes of elements", id="cut-off"),
        pytest.param(lambda data: data + b"\0", "17 bytes of elements", id="too-long"),
    ],
)
def test_damaged_bytes_are_refused(change, words):
    with pytest.raises(ConversionError, match=words):
        TensorValue.from_bytes(change(TensorValue([1, 2]).to_bytes()))


@pytest.mark.parametrize("at", [-1, -11], ids=["content", "offsets"])
def test_damaged_strings_are_refused(at):
    data = TensorValue(["ab", "c"]).to_bytes()
    with pytest.raises(ConversionError, match="damaged"):
        TensorValue.from_bytes(data[:at] + b"\x7f" + data[at:])


def test_a_boolean_is_zero_or_one():
    data = TensorValue([True, False]).to_bytes()
    with pytest.raises(ConversionError, match="boolean"):
        TensorValue.from_bytes(data[:-1] + b"\2")


def test_equal_are_dtype_shape_and_bits():
    nan = TensorValue([float("nan"), 1.0])
    assert nan == TensorValue([float("nan"), 1.0])
    assert len({nan, TensorValue([float("nan"), 1.0])}) == 1
    assert TensorValue(0.0) != TensorValue(-0.0)
    assert TensorValue([1], "int32") != TensorValue([1], "int64")
    assert TensorValue([[1, 2]]) != TensorValue([1, 2])
    assert TensorValue([1]) != [1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(TensorValue([[1, 2], [3, 4]]), "int64[2, 2], [[1, 2], [3, 4]]", id="matrix"),
        pytest.param(TensorValue(1.5), "float32[], 1.5", id="scalar"),
        pytest.param(
            TensorValue(np.arange(100)), "int64[100], [ 0, 1, 2, ..., 97, 98, 99]", id="long"
        ),
        pytest.param(TensorValue([b"a"]), "string[1], [b'a']", id="text"),
        pytest.param(TensorValue([1], "bfloat16"), "bfloat16[1], [1]", id="bfloat16"),
    ],
)
def test_its_repr_tells_what_it_is(value, shown):
    assert repr(value) == f"TensorValue({shown})"


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        pytest.param(TensorValue([1.0, 2.0]), "float32", [[1, 2]], id="float32"),
        pytest.param(TensorValue([1, 2], "uint8"), "float32", [[1, 2]], id="uint8"),
        pytest.param(TensorValue([1.5, 2], "bfloat16"), "bfloat16", [[1.5, 2]], id="bfloat16"),
        pytest.param(TensorValue(["a", "b"]), "string", [[b"a", b"b"]], id="text"),
        pytest.param(TensorValue([True, False]), "bool", [[True, False]], id="bool"),
    ],
)
def test_it_feeds_a_model(value, spec, expected):
    assert to_tensor([value], TensorSpec(spec, (None, 2), "x")).tolist() == expected


def test_a_single_value_feeds_a_model():
    assert to_tensor([TensorValue("a")], TensorSpec("string", (None,))).tolist() == [b"a"]
    assert to_tensor([TensorValue(2.0)], TensorSpec("float32", (None, 1))).tolist() == [[2]]


def test_one_that_does_not_fit_is_named():
    values = [TensorValue([1.0, 2.0]), TensorValue([1.0])]
    with pytest.raises(ConversionError, match=r"the shape \[1\], x takes \[2\]") as caught:
        to_tensor(values, TensorSpec("float32", (None, 2), "x"))
    assert caught.value.index == 1


def test_a_mapping_or_a_tuple_makes_it_as_a_row_does():
    data = np.array([1, 2], "<i4").tobytes()
    value = TensorValue([1, 2], "int32")
    assert TensorValue.from_row({"shape": np.array([2]), "dtype": "int32", "data": data}) == value
    assert TensorValue.from_row(("int32", [2], bytearray(data))) == value


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(None, id="null"),
        pytest.param({"dtype": "int32"}, id="fields-missing"),
        pytest.param(("int32", [2], None), id="no-data"),
        pytest.param(("int32", [2], b"123"), id="too-short"),
        pytest.param(("int32", [-2], b"12345678"), id="negative"),
        pytest.param(("thing", [2], b"12345678"), id="dtype"),
    ],
)
def test_a_row_that_is_no_tensor_is_refused(row):
    with pytest.raises(ConversionError):
        TensorValue.from_row(row)


def test_ragged_rows_keep_their_lengths():
    value = RaggedValue.of([["a", "b"], [], ["c"]])
    assert value.shape == (3, None)
    assert value.tolist() == [[b"a", b"b"], [], [b"c"]]
    assert RaggedValue.from_bytes(value.to_bytes()) == value == pickle.loads(pickle.dumps(value))
    assert repr(value) == "RaggedValue(string[3, ?], [[b'a', b'b'], [], [b'c']])"
    assert hash(value) == hash(RaggedValue.of([["a", "b"], [], ["c"]]))


def test_ragged_dimensions_nest_and_end_in_dense_ones():
    rows = [[[[1, 2]], [[3, 4], [5, 6]]], []]
    value = RaggedValue.of(rows, "int32", ragged_rank=2)
    assert value.shape == (2, None, None, 2)
    assert RaggedValue.from_bytes(value.to_bytes()).tolist() == rows


@pytest.mark.parametrize(
    "splits",
    [
        pytest.param([], id="none"),
        pytest.param([[1, 3]], id="start"),
        pytest.param([[0, 2]], id="end"),
        pytest.param([[0, 4, 3]], id="falls"),
        pytest.param([[0, 1], [0, 1, 3]], id="outer"),
    ],
)
def test_splits_that_do_not_fit_are_refused(splits):
    with pytest.raises(ConversionError, match="ragged tensor"):
        RaggedValue(TensorValue([1, 2, 3]), *splits)


def test_ragged_bytes_that_are_cut_off_are_refused():
    data = RaggedValue.of([[1], [2]]).to_bytes()
    for length in range(len(data)):
        with pytest.raises(ConversionError):
            RaggedValue.from_bytes(data[:length])


def test_every_dtype_has_a_number_in_tensorflows_enum():
    from modelstream.convert.dtypes import NUMBERS

    assert set(NUMBERS) == set(TENSOR_DTYPES)
    assert len(TENSOR_DTYPES) == 25
