"""What feeds a tensor: a column by its type or by a column encoder, or a constant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from modelstream.annotations import check_fields
from modelstream.convert.columns import to_tensor
from modelstream.convert.fit import SPARSE
from modelstream.convert.flinktypes import parse_type
from modelstream.convert.ragged import to_ragged
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import Layout, TensorSpec, shape_text
from modelstream.convert.tensorvalue import TensorValue
from modelstream.convert.wire import is_ragged
from modelstream.errors import ConversionError, SignatureMismatchError


@dataclass(frozen=True)
class Constant:
    """The same value for every record: ``inputs={"keep_prob": Constant(1.0)}``.

    It feeds a tensor that takes one value beside the batch (a rate, a switch, thresholds), and a
    tensor with a batch, whose records then all have the value.

    Attributes:
        value: a number, a boolean, a text, bytes, or nested lists of them; NaN is data.
    """

    value: Any

    def to_tensor(self, spec: TensorSpec) -> "ConstantTensor":
        """The value as the tensor takes it.

        Raises:
            SignatureMismatchError: it does not fit the tensor's dtype or shape.
        """
        if spec.layout is not Layout.DENSE:
            raise SignatureMismatchError(
                f"input {spec.name!r} ({spec}) cannot be a constant: it is {spec.layout}"
            )
        shape = self._shape(spec)
        given = _of_rank(spec.shape, len(shape))
        if given is None:
            raise SignatureMismatchError(
                f"input {spec.name!r} ({spec}) cannot be the constant {self.value!r}, whose shape "
                f"is {shape_text(shape)}"
            )
        try:
            whole = TensorSpec(spec.dtype, (None, *given), spec.name)
            array = to_tensor([self.value], whole, allow_nan=True)[0]
        except ConversionError as error:
            raise SignatureMismatchError(
                f"input {spec.name!r} ({spec}) cannot be the constant {self.value!r}: {error}"
            ) from None
        per_record = spec.shape is not None and len(shape) < len(spec.shape)
        made = ConstantTensor(np.asarray(array), per_record)
        if per_record and spec.batch is not None:  # so many, however many records there are
            return ConstantTensor(made.of(spec.batch), False)
        return made

    def _shape(self, spec: TensorSpec) -> tuple[int, ...]:
        try:
            return np.shape(self.value)
        except ValueError:
            raise SignatureMismatchError(
                f"input {spec.name!r} ({spec}) cannot be the constant {self.value!r}: its lists "
                f"differ in length"
            ) from None


@dataclass(frozen=True)
class ConstantTensor:
    """A constant as an array.

    Attributes:
        array: what the tensor takes, or one record of it.
        per_record: it is one record, the same for all.
    """

    array: npt.NDArray[Any]
    per_record: bool

    def of(self, n: int) -> npt.NDArray[Any]:
        """The tensor for a batch of ``n`` records."""
        if not self.per_record:
            return self.array
        return np.broadcast_to(self.array, (n, *self.array.shape))


def _of_rank(shape: tuple[int | None, ...] | None, rank: int) -> tuple[int | None, ...] | None:
    """The shape that a value of that rank has to have: of the tensor, or of one record of it."""
    if shape is None:
        return (None,) * rank
    if len(shape) == rank:
        return shape
    return shape[1:] if len(shape) == rank + 1 else None


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
        raise ConversionError(f"record {index} is not a tensor: {error}", index) from None


def to_input(values: Any, spec: TensorSpec, *, allow_nan: bool = False) -> Tensor:
    """One batch as what a model takes for an input: `to_ragged` or `to_tensor`."""
    if spec.layout is Layout.RAGGED:
        return to_ragged(values, spec, allow_nan=allow_nan)
    rows = values.tolist() if isinstance(values, RaggedValue) else values
    return to_tensor(rows, spec, allow_nan=allow_nan)
