"""The decoder of a format, and the options that are its own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelstream.errors import OptionError
from modelstream.job.decode.csv import CsvDecoder, dialect
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.decode.json import JsonDecoder
from modelstream.job.decode.raw import RawDecoder
from modelstream.job.decode.zoned import with_zoned
from modelstream.models import ColumnType
from modelstream_crds.v1alpha1 import Column

if TYPE_CHECKING:
    from modelstream.scoring.records import RecordDecoder

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
