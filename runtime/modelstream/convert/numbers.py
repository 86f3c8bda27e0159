"""Numbers into the dtype of a tensor, without loss."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.dtypes import DType, Kind

Array = npt.NDArray[Any]
_EXACT = 2**53  # a float64 holds every whole number up to here


class MisfitError(Exception):
    """A value does not fit; the caller knows which record it is of."""


def cast(array: Array, dtype: DType, *, widened: bool = False) -> Array:
    """The numbers in another dtype.

    float64 → float32 rounds, as everywhere in machine learning, but never overflows. Integers
    become floats where that is exact. Nothing becomes an integer but integers.

    Args:
        array: numbers of any shape.
        dtype: what to make of them.
        widened: the array may be integers that pandas holds as float64 because of a null.

    Raises:
        MisfitError: a value would change.
    """
    if array.dtype == dtype.numpy:
        return array
    match array.dtype.kind, dtype.kind:
        case "f", Kind.FLOAT:
            return _narrowed(array, dtype)
        case (("i" | "u"), Kind.FLOAT):
            return _exact(array, dtype)
        case (("i" | "u"), Kind.INTEGER):
            return _in_range(array, dtype)
        case "f", Kind.INTEGER if widened:
            return _in_range(_whole(array), dtype)
        case _:
            raise MisfitError(_wrong_kind(array, dtype))


def _narrowed(array: Array, dtype: DType) -> Array:
    if dtype.numpy.itemsize >= array.dtype.itemsize:
        return array.astype(dtype.numpy)
    with np.errstate(over="ignore"):
        narrow = array.astype(dtype.numpy)
    if not np.array_equal(np.isinf(narrow), np.isinf(array)):
        raise MisfitError(f"{_first(array[np.isinf(narrow) & ~np.isinf(array)])} overflows {dtype}")
    return narrow


def _exact(array: Array, dtype: DType) -> Array:
    floats = array.astype(dtype.numpy)
    if array.dtype.itemsize < floats.dtype.itemsize:  # to numpy, int64 fits float64 too
        return floats
    with np.errstate(invalid="ignore"):
        wrong = floats.astype(np.longdouble) != array.astype(np.longdouble)
    if wrong.any():
        raise MisfitError(f"{_first(array[wrong])} cannot be held exactly by {dtype}")
    return floats


def _in_range(array: Array, dtype: DType) -> Array:
    if array.size and not np.can_cast(array.dtype, dtype.numpy, "safe"):
        limits = np.iinfo(dtype.numpy)
        low, high = int(array.min()), int(array.max())
        if low < limits.min or high > limits.max:
            raise MisfitError(f"{low if low < limits.min else high} overflows {dtype}")
    return array.astype(dtype.numpy)


def _whole(array: Array) -> Array:
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(array) <= _EXACT) | (array != np.floor(array))
    if wrong.any():
        raise MisfitError(_unwhole(float(_first(array[wrong]))))
    return array.astype(np.int64)


def _unwhole(value: float) -> str:
    if np.isnan(value):
        return "it is null or NaN"
    if np.isfinite(value) and value == np.floor(value):
        return (
            f"{value:.0f} may have been rounded: pandas holds a column of integers with a null in "
            f"it as float64; filter the nulls out before"
        )
    return f"{value} is not a whole number"


def _wrong_kind(array: Array, dtype: DType) -> str:
    names = {"f": "floats", "b": "booleans", "U": "text", "S": "bytes", "c": "complex numbers"}
    kind = names.get(array.dtype.kind, "integers" if array.dtype.kind in "iu" else "objects")
    return f"{kind} ({_first(array)!r}) do not fit {dtype} without loss"


def _first(array: Array) -> Any:
    values: Iterator[Any] = iter(array.reshape(-1).tolist())
    return next(values, None)
