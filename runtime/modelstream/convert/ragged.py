"""Columns of lists into ragged tensors: the elements end to end, and where each row ends."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import arrow
from modelstream.convert.columns import (
    is_frame,
    is_in_order,
    is_series,
    message,
    together,
)
from modelstream.convert.dtypes import DType, Kind, dtype_of, name_of
from modelstream.convert.elements import widened
from modelstream.convert.numbers import MisfitError
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import Layout, TensorSpec, fitted, shape_text, uneven
from modelstream.convert.tensorvalue import TensorValue
from modelstream.convert.values import number_record, plain_value, text_record
from modelstream.errors import ConversionError, SignatureMismatchError
from modelstream.messages import short

Array = npt.NDArray[Any]
Rows = tuple[Array, list[Array]]
"""The elements, and for each ragged dimension the lengths of its rows, the outermost first."""


def to_ragged(values: Any, spec: TensorSpec, *, allow_nan: bool = False) -> RaggedValue:
    """One batch: a column's lists as the ragged tensor that a model takes.

    Args:
        values: one list a record, of any length, nested as deep as the tensor: lists, arrays or
            rows of numbers, text or bytes, or a pandas Series of them. Or the batch as a whole:
            a RaggedValue, a ``tf.RaggedTensor``, or an array or TensorValue, whose rows have one
            length.
        spec: the tensor; its first dimension is the batch.
        allow_nan: NaN in a float is data and passes, as in `to_tensor`.

    Returns:
        A RaggedValue that may share the memory of the values, which nobody must write to any more.

    Raises:
        ConversionError: a value does not fit; ``index`` says which record.
        UnevenShapesError: the records are fine, but the elements of their lists have different
            shapes, which the tensor allows.
        SignatureMismatchError: the tensor is not ragged.
    """
    if spec.layout is not Layout.RAGGED:
        raise SignatureMismatchError(
            f"{spec.name or 'the tensor'} is {spec}, which is not ragged: to_tensor makes it"
        )
    dtype = dtype_of(spec.dtype)
    values = _unpacked(values)
    whole = _whole(values)
    found = _together(values, spec, dtype) if whole is None else _taken(whole, spec, dtype)
    if found is None:
        records = values if whole is None else whole.tolist()
        found = _one_by_one(records, spec, dtype, widened=is_series(values))
    flat, lengths = found
    splits = [np.concatenate([[0], np.cumsum(each)]) for each in lengths]
    if dtype.kind is Kind.FLOAT and not allow_nan:
        _refuse_nan(flat, splits, spec)
    return RaggedValue(TensorValue._holding(flat, name_of(dtype.numpy)), *splits)


def _unpacked(values: Any) -> Any:
    """A TensorValue or a dense tensor of TensorFlow's as its array; else what it is."""
    return widened(np.asarray(values.numpy())) if _is_dense(values) else values


def _is_dense(values: Any) -> bool:
    return hasattr(values, "numpy") and not hasattr(values, "nested_row_splits")


def _whole(values: Any) -> RaggedValue | None:
    """A batch that is one tensor already; None for a column of records."""
    if isinstance(values, RaggedValue):
        return values
    if hasattr(values, "nested_row_splits"):  # TensorFlow's, which is not imported here
        flat = np.asarray(values.flat_values)
        return RaggedValue(TensorValue(flat), *map(np.asarray, values.nested_row_splits))
    return None


def _taken(given: RaggedValue, spec: TensorSpec, dtype: DType) -> Rows | None:
    """A ragged tensor as it is; None where it is not split as the model's."""
    lengths = [np.diff(each) for each in given.splits]
    if len(lengths) != spec.ragged_rank or not _fit(lengths, spec):
        return None
    flat = _elements(widened(given.values.numpy()), spec, dtype)
    return None if flat is None else (flat, lengths)


def _together(values: Any, spec: TensorSpec, dtype: DType) -> Rows | None:
    """The whole column at once; None where some record needs a look of its own."""
    if is_frame(values):
        return None
    found: tuple[Any, list[Array]] | None
    if isinstance(values, np.ndarray) and values.ndim > spec.ragged_rank:
        found = _divided(values, spec.ragged_rank)
    else:
        found = _joined(values, spec.ragged_rank, in_order=is_in_order(values))
    if found is None or not _fit(found[1], spec):
        return None
    elements, lengths = found
    flat = _elements(elements, spec, dtype, widened=is_series(values))
    return None if flat is None else (flat, lengths)


def _divided(array: Array, ragged_rank: int) -> Rows:
    """An array, all of whose rows have one length."""
    counts = list(accumulate(array.shape[: ragged_rank + 1], lambda one, other: one * other))
    lengths = [
        np.full(count, size, np.int64)
        for count, size in zip(counts[:-1], array.shape[1 : ragged_rank + 1], strict=True)
    ]
    return array.reshape(counts[-1], *array.shape[ragged_rank + 1 :]), lengths


def _joined(values: Any, ragged_rank: int, *, in_order: bool) -> tuple[Any, list[Array]] | None:
    """The elements of lists or arrays, without a look at each."""
    rows: Any = values
    lengths: list[Array] = []
    for _ in range(ragged_rank):
        listed = rows.tolist() if hasattr(rows, "tolist") else list(rows)
        match set(map(type, listed)):
            case kinds if kinds == {np.ndarray}:
                joined = arrow.joined(listed, in_order=in_order)
                if joined is None:
                    return None
                rows, sizes = joined
            case kinds if kinds <= {list}:
                sizes = np.fromiter(map(len, listed), np.int64, len(listed))
                rows = list(chain.from_iterable(listed))
            case _:
                return None
        lengths.append(sizes)
    return rows, lengths


def _fit(lengths: Sequence[Array], spec: TensorSpec) -> bool:
    """Whether the rows are as long as the tensor asks for, where it does."""
    return all(
        size is None or bool((each == size).all())
        for each, size in zip(lengths, _sizes(spec), strict=True)
    )


def _sizes(spec: TensorSpec) -> tuple[int | None, ...]:
    """The sizes of the ragged dimensions; a number where the model takes one only."""
    return (None,) * spec.ragged_rank if spec.shape is None else spec.shape[1:][: spec.ragged_rank]


def _elements(
    values: Any, spec: TensorSpec, dtype: DType, *, widened: bool = False
) -> Array | None:
    if len(values):
        return together(values, spec.elements, dtype, widened=widened)
    return _no_elements(spec, dtype)


def _no_elements(spec: TensorSpec, dtype: DType) -> Array:
    inner = spec.elements.record_shape or ()
    return np.empty((0, *(size or 0 for size in inner)), dtype.numpy)


def _one_by_one(values: Any, spec: TensorSpec, dtype: DType, *, widened: bool) -> Rows:
    records = values.to_dict("records") if is_frame(values) else values
    found = [
        _record(index, value, spec, dtype, widened=widened) for index, value in enumerate(records)
    ]
    filled = [flat for flat, _ in found if len(flat)]
    if len({flat.shape[1:] for flat in filled}) > 1:
        shapes = [flat.shape[1:] if len(flat) else filled[0].shape[1:] for flat, _ in found]
        raise uneven(shapes, f"the elements of {spec.name or 'the tensor'}")
    lengths = [
        np.asarray(list(chain.from_iterable(each[level] for _, each in found)), np.int64)
        for level in range(spec.ragged_rank)
    ]
    return np.concatenate(filled) if filled else _no_elements(spec, dtype), lengths


def _record(
    index: int, value: Any, spec: TensorSpec, dtype: DType, *, widened: bool
) -> tuple[Array, list[list[int]]]:
    try:
        rows, lengths = _opened(plain_value(value), spec)
        if not rows:
            return _no_elements(spec, dtype), lengths
        if dtype.kind is Kind.STRING:
            array = text_record(rows)
        else:
            array = number_record(rows, dtype, widened=widened)
    except MisfitError as error:
        raise ConversionError(message(index, spec, str(error)), index) from None
    shape = fitted(array.shape[1:], spec.elements)
    if shape is None:
        reason = (
            f"the elements of its lists have the shape {shape_text(array.shape[1:])}, "
            f"{spec.name or 'the tensor'} takes {shape_text(spec.elements.record_shape)}"
        )
        raise ConversionError(message(index, spec, reason), index)
    return array.reshape(len(array), *shape), lengths


def _opened(value: Any, spec: TensorSpec) -> tuple[list[Any], list[list[int]]]:
    """The elements of one record's lists, and for each ragged dimension how long its rows are."""
    rows: list[Any] = [value]
    lengths: list[list[int]] = []
    for size in _sizes(spec):
        lists = [_row(row, spec) for row in rows]
        for row in lists:
            if size is not None and len(row) != size:
                raise MisfitError(f"it has {len(row)} elements in a list that takes {size}")
        lengths.append(list(map(len, lists)))
        rows = list(chain.from_iterable(lists))
    return rows, lengths


def _row(value: Any, spec: TensorSpec) -> Any:
    if value is None:
        raise MisfitError("it has a null where a list belongs")
    if not isinstance(value, str | bytes | Mapping) and not isinstance(value, list):
        value = np.asarray(value)
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim):
        return value
    deep = "a list" if spec.ragged_rank == 1 else f"lists nested {spec.ragged_rank} deep"
    plain = value.item() if isinstance(value, np.ndarray) else value
    raise MisfitError(f"{short(plain)} is not a list, the tensor takes {deep} a record")


def _refuse_nan(flat: Array, splits: Sequence[Array], spec: TensorSpec) -> None:
    if not flat.size or not np.isnan(flat.min()):
        return
    index = int(np.isnan(flat).reshape(len(flat), -1).any(axis=1).argmax())
    for each in reversed(splits):
        index = int(np.searchsorted(each, index, side="right")) - 1
    raise ConversionError(message(index, spec, "it has a null or NaN"), index)
