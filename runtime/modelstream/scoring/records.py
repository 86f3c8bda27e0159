"""Records as the columns that a method reads: those of a DataStream, and raw ones decoded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from modelstream.convert.fields import fields
from modelstream.convert.values import objects
from modelstream.errors import ConversionError, RecordError
from modelstream.failure import Failure, Stage
from modelstream.messages import listed, suggestion
from modelstream.models import ColumnType
from modelstream.scoring.collecting import uncollected
from modelstream.scoring.rows import Given, joined, taken


class RecordDecoder(Protocol):
    """Makes columns of raw records. Picklable; it runs in the Python function of the model."""

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""

    def decode(self, payloads: Sequence[bytes | None]) -> Sequence[Mapping[str, Any] | RecordError]:
        """One batch: for each record its columns, or why it has none. Never raises."""


class RecordEncoder(Protocol):
    """Makes a sink's records of the columns that go on. Picklable; it runs beside the model."""

    def encode(self, columns: Mapping[str, Any]) -> Sequence[bytes]:
        """The records of these columns, each with one value a record that has been scored."""


_AT_ONCE = 512
"""Records whose Python objects stay in a processor's cache: of 4,096 each takes 0.2 µs longer."""


@dataclass(frozen=True)
class Decoded:
    """A batch of raw records as columns.

    Attributes:
        columns: lists or arrays, a value for each record that could be read, in their order.
        failures: why the others could not be, by position in the batch.
    """

    columns: Mapping[str, Any]
    failures: Mapping[int, RecordError]

    @classmethod
    def of(
        cls, columns: Sequence[str], records: Sequence[Mapping[str, Any] | RecordError]
    ) -> "Decoded":
        """The columns of records that were read one by one."""
        failures = {at: each for at, each in enumerate(records) if isinstance(each, RecordError)}
        fine = [each for each in records if not isinstance(each, RecordError)]
        return cls({name: [each[name] for each in fine] for name in columns}, failures)

    @classmethod
    def joined(cls, parts: "Sequence[Decoded]", starts: Sequence[int]) -> "Decoded":
        """The columns of a batch whose parts were read, from where each of them starts."""
        if len(parts) == 1:
            return parts[0]
        failures = {
            start + at: failure
            for part, start in zip(parts, starts, strict=True)
            for at, failure in part.failures.items()
        }
        columns = {
            name: _joined([part.columns[name] for part in parts]) for name in parts[0].columns
        }
        return cls(columns, failures)


@runtime_checkable
class ColumnDecoder(Protocol):
    """A decoder that can read a batch at once."""

    def decode_columns(self, payloads: Sequence[bytes | None]) -> Decoded:
        """What ``decode`` gives, as columns."""


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


def decode_columns(decoder: RecordDecoder, payloads: Sequence[bytes | None]) -> Decoded:
    """A batch of raw records as columns, many read at once where the decoder can."""
    if isinstance(decoder, ColumnDecoder):
        starts = range(0, len(payloads), _AT_ONCE) or [0]
        return Decoded.joined(
            [decoder.decode_columns(payloads[start : start + _AT_ONCE]) for start in starts], starts
        )
    return Decoded.of([column.name for column in decoder.columns], decoder.decode(payloads))


def decoded(decoder: RecordDecoder, kept: Sequence[str], payloads: Any) -> Given:
    """A batch of raw records; the columns in ``kept`` go past the model."""
    values = payloads.tolist()
    with uncollected():
        found = decode_columns(decoder, values)
    failures = {at: Failure.of(Stage.FORMAT, error) for at, error in found.failures.items()}
    given = Given.of(found.columns, len(values), failures)
    return replace(given, kept={name: _spread(given, found.columns[name]) for name in kept})


def encoded(encoder: RecordEncoder, columns: Mapping[str, Any], failed: Collection[int]) -> Any:
    """The records of a batch as a sink has them, None where one has failed."""
    if not failed:
        return objects(encoder.encode(columns))
    size = len(next(iter(columns.values())))
    good = np.asarray([at for at in range(size) if at not in failed], np.intp)
    records = np.full(size, None, object)
    records[good] = objects(encoder.encode({name: taken(columns[name], good) for name in columns}))
    return records


def _joined(parts: Sequence[Any]) -> Any:
    kinds = {
        (part.dtype, part.shape[1:]) if isinstance(part, np.ndarray) else None for part in parts
    }
    return joined(parts if len(kinds) == 1 else [_listed(part) for part in parts])


def _listed(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _spread(given: Given, values: Any) -> Any:
    """A column of the batch, None where a record has failed."""
    if not isinstance(values, np.ndarray):
        return objects(given.spread(values))
    return objects(given.spread(values.tolist())) if given.failures else values


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
