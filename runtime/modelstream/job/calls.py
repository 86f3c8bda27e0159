"""The calls of models in SQL, held against their signatures before anything runs.

Flink takes any arguments for a Python function: what does not fit would be found out record by
record, and a script that gives NULL for each of them looks as if it worked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelstream.convert.fit import misfit
from modelstream.errors import SignatureMismatchError
from modelstream.flink import jvm
from modelstream.models import BoundMethod

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

_NULL = "NULL"
"""The type of a NULL without a type, which may stand for any value."""


@dataclass(frozen=True)
class Call:
    """One call in a statement: of which function, and the Flink SQL types of its arguments."""

    function: str
    types: tuple[str, ...]


def check(t_env: "TableEnvironment", insert: str, functions: Mapping[str, BoundMethod]) -> None:
    """Hold every call of a model in an INSERT against the model's signature.

    Args:
        t_env: where the tables and views of the statement are known.
        insert: the statement.
        functions: the models by the names of their functions.

    Raises:
        SignatureMismatchError: arguments are missing, too many or of the wrong type.
    """
    for call in (Call(*found) for found in jvm.function_calls(t_env, insert, functions)):
        if problem := _problem(call, functions[call.function]):
            raise SignatureMismatchError(problem)


def _problem(call: Call, bound: BoundMethod) -> str | None:
    inputs = {tensor: bound.signature.inputs[tensor] for tensor in sorted(bound.feeds)}
    if len(call.types) != len(inputs):
        takes = ", ".join(f"{tensor} {spec}" for tensor, spec in inputs.items())
        return (
            f"{call.function} is called with {len(call.types)} arguments; it takes the inputs of "
            f"its model, sorted by name: {takes}"
        )
    for number, (sql_type, tensor) in enumerate(zip(call.types, inputs, strict=True), start=1):
        if sql_type != _NULL and (reason := misfit(sql_type, inputs[tensor])):
            return (
                f"argument {number} of {call.function} ({sql_type}) cannot feed input {tensor!r} "
                f"({inputs[tensor]}): {reason}"
            )
    return None
