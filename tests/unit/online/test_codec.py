import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelstream.convert.codec import VERSION, decode, encode, encoded_names, names_hash
from modelstream.errors import StateError

NUMBERS = ["float16", "float32", "float64", "int8", "int16", "int32", "int64"]
DTYPES = [*NUMBERS, "uint8", "uint16", "uint32", "uint64", "bool"]
ARRAYS = hnp.arrays(
    st.sampled_from(DTYPES).map(np.dtype), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)
)


@given(st.lists(ARRAYS, max_size=4))
def test_arrays_come_back_bit_by_bit(arrays) -> None:
    back = decode(encode(arrays))
    assert [(a.dtype, a.shape, a.tobytes()) for a in back] == [
        (a.dtype, a.shape, a.tobytes()) for a in arrays
    ]


@given(hnp.arrays(object, hnp.array_shapes(min_side=0), elements=st.binary(max_size=300)))
def test_strings_come_back(array) -> None:
    (back,) = decode(encode([array]))
    assert back.shape == array.shape
    assert back.tolist() == array.tolist()


def test_what_is_not_contiguous_or_big_endian_comes_back() -> None:
    array = np.arange(12, dtype=">i4").reshape(3, 4).T
    (back,) = decode(encode([array]))
    assert back.tolist() == array.tolist()


def test_the_layout_is_what_the_module_says() -> None:
    data = encode([np.array([1.5, -2], np.float32), np.array([b"ab", b""], object)], names=-7)
    head = b"MSA\x02" + struct.pack("<Iq", 2, -7)
    numbers = bytes([2, 1]) + struct.pack("<I2f", 2, 1.5, -2)
    strings = bytes([13, 1]) + struct.pack("<II2sI", 2, 2, b"ab", 0)
    assert data == head + numbers + strings


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 20, 40])
def test_bytes_that_are_cut_off_are_refused(cut: int) -> None:
    data = encode([np.ones(4, np.float32), np.array([b"abc"], object)])
    with pytest.raises(StateError):
        decode(data[:-cut])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\x80\x04K\x01.", "not written by an online model", id="something else"),
        pytest.param(b"MSA\x01\x00\x00\x00\x00", "version 1 .*reads 2", id="an older version"),
        pytest.param(b"MSA" + bytes([VERSION + 1]), "version 3 of", id="a later version"),
        pytest.param(b"", "not written by an online model", id="nothing"),
    ],
)
def test_other_bytes_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(StateError, match=message):
        decode(data)


def test_the_hash_of_the_names_tells_their_order() -> None:
    data = encode([np.ones(1), np.ones(1)], names_hash(["h", "c"]))
    assert encoded_names(data) == names_hash(["h", "c"]) != names_hash(["c", "h"])
    assert names_hash(["a", "bc"]) != names_hash(["ab", "c"])


def test_a_dtype_without_a_code_is_refused() -> None:
    with pytest.raises(StateError, match="complex64"):
        encode([np.ones(1, np.complex64)])
