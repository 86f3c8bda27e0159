"""The decoder of a format, and the options that are its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.decode import options as option
from modelstream.job.decode import scalars
from modelstream.job.decode.csv import CsvDecoder, dialect
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.decode.json import JsonDecoder
from modelstream.job.decode.zoned import with_zoned
from modelstream.models import ColumnType
from modelstream_crds.v1alpha1 import Column

if TYPE_CHECKING:
    from modelstream.scoring.records import RecordDecoder


@dataclass(frozen=True)
class RawDecoder:
    """The bytes of a record as BYTES, or as STRING in a charset."""

    columns: tuple[ColumnType, ...]
    charset: str = "UTF-8"

    @classmethod
    def of(cls, columns: tuple[ColumnType, ...], options: Mapping[str, str]) -> "RawDecoder":
        """With Flink's options, without their ``raw.`` prefix.

        Raises:
            OptionError: there is not exactly one column of BYTES or STRING.
        """
        option.check_known("raw", options, ("charset",))
        kinds = [scalars.field_type(column.type).name for column in columns]
        if len(kinds) != 1 or kinds[0] not in ("BYTES", "STRING"):
            raise OptionError(
                "pipeline.source.schema: the format raw gives exactly one column beside metadata, "
                "of type BYTES or STRING"
            )
        charset = options.get("charset", "UTF-8")
        try:
            "".encode(charset)
        except LookupError:
            raise OptionError(
                f"pipeline.source.options: raw.charset {charset!r} is unknown"
            ) from None
        return cls(columns, charset)

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The one column of each record, or why it has none."""
        return [self._record(payload) for payload in payloads]

    def _record(self, payload: bytes | None) -> dict[str, Any] | RecordError:
        (column,) = self.columns
        if payload is None:
            return ConversionError("the record has no value")
        if scalars.field_type(column.type).name == "BYTES":
            return {column.name: payload}
        try:
            return {column.name: payload.decode(self.charset)}
        except UnicodeDecodeError as error:
            return ConversionError(f"byte {error.start} is not {self.charset} text")


_DECODERS: Mapping[str, type[JsonDecoder | CsvDecoder | RawDecoder]] = {
    "json": JsonDecoder,
    "csv": CsvDecoder,
    "raw": RawDecoder,
}


def decoder(name: str, columns: Sequence[Column], options: Mapping[str, str]) -> "RecordDecoder":
    """The decoder of a format, for the columns that are fields of the record.

    Raises:
        OptionError: an option of the format that cannot be honoured, or a format that has no
            decoder here.
    """
    if name not in _DECODERS:
        raise OptionError(
            f"pipeline.source.format: {name} is decoded by Flink, which fails the job at a bad "
            f"record; write inference.onError: Fail, or one of the formats "
            f"{', '.join(sorted(_DECODERS))}"
        )
    fields = tuple(ColumnType(column.name, column.type) for column in columns)
    return with_zoned(_DECODERS[name].of(fields, _own_options(name, options)))


def csv_dialect(options: Mapping[str, str]) -> Dialect:
    """How the options of a source say that its CSV is written.

    Raises:
        OptionError: one of them cannot be honoured.
    """
    return dialect(_own_options("csv", options))


def without_format_options(name: str, options: Mapping[str, str]) -> dict[str, str]:
    """The connector's options, without those of a format that Flink does not decode."""
    own = tuple(f"{prefix}{name}." for prefix in ("", "value."))
    rest = {key: value for key, value in options.items() if not key.startswith(own)}
    return {k: "raw" if k == "value.format" else v for k, v in rest.items()}


def _own_options(name: str, options: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for prefix in (f"{name}.", f"value.{name}."):
        for key, value in options.items():
            if key.startswith(prefix):
                found[key.removeprefix(prefix)] = value
    return found
