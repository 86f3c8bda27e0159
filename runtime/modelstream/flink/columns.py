"""The columns of a Flink table on their way into a Python function."""

from typing import TYPE_CHECKING

from modelstream.convert import FlinkType, parse_type
from modelstream.convert.flinktypes import quoted
from modelstream.errors import OptionError
from modelstream.flink.udf import Arguments

if TYPE_CHECKING:
    from pyflink.table import Expression

_NUMBERS = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"})
_JSON = _NUMBERS | {"BOOLEAN", "BYTES", "STRING", "TIMESTAMP"}


def expressions(given: Arguments, types: dict[str, str], key: str | None) -> "list[Expression]":
    """The arguments as Flink computes them, in the function's order."""
    from pyflink.table.expressions import call_sql, col

    keys = [] if key is None else [as_text(key, types[key])]
    rows = [call_sql("ROW(TRUE)")] if given.pinned else []  # the planner makes no constant of a ROW
    return [*map(col, given.columns), *keys, *rows]


def as_text(name: str, sql_type: str) -> "Expression":
    """A column as STRING; bytes are read as UTF-8."""
    from pyflink.table import DataTypes
    from pyflink.table.expressions import call_sql, col

    if parse_type(sql_type).name == "BYTES":
        return call_sql(f"DECODE({quoted(name)}, 'UTF-8')")
    return col(name).cast(DataTypes.STRING())


def as_bytes(name: str, sql_type: str) -> str:
    """A column as BYTES; what is not bytes already becomes UTF-8 text."""
    match parse_type(sql_type).name:
        case "BYTES":
            return quoted(name)
        case "STRING":
            return f"ENCODE({quoted(name)}, 'UTF-8')"
        case _:
            return f"ENCODE(CAST({quoted(name)} AS STRING), 'UTF-8')"


def as_json(name: str, sql_type: str) -> str:
    """A column as JSON_OBJECT takes it; as text where that refuses the type, as it does a DATE."""
    return quoted(name) if _has_json(sql_type) else f"CAST({quoted(name)} AS STRING)"


def literal(text: str) -> str:
    """A string as SQL takes it."""
    return "'" + text.replace("'", "''") + "'"


def _has_json(sql_type: str) -> bool:
    try:
        return _is_json(parse_type(sql_type))
    except OptionError:  # an interval
        return False


def _is_json(parsed: FlinkType) -> bool:
    match parsed.name:
        case "MAP" | "MULTISET" if parsed.children[0].name != "STRING":
            return False
        case "ARRAY" | "MAP" | "MULTISET" | "ROW":
            return all(map(_is_json, parsed.children))
        case name:
            return name in _JSON
