"""Flink's own json and csv decoders, asked record by record, to hold ours against them."""

import json
from typing import Any

FAILED = "failed"
_JACKSON = "org.apache.flink.shaded.jackson2.com.fasterxml.jackson"


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
        if "quote-character" in options:
            builder.setQuoteCharacter(options["quote-character"])
        if "escape-character" in options:
            builder.setEscapeCharacter(options["escape-character"])
        builder.setAllowComments("allow-comments" in options)
        return builder.build()


class FlinkCsvFiles:
    """How Flink's csv format reads a whole file, as far as its first bad record."""

    def __init__(
        self, columns: int, delimiter: str, quote: str | None, escape: str | None, comments: bool
    ) -> None:
        from pyflink.java_gateway import get_gateway

        self._jvm = get_gateway().jvm
        jackson = self._jvm.org.apache.flink.shaded.jackson2.com.fasterxml.jackson
        builder = jackson.dataformat.csv.CsvSchema.builder()
        for column in range(columns):
            builder.addColumn(f"c{column}")
        schema = builder.build().withColumnSeparator(delimiter)
        schema = schema.withoutQuoteChar() if quote is None else schema.withQuoteChar(quote)
        schema = schema if escape is None else schema.withEscapeChar(escape)
        schema = schema.withComments() if comments else schema
        loader = self._jvm.Thread.currentThread().getContextClassLoader()
        tree = loader.loadClass(f"{_JACKSON}.databind.JsonNode")
        mapper = self._jvm.org.apache.flink.util.jackson.JacksonMapperFactory.createCsvMapper()
        self._reader = getattr(mapper.readerFor(tree), "with")(schema)

    def rows(self, content: bytes) -> list[list[str] | str]:
        """The fields of each record; FAILED, and nothing more, for one that is none."""
        from py4j.protocol import Py4JJavaError

        found: list[list[str] | str] = []
        records = self._reader.readValues(self._jvm.java.io.ByteArrayInputStream(content))
        try:
            while records.hasNextValue():
                found.append(list(json.loads(str(records.nextValue().toString())).values()))
        except Py4JJavaError:
            found.append(FAILED)
        return found


class FlinkJson:
    """Flink's json format in both directions: what it writes of a record that it has read."""

    def __init__(self, columns: dict[str, str]) -> None:
        self._decoder = FlinkDecoder("json", columns, {})
        jvm, formats = self._decoder._jvm, self._decoder._jvm.org.apache.flink.formats
        self._writer = formats.json.JsonRowDataSerializationSchema(
            self._decoder._type,
            formats.common.TimestampFormat.SQL,
            jvm.org.apache.flink.formats.json.JsonFormatOptions.MapNullKeyMode.FAIL,
            "null",
            False,
            False,
        )
        self._writer.open(None)

    def again(self, payload: bytes) -> bytes:
        """The record, written anew."""
        return bytes(self._writer.serialize(self._decoder._schema.deserialize(payload)))
