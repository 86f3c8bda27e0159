"""The calls of models in SQL, held against their signatures before anything runs.

Flink takes any arguments for a Python function: what does not fit would be found out record by
record, and a script that gives NULL for each of them looks as if it worked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    operation = t_env._j_tenv.getParser().parse(insert).get(0)
    for call in _calls(operation.getChild().getCalciteTree(), functions):
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


def _calls(node: Any, functions: Mapping[str, BoundMethod]) -> Iterator[Call]:
    for expression in _expressions(node):
        yield from _calls_in(expression, functions)
    inputs = node.getInputs()
    for index in range(inputs.size()):
        yield from _calls(inputs.get(index), functions)


def _expressions(node: Any) -> Iterator[Any]:
    match node.getClass().getSimpleName():
        case "LogicalProject":
            yield from _listed(node.getProjects())
        case "LogicalFilter" | "LogicalJoin":
            yield node.getCondition()
        case "LogicalTableFunctionScan":
            yield node.getCall()


def _calls_in(expression: Any, functions: Mapping[str, BoundMethod]) -> Iterator[Call]:
    match expression.getClass().getSimpleName():
        case "RexFieldAccess":
            yield from _calls_in(expression.getReferenceExpr(), functions)
        case "RexSubQuery":
            yield from _calls(jvm.field(expression, "rel"), functions)
        case "RexCall" | "RexOver":
            operands = list(_listed(expression.getOperands()))
            name = _function(expression.getOperator())
            if name in functions:
                yield Call(name, tuple(jvm.sql_type(each.getType()) for each in operands))
            for each in operands:
                yield from _calls_in(each, functions)


def _function(operator: Any) -> str:
    """The name of a registered function; nothing for an operator such as CASE."""
    registered = operator.getClass().getSimpleName() == "BridgingSqlFunction"
    return str(operator.getName()).lower() if registered else ""


def _listed(found: Any) -> Iterator[Any]:
    return (found.get(index) for index in range(found.size()))
