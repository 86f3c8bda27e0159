"""The types of DataStreams: what Flink knows of records, and what it must know of results."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflink.common import Types
from pyflink.common.typeinfo import (
    ExternalTypeInfo,
    PickledBytesTypeInfo,
    RowTypeInfo,
    TupleTypeInfo,
    TypeInformation,
)

from modelstream.convert import ColumnType, FlinkType, TensorSpec, parse_type, sql_type
from modelstream.convert.fields import VALUE, position
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.flink.jvm import types_of
from modelstream.scoring.plan import check_column, refuse_two_sources

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import StreamTableEnvironment

_PLAIN = {
    "BOOLEAN": Types.BOOLEAN,
    "TINYINT": Types.BYTE,
    "SMALLINT": Types.SHORT,
    "INT": Types.INT,
    "BIGINT": Types.LONG,
    "FLOAT": Types.FLOAT,
    "DOUBLE": Types.DOUBLE,
    "DECIMAL": Types.BIG_DEC,
    "STRING": Types.STRING,
    "TIMESTAMP_LTZ": Types.INSTANT,
}


def row_type(columns: Sequence[ColumnType]) -> TypeInformation:
    """A row with these columns."""
    types = [type_information(parse_type(column.type)) for column in columns]
    return Types.ROW_NAMED([column.name for column in columns], types)


def type_information(parsed: FlinkType) -> TypeInformation:
    """A type of a column of a model or of a dead letter.

    Raises:
        OptionError: no model gives such a column.
    """
    match parsed.name:
        case "BYTES":
            return Types.PRIMITIVE_ARRAY(Types.BYTE())
        case "ARRAY" if parsed.children[0].name in _PLAIN.keys() - {"DECIMAL"}:
            return Types.BASIC_ARRAY(_PLAIN[parsed.children[0].name]())
        case "ARRAY":
            return Types.OBJECT_ARRAY(type_information(parsed.children[0]))
        case "MAP":
            return Types.MAP(*map(type_information, parsed.children))
        case name if name in _PLAIN:
            return _PLAIN[name]()
        case name:
            raise OptionError(f"a column of a model cannot be {name} in a DataStream")


_FINE = re.compile(r"\bTIMESTAMP\([789]\)")
RECORD = "record"
"""The column that holds a whole Python object."""


@dataclass(frozen=True)
class StreamColumns:
    """The columns of a stream.

    Attributes:
        types: name → Flink SQL type; empty for a stream of Python objects.
        information: name → type information.
        plain: each record is one value, without fields.
        untyped: why PyFlink has no type for the records, which then stay in Flink; empty where it
            has.
    """

    types: Mapping[str, str]
    information: Mapping[str, TypeInformation]
    plain: bool = False
    untyped: str = ""

    @property
    def objects(self) -> bool:
        """Flink knows nothing of the records."""
        return not self.types

    @classmethod
    def of(cls, stream: "DataStream", t_env: "StreamTableEnvironment") -> "StreamColumns":
        """The columns as Flink makes them of a stream that becomes a table."""
        try:
            kind = stream.get_type()
        except Exception as error:  # of Java, or of Python where only that does not know the type
            return cls(types_of(t_env.from_data_stream(stream)), {}, untyped=_in_words(error))
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

    def uncarried(self, kept: Iterable[str]) -> str | None:
        """What of these columns would not come back from Python whole; None where all would."""
        if self.untyped:
            return f"PyFlink has no type for the stream's records ({self.untyped})"
        for name in kept:
            is_local = "LOCAL_DATE_TIME" in str(self.information[name])
            if is_local and _FINE.search(self.types[name]):
                return (
                    f"the column {name!r} is {self.types[name]}, of which Python has microseconds"
                )
        return None

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


def _in_words(error: Exception) -> str:
    """The first sentence of what Java says, without the class of its exception."""
    return str(error).strip().partition("\n")[0].rpartition("Exception: ")[2].partition(". ")[0]


def type_of(spec: TensorSpec) -> TypeInformation:
    """The type of one record of an output: a number, a string, or (nested) arrays of them."""
    return type_information(parse_type(sql_type(spec)))


def row(fields: dict[str, TypeInformation]) -> RowTypeInfo:
    """Rows with these fields."""
    return Types.ROW_NAMED(list(fields), list(fields.values()))


def fields_of(kind: Any, model: str) -> dict[str, TypeInformation]:
    """The fields of a stream's type.

    Raises:
        SignatureMismatchError: the stream is not of rows with named fields.
    """
    if isinstance(kind, ExternalTypeInfo):  # what a table became
        kind = kind._type_info
    if not isinstance(kind, RowTypeInfo):
        raise SignatureMismatchError(
            f"model {model!r} takes rows with named fields, the stream is of {kind}: make rows "
            f"with map(…, output_type=Types.ROW_NAMED([…], […])) or to_data_stream(table)"
        )
    return dict(zip(kind.get_field_names(), kind.get_field_types(), strict=True))


def through(
    kind: Any,
    read: Iterable[str],
    keep: Sequence[str] | None,
    given: Mapping[str, TypeInformation],
    model: str,
) -> tuple[tuple[str, ...], tuple[str, ...], RowTypeInfo]:
    """The fields of a stream's rows, those that go on, and the type of the rows that go on.

    Args:
        kind: the type of the stream.
        read: fields that the model reads.
        keep: fields that go on beside the model's; all if None.
        given: the model's.
        model: its name.

    Raises:
        SignatureMismatchError: the stream is not of rows with named fields, lacks one, or keeps one
            that the model gives.
    """
    fields = fields_of(kind, model)
    kept = tuple(fields if keep is None else keep)
    for name in (*read, *kept):
        check_column(f"model {model!r} reads or keeps", name, fields)
    refuse_two_sources(kept, tuple(given), model)
    return tuple(fields), kept, row({**{name: fields[name] for name in kept}, **given})
