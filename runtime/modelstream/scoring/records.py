"""Records of a DataStream as the columns that a method reads.

A record is a Row, a dict, a tuple or a plain value. Fields of a Row or a dict have names; those of
a tuple, and of a Row without names, are called ``f0``, ``f1``, … as Flink calls them. A plain
value is ``f0``, and feeds the only input of a model whatever that is called.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from modelstream.convert.records import objects
from modelstream.errors import ConversionError, RecordError
from modelstream.failure import Failure, Stage
from modelstream.messages import listed, suggestion
from modelstream.models import ColumnType
from modelstream.scoring.rows import Decoded, Rows


class RecordDecoder(Protocol):
    """Makes columns of raw records. Picklable; it runs in the Python function of the model."""

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""

    def decode(self, payloads: Sequence[bytes | None]) -> Sequence[Mapping[str, Any] | RecordError]:
        """One batch: for each record its columns, or why it has none. Never raises."""


VALUE = "f0"


def fields(record: Any) -> dict[str, Any] | None:
    """The fields of a record by name; None for a plain value."""
    match record:
        case Mapping():
            return {str(name): value for name, value in record.items()}
        case tuple():
            names = getattr(record, "_fields", None) or map(position, range(len(record)))
            return dict(zip(names, record, strict=True))
        case _ if hasattr(record, "as_dict") and hasattr(record, "get_row_kind"):
            names = getattr(record, "_fields", None) or map(position, range(len(record)))
            return dict(zip(names, record, strict=True))
        case _:
            return None


def named(record: Any) -> dict[str, Any]:
    """The fields of a record by name; a plain value is ``f0``."""
    found = fields(record)
    return {VALUE: record} if found is None else found


def position(number: int) -> str:
    """The name of a field that has none."""
    return f"f{number}"


def extracted(records: Sequence[Any], columns: Sequence[str]) -> Decoded:
    """Records as columns; one that lacks a field is a failure of its own."""
    rows: list[list[Any]] = []
    failures: dict[int, Failure] = {}
    for at, record in enumerate(records):
        try:
            rows.append(_values(record, columns))
        except ConversionError as error:
            failures[at] = Failure.of(Stage.ENCODE, error)
    listed_by_column = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    whole = Rows.of(listed_by_column, len(rows))
    if not failures:
        return Decoded(whole, len(records))
    good = [at for at in range(len(records)) if at not in failures]
    return Decoded(whole, len(records), failures, np.asarray(good, np.intp))


def _values(record: Any, columns: Sequence[str]) -> list[Any]:
    found = fields(record)
    if found is None:
        if len(columns) != 1:
            raise ConversionError(
                f"the record is one {type(record).__name__}, and the model reads "
                f"{listed(columns)}: give it a Row, a dict or a tuple"
            )
        return [record]
    for name in columns:
        if name not in found:
            raise ConversionError(
                f"the record has no field {name!r}{suggestion(name, found)}; it has {listed(found)}"
            )
    return [found[name] for name in columns]


def decoded(decoder: RecordDecoder, kept: Sequence[str], payloads: Any) -> Decoded:
    """A batch of raw records."""
    values = payloads.tolist()
    records = decoder.decode(values)
    failures = {
        at: Failure.of(Stage.FORMAT, record)
        for at, record in enumerate(records)
        if isinstance(record, RecordError)
    }
    fine = [record for record in records if not isinstance(record, RecordError)]
    columns = {column.name: [record[column.name] for record in fine] for column in decoder.columns}
    whole = Decoded(Rows.of(columns, len(fine)), len(values))
    if failures:
        positions = np.asarray([at for at in range(len(values)) if at not in failures], np.intp)
        whole = Decoded(whole.rows, len(values), failures, positions)
    spread = whole.spread({name: columns[name] for name in kept})
    held = {name: objects(column) for name, column in spread.items()}
    return Decoded(whole.rows, whole.size, whole.failures, whole.positions, held)
