"""Records of a DataStream as the columns that a method reads.

A record is a Row, a dict, a tuple or a plain value. Fields of a Row or a dict have names; those of
a tuple, and of a Row without names, are called ``f0``, ``f1``, … as Flink calls them. A plain
value is ``f0``, and feeds the only input of a model whatever that is called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelstream.errors import ConversionError
from modelstream.failure import Failure, Stage
from modelstream.models.signature import listed, suggestion
from modelstream.scoring.decoded import Decoded
from modelstream.scoring.rows import Rows

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


def extracted(records: Sequence[Any], columns: Sequence[str]) -> Decoded:
    """Records as columns; one that lacks a field is a failure of its own."""
    rows: list[list[Any]] = []
    failures: dict[int, Failure] = {}
    for at, record in enumerate(records):
        try:
            rows.append(_values(record, columns))
        except ConversionError as error:
            failures[at] = Failure.of(Stage.ENCODE, error)
    listed_by_column = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    whole = Rows.of(listed_by_column, len(rows))
    if not failures:
        return Decoded(whole, len(records))
    good = [at for at in range(len(records)) if at not in failures]
    return Decoded(whole, len(records), failures, np.asarray(good, np.intp))


def _values(record: Any, columns: Sequence[str]) -> list[Any]:
    found = fields(record)
    if found is None:
        if len(columns) != 1:
            raise ConversionError(
                f"the record is one {type(record).__name__}, and the model reads "
                f"{listed(columns)}: give it a Row, a dict or a tuple"
            )
        return [record]
    for name in columns:
        if name not in found:
            raise ConversionError(
                f"the record has no field {name!r}{suggestion(name, found)}; it has {listed(found)}"
            )
    return [found[name] for name in columns]
