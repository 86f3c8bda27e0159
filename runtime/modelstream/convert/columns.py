"""Columns into tensors and back."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import arrow
from modelstream.convert.dtypes import DType, Kind, dtype_of
from modelstream.convert.numbers import MisfitError, cast
from modelstream.convert.spec import Layout, TensorSpec, fitted, uneven, wrong_shape
from modelstream.convert.values import number_record, objects, text_record
from modelstream.errors import ConversionError, SignatureMismatchError

Array = npt.NDArray[Any]


def to_tensor(values: Any, spec: TensorSpec, *, allow_nan: bool = False) -> Array:
    """One batch: a column's values as the array that the tensor takes.

    Args:
        values: one value a record: a list, a numpy array or a pandas Series of numbers, text,
            bytes, (nested) lists, arrays, rows or anything with a registered converter.
        spec: the tensor; its first dimension is the batch.
        allow_nan: NaN in a float is data and passes. By default it is refused, because a null
            of a FLOAT or DOUBLE column reaches pandas as NaN and cannot be told apart from it.

    Returns:
        An array of shape (n, *record shape); strings as an object array of bytes.

    Raises:
        ConversionError: a value does not fit; ``index`` says which record.
        UnevenShapesError: the records are fine but have different shapes, which the tensor allows.
        SignatureMismatchError: the tensor takes no batch, or is ragged.
    """
    if spec.layout is Layout.RAGGED:
        raise SignatureMismatchError(
            f"{spec.name or 'the tensor'} is {spec}, which no array can be: to_ragged makes it"
        )
    if spec.shape == ():
        raise SignatureMismatchError(
            f"{spec.name or 'the tensor'} is a single {spec.dtype} without a batch dimension"
        )
    dtype = dtype_of(spec.dtype)
    array = (
        together(values, spec, dtype, widened=is_series(values))
        if len(values)
        else _empty(spec, dtype)
    )
    if array is None:
        array = _one_by_one(values, spec, dtype)
    if dtype.kind is Kind.FLOAT and not allow_nan:
        _refuse_nan(array, spec)
    return array


def together(values: Any, spec: TensorSpec, dtype: DType, *, widened: bool) -> Array | None:
    """The whole column at once; None where some record needs a look of its own."""
    array = _block(values, dtype)
    if array is None:
        return None
    shape = fitted(array.shape[1:], spec)
    if shape is None:
        return None
    if dtype.kind is not Kind.STRING:
        try:
            array = cast(array, dtype, widened=widened)
        except MisfitError:
            return None
    return array.reshape(len(array), *shape)


def _block(values: Any, dtype: DType) -> Array | None:
    """The column as one array of its own dtype, where that needs no look at each value."""
    kind = getattr(getattr(values, "dtype", None), "kind", "O")
    if kind in "fiub":
        return np.asarray(values)
    if kind != "O" or is_frame(values):
        return None
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    if dtype.kind is Kind.STRING:
        return _text_block(listed)
    if isinstance(listed[0], np.ndarray):
        return arrow.stacked(listed, in_order=is_in_order(values))
    return _number_block(listed, dtype)


def _number_block(values: list[Any], dtype: DType) -> Array | None:
    """(Nested) lists of Python numbers at once: 30 times as fast as one record after the other."""
    leaves = values
    while (types := set(map(type, leaves))) == {list}:
        leaves = list(chain.from_iterable(leaves))
    if types not in ({float}, {int}, {float, int}, {bool}):
        return None
    try:
        block = np.array(values)
    except ValueError:  # lists of different length
        return None
    if block.dtype.kind not in "fiub":
        return None
    if types == {int} and block.dtype.kind == "f":
        return None  # numpy rounds where one is beyond int64 and another is not beyond uint64
    if len(types) == 2 and not np.abs(block).max() <= _exact_up_to(dtype):
        return None  # an integer may be rounded, which must not depend on its neighbours
    return block


def _exact_up_to(dtype: DType) -> float:
    """Up to here a float of the dtype holds each whole number."""
    return float(2.0 ** (np.finfo(dtype.numpy).nmant + 1)) if dtype.kind is Kind.FLOAT else 0.0


def _text_block(values: list[Any]) -> Array | None:
    match set(map(type, values)):
        case types if types == {bytes}:
            encoded = values
        case types if types == {str}:
            try:
                encoded = [text.encode() for text in values]
            except UnicodeEncodeError:
                return None
        case _:
            return None
    return objects(encoded)


def _one_by_one(values: Any, spec: TensorSpec, dtype: DType) -> Array:
    records = values.to_dict("records") if is_frame(values) else values
    convert: Callable[[Any], Array] = (
        text_record
        if dtype.kind is Kind.STRING
        else lambda value: number_record(value, dtype, widened=is_series(values))
    )
    arrays = [_record(index, value, convert, spec) for index, value in enumerate(records)]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1:
        raise uneven(shapes, spec.name or "the tensor")
    return np.stack(arrays)


def _record(index: int, value: Any, convert: Callable[[Any], Array], spec: TensorSpec) -> Array:
    try:
        array = convert(value)
    except MisfitError as error:
        raise ConversionError(message(index, spec, str(error)), index) from None
    shape = fitted(array.shape, spec)
    if shape is None:
        raise ConversionError(message(index, spec, wrong_shape(array.shape, spec)), index)
    return array.reshape(shape)


def _refuse_nan(array: Array, spec: TensorSpec) -> None:
    if not array.size or not np.isnan(array.min()):
        return
    index = int(np.isnan(array).reshape(len(array), -1).any(axis=1).argmax())
    raise ConversionError(message(index, spec, "it has a null or NaN"), index)


def message(index: int, spec: TensorSpec, reason: str) -> str:
    """What a record did wrong, and in which tensor."""
    return f"record {index} does not fit {spec.name or 'the tensor'} ({spec}): {reason}"


def _empty(spec: TensorSpec, dtype: DType) -> Array:
    return np.empty((0, *(size or 0 for size in spec.record_shape or ())), dtype.numpy)


def is_series(values: Any) -> bool:
    """Whether pandas holds the column: its integers may be floats because of a null."""
    return hasattr(values, "iloc")


def is_frame(values: Any) -> bool:
    """Whether the column is one of rows, as pandas holds them."""
    return hasattr(values, "iloc") and hasattr(values, "columns")


def is_in_order(values: Any) -> bool:
    """Whether the column is as Arrow made it: nobody has taken rows out of it."""
    return getattr(getattr(values, "index", None), "step", None) == 1


def from_tensor(
    array: Array, *, binary: bool = False, signed: bool = False
) -> Sequence[Any] | Array:
    """A batch that a model gave, as the values of a column: one element a record.

    Numbers stay numpy (one array a record from rank 2 on), text becomes ``str``, and uint64, which
    no integer of Flink holds, ``Decimal``.

    Args:
        array: first dimension is the batch.
        binary: strings are bytes, not text.
        signed: uint64 is BIGINT, not DECIMAL.

    Raises:
        ConversionError: bytes that are not UTF-8 where text is expected; an integer > BIGINT.
    """
    if array.dtype.kind in "OSU":
        return [_text(index, value, binary=binary) for index, value in enumerate(array.tolist())]
    if array.dtype.name == "uint64" and not signed:
        return [_decimals(value) for value in array.tolist()]
    return _nested(_carried(array))


def _carried(array: Array) -> Array:
    """In the numpy dtype of the Flink type that carries it: FLOAT for half, SMALLINT for uint8."""
    match array.dtype.name:
        case "float16" | "bfloat16":
            return array.astype(np.float32)
        case "uint8":
            return array.astype(np.int16)
        case "uint16":
            return array.astype(np.int32)
        case "uint32":
            return array.astype(np.int64)
        case "uint64":
            return _signed(array)
        case _:
            return array


def _signed(array: Array) -> Array:
    wrong = array > np.iinfo(np.int64).max
    if wrong.any():
        index = int(wrong.reshape(len(array), -1).any(axis=1).argmax())
        raise ConversionError(
            f"record {index}: the model gave {array[wrong].max()}, more than BIGINT holds", index
        )
    return array.astype(np.int64)


def _decimals(value: Any) -> Any:
    return list(map(_decimals, value)) if isinstance(value, list) else Decimal(value)


def _nested(array: Array) -> Sequence[Any] | Array:
    if array.ndim == 1:
        return array
    return list(array) if array.ndim == 2 else [_nested(each) for each in array]


def _text(index: int, value: Any, *, binary: bool) -> Any:
    match value:
        case list():
            return [_text(index, each, binary=binary) for each in value]
        case bytes() if not binary:
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise ConversionError(
                    f"record {index}: the model gave bytes that are not UTF-8 text ({error}); "
                    f"Predict(types={{column: 'BYTES'}}) keeps them as they are",
                    index,
                ) from None
        case str() if not value.isascii():
            return _encodable(index, value, binary=binary)
        case str() if binary:
            return value.encode()
        case _:
            return value


def _encodable(index: int, value: str, *, binary: bool) -> str | bytes:
    """Text that UTF-8 has: half of a surrogate pair, which Python takes, is nothing to Flink."""
    try:
        encoded = value.encode()
    except UnicodeEncodeError as error:
        raise ConversionError(
            f"record {index}: the model gave text that UTF-8 does not have ({error})", index
        ) from None
    return encoded if binary else value


def plain(value: Any) -> Any:
    """A value of a column that `from_tensor` made in Python's own types, however deep it nests."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if (
        isinstance(value, list)
        and value
        and (type(value[0]) is list or hasattr(value[0], "tolist"))
    ):
        return list(map(plain, value))
    return value
