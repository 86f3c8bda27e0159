"""Columns with Flink SQL types as the type information of DataStreams."""

from collections.abc import Sequence

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation

from modelstream.convert.flinktypes import ColumnType, FlinkType, parse_type
from modelstream.errors import OptionError

_PLAIN = {
    "BOOLEAN": Types.BOOLEAN,
    "TINYINT": Types.BYTE,
    "SMALLINT": Types.SHORT,
    "INT": Types.INT,
    "BIGINT": Types.LONG,
    "FLOAT": Types.FLOAT,
    "DOUBLE": Types.DOUBLE,
    "STRING": Types.STRING,
    "TIMESTAMP_LTZ": Types.INSTANT,
}


def row_type(columns: Sequence[ColumnType]) -> TypeInformation:
    """A row with these columns."""
    types = [type_information(parse_type(column.type)) for column in columns]
    return Types.ROW_NAMED([column.name for column in columns], types)


def type_information(parsed: FlinkType) -> TypeInformation:
    """A type of a column of a model or of a dead letter.

    Raises:
        OptionError: no model gives such a column.
    """
    match parsed.name:
        case "BYTES":
            return Types.PRIMITIVE_ARRAY(Types.BYTE())
        case "ARRAY" if parsed.children[0].name in _PLAIN:
            return Types.BASIC_ARRAY(_PLAIN[parsed.children[0].name]())
        case "ARRAY":
            return Types.OBJECT_ARRAY(type_information(parsed.children[0]))
        case "MAP":
            return Types.MAP(*map(type_information, parsed.children))
        case name if name in _PLAIN:
            return _PLAIN[name]()
        case name:
            raise OptionError(f"a column of a model cannot be {name} in a DataStream")
