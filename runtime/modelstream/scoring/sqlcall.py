"""A call of a model in SQL: which argument feeds which tensor, told by names and never by chance.

SQL has no named arguments for such a function, and tensors have no order that a reader knows. So
several tensors are fed from a ROW, by its fields. One argument after the other is taken where it
can mean one thing only: by the names of plain columns, or by the types. A MAP would do as well, but
of MAPs Flink 2.3 hands the first batch alone to a vectorised function: its MapWriter has no reset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from graphlib import CycleError, TopologicalSorter

from modelstream.convert import ColumnType, FlinkType, TensorSpec, parse_type, sql_type
from modelstream.convert.flinktypes import quoted
from modelstream.errors import SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models import BoundMethod

NULL = "NULL"
"""The type of a NULL without a type, which may stand for any value."""


class By(StrEnum):
    """How arguments find their tensors."""

    ARGUMENTS = "arguments"
    """One argument a tensor; several in the order of the tensors' names."""
    ROW = "row"
    """One ROW, whose fields have the tensors' names."""


@dataclass(frozen=True)
class Passed:
    """One argument of a call.

    Attributes:
        type: its Flink SQL type.
        column: the name of the column that it is; None for a constant or an expression.
        constant: Flink makes one value of it for all rows, before anything runs.
    """

    type: str
    column: str | None = None
    constant: bool = False


@dataclass(frozen=True)
class Binding:
    """What feeds the tensors in one call.

    Attributes:
        by: how they are found.
        tensors: each with what feeds it, in words.
    """

    by: By
    tensors: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(f"{tensor} ← {source}" for tensor, source in self.tensors.items())


def bind(function: str, bound: BoundMethod, passed: Sequence[Passed]) -> Binding:
    """Which argument feeds which tensor.

    Args:
        function: what the call names.
        bound: what it calls.
        passed: the arguments.

    Raises:
        SignatureMismatchError: they do not fit, or it cannot be told which is which; the message
            has the call to write.
    """
    inputs = {tensor: bound.signature.inputs[tensor] for tensor in sorted(bound.feeds)}
    call = _Call(function, bound, inputs, tuple(passed))
    if len(passed) == 1:
        parsed = parse_type(passed[0].type)
        if parsed.name == "ROW" and call.takes_row(passed[0].type):
            return call.by_row(parsed)
        if parsed.name == "MAP":
            raise call.refused_map()
    return call.by_arguments()


@dataclass(frozen=True)
class _Call:
    function: str
    bound: BoundMethod
    inputs: dict[str, TensorSpec]
    passed: tuple[Passed, ...]

    def takes_row(self, row: str) -> bool:
        """Whether a ROW has the inputs: the only one may be a whole ROW itself, an Example."""
        return len(self.inputs) > 1 or any(self._misfit(row, tensor) for tensor in self.inputs)

    def refused_map(self) -> SignatureMismatchError:
        return self._refused(
            "it is called with a MAP, of which Flink hands over the first batch alone", by_name=True
        )

    def by_row(self, row: FlinkType) -> Binding:
        self._check_names("ROW", "field", row.fields)
        for name, child in zip(row.fields, row.children, strict=True):
            self._check_type(f"the field {name!r}", str(child), name)
        return Binding(By.ROW, {tensor: f"the field {tensor}" for tensor in self.inputs})

    def by_arguments(self) -> Binding:
        if len(self.passed) != len(self.inputs):
            takes = ", ".join(f"{tensor} {spec}" for tensor, spec in self.inputs.items())
            raise self._refused(
                f"it is called with {len(self.passed)} arguments, and takes {len(self.inputs)} "
                f"inputs: {takes}"
            )
        if len(self.inputs) > 1:
            self._check_columns()
        for number, (each, tensor) in enumerate(zip(self.passed, self.inputs, strict=True), 1):
            self._check_type(f"argument {number}", each.type, tensor)
        if all(each.constant for each in self.passed):
            raise self._refused(
                "its arguments are constants, and Flink starts no function for constants alone",
                by_name=True,
            )
        if not self._is_unambiguous():
            raise self._refused(
                f"its arguments have no names, and more than one order of {listed(self.inputs)} "
                f"would fit them"
            )
        numbered = enumerate(self.passed, 1)
        told = [each.column or f"argument {number}" for number, each in numbered]
        return Binding(By.ARGUMENTS, dict(zip(self.inputs, told, strict=True)))

    def _check_columns(self) -> None:
        """A column with the name of one tensor feeds no other."""
        for number, (each, tensor) in enumerate(zip(self.passed, self.inputs, strict=True), 1):
            if each.column in self.inputs and each.column != tensor:
                raise self._refused(
                    f"argument {number} is the column {each.column!r}, and stands where the input "
                    f"{tensor!r} is fed: without names, inputs are fed in the order of their names"
                )

    def _check_names(self, kind: str, part: str, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.inputs:
                raise self._refused(
                    f"its {kind} has the {part} {name!r}, which is not an input"
                    f"{suggestion(name, self.inputs)}"
                )
        if missing := [tensor for tensor in self.inputs if tensor not in names]:
            raise self._refused(f"its {kind} has no {part} for {listed(missing)}")

    def _check_type(self, what: str, given: str, tensor: str) -> None:
        if reason := self._misfit(given, tensor):
            raise self._refused(
                f"{what} ({given}) cannot feed input {tensor!r} ({self.inputs[tensor]}): {reason}"
            )

    def _misfit(self, given: str, tensor: str) -> str | None:
        return None if given == NULL else self.bound.misfit(tensor, given)

    def _is_unambiguous(self) -> bool:
        """Whether no other order of the arguments fits: then none of them can change places."""
        free = {at: each for at, each in enumerate(self.passed) if each.column not in self.inputs}
        tensors = list(self.inputs)
        misfit = cache(self._misfit)
        turns = {
            at: [to for to in free if to != at and misfit(each.type, tensors[to]) is None]
            for at, each in free.items()
        }
        try:
            TopologicalSorter(turns).prepare()
        except CycleError:
            return False
        return True

    def _refused(self, why: str, *, by_name: bool = False) -> SignatureMismatchError:
        written = self._written(by_name=by_name)
        return SignatureMismatchError(f"{self.function}: {why}. Write {written}")

    def _written(self, *, by_name: bool = False) -> str:
        """The call that says which is which, with the arguments as they stand where they fit."""
        columns = [self._column(at, tensor) for at, tensor in enumerate(self.inputs)]
        texts = all(spec.dtype == "string" for spec in self.inputs.values())
        if len(columns) == 1 and (texts or not by_name):
            return f"{self.function}({columns[0].name})"
        values = ", ".join(column.name for column in columns)
        fields = ", ".join(
            f"{quoted(tensor)} {column.type}"
            for tensor, column in zip(self.inputs, columns, strict=True)
        )
        return f"{self.function}(CAST(ROW({values}) AS ROW<{fields}>))"

    def _column(self, at: int, tensor: str) -> ColumnType:
        """The argument in the tensor's place, or one that would fit there."""
        spec, there = self.inputs[tensor], len(self.passed) == len(self.inputs)
        given = self.passed[at] if there else None
        parsed = None if given is None or given.type == NULL else parse_type(given.type)
        if given is None or parsed is None or self._misfit(given.type, tensor):
            kind = _takes(spec)
        else:
            kind = _takes(spec) if parsed.element.name == "DECIMAL" else str(parsed)
        named = given.column if given and given.column not in self.inputs else None
        return ColumnType(quoted(named or tensor), kind)


def _takes(spec: TensorSpec) -> str:
    """A type that fits, for a tensor whose column is not known."""
    if spec.record_shape is None and not spec.ragged_rank:
        return sql_type(TensorSpec(spec.dtype, (None, None)))
    return sql_type(spec)
