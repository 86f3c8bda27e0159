"""Arrays as bytes and back: what checkpoints, savepoints and published weights hold.

``MSA`` and the version of the layout, the number of arrays as uint32, a hash of their names as
int64; then for each its dtype (a byte, the position in ``_DTYPES``), its rank (a byte), its
dimensions (uint32), and its data: numbers in C order, strings as a uint32 of length and the bytes,
one after the other. Everything is little endian. Both ends of ``_DTYPES`` are fixed: a new dtype
goes to its end.
"""

import struct
from collections.abc import Iterable, Iterator
from hashlib import sha256
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.errors import StateError

Array = npt.NDArray[Any]

VERSION = 2
"""Of this layout, and of the arrays that states consist of (memory.py, hidden.py)."""

_MAGIC = b"MSA"
_HEAD = struct.Struct("<3sBIq")
_SPEC = struct.Struct("<BB")
_LENGTH = struct.Struct("<I")
_STRING = "string"
_BFLOAT16 = "bfloat16"
_DTYPES = (
    *("float16", _BFLOAT16, "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", _STRING),
)
_CODES = {name: code for code, name in enumerate(_DTYPES)}


def names_hash(names: Iterable[str]) -> int:
    """Tells arrays from others of the same dtypes and shapes."""
    digest = sha256("\0".join(names).encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


def encode(arrays: Iterable[Array], names: int = 0) -> bytes:
    """Arrays of numbers, and object arrays of bytes, as bytes.

    Args:
        arrays: in the order in which they come back.
        names: the hash of their names.

    Raises:
        StateError: there is no code for a dtype (complex numbers).
    """
    parts: list[bytes] = []
    count = 0
    for array in arrays:
        parts += _encoded(array)
        count += 1
    return b"".join([_HEAD.pack(_MAGIC, VERSION, count, names), *parts])


def decode(data: bytes) -> list[Array]:
    """What ``encode`` was given. The arrays are views of the bytes and cannot be written to.

    Raises:
        StateError: these are not such bytes, or of a version that this release does not read.
    """
    count, _ = _head(data)
    try:
        return list(_arrays(memoryview(data), count))
    except (struct.error, ValueError, IndexError) as error:
        raise StateError(
            f"the state of {len(data)} bytes is cut off or corrupt: {error}"
        ) from error


def encoded_names(data: bytes) -> int:
    """The hash of the names of the arrays, as ``encode`` was given it."""
    return _head(data)[1]


def _head(data: bytes) -> tuple[int, int]:
    """The number of arrays, and the hash of their names."""
    magic, version = bytes(data[:3]), data[3:4]
    if magic != _MAGIC:
        raise StateError(
            f"the state begins with {magic!r} and not with {_MAGIC!r}: it was not written by an "
            f"online model; give the operator a name of its own or start without this state"
        )
    if bytes(version) != bytes([VERSION]):
        raise StateError(
            f"the state has version {int.from_bytes(version)} of the layout, this release reads "
            f"{VERSION}: run the release that wrote it"
        )
    if len(data) < _HEAD.size:
        raise StateError(f"the state of {len(data)} bytes is cut off")
    _, _, count, names = _HEAD.unpack_from(data)
    return count, names


def _encoded(array: Array) -> Iterator[bytes]:
    name = _STRING if array.dtype.kind == "O" else array.dtype.name
    if name not in _CODES:
        raise StateError(f"a variable of dtype {name} cannot be kept; those that can: {_DTYPES}")
    yield _SPEC.pack(_CODES[name], array.ndim)
    yield struct.pack(f"<{array.ndim}I", *array.shape)
    if name != _STRING:
        yield array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return
    for text in array.ravel().tolist():
        yield _LENGTH.pack(len(text))
        yield text


def _arrays(data: memoryview, count: int) -> Iterator[Array]:
    at = _HEAD.size
    for _ in range(count):
        code, rank = _SPEC.unpack_from(data, at)
        at += _SPEC.size
        shape = struct.unpack_from(f"<{rank}I", data, at)
        at += 4 * rank
        if _DTYPES[code] == _STRING:
            array, at = _strings(data, at, shape)
        else:
            dtype = _dtype(_DTYPES[code])
            size = prod(shape)
            array = np.frombuffer(data, dtype, size, at) if size else np.empty(0, dtype)
            at += size * dtype.itemsize
        yield array.reshape(shape)


def _strings(data: memoryview, at: int, shape: tuple[int, ...]) -> tuple[Array, int]:
    array = np.empty(prod(shape), object)
    for index in range(len(array)):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            raise ValueError(f"a string of {length} bytes begins at {at}")
        array[index] = bytes(data[at : at + length])
        at += length
    return array, at


def _dtype(name: str) -> "np.dtype[Any]":
    if name == _BFLOAT16:
        import ml_dtypes  # comes with TensorFlow; the only models that have it need TensorFlow

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name).newbyteorder("<")
