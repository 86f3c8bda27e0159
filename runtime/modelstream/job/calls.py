"""The calls of models in SQL, held against their signatures before anything runs.

Flink takes any arguments for a Python function: what does not fit would be found out record by
record, and a script that gives NULL for each of them looks as if it worked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelstream.flink.jvm import sqlcalls
from modelstream.models import BoundMethod
from modelstream.scoring.sqlcall import NULL, Binding, Passed, bind

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

_LONG_DIGITS = 18
"""Whole numbers of so many digits are BIGINT for certain."""

_COMPOSED = ("ARRAY<", "MAP<", "ROW<")
"""Types of which the planner makes no constants."""


@dataclass(frozen=True)
class Call:
    """A call of a model: its function, the line of its statement, and what feeds its inputs."""

    function: str
    line: int
    binding: Binding

    def __str__(self) -> str:
        return f"{self.function}({self.binding})"


def bindings(
    t_env: "TableEnvironment", insert: str, functions: Mapping[str, BoundMethod]
) -> Iterator[tuple[str, Binding]]:
    """Every call of a model in an INSERT: the function's name, and what feeds its inputs.

    Args:
        t_env: where the tables and views of the statement are known.
        insert: the statement.
        functions: the models by the names of their functions.

    Raises:
        SignatureMismatchError: arguments are missing, too many or of the wrong type, or it cannot
            be told which input they feed.
    """
    for name, arguments in sqlcalls.calls(t_env, insert, functions):
        yield name, bind(name, functions[name], list(map(_passed, arguments)))


def _passed(argument: sqlcalls.Argument) -> Passed:
    constant = argument.constant and not argument.type.startswith(_COMPOSED)
    return Passed(_type(argument), argument.column, constant)


def _type(argument: sqlcalls.Argument) -> str:
    """The type that reaches the model: a constant with a decimal point is a DOUBLE there."""
    if argument.type == NULL or not argument.constant or not argument.type.startswith("DECIMAL("):
        return argument.type
    precision, scale = argument.type.removeprefix("DECIMAL(").partition(")")[0].split(",")
    if int(scale):
        return "DOUBLE"
    return "BIGINT" if int(precision) <= _LONG_DIGITS else argument.type
