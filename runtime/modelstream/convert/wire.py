"""The bytes of a tensor: a versioned header, then the elements as they lie in memory.

All numbers are little-endian. The elements begin at a multiple of 16, so that they are read where
they are, without a copy.

    offset  size       what
    0       4          MSTV
    4       1          version of the layout: 1
    5       1          0 dense, 1 ragged
    6       2          dtype: its number in TensorFlow's enum DataType
    8       4          number of sizes
    12      4          0
    16      8 a size   dense: the shape; ragged: the length of each array of row splits
    …                  zeros up to a multiple of 16
    …                  dense: the elements; ragged: the row splits (8 each, padded to 16), then the
                       flat values as a dense tensor with a header of its own

The elements of a string tensor are n + 1 offsets (8 each) and the bytes that lie between them.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.dtypes import NUMBERS, TENSOR_DTYPES
from modelstream.convert.protos import DATA_TYPES
from modelstream.errors import ConversionError

VERSION = 1
_MAGIC = b"MSTV"
_HEAD = struct.Struct("<4sBBHII")
_ALIGNED = 16

Array = npt.NDArray[Any]
Buffer = bytes | bytearray | memoryview


class Kind(IntEnum):
    """How the elements are laid out."""

    DENSE = 0
    RAGGED = 1


@dataclass(frozen=True)
class Head:
    """What the header says, and where the elements begin."""

    kind: Kind
    dtype: str
    sizes: tuple[int, ...]
    end: int


def head(kind: Kind, dtype: str, sizes: tuple[int, ...]) -> bytes:
    """A header."""
    packed = _HEAD.pack(_MAGIC, VERSION, kind, NUMBERS[dtype], len(sizes), 0)
    return padded(packed + struct.pack(f"<{len(sizes)}q", *sizes))


def padded(data: bytes) -> bytes:
    """The bytes with zeros up to a multiple of 16."""
    return data + bytes(-len(data) % _ALIGNED)


def read_head(data: Buffer, wanted: Kind) -> Head:
    """The header at the beginning of the bytes.

    Raises:
        ConversionError: they are not a tensor, damaged, of a newer version, or of another kind.
    """
    if len(data) < _HEAD.size or bytes(data[:4]) != _MAGIC:
        raise ConversionError(f"{len(data)} bytes are not a tensor: they do not begin with MSTV")
    _, version, kind, number, count, _ = _HEAD.unpack_from(data)
    if version != VERSION:
        raise ConversionError(
            f"the tensor has layout version {version}, this library reads {VERSION}: use the "
            f"version of modelstream that wrote it, or a newer one"
        )
    end = _HEAD.size + 8 * count
    if DATA_TYPES.get(number) not in TENSOR_DTYPES or len(data) < end:
        raise ConversionError(f"{len(data)} bytes are a damaged tensor: the header is broken")
    if kind != wanted:
        raise ConversionError(f"the bytes are not a {wanted.name.lower()} tensor")
    sizes = struct.unpack_from(f"<{count}q", data, _HEAD.size)
    if any(size < 0 for size in sizes):
        raise ConversionError(f"the tensor has the shape {list(sizes)}: a size is negative")
    return Head(wanted, DATA_TYPES[number], sizes, end + -end % _ALIGNED)


def is_ragged(data: Buffer) -> bool:
    """Whether the header is that of a ragged tensor."""
    return bytes(data[:4]) == _MAGIC and len(data) > 5 and data[5] == Kind.RAGGED


def packed_strings(values: list[bytes]) -> bytes:
    """Offsets, then the bytes end to end."""
    offsets = np.zeros(len(values) + 1, "<u8")
    offsets[1:] = np.cumsum([len(value) for value in values], dtype="<u8")
    return b"".join((offsets.tobytes(), *values))


def unpacked_strings(data: Buffer, count: int) -> list[bytes]:
    """The strings that ``packed_strings`` packed.

    Raises:
        ConversionError: the bytes are not what their offsets say.
    """
    start = 8 * (count + 1)
    if len(data) < start:
        raise _wrong_size(len(data), f"{count} strings")
    offsets = np.frombuffer(data, "<u8", count + 1).tolist()
    content = bytes(data[start:])
    if offsets[0] != 0 or offsets[-1] != len(content) or offsets != sorted(offsets):
        raise ConversionError("the strings of the tensor are damaged: their offsets do not fit")
    return [content[begin:end] for begin, end in pairwise(offsets)]


def unpacked_numbers(data: Buffer, dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> Array:
    """An array over the bytes, without a copy.

    Raises:
        ConversionError: the bytes are too few or too many for the shape.
    """
    size = dtype.itemsize
    for each in shape:
        size *= each
    if len(data) != size:
        raise _wrong_size(len(data), f"{dtype.name}{list(shape)}, which takes {size}")
    try:
        array = np.frombuffer(data, dtype) if size else np.empty(0, dtype)
        array = array.reshape(shape)
    except ValueError as error:
        raise ConversionError(f"no array has the shape {list(shape)}: {error}") from None
    if dtype.kind == "b" and size and array.view(np.uint8).max() > 1:
        raise ConversionError("the tensor is damaged: a boolean is neither 0 nor 1")
    return array


def _wrong_size(found: int, wanted: str) -> ConversionError:
    return ConversionError(f"the tensor is damaged: {found} bytes of elements for {wanted}")
