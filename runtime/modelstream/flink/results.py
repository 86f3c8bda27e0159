"""Records and what a model said of them, as the rows that go on."""

from dataclasses import dataclass
from typing import Any

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation

from modelstream.convert.fields import named
from modelstream.flink.types import RECORD, StreamColumns, row_type
from modelstream.scoring.plan import Plan
from modelstream.scoring.session import Scored


@dataclass(frozen=True)
class Results:
    """Makes the rows.

    Attributes:
        kept: fields of the record that go on.
        outputs: the model's columns.
        kind: what Flink needs to know of the rows.
        whole: the record is an object that goes on as one field.
    """

    kept: tuple[str, ...]
    outputs: tuple[str, ...]
    kind: TypeInformation
    whole: bool = False

    @classmethod
    def of(cls, plan: Plan, source: StreamColumns) -> "Results":
        """The rows of a plan over a stream."""
        outputs = row_type(plan.bound.output_columns)
        names = tuple(outputs.get_field_names())
        kept = [source.information[name] for name in plan.kept]
        kind = Types.ROW_NAMED([*plan.kept, *names], [*kept, *outputs.get_field_types()])
        return cls(plan.kept, names, kind, source.objects)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "kind": None}  # types know Java, of which a worker has none

    def row(self, record: Any, scored: Scored) -> Row:
        """The row of one record."""
        found = {RECORD: record} if self.whole else named(record)
        kept = [found[name] for name in self.kept]
        return Row(*kept, *(_carried(scored[name]) for name in self.outputs))


def _carried(value: Any) -> Any:
    """Bytes as PyFlink wants them."""
    return bytearray(value) if isinstance(value, bytes) else value
