"""JSON records read many at once, where that is sure to give what they give one by one.

orjson reads what RFC 8259 allows and raises otherwise. What it gives is what Python's own parser
gives, except for whole numbers beyond 64 bits, of which it makes floats. What a column could show
of that is not sure, nor is any record that fails: the decoder reads those itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from modelstream.convert.flinktypes import FlinkType
from modelstream.convert.floats import float_block
from modelstream.job.decode import scalars

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
