"""The columns of a Flink table on their way into a Python function."""

from typing import TYPE_CHECKING, Any

from modelstream.convert import FlinkType, parse_type
from modelstream.errors import OptionError
from modelstream.flink.udf import Arguments

if TYPE_CHECKING:
    from pyflink.table import Expression

# pandas has no integers with nulls: Flink would hand over floats, and large keys would be rounded.
_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})
# In a float column null and NaN are the same to pandas; it matters where NaN is data.
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_JSON = _INTEGERS | _FLOATS | {"BOOLEAN", "BYTES", "DECIMAL", "STRING", "TIMESTAMP"}


def arguments(
    types: dict[str, str], names: tuple[str, ...], *, allow_nan: bool, key: str | None
) -> Arguments:
    """The function's arguments for the columns that the model reads."""
    fragile = _INTEGERS | _FLOATS if allow_nan else _INTEGERS
    nullable = tuple(
        name
        for name in names
        if parse_type(types[name]).name in fragile and "NOT NULL" not in types[name]
    )
    return Arguments(names, nullable, key is not None)


def expressions(given: Arguments, types: dict[str, str], key: str | None) -> "list[Expression]":
    """The arguments as Flink computes them, in the function's order."""
    from pyflink.table.expressions import col

    values = [
        _without_null(name, types[name]) if name in given.nullable else col(name)
        for name in given.columns
    ]
    flags = [col(name).is_null for name in given.nullable]
    keys = [] if key is None else [as_text(key, types[key])]
    return [*values, *flags, *keys]


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


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


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


def _without_null(name: str, sql_type: str) -> "Expression":
    from pyflink.table import DataTypes
    from pyflink.table.expressions import col, lit

    plain: Any = getattr(DataTypes, parse_type(sql_type).name)
    return col(name).if_null(lit(0).cast(plain()))
