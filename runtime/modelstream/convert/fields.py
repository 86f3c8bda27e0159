"""The fields of a record by name.

A record is a Row, a dict, a tuple or a plain value. Fields of a Row or a dict have names; those of
a tuple, and of a Row without names, are called ``f0``, ``f1``, … as Flink calls them. A plain
value is ``f0``, and feeds the only input of a model whatever that is called.
"""

from collections.abc import Mapping
from typing import Any

VALUE = "f0"


def fields(record: Any) -> dict[str, Any] | None:
    """The fields of a record by name; None for a plain value."""
    match record:
        case Mapping():
            return {str(name): value for name, value in record.items()}
        case tuple():
            names = getattr(record, "_fields", None) or map(position, range(len(record)))
            return dict(zip(names, record, strict=True))
        case _ if hasattr(record, "as_dict") and hasattr(record, "get_row_kind"):
            names = getattr(record, "_fields", None) or map(position, range(len(record)))
            return dict(zip(names, record, strict=True))
        case _:
            return None


def named(record: Any) -> dict[str, Any]:
    """The fields of a record by name; a plain value is ``f0``."""
    found = fields(record)
    return {VALUE: record} if found is None else found


def position(number: int) -> str:
    """The name of a field that has none."""
    return f"f{number}"
