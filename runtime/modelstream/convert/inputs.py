"""What makes the tensor of a column: by its type, or a column encoder where that does not tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy.typing as npt

from modelstream.annotations import check_fields
from modelstream.convert.columns import to_tensor
from modelstream.convert.constant import Constant
from modelstream.convert.fit import SPARSE
from modelstream.convert.flinktypes import parse_type
from modelstream.convert.ragged import to_ragged
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.convert.tensorvalue import TensorValue
from modelstream.convert.wire import is_ragged
from modelstream.errors import ConversionError

Tensor: TypeAlias = npt.NDArray[Any] | RaggedValue
"""What goes into a model for one input: an array, or a RaggedValue where the input is ragged."""


@runtime_checkable
class ColumnEncoder(Protocol):
    """Makes a tensor of a column in its own way; stands for the column in a method's ``inputs``.

    Picklable; it runs in the Python function of the model, beside it.
    """

    @property
    def column(self) -> str:
        """The column that it reads."""

    def misfit(self, column_type: str, spec: TensorSpec) -> str | None:
        """Why values of this Flink SQL type cannot feed the tensor; None when they can."""

    def to_tensor(self, values: Any, spec: TensorSpec) -> Tensor:
        """One batch, one value a record, as the array or RaggedValue that the tensor takes.

        Raises:
            ConversionError: a value does not fit; ``index`` says which record.
            UnevenShapesError: the records are fine but have different shapes.
        """


Inputs: TypeAlias = Mapping[str, str | ColumnEncoder | Constant]
"""Tensor → the column that feeds it, what makes the tensor of a column, or one value for all."""


_ROW = parse_type(TensorValue.SQL_TYPE)


@dataclass(frozen=True)
class TensorColumn:
    """A column of TensorValues that feeds a tensor: ``inputs={"x": TensorColumn("features")}``.

    Dtype and shape of each record are looked at when it passes. NaN is data there. A ragged tensor
    takes records of any length, and as BYTES also those that are RaggedValues themselves.

    Attributes:
        column: BYTES of ``TensorValue.to_bytes`` (of a ragged tensor also of
            ``RaggedValue.to_bytes``), or rows of ``TensorValue.to_row``.
    """

    column: str

    def __post_init__(self) -> None:
        check_fields(self)

    def misfit(self, column_type: str, spec: TensorSpec) -> str | None:
        """Why a column of this Flink SQL type cannot feed the tensor; None when it can."""
        if spec.layout is Layout.SPARSE:
            return SPARSE
        parsed = parse_type(column_type)
        if parsed.name == "BYTES" or parsed == _ROW:
            return None
        return f"packed tensors come as BYTES or {TensorValue.SQL_TYPE}, not as {column_type}"

    def to_tensor(self, values: Any, spec: TensorSpec) -> Tensor:
        """One batch of packed tensors as the array, or the RaggedValue, that the tensor takes.

        Raises:
            ConversionError: a record is not a tensor, or does not fit; ``index`` says which.
            UnevenShapesError: the records differ in shape, which the tensor allows.
        """
        records = values.to_dict("records") if hasattr(values, "columns") else values
        ragged = spec.layout is Layout.RAGGED
        unpacked = [_unpacked(index, record, ragged) for index, record in enumerate(records)]
        return to_input(unpacked, spec, allow_nan=True)


def _unpacked(index: int, record: Any, ragged: bool) -> TensorValue | RaggedValue:
    try:
        match record:
            case TensorValue():
                return record
            case RaggedValue() if ragged:
                return record
            case bytes() | bytearray() | memoryview() if ragged and is_ragged(record):
                return RaggedValue.from_bytes(record)
            case bytes() | bytearray() | memoryview():
                return TensorValue.from_bytes(record)
            case None:
                raise ConversionError("it is null")
            case _:
                return TensorValue.from_row(record)
    except ConversionError as error:
        raise ConversionError(f"record {index} is no tensor: {error}", index) from None


def to_input(values: Any, spec: TensorSpec, *, allow_nan: bool = False) -> Tensor:
    """One batch as what a model takes for an input: `to_ragged` or `to_tensor`."""
    if spec.layout is Layout.RAGGED:
        return to_ragged(values, spec, allow_nan=allow_nan)
    rows = values.tolist() if isinstance(values, RaggedValue) else values
    return to_tensor(rows, spec, allow_nan=allow_nan)
