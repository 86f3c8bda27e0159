"""One value for all records, in place of a column."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.columns import to_tensor
from modelstream.convert.spec import Layout, TensorSpec, shape_text
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
