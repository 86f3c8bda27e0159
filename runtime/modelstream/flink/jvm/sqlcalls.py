"""Calls of functions in what Flink's planner has parsed, with all that it tells of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelstream.flink import jvm

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment


@dataclass(frozen=True)
class Argument:
    """One argument of a call in a statement.

    Attributes:
        type: its Flink SQL type.
        column: the name of the column that it is; None for a constant or an expression.
        constant: it is the same for every row.
    """

    type: str
    column: str | None = None
    constant: bool = False


Call = tuple[str, tuple[Argument, ...]]


def calls(t_env: "TableEnvironment", insert: str, names: Collection[str]) -> Iterator[Call]:
    """The calls of functions in an INSERT: each by name, with its arguments."""
    return _calls(jvm.parsed(t_env, insert), names)


def _calls(node: Any, names: Collection[str]) -> Iterator[Call]:
    inputs = list(_listed(node.getInputs()))
    columns = [str(name) for each in inputs for name in each.getRowType().getFieldNames()]
    for expression in _expressions(node):
        yield from _calls_in(expression, names, columns)
    for each in inputs:
        yield from _calls(each, names)


def _expressions(node: Any) -> Iterator[Any]:
    match jvm.kind(node):
        case "LogicalProject":
            yield from _listed(node.getProjects())
        case "LogicalFilter" | "LogicalJoin":
            yield node.getCondition()
        case "LogicalTableFunctionScan":
            yield node.getCall()


def _calls_in(expression: Any, names: Collection[str], columns: Sequence[str]) -> Iterator[Call]:
    match jvm.kind(expression):
        case "RexFieldAccess":
            yield from _calls_in(expression.getReferenceExpr(), names, columns)
        case "RexSubQuery":
            yield from _calls(jvm.field(expression, "rel"), names)
        case "RexCall" | "RexOver":
            operands = list(_listed(expression.getOperands()))
            name = _function(expression.getOperator())
            if name in names:
                yield name, tuple(_argument(each, columns) for each in operands)
            for each in operands:
                yield from _calls_in(each, names, columns)


def _argument(expression: Any, columns: Sequence[str]) -> Argument:
    is_column = jvm.kind(expression) == "RexInputRef"
    return Argument(
        jvm.sql_type(expression.getType()),
        columns[expression.getIndex()] if is_column else None,
        _is_constant(expression),
    )


def _is_constant(expression: Any) -> bool:
    match jvm.kind(expression):
        case "RexLiteral":
            return True
        case "RexCall":  # one without operands is RAND(), or the like
            operands = list(_listed(expression.getOperands()))
            return bool(operands) and all(map(_is_constant, operands))
        case _:
            return False


def _function(operator: Any) -> str:
    """The name of a registered function; nothing for an operator such as CASE."""
    registered = jvm.kind(operator) == "BridgingSqlFunction"
    return str(operator.getName()).lower() if registered else ""


def _listed(found: Any) -> Iterator[Any]:
    return (found.get(index) for index in range(found.size()))
