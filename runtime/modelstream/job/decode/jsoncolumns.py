"""JSON records read many at once, where that is sure to give what they give one by one."""

import marshal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from modelstream.convert.flinktypes import FlinkType
from modelstream.job.decode import scalars

Array = npt.NDArray[np.float64]

_VERSION = 2  # later ones write an object that comes twice as a reference
_HEAD = 5  # a letter and the number of elements
_FLOAT = np.dtype([("letter", "u1"), ("value", "<f8")])


def float_block(values: list[Any]) -> Array | None:
    """Lists of equally many floats as an (n, length) array; None if they are anything else.

    Integers, booleans, nulls, empty lists and subclasses of float are something else.

    CPython writes a list of floats as a head and, for each, the letter ``g`` and its eight bytes.
    That tells that each value is a float, and gives the values, in a third of the time that the
    types alone take when they are looked at one by one.
    """
    if not values or type(values[0]) is not list or not values[0]:
        return None
    if type(values[0][0]) is not float:  # most other lists end here
        return None
    try:
        written = marshal.dumps(values, _VERSION)
    except ValueError:  # an object that it does not know
        return None
    length = len(values[0])
    row = _HEAD + length * _FLOAT.itemsize
    if len(written) != _HEAD + len(values) * row:
        return None
    rows = np.frombuffer(written, np.uint8, offset=_HEAD).reshape(len(values), row)
    if (rows[:, :_HEAD] != rows[0, :_HEAD]).any():
        return None
    floats = rows[:, _HEAD:].reshape(-1).view(_FLOAT)
    if (floats["letter"] != ord("g")).any():
        return None
    return np.ascontiguousarray(floats["value"]).astype(np.float64, copy=False).reshape(-1, length)


_DEEPEST = 400
"""How deep JSON may nest here. Python's parser gives up near 1,000, less what calls it."""
_SHORT = 2 * _DEEPEST
"""A record of so many bytes cannot nest deeper."""
_FLOATS = ("FLOAT", "DOUBLE")
_AS_IS: dict[str, type] = {
    "STRING": str,
    "BOOLEAN": bool,
    **dict.fromkeys(_FLOATS, float),
    **dict.fromkeys(scalars.BITS, int),
}
_SPELLED = (str, int, bool)
_NULL = type(None)


def json_objects(payloads: Sequence[bytes | None]) -> list[Any]:
    """The JSON object of each record; None where that is not sure."""
    try:
        values = list(map(orjson.loads, payloads))  # type: ignore[arg-type]  # None raises too
    except ValueError:
        values = list(map(_value, payloads))
    if set(map(type, values)) <= {dict} and max(map(len, payloads), default=0) <= _SHORT:  # type: ignore[arg-type]  # none is None
        return values
    pairs = zip(values, payloads, strict=True)
    return [
        value if type(value) is dict and _is_flat(payload) else None for value, payload in pairs
    ]


def _value(payload: bytes | None) -> Any:
    try:
        return orjson.loads(payload)  # type: ignore[arg-type]  # None raises too
    except ValueError:
        return None


def _is_flat(payload: Any) -> bool:
    return len(payload) <= _SHORT or payload.count(b"[") + payload.count(b"{") <= _DEEPEST


@dataclass(frozen=True)
class JsonColumn:
    """One field of many records.

    Attributes:
        kind: its type.
        convert: how one value that is not null is read.
        strict: a field that is missing makes a bad record.
    """

    kind: FlinkType
    convert: Callable[[Any], Any]
    strict: bool

    def read(self, values: list[Any], unsure: set[int]) -> Any:
        """The column: a list, or an array of lists of floats.

        Args:
            values: the field of each record; None where it is missing.
            unsure: gets the positions of those that are not sure.
        """
        if self.kind.name == "ARRAY" and self.kind.children[0].name in _FLOATS:
            block = float_block(values)
            if block is not None:
                return block
        if _is_as_is(values, self.kind, nullable=not self.strict):
            return values
        return self._each(values, unsure)

    def _each(self, values: list[Any], unsure: set[int]) -> list[Any]:
        column: list[Any] = [None] * len(values)
        for at, value in enumerate(values):
            if value is None and not self.strict:
                continue
            if not _is_sure(value, self.kind):
                unsure.add(at)
                continue
            try:
                column[at] = self.convert(value)
            except Exception:  # the decoder says what is wrong with it
                unsure.add(at)
        return column


def _is_as_is(values: list[Any], kind: FlinkType, *, nullable: bool) -> bool:
    """Whether all are what the column holds in the end."""
    if not values:
        return True
    types = set(map(type, values))
    if nullable:
        types.discard(_NULL)
    if kind.name == "ARRAY":
        lists = filter(None, values)  # neither nulls nor empty ones
        return types <= {list} and _is_as_is(
            list(chain.from_iterable(lists)), kind.children[0], nullable=True
        )
    if types != {_AS_IS.get(kind.name)}:
        return not types
    return kind.name not in scalars.BITS or _in_range(values, kind.name)


def _in_range(values: list[Any], kind: str) -> bool:
    limit = 1 << (scalars.BITS[kind] - 1)
    numbers = values if None not in values else [each for each in values if each is not None]
    return bool(-limit <= min(numbers) and max(numbers) < limit)


def _is_sure(value: Any, kind: FlinkType) -> bool:
    """Whether the parsers agree about the value; nulls are the caller's."""
    match kind.name:
        case "ARRAY":
            return type(value) is list and _are_sure(value, kind.children[0])
        case "MAP":
            return type(value) is dict and _are_sure(value.values(), kind.children[1])
        case "ROW":
            fields = zip(kind.fields, kind.children, strict=True)
            return type(value) is dict and all(
                _is_sure(value[name], child)
                for name, child in fields
                if value.get(name) is not None
            )
        case "FLOAT" | "DOUBLE":
            return type(value) is float or type(value) in _SPELLED
        case _:
            return type(value) in _SPELLED


def _are_sure(values: Any, kind: FlinkType) -> bool:
    return all(value is None or _is_sure(value, kind) for value in values)
