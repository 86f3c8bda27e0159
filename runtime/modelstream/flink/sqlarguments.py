"""The arguments of a call in SQL, as a worker gets them: which of them feeds which tensor."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from modelstream.flink import arrow
from modelstream.flink.arrow import Argument
from modelstream.models import BoundMethod
from modelstream.scoring.rows import Given
from modelstream.scoring.sqlcall import NULL, By, Passed, bind


@dataclass
class Caller:
    """Finds what feeds each tensor, in the calls of one function.

    Attributes:
        function: its name in SQL.
        bound: what it calls.
        checked: the calls have been held against the model before.
    """

    function: str
    bound: BoundMethod
    checked: bool = False
    _by: By | None = field(default=None, init=False)

    def given(self, arguments: Sequence[Any]) -> tuple[dict[str, Argument], Given]:
        """One batch: the argument of each tensor, and the records to score.

        Raises:
            SignatureMismatchError: it cannot be told what feeds the tensors.
        """
        self._by = self._by or self._found(arguments)
        if self._by is By.ROW:
            found = arrow.fields(arrow.column_of(arguments[0]))
        else:
            found = dict(zip(self.tensors, arrow.arguments(arguments), strict=True))
        return found, as_given(found, self.bound)

    @property
    def tensors(self) -> list[str]:
        """What is to be fed, in the order of names."""
        return sorted(self.bound.feeds)

    def _found(self, arguments: Sequence[Any]) -> By:
        passed = list(map(_passed, arguments))
        nested = passed[0].type.startswith(("ROW<", "MAP<")) if len(passed) == 1 else False
        alone = len(self.tensors) == 1
        if len(arguments) == len(self.tensors) and (alone or self.checked) and not nested:
            return By.ARGUMENTS
        return bind(self.function, self.bound, passed).by


def as_given(arguments: Mapping[str, Argument], bound: BoundMethod) -> Given:
    """Arguments of a method as a batch, without records that have a NULL."""
    columns = {name: each.values for name, each in arguments.items()}
    nulls = {name: each.nulls for name, each in arguments.items() if each.nulls is not None}
    return Given.without_nulls(columns, nulls, bound.null)


def _passed(given: Any) -> Passed:
    """What is known of an argument: its type, and the name of its column."""
    if not arrow.is_column(given):
        return Passed(_type_of(given))
    column, name = arrow.column_of(given), arrow.name_of(given) or ""
    is_computed = _COMPUTED.fullmatch(name) is not None
    return Passed(
        NULL if column is None else sql_type(column.type), None if is_computed else name or None
    )


_COMPUTED = re.compile(r"f\d+")
"""How Flink calls the columns of expressions."""


def _type_of(constant: Any) -> str:
    match constant:
        case None:
            return NULL
        case bool():
            return "BOOLEAN"
        case Decimal() if isinstance(number := arrow.number(constant), float):
            return "DOUBLE"
        case int() | Decimal():
            number = int(constant)
            fits = -(2**63) <= number < 2**63
            return "BIGINT" if fits else f"DECIMAL({len(str(abs(number)))}, 0)"
        case _:
            return next((sql for kind, sql in _PYTHON.items() if isinstance(constant, kind)), NULL)


_PYTHON = {
    float: "DOUBLE",
    str: "STRING",
    bytes: "BYTES",
    datetime: "TIMESTAMP",
    date: "DATE",
    time: "TIME",
}
_ARROW = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "STRING",
}
_TIMES = {"timestamp": "TIMESTAMP", "date": "DATE", "time": "TIME", "null": NULL}


def sql_type(kind: Any) -> str:
    """The Flink SQL type of an Arrow column."""
    if pa.types.is_struct(kind):
        parts = (f"`{each.name.replace('`', '``')}` {sql_type(each.type)}" for each in kind)
        return f"ROW<{', '.join(parts)}>"
    if pa.types.is_map(kind):
        return f"MAP<{sql_type(kind.key_type)}, {sql_type(kind.item_type)}>"
    if pa.types.is_list(kind):
        return f"ARRAY<{sql_type(kind.value_type)}>"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    name = str(kind)
    if name in _ARROW:
        return _ARROW[name]
    return next((sql for part, sql in _TIMES.items() if name.startswith(part)), "BYTES")
