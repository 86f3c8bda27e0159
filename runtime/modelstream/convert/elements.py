"""Python values and arrays as an array of one of TensorFlow's dtypes."""

from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.dtypes import DTYPES, ML_DTYPES, holder, name_of
from modelstream.convert.numbers import MisfitError, cast
from modelstream.convert.values import text_record
from modelstream.errors import ConversionError

Array = npt.NDArray[Any]
_PYTHON = {bool: "bool", int: "int64", float: "float32", complex: "complex64"}


def array_of(values: Any, dtype: str | None) -> tuple[Array, str]:
    """Values as an array, with the dtype that it has in TensorFlow.

    Args:
        values: a number, text, bytes, (nested) lists or tuples of them, or a numpy array.
        dtype: the wanted one; what the values tell if None.

    Returns:
        The array itself where it has the dtype already.

    Raises:
        ConversionError: the values are not a tensor, or do not fit the dtype.
    """
    if isinstance(values, np.ndarray | np.generic):
        array = values if isinstance(values, np.ndarray) else np.asarray(values)
        found = dtype or name_of(array.dtype)
        return (_text(array.tolist()) if found == "string" else cast_to(array, found)), found
    leaves = _leaves(values)
    if leaves and all(isinstance(leaf, np.ndarray | np.generic) for leaf in leaves):
        return array_of(_stacked(values), dtype)
    found = dtype or _python_dtype(leaves, values)
    return (_text(values) if found == "string" else _listed(values, leaves, found)), found


def _listed(values: Any, leaves: list[Any], dtype: str) -> Array:
    array = _stacked(values)
    return cast_to(array, dtype) if leaves else array.astype(holder(dtype))


def _stacked(values: Any) -> Array:
    try:
        return np.array(values)
    except (ValueError, OverflowError):
        said = f"{values!r:.60} is not a tensor: its lists differ in length"
        raise ConversionError(said) from None


def cast_to(array: Array, dtype: str) -> Array:
    """The numbers in another dtype, without loss (floats are rounded, never beyond the range).

    Raises:
        ConversionError: a number would change.
    """
    wanted = holder(dtype)
    if array.dtype == wanted:
        return array
    try:
        if dtype in ML_DTYPES or array.dtype.name in ML_DTYPES:
            return _cast_small(array, wanted)
        if wanted.kind == "c" and array.dtype.kind in "fiuc":
            return array.astype(wanted)
        return cast(array, DTYPES[name_of(wanted)])
    except (MisfitError, KeyError) as error:
        raise ConversionError(f"the values do not fit {dtype}: {error}") from None


def _cast_small(array: Array, wanted: "np.dtype[Any]") -> Array:
    """To or from one of ml_dtypes' numbers, each of which a float32 holds."""
    floats = cast(widened(array), DTYPES["float32"])
    if wanted.name not in ML_DTYPES:
        return cast(widened(array), DTYPES[name_of(wanted)])
    with np.errstate(over="ignore", invalid="ignore"):
        small = floats.astype(wanted)
    back = small.astype(np.float32)
    exact = wanted.name in ("int4", "uint4") or array.dtype.kind in "iu"
    changed = back != floats if exact else np.isfinite(floats) & ~np.isfinite(back)
    if changed.any():
        raise MisfitError(f"{floats[changed].flat[0]} is not one of its numbers")
    return small


def widened(array: Array) -> Array:
    """Numbers that numpy does not know as numbers that it does: float32 or int8."""
    match array.dtype.name:
        case "int4" | "uint4":
            return array.astype(np.int8)
        case name if name in ML_DTYPES:
            return array.astype(np.float32)
        case _:
            return array


def _leaves(values: Any) -> list[Any]:
    """Every value that is not a list."""
    leaves = [values]
    while any(isinstance(each, list | tuple) for each in leaves):
        nested = (each if isinstance(each, list | tuple) else (each,) for each in leaves)
        leaves = list(chain.from_iterable(nested))
    return leaves


def _python_dtype(leaves: list[Any], values: Any) -> str:
    types = {type(leaf) for leaf in leaves}
    if types and types <= {str, bytes, bytearray}:
        return "string"
    if types == {int, float}:
        return "float32"
    if len(types) == 1 and (only := types.pop()) in _PYTHON:
        return _PYTHON[only]
    raise ConversionError(
        f"{values!r:.60} does not tell its dtype: give it, as in TensorValue([], 'float32')"
        if not leaves
        else f"{values!r:.60} is not a tensor: all of it must be of one kind, numbers, booleans, "
        "text or bytes"
    )


def _text(values: Any) -> Array:
    try:
        return text_record(values)
    except MisfitError as error:
        raise ConversionError(f"{values!r:.60} is not a string tensor: {error}") from None
