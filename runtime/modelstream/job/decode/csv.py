"""CSV records, one a message or line, with the semantics of Flink's csv format."""

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.decode import options as option
from modelstream.job.decode import scalars
from modelstream.job.decode.scalars import TimestampFormat
from modelstream.models import ColumnType

Convert = Callable[[str], Any]

csv.field_size_limit(sys.maxsize)  # Python refuses fields above 128 kB, which Flink reads

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
    """One line a record; its fields are the columns in order, all of them.

    Attributes:
        columns: of the record.
        delimiter: between fields.
        quote: around fields; None for none.
        escape: before a character that stands for itself.
        null: the text that means NULL.
        elements: between the elements of an array.
        comments: whether a line that starts with ``#`` is no record.
    """

    columns: tuple[ColumnType, ...]
    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    null: str | None = None
    elements: str = ";"
    comments: bool = False

    @classmethod
    def of(cls, columns: tuple[ColumnType, ...], options: Mapping[str, str]) -> "CsvDecoder":
        """With Flink's options, without their ``csv.`` prefix.

        Raises:
            OptionError: one of them, or a column's type, cannot be honoured.
        """
        option.check_known("csv", options, _KNOWN)
        quoted = not option.flag("csv", options, "disable-quote-character", False)
        made = cls(
            columns,
            option.character("csv", options, "field-delimiter", ",") or ",",
            option.character("csv", options, "quote-character", '"') if quoted else None,
            option.character("csv", options, "escape-character", None),
            options.get("null-literal"),
            options.get("array-element-delimiter", ";"),
            option.flag("csv", options, "allow-comments", False),
        )
        made._converters()  # now, where the message reaches the one who wrote the manifest
        return made

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The columns of each record, or why it has none."""
        converters = self._converters()
        return [self._record(payload, converters) for payload in payloads]

    def _converters(self) -> list[tuple[str, Convert]]:
        return [(c.name, _converter(c.type, self.elements)) for c in self.columns]

    def _record(
        self, payload: bytes | None, converters: Sequence[tuple[str, Convert]]
    ) -> dict[str, Any] | RecordError:
        try:
            if payload is None:
                raise ConversionError("the record has no value")
            fields = self._fields(payload.decode("utf-8"))
            if len(fields) == len(converters) + 1 and not fields[-1]:
                fields.pop()  # a comma at the end is none too many
            if len(fields) != len(converters):
                raise ConversionError(f"it has {len(fields)} fields, not {len(converters)}")
            pairs = zip(converters, fields, strict=True)
            return {name: self._value(name, field, convert) for (name, convert), field in pairs}
        except UnicodeDecodeError as error:
            return ConversionError(f"byte {error.start} is not UTF-8 text")
        except csv.Error as error:
            return ConversionError(f"it is not CSV: {error}")
        except ConversionError as error:
            return error

    def _fields(self, text: str) -> list[str]:
        if self.comments and text.startswith("#"):
            raise ConversionError("it is a comment")
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_NONE if self.quote is None else csv.QUOTE_MINIMAL,
            escapechar=self.escape,
            strict=True,
        )
        first = next(reader, None)
        if first is None:
            raise ConversionError("it is empty")
        if next(reader, None) is not None:
            raise ConversionError("it has more than one line: one message holds one record")
        return first

    def _value(self, name: str, field: str, convert: Convert) -> Any:
        if field == self.null:
            return None
        try:
            return convert(field)
        except ConversionError as error:
            raise ConversionError(f"field {name!r}: {error}") from None


@lru_cache(maxsize=1024)
def _converter(sql_type: str, elements: str) -> Convert:
    kind = scalars.field_type(sql_type)
    if kind.name == "ARRAY":
        element = _scalar(kind.children[0].name)
        return lambda text: [element(each) for each in text.split(elements) if text]
    return _scalar(kind.name)


def _scalar(kind: str) -> Convert:
    convert = scalars.convert_text(kind, TimestampFormat.SQL)
    if convert is None:
        raise OptionError(
            f"pipeline.source.schema: {kind} is no type that CSV is decoded to here; "
            f"scalars and arrays of scalars are"
        )
    return convert
