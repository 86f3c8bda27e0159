"""Columns whose bytes are more than their Flink type tells: images, packed tensors."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy.typing as npt

from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import TensorSpec

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


Inputs: TypeAlias = Mapping[str, str | ColumnEncoder]
"""Tensor → the column that feeds it, or what makes the tensor of a column."""
