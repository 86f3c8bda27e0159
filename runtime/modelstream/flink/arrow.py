"""Arrow batches as pandas functions get and give them, with what pandas would lose.

PyFlink hands a function the columns of a batch as pandas holds them: integers beside a NULL are
floats then and a NULL FLOAT is NaN, in the fields of a ROW and the elements of an ARRAY too, and a
constant among the arguments is one value. Of what the function returns, it makes each NaN a NULL.
Here a function reads what Arrow says, and returns what it means.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyflink.table.utils import arrow_to_pandas

_ARROW = "_modelstream_arrow"
_NAME = "_modelstream_name"
_batch = threading.local()
"""The size of the batch that this thread works on."""


@dataclass(frozen=True)
class Argument:
    """One argument of a function, for all records of a batch.

    Attributes:
        values: a Series, an array or a list, one value a record.
        nulls: which of them are NULL, where ``values`` cannot tell; None where it can.
    """

    values: Any
    nulls: npt.NDArray[np.bool_] | None = None

    def __getitem__(self, position: int) -> Any:
        """The value of one record."""
        if self.nulls is not None and self.nulls[position]:
            return None
        return self.values.iloc[position] if is_column(self.values) else self.values[position]


def column_of(given: Any) -> Any:
    """The Arrow column behind an argument; None where it is not known."""
    return vars(given).get(_ARROW) if is_column(given) else None


def name_of(given: Any) -> str | None:
    """The name that Flink has for the column of an argument."""
    return vars(given).get(_NAME) if is_column(given) else None


def keep_columns() -> None:
    """Let what PyFlink makes of Arrow columns remember them, from now on in this process.

    The values stay those that PyFlink makes: functions of other people notice nothing.
    """
    from pyflink.fn_execution import coders

    coders.coder_impl.arrow_to_pandas = _remembering


def _remembering(timezone: Any, field_types: Any, batches: Any) -> list[Any]:
    table = pa.Table.from_batches(batches)
    columns = table.columns
    _batch.size = len(table)
    others = [at for at, column in enumerate(columns) if not _is_text(column.type)]
    made: dict[int, Any] = {}
    if others:
        parts = [batch.select(others) for batch in batches]
        kinds = [field_types[at] for at in others]
        made = dict(zip(others, arrow_to_pandas(timezone, kinds, parts), strict=True))
    every = [made[at] if at in made else _text_series(column) for at, column in enumerate(columns)]
    for values, column, name in zip(every, columns, table.column_names, strict=True):
        object.__setattr__(values, _ARROW, column)  # pandas would take it for a new column
        object.__setattr__(values, _NAME, name)
    return every


def _text_series(column: Any) -> "pd.Series[Any]":
    """Text or bytes, each value an object of its own: looking for equal ones costs 1 to 3 µs."""
    return pd.Series(column.to_numpy(), dtype=object)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def is_column(given: Any) -> bool:
    """Whether an argument is a column of a batch, and not a constant."""
    return hasattr(given, "iloc")


def arguments(given: Sequence[Any]) -> list[Argument]:
    """The arguments of a call, each with a value a record."""
    size = next((len(each) for each in given if is_column(each)), None)
    if size is None:  # constants only, in a batch that another function has columns of
        size = _batch.size
    return [_column(each) if is_column(each) else _constant(each, size) for each in given]


def fields(column: Any) -> dict[str, Argument]:
    """The fields of a column of ROW, each as an argument; all are NULL where the ROW is."""
    array = column.combine_chunks()
    return {
        field.name: _argument(child)
        for field, child in zip(array.type, array.flatten(), strict=True)
    }


def _argument(array: Any) -> Argument:
    """An array of Arrow's as an argument: numbers stay numpy, all else are Python values."""
    if not _is_number(array.type) or pa.types.is_boolean(array.type):
        return Argument(plain(array))
    if not array.null_count:
        return Argument(array.to_numpy())
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    return Argument(array.fill_null(0).to_numpy(), nulls)


def _constant(value: Any, size: int) -> Argument:
    nulls = np.ones(size, bool) if value is None else None
    return Argument([number(value) if isinstance(value, Decimal) else value] * size, nulls)


def number(literal: Decimal) -> float | int:
    """What is meant by a literal with a point, which is a DECIMAL to Flink."""
    return int(literal) if literal.as_tuple().exponent == 0 else float(literal)


def _column(series: Any) -> Argument:
    column = vars(series).get(_ARROW)
    if column is None:
        return Argument(series)
    array = column.combine_chunks()
    if _has_rows(array.type) or (pa.types.is_nested(array.type) and _has_null(array)):
        return Argument(plain(array))
    if not array.null_count:
        return Argument(series)
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(array.type):
        return Argument(array.fill_null(0).to_numpy(), nulls)
    return Argument(series, nulls if pa.types.is_floating(array.type) else None)


def plain(array: Any) -> list[Any]:
    """Python values: NULL is None, a ROW a dict, and lists of numbers are arrays of them.

    An array has no NULL in it, where there is one, the list is a list.
    """
    if pa.types.is_struct(array.type):
        names = [field.name for field in array.type]
        columns = [plain(child) for child in array.flatten()]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return [row if valid else None for row, valid in zip(rows, _valid(array), strict=True)]
    if not pa.types.is_list(array.type):
        listed: list[Any] = array.to_pylist()
        return listed
    inner = array.flatten()
    if _is_number(inner.type) and not inner.null_count:
        arrays: list[Any] = array.to_pandas().tolist()
        return arrays
    return list(_divided(iter(plain(inner)), array.value_lengths().to_pylist()))


def _divided(elements: Iterator[Any], lengths: Sequence[int | None]) -> Iterator[Any]:
    return (None if n is None else list(islice(elements, n)) for n in lengths)


def _valid(array: Any) -> list[bool]:
    valid: list[bool] = array.is_valid().to_pylist()
    return valid


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _has_rows(kind: Any) -> bool:
    """Whether pandas would hold fields of a ROW, whose integers it makes floats beside a NULL."""
    if pa.types.is_struct(kind):
        return True
    return bool(pa.types.is_list(kind) and _has_rows(kind.value_type))


def _has_null(array: Any) -> bool:
    """Whether there is a NULL among the elements of lists."""
    if not pa.types.is_list(array.type):
        return bool(array.null_count)
    return _has_null(array.flatten())


@dataclass(frozen=True, eq=False)
class Result:
    """The columns of a result as Arrow gets them: None is NULL, and NaN stays NaN.

    Attributes:
        columns: arrays, one value or one row a record.
    """

    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One of the columns."""
        return self.columns[name]

    def isnull(self) -> None:
        """Nothing, which PyFlink would take for what is NULL."""

    def __arrow_array__(self, type: Any = None) -> Any:  # Arrow's protocol
        """The rows of the type."""
        arrays = [_array(self.columns[field.name], field.type) for field in type]
        return pa.StructArray.from_arrays(arrays, fields=list(type))


def _array(values: npt.NDArray[Any], kind: Any) -> Any:
    if values.ndim == 1:
        return pa.array(values, type=kind)
    size, length = values.shape
    offsets = np.arange(size + 1, dtype=np.int32) * np.int32(length)
    elements = pa.array(values.reshape(-1), type=kind.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets), elements, type=kind)
