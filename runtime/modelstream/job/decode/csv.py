"""CSV records, with the semantics of Flink's csv format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from modelstream.convert.dtypes import sql_of
from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.decode import options as option
from modelstream.job.decode import scalars
from modelstream.job.decode.batches import completed
from modelstream.job.decode.csvcolumns import CsvColumn, plain_fields
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.decode.scalars import TimestampFormat
from modelstream.models import ColumnType
from modelstream.scoring.records import Decoded

Convert = Callable[[str], Any]

_KNOWN = (
    "allow-comments",
    "array-element-delimiter",
    "disable-quote-character",
    "escape-character",
    "field-delimiter",
    "null-literal",
    "quote-character",
)


@dataclass(frozen=True)
class CsvDecoder:
    """The fields of a record are the columns in order, all of them.

    Attributes:
        columns: what a record has, in their order.
        dialect: how a record is cut into fields.
        null: the text that means NULL, of a field or of an element of an array.
        elements: between the elements of an array.
    """

    columns: tuple[ColumnType, ...]
    dialect: Dialect = field(default_factory=Dialect)
    null: str | None = None
    elements: str = ";"

    @classmethod
    def of(cls, columns: tuple[ColumnType, ...], options: Mapping[str, str]) -> "CsvDecoder":
        """With Flink's options, without their ``csv.`` prefix.

        Raises:
            OptionError: one of them, or a column's type, cannot be honoured.
        """
        option.check_known("csv", options, _KNOWN)
        if not options.get("array-element-delimiter", ";"):
            raise OptionError("pipeline.source.options: csv.array-element-delimiter is empty")
        made = cls(
            columns,
            dialect(options),
            options.get("null-literal"),
            options.get("array-element-delimiter", ";"),
        )
        made._converters()  # now, where the message reaches the one who wrote the manifest
        return made

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The columns of each record, or why it has none."""
        converters = self._converters()
        return [self._record(payload, converters) for payload in payloads]

    def decode_columns(self, payloads: Sequence[bytes | None]) -> Decoded:
        """What ``decode`` gives, as columns."""
        found = plain_fields(payloads, self.dialect, len(self.columns))
        sure = [at for at, fields in enumerate(found) if fields is not None]
        rows = [fields for fields in found if fields is not None]
        by_column: list[tuple[str, ...]] = (
            list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        )
        unsure: set[int] = set()
        columns = {
            column.name: CsvColumn(
                scalars.field_type(column.type), convert, self.null, self.elements
            ).read(values, unsure)
            for column, (_, convert), values in zip(
                self.columns, self._converters(), by_column, strict=True
            )
        }
        return completed(columns, sure, unsure, payloads, self.decode)

    def _converters(self) -> list[tuple[str, Convert]]:
        return [(c.name, _converter(c.type, self.elements, self.null)) for c in self.columns]

    def _record(
        self, payload: bytes | None, converters: Sequence[tuple[str, Convert]]
    ) -> dict[str, Any] | RecordError:
        try:
            if payload is None:
                raise ConversionError("the record has no value")
            fields = self.dialect.fields(payload.decode("utf-8-sig"))
            if len(fields) == len(converters) + 1 and not fields[-1]:
                fields.pop()  # a comma at the end is none too many
            if len(fields) != len(converters):
                raise ConversionError(f"it has {len(fields)} fields, not {len(converters)}")
            pairs = zip(converters, fields, strict=True)
            return {name: _value(name, field, convert) for (name, convert), field in pairs}
        except UnicodeDecodeError as error:
            return ConversionError(f"byte {error.start} is not UTF-8 text")
        except ConversionError as error:
            return error


def dialect(options: Mapping[str, str]) -> Dialect:
    """How Flink's options, without their ``csv.`` prefix, say that the CSV is written.

    Raises:
        OptionError: one of them cannot be honoured.
    """
    quoted = not option.flag("csv", options, "disable-quote-character", False)
    return Dialect(
        option.character("csv", options, "field-delimiter", ",") or ",",
        option.character("csv", options, "quote-character", '"') if quoted else None,
        option.character("csv", options, "escape-character", None),
        option.flag("csv", options, "allow-comments", False),
    )


def _value(name: str, field: str, convert: Convert) -> Any:
    try:
        return convert(field)
    except ConversionError as error:
        raise ConversionError(f"field {name!r}: {error}") from None


@lru_cache(maxsize=1024)
def _converter(sql_type: str, elements: str, null: str | None) -> Convert:
    kind = scalars.field_type(sql_type)
    if kind.name == "ARRAY":
        return _array(_nullable(_scalar(kind.children[0].name), null), elements)
    return _nullable(_scalar(kind.name), null)


def _nullable(convert: Convert, null: str | None) -> Convert:
    return convert if null is None else lambda text: None if text == null else convert(text)


def _array(element: Convert, elements: str) -> Convert:
    """An array is never NULL, only its elements are; one of blanks alone is empty."""

    def convert(text: str) -> list[Any]:
        if elements not in text and not scalars.trimmed(text):
            return []
        return [element(each) for each in text.split(elements)]

    return convert


def _scalar(kind: str) -> Convert:
    if kind == "TIME":
        return scalars.csv_time
    convert = scalars.convert_text(kind, TimestampFormat.SQL)
    if convert is None:
        meant = sql_of(kind)
        said = "that CSV is decoded to here; scalars and arrays of scalars are"
        said = f"of Flink SQL: write {meant}" if meant else said
        raise OptionError(f"pipeline.source.schema: {kind} is not a type {said}")
    return convert
