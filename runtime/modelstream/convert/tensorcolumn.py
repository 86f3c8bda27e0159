"""A column of packed tensors."""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from modelstream.convert.flinktypes import parse_type
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.convert.tensors import to_tensor
from modelstream.convert.tensorvalue import TensorValue
from modelstream.errors import ConversionError

_ROW = parse_type(TensorValue.SQL_TYPE)


@dataclass(frozen=True)
class TensorColumn:
    """A column of TensorValues that feeds a tensor: ``inputs={"x": TensorColumn("features")}``.

    Dtype and shape of each record are looked at when it passes. NaN is data there.

    Attributes:
        column: BYTES of ``TensorValue.to_bytes``, or rows of ``TensorValue.to_row``.
    """

    column: str

    def misfit(self, column_type: str, spec: TensorSpec) -> str | None:
        """Why a column of this Flink SQL type cannot feed the tensor; None when it can."""
        if spec.layout is not Layout.DENSE:
            return f"no column can feed a {spec.layout} tensor: export the model with dense inputs"
        parsed = parse_type(column_type)
        if parsed.name == "BYTES" or parsed == _ROW:
            return None
        return f"packed tensors come as BYTES or {TensorValue.SQL_TYPE}, not as {column_type}"

    def to_tensor(self, values: Any, spec: TensorSpec) -> npt.NDArray[Any]:
        """One batch of packed tensors as the array that the tensor takes.

        Raises:
            ConversionError: a record is no tensor, or does not fit; ``index`` says which.
            UnevenShapesError: the records differ in shape, which the tensor allows.
        """
        records = values.to_dict("records") if hasattr(values, "columns") else values
        unpacked = [_unpacked(index, record) for index, record in enumerate(records)]
        return to_tensor(unpacked, spec, allow_nan=True)


def _unpacked(index: int, record: Any) -> TensorValue:
    try:
        match record:
            case TensorValue():
                return record
            case bytes() | bytearray() | memoryview():
                return TensorValue.from_bytes(record)
            case None:
                raise ConversionError("it is null")
            case _:
                return TensorValue.from_row(record)
    except ConversionError as error:
        raise ConversionError(f"record {index} is no tensor: {error}", index) from None
