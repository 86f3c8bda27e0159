"""Flink's own json and csv decoders, asked record by record, to hold ours against them."""

from typing import Any

FAILED = "failed"


class FlinkDecoder:
    """Flink's deserialization schema of a format; gives fields as text, or FAILED."""

    def __init__(self, name: str, columns: dict[str, str], options: dict[str, str]) -> None:
        from pyflink.java_gateway import get_gateway

        self._jvm = get_gateway().jvm
        table = self._jvm.org.apache.flink.table
        row = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
        loader = self._jvm.Thread.currentThread().getContextClassLoader()
        parser = table.types.logical.utils.LogicalTypeParser
        self._type = parser.parse(f"ROW<{row}>", loader)
        information = table.runtime.typeutils.InternalTypeInfo.of(self._type)
        make = self._json if name == "json" else self._csv
        self._schema = make(information, options)
        self._schema.open(None)
        self._kinds = [self._type.getTypeAt(at) for at in range(len(columns))]

    def fields(self, payload: bytes) -> list[str | None] | str:
        """The fields of one record as Flink's internal values print, or FAILED."""
        from py4j.protocol import Py4JJavaError

        try:
            row = self._schema.deserialize(payload)
        except Py4JJavaError:
            return FAILED
        if row is None:
            return FAILED
        return [None if row.isNullAt(at) else self._shown(row, at) for at in range(row.getArity())]

    def _shown(self, row: Any, at: int) -> str:
        value = row.getField(at)
        return str(value.toString() if hasattr(value, "toString") else value)

    def _json(self, information: Any, options: dict[str, str]) -> Any:
        formats = self._jvm.org.apache.flink.formats
        standard = options.get("timestamp-format.standard", "SQL").replace("-", "_")
        return formats.json.JsonParserRowDataDeserializationSchema(
            self._type,
            information,
            options.get("fail-on-missing-field") == "true",
            False,
            getattr(formats.common.TimestampFormat, standard),
        )

    def _csv(self, information: Any, options: dict[str, str]) -> Any:
        csv = self._jvm.org.apache.flink.formats.csv.CsvRowDataDeserializationSchema
        builder = csv.Builder(self._type, information)
        if "field-delimiter" in options:
            builder.setFieldDelimiter(options["field-delimiter"])
        if "null-literal" in options:
            builder.setNullLiteral(options["null-literal"])
        return builder.build()
