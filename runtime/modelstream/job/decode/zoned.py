"""TIMESTAMP_LTZ columns of decoded records, which PyFlink's Arrow path cannot return.

They leave the Python function as milliseconds since 1970 and become timestamps again in Flink.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from modelstream.convert.flinktypes import FlinkType
from modelstream.errors import OptionError, RecordError
from modelstream.job.decode.scalars import field_type
from modelstream.models import ColumnType

if TYPE_CHECKING:
    from pyflink.table import Table

    from modelstream.scoring.records import RecordDecoder

_ZONED = "TIMESTAMP_LTZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ZonedDecoder:
    """A decoder whose TIMESTAMP_LTZ columns come as BIGINT."""

    inner: "RecordDecoder"

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""
        zoned = self.zoned
        return tuple(ColumnType(c.name, "BIGINT") if c.name in zoned else c for c in self._all)

    @property
    def zoned(self) -> frozenset[str]:
        """The columns that are milliseconds until Flink has them again."""
        return frozenset(c.name for c in self._all if field_type(c.type).name == _ZONED)

    @property
    def _all(self) -> tuple[ColumnType, ...]:
        return self.inner.columns

    def decode(self, payloads: Sequence[bytes | None]) -> list[Mapping[str, Any] | RecordError]:
        """The columns of each record, or why it has none."""
        zoned = self.zoned
        return [
            record if isinstance(record, RecordError) else _in_milliseconds(record, zoned)
            for record in self.inner.decode(payloads)
        ]


def with_zoned(decoder: "RecordDecoder") -> "RecordDecoder":
    """The decoder, made fit for PyFlink."""
    zoned = ZonedDecoder(decoder)
    return zoned if zoned.zoned else decoder


def check_kept(columns: Iterable[ColumnType], keep: Iterable[str]) -> None:
    """Refuse to keep columns that PyFlink's Arrow path cannot return.

    Raises:
        OptionError: a ROW is kept, or one in an ARRAY or MAP, or a TIMESTAMP_LTZ there.
    """
    kept = set(keep)
    for column in columns:
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
    from pyflink.table.expressions import col, to_timestamp_ltz

    names = scored.get_resolved_schema().get_column_names()
    return scored.select(
        *(
            to_timestamp_ltz(col(name), 3).alias(name) if name in decoder.zoned else col(name)
            for name in names
        )
    )


def _returnable(kind: FlinkType) -> bool:
    inside = all(child.name != _ZONED and _returnable(child) for child in kind.children)
    return kind.name != "ROW" and inside


def _in_milliseconds(record: Mapping[str, Any], zoned: frozenset[str]) -> dict[str, Any]:
    return {
        name: (value - _EPOCH) // _MILLISECOND if name in zoned and value is not None else value
        for name, value in record.items()
    }
