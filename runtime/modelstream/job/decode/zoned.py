"""Timestamps of decoded records that PyFlink's Arrow path cannot return as such.

TIMESTAMP_LTZ leaves the Python function as milliseconds since 1970, and TIMESTAMP(7) to (9), which
reach from 1677 to 2262 there, as text. They become timestamps again in Flink.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from modelstream.convert.flinktypes import FlinkType
from modelstream.errors import OptionError, RecordError
from modelstream.job.decode.scalars import field_type
from modelstream.models import ColumnType
from modelstream.scoring.records import Decoded, decode_columns

if TYPE_CHECKING:
    from pyflink.table import Expression, Table

    from modelstream.scoring.records import RecordDecoder

_ZONED, _FINE = "TIMESTAMP_LTZ", "FINE_TIMESTAMP"
_BELOW_MILLISECONDS = re.compile(
    r"TIMESTAMP_LTZ(?!\s*\(\s*[0-3]\s*\))|TIMESTAMP(?!\s*\(\s*[0-3]\s*\))[\s\d()]*WITH\s+LOCAL",
    re.I,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ZonedDecoder:
    """A decoder whose TIMESTAMP_LTZ columns come as BIGINT, and TIMESTAMP(9) as STRING."""

    inner: "RecordDecoder"

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""
        carried = {_ZONED: "BIGINT", _FINE: "STRING"}
        return tuple(
            ColumnType(c.name, carried.get(field_type(c.type).name, c.type))
            for c in self.inner.columns
        )

    @property
    def zoned(self) -> frozenset[str]:
        """The columns that are milliseconds until Flink has them again."""
        return frozenset(c.name for c in self.inner.columns if field_type(c.type).name == _ZONED)

    @property
    def fine(self) -> dict[str, str]:
        """The columns that are text until Flink has them again, and their types."""
        return {c.name: c.type for c in self.inner.columns if field_type(c.type).name == _FINE}

    def decode(self, payloads: Sequence[bytes | None]) -> list[Mapping[str, Any] | RecordError]:
        """The columns of each record, or why it has none."""
        zoned = self.zoned
        return [
            record if isinstance(record, RecordError) else _in_milliseconds(record, zoned)
            for record in self.inner.decode(payloads)
        ]

    def decode_columns(self, payloads: Sequence[bytes | None]) -> Decoded:
        """What ``decode`` gives, as columns."""
        found = decode_columns(self.inner, payloads)
        columns = {
            name: list(map(_milliseconds, values)) if name in self.zoned else values
            for name, values in found.columns.items()
        }
        return Decoded(columns, found.failures)


def with_zoned(decoder: "RecordDecoder") -> "RecordDecoder":
    """The decoder, made fit for PyFlink."""
    zoned = ZonedDecoder(decoder)
    return zoned if zoned.zoned or zoned.fine else decoder


def check_kept(decoder: "RecordDecoder", keep: Iterable[str]) -> None:
    """Refuse to keep columns that PyFlink's Arrow path cannot return whole.

    Raises:
        OptionError: a ROW is kept, or one in an ARRAY or MAP, or a TIMESTAMP_LTZ or TIMESTAMP(9)
            there; or a TIMESTAMP_LTZ with more digits than milliseconds have.
    """
    kept = set(keep)
    for column in decoder.inner.columns if isinstance(decoder, ZonedDecoder) else decoder.columns:
        if column.name in kept and _BELOW_MILLISECONDS.search(column.type):
            raise OptionError(
                f"pipeline.inference.keep: the column {column.name} is {column.type}, of which "
                f"milliseconds would be left in a record that is decoded beside the model; write "
                f"TIMESTAMP_LTZ(3), leave it out of keep, or write onError: Fail to have Flink "
                f"decode it"
            )
        if column.name in kept and not _returnable(field_type(column.type)):
            raise OptionError(
                f"pipeline.inference.keep: the column {column.name} is {column.type}, which "
                f"PyFlink cannot return from a record that is decoded beside the model; leave "
                f"it out of keep, make it a STRING (it holds the JSON then), or write onError: "
                f"Fail to have Flink decode it"
            )


def restored(scored: "Table", decoder: "RecordDecoder | None") -> "Table":
    """The scored rows, with timestamps where the decoder gave milliseconds."""
    if not isinstance(decoder, ZonedDecoder):
        return scored
    from pyflink.table import DataTypes
    from pyflink.table.expressions import col, to_timestamp_ltz

    def column(name: str) -> "Expression":
        if name in decoder.zoned:
            return to_timestamp_ltz(col(name), 3).alias(name)
        if name in decoder.fine:
            digits = int(decoder.fine[name].partition("(")[2].partition(")")[0])
            return col(name).cast(DataTypes.TIMESTAMP(digits)).alias(name)
        return col(name)

    return scored.select(*map(column, scored.get_resolved_schema().get_column_names()))


def _returnable(kind: FlinkType) -> bool:
    inside = all(c.name not in (_ZONED, _FINE) and _returnable(c) for c in kind.children)
    return kind.name != "ROW" and inside


def _in_milliseconds(record: Mapping[str, Any], zoned: frozenset[str]) -> dict[str, Any]:
    return {
        name: _milliseconds(value) if name in zoned else value for name, value in record.items()
    }


def _milliseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MILLISECOND
