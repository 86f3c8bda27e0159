"""Records as the columns that a method reads: those of a DataStream, and raw ones decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from modelstream.convert.fields import fields
from modelstream.convert.records import objects
from modelstream.errors import ConversionError, RecordError
from modelstream.failure import Failure, Stage
from modelstream.messages import listed, suggestion
from modelstream.models import ColumnType
from modelstream.scoring.rows import Given


class RecordDecoder(Protocol):
    """Makes columns of raw records. Picklable; it runs in the Python function of the model."""

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""

    def decode(self, payloads: Sequence[bytes | None]) -> Sequence[Mapping[str, Any] | RecordError]:
        """One batch: for each record its columns, or why it has none. Never raises."""


def extracted(records: Sequence[Any], columns: Sequence[str]) -> Given:
    """Records as columns; one that lacks a field is a failure of its own."""
    rows: list[list[Any]] = []
    failures: dict[int, Failure] = {}
    for at, record in enumerate(records):
        try:
            rows.append(_values(record, columns))
        except ConversionError as error:
            failures[at] = Failure.of(Stage.ENCODE, error)
    by_column = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    return Given.of(by_column, len(records), failures)


def decoded(decoder: RecordDecoder, kept: Sequence[str], payloads: Any) -> Given:
    """A batch of raw records; the columns in ``kept`` go past the model."""
    values = payloads.tolist()
    records = decoder.decode(values)
    failures = {
        at: Failure.of(Stage.FORMAT, record)
        for at, record in enumerate(records)
        if isinstance(record, RecordError)
    }
    fine = [record for record in records if not isinstance(record, RecordError)]
    columns = {column.name: [record[column.name] for record in fine] for column in decoder.columns}
    given = Given.of(columns, len(values), failures)
    return replace(given, kept={name: objects(given.spread(columns[name])) for name in kept})


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
