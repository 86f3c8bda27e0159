"""Types of DataStreams for the tensors of a model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from modelstream.convert import TensorSpec, parse_type, sql_type
from modelstream.errors import SignatureMismatchError
from modelstream.failure import DEAD_LETTER_COLUMNS, Failure
from modelstream.models.signature import listed, suggestion

if TYPE_CHECKING:
    from pyflink.common.typeinfo import RowTypeInfo, TypeInformation


def type_of(spec: TensorSpec) -> "TypeInformation":
    """The type of one record of an output: a number, a string, or (nested) arrays of them."""
    from modelstream.flink.types import type_information

    return type_information(parse_type(sql_type(spec)))


def row(fields: "dict[str, TypeInformation]") -> "RowTypeInfo":
    """Rows with these fields."""
    from pyflink.common import Types

    return Types.ROW_NAMED(list(fields), list(fields.values()))


def fields_of(kind: Any, model: str) -> "dict[str, TypeInformation]":
    """The fields of a stream's type.

    Raises:
        SignatureMismatchError: the stream is not of rows with named fields.
    """
    from pyflink.common.typeinfo import ExternalTypeInfo, RowTypeInfo

    if isinstance(kind, ExternalTypeInfo):  # what a table became
        kind = kind._type_info
    if not isinstance(kind, RowTypeInfo):
        raise SignatureMismatchError(
            f"model {model!r} takes rows with named fields, the stream is of {kind}: make rows "
            f"with map(…, output_type=Types.ROW_NAMED([…], […])) or to_data_stream(table)"
        )
    return dict(zip(kind.get_field_names(), kind.get_field_types(), strict=True))


def check_fields(names: Iterable[str], fields: "dict[str, TypeInformation]", model: str) -> None:
    """Hold the names that a model reads and keeps against the fields of a stream.

    Raises:
        SignatureMismatchError: one is not there.
    """
    for name in names:
        if name not in fields:
            raise SignatureMismatchError(
                f"model {model!r} reads or keeps the column {name!r}, which the stream does not "
                f"have{suggestion(name, fields)}; it has {listed(fields)}"
            )


def refuse_same_names(kept: Iterable[str], given: Iterable[str], model: str) -> None:
    """A field of a row has one source: the stream or the model.

    Raises:
        SignatureMismatchError: a column that is kept has the name of one that the model gives.
    """
    for name in set(given).intersection(kept):
        raise SignatureMismatchError(
            f"the column {name!r} comes from the stream and from model {model!r}: give the output "
            f"another name in outputs, or leave the column out of keep"
        )


def dead_letter_type() -> "RowTypeInfo":
    """Rows of DEAD_LETTER_COLUMNS."""
    from modelstream.flink.types import row_type

    return row_type(DEAD_LETTER_COLUMNS)


def dead_letter(key: str, record: dict[str, Any], failure: Failure, model: str) -> Any:
    """One dead letter; its payload is the record as a JSON object."""
    from modelstream.flink.letters import letter

    return letter(record, failure, model, key)
