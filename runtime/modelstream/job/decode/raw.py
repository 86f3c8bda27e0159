"""Raw records: the value is the one column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.decode import options as option
from modelstream.job.decode import scalars
from modelstream.models import ColumnType


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
