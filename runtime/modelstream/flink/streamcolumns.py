"""What Flink knows of the records of a DataStream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflink.common import Types
from pyflink.common.typeinfo import (
    ExternalTypeInfo,
    PickledBytesTypeInfo,
    RowTypeInfo,
    TupleTypeInfo,
    TypeInformation,
)

from modelstream.errors import SignatureMismatchError
from modelstream.flink.columns import types_of
from modelstream.scoring.records import VALUE, position

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import StreamTableEnvironment

RECORD = "record"
"""The column that holds a whole Python object."""


@dataclass(frozen=True)
class StreamColumns:
    """The columns of a stream.

    Attributes:
        types: name → Flink SQL type; empty for a stream of Python objects.
        information: name → type information.
        plain: each record is one value, without fields.
    """

    types: Mapping[str, str]
    information: Mapping[str, TypeInformation]
    plain: bool = False

    @property
    def objects(self) -> bool:
        """Flink knows nothing of the records."""
        return not self.types

    @classmethod
    def of(cls, stream: "DataStream", t_env: "StreamTableEnvironment") -> "StreamColumns":
        """The columns as Flink makes them of a stream that becomes a table."""
        kind = stream.get_type()
        if isinstance(kind, ExternalTypeInfo):
            kind = kind._type_info
        if isinstance(kind, PickledBytesTypeInfo):
            return cls({}, {RECORD: Types.PICKLED_BYTE_ARRAY()})
        types = types_of(t_env.from_data_stream(stream))
        match kind:
            case RowTypeInfo():
                given = dict(zip(kind.get_field_names(), kind.get_field_types(), strict=True))
            case TupleTypeInfo():
                fields = kind.get_field_types()
                given = {position(number): each for number, each in enumerate(fields)}
            case _:
                return cls(types, {VALUE: kind}, plain=True)
        return cls(types, given)

    @property
    def keepable(self) -> dict[str, str]:
        """Name → type, of what can be kept beside the model's columns."""
        return {RECORD: "RAW"} if self.objects else dict(self.types)

    def feed(self, columns: Mapping[str, str]) -> dict[str, str]:
        """Tensor → column, where a record without fields feeds the only input.

        Raises:
            SignatureMismatchError: the model has several inputs.
        """
        if not self.plain:
            return dict(columns)
        if len(columns) != 1:
            raise SignatureMismatchError(
                f"each record of the stream is one value, and the model takes "
                f"{len(columns)} inputs: make rows or tuples of the records first"
            )
        return dict.fromkeys(columns, VALUE)
