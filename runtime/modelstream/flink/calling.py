"""The arguments of a call in SQL, as a worker gets them: which of them feeds which tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from modelstream.errors import ConversionError
from modelstream.failure import Failure, Stage
from modelstream.flink import arrow
from modelstream.flink.arrow import Argument
from modelstream.messages import listed, suggestion
from modelstream.models import BoundMethod
from modelstream.scoring.call import NULL, By, Passed, bind
from modelstream.scoring.rows import Given


@dataclass
class Caller:
    """Finds what feeds each tensor, in the calls of one function.

    Attributes:
        function: its name in SQL.
        bound: what it calls.
        checked: somebody has seen the calls, and held them against the model.
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
        match self._by:
            case By.MAP:
                return self._of_map(arguments[0])
            case By.ROW:
                found = arrow.fields(arrow.column_of(arguments[0]))
            case By.ARGUMENTS:
                found = dict(zip(self.tensors, arrow.arguments(arguments), strict=True))
        return found, as_given(found)

    @property
    def tensors(self) -> list[str]:
        """What is to be fed, in the order of names."""
        return sorted(self.bound.feeds)

    def _found(self, arguments: Sequence[Any]) -> By:
        passed = list(map(_passed, arguments))
        is_map = any(each.type.startswith("MAP<") for each in passed)
        alone = len(self.tensors) == 1 and not is_map
        if len(arguments) == len(self.tensors) and (alone or (self.checked and not is_map)):
            return By.ARGUMENTS
        return bind(self.function, self.bound, passed).by

    def _of_map(self, argument: Any) -> tuple[dict[str, Argument], Given]:
        records = arrow.entries(arrow.column_of(argument))
        problems = {at: why for at, each in enumerate(records) if (why := self._problem(each))}
        found = {
            tensor: Argument([each and _number(each.get(tensor)) for each in records])
            for tensor in self.tensors
        }
        return found, as_given(found, problems)

    def _problem(self, entries: Mapping[str, Any] | None) -> str | None:
        if entries is None:
            return "the MAP is null"
        for name in entries:
            if name not in self.bound.feeds:
                return f"the MAP has the key {name!r}, which is no input{self._meant(name)}"
        if missing := [tensor for tensor in self.tensors if tensor not in entries]:
            return f"the MAP has no key for {listed(missing)}"
        return None

    def _meant(self, name: str) -> str:
        return suggestion(name, self.tensors)


def as_given(arguments: Mapping[str, Argument], problems: Mapping[int, str] | None = None) -> Given:
    """Arguments as a batch, without the records of which one is NULL or that have a problem."""
    columns = {name: each.values for name, each in arguments.items()}
    nulls = {name: each.nulls for name, each in arguments.items() if each.nulls is not None}
    failures = {
        at: Failure.of(Stage.ENCODE, ConversionError(why)) for at, why in (problems or {}).items()
    }
    return Given.without_nulls(columns, nulls, failures)


def _number(value: Any) -> Any:
    return arrow.number(value) if isinstance(value, Decimal) else value


def _passed(given: Any) -> Passed:
    """What is known of an argument: its type, and the name of its column."""
    if not arrow.is_column(given):
        return Passed(_type_of(given))
    column = arrow.column_of(given)
    return Passed(NULL if column is None else sql_type(column.type), arrow.name_of(given))


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
