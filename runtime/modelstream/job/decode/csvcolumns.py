"""CSV records read many at once: lines without quotes, escapes or line ends, column by column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from modelstream.convert.flinktypes import FlinkType
from modelstream.job.decode import scalars
from modelstream.job.decode.csvtext import Dialect

_FLOATS = ("FLOAT", "DOUBLE")
# Of these letters Python and Java make the same numbers: no 1_000, no nan, no 1.5f.
_OF_FLOATS = b"0123456789+-.eE\n"
_OF_INTEGERS = b"0123456789+-\n"
_BOM = "\ufeff"


def plain_fields(
    payloads: Sequence[bytes | None], dialect: Dialect, count: int
) -> list[list[str] | None]:
    """The fields of each record; None where they are not sure, or not so many."""
    if dialect.comments:
        return [None] * len(payloads)
    return [_fields(payload, dialect, count) for payload in payloads]


def _fields(payload: bytes | None, dialect: Dialect, count: int) -> list[str] | None:
    try:
        record = payload.decode() if payload else ""
    except UnicodeDecodeError:
        return None
    if not record or not dialect.is_plain(record):
        return None
    found = record.split(dialect.delimiter)
    return found if len(found) == count and record[0] != _BOM else None


@dataclass(frozen=True)
class CsvColumn:
    """One field of many records.

    Attributes:
        kind: its type.
        convert: how one value is read.
        null: the text that means NULL, of a value or of an element of an array.
        elements: between the elements of an array.
    """

    kind: FlinkType
    convert: Callable[[str], Any]
    null: str | None
    elements: str

    def read(self, values: Sequence[str], unsure: set[int]) -> Any:
        """The column: a list, or an array of lists of floats.

        Args:
            values: the field of each record.
            unsure: gets the positions of those that the decoder refuses.
        """
        if self.null is None or self.null not in values:
            read = self._together(values)
            if read is not None:
                return read
        return self._each(values, unsure)

    def _together(self, values: Sequence[str]) -> Any:
        """All values at once; None where some need a look of their own."""
        match self.kind.name:
            case "STRING":
                return list(values)
            case "FLOAT" | "DOUBLE":
                return _numbers(values, float, _OF_FLOATS)
            case name if name in scalars.BITS:
                return _in_range(_numbers(values, int, _OF_INTEGERS), name)
            case "ARRAY" if self.kind.children[0].name in _FLOATS:
                return self._floats(values)
            case _:
                return None

    def _floats(self, values: Sequence[str]) -> Any:
        if not values or not self.elements:
            return None
        lists = [text.split(self.elements) for text in values]
        lengths = set(map(len, lists))
        if len(lengths) != 1:
            return None
        texts = list(chain.from_iterable(lists))
        if self.null is not None and self.null in texts:
            return None
        flat = _numbers(texts, float, _OF_FLOATS)
        return None if flat is None else np.array(flat).reshape(-1, lengths.pop())

    def _each(self, values: Sequence[str], unsure: set[int]) -> list[Any]:
        column: list[Any] = [None] * len(values)
        for at, value in enumerate(values):
            try:
                column[at] = self.convert(value)
            except Exception:  # the decoder says what is wrong with it
                unsure.add(at)
        return column


def _numbers(texts: Sequence[str], number: type, letters: bytes) -> list[Any] | None:
    """Numbers of such letters; None where there are others, or one is not a number."""
    try:
        if "\n".join(texts).encode().translate(None, letters):
            return None
        return list(map(number, texts))
    except ValueError:
        return None


def _in_range(values: list[int] | None, kind: str) -> list[int] | None:
    limit = 1 << (scalars.BITS[kind] - 1)
    fit = values and -limit <= min(values) and max(values) < limit
    return values if fit else None
