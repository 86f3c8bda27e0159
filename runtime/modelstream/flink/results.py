"""Records and what a model said of them, as the rows that go on."""

from dataclasses import dataclass
from typing import Any

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation

from modelstream.flink.types import RECORD, StreamColumns, row_type
from modelstream.models import ColumnType
from modelstream.scoring.records import named
from modelstream.scoring.session import Scored


@dataclass(frozen=True)
class Results:
    """Makes the rows. Picklable.

    Attributes:
        kept: fields of the record that go on.
        outputs: the model's columns.
        whole: the record is an object that goes on as one field.
    """

    kept: tuple[str, ...]
    outputs: tuple[ColumnType, ...]
    whole: bool = False

    def row(self, record: Any, scored: Scored) -> Row:
        """The row of one record."""
        found = {RECORD: record} if self.whole else named(record)
        kept = [found[name] for name in self.kept]
        return Row(*kept, *(_carried(scored[column.name]) for column in self.outputs))

    def type(self, source: StreamColumns) -> TypeInformation:
        """What Flink needs to know of the rows."""
        outputs = row_type(self.outputs)
        kept = [source.information[name] for name in self.kept]
        names = [*self.kept, *outputs.get_field_names()]
        return Types.ROW_NAMED(names, [*kept, *outputs.get_field_types()])


def _carried(value: Any) -> Any:
    """Bytes as PyFlink wants them."""
    return bytearray(value) if isinstance(value, bytes) else value
