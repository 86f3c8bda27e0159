"""A method tied to one signature of one model: columns in, columns out, a batch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy.typing as npt

from modelstream.convert.columns import message
from modelstream.convert.fit import misfit
from modelstream.convert.flinktypes import ColumnType
from modelstream.convert.inputs import ColumnEncoder, ConstantTensor, Tensor, to_input
from modelstream.convert.spec import TensorSpec, uneven
from modelstream.errors import (
    BrokenModelError,
    ConversionError,
    SignatureMismatchError,
    UnevenShapesError,
)
from modelstream.messages import listed, suggestion
from modelstream.models.feeding import Feeding
from modelstream.models.padding import in_parts
from modelstream.models.protocol import Fed, OpenModel, Tensors
from modelstream.models.signature import Signature

Array = npt.NDArray[Any]
Columns = dict[str, Sequence[Any] | Array]


class OutputReader(Protocol):
    """What a method makes of a model's outputs. Picklable."""

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """The columns that it makes."""

    @property
    def tensors(self) -> tuple[str, ...]:
        """The outputs that it reads."""

    def read(self, tensors: Tensors) -> Columns:
        """The output columns, one value a record."""


@dataclass(frozen=True)
class BoundMethod:
    """What a stream needs to know to run a method, without TensorFlow. Picklable.

    Attributes:
        model: the model's name, for messages.
        signature: the function that runs.
        feeds: which column feeds which tensor: tensor → column.
        output_columns: the columns that come out, with their Flink SQL types.
        reader: makes the columns of the outputs.
        allow_nan: NaN in a float input is data, not an error.
        encoders: what makes a tensor of its column, where the column's type alone does not tell.
        constants: the model's other inputs, which are the same for all records.
    """

    model: str
    signature: Signature
    feeds: Mapping[str, str]
    output_columns: tuple[ColumnType, ...]
    reader: OutputReader
    allow_nan: bool = False
    encoders: Mapping[str, ColumnEncoder] = field(default_factory=dict)
    constants: Mapping[str, ConstantTensor] = field(default_factory=dict)

    @classmethod
    def fed(
        cls, model: str, feeding: Feeding, reader: OutputReader, allow_nan: bool = False
    ) -> "BoundMethod":
        """A method whose output columns are those of its reader."""
        return cls(
            model,
            feeding.signature,
            feeding.columns,
            reader.columns,
            reader,
            allow_nan,
            feeding.encoders,
            feeding.constants,
        )

    @property
    def inputs(self) -> dict[str, TensorSpec]:
        """The columns that it reads, each with the tensor that it feeds."""
        return {column: self.signature.inputs[tensor] for tensor, column in self.feeds.items()}

    def check(self, columns: Mapping[str, str]) -> None:
        """Hold a stream's columns against the signature, before a job is submitted.

        Args:
            columns: name → Flink SQL type, of all columns of the stream.

        Raises:
            SignatureMismatchError: one is missing or does not fit; names both sides, all problems.
        """
        problems = [
            problem
            for tensor, column in self.feeds.items()
            if (problem := self._problem(tensor, column, columns))
        ]
        if problems:
            raise SignatureMismatchError(
                f"the stream does not fit signature {self.signature.name!r} of model "
                f"{self.model!r}:" + "".join(f"\n  {problem}" for problem in problems)
            )

    def misfit(self, tensor: str, column_type: str) -> str | None:
        """Why a column of this Flink SQL type cannot feed a tensor; None when it can."""
        encoder = self.encoders.get(tensor)
        return (encoder.misfit if encoder else misfit)(column_type, self.signature.inputs[tensor])

    def encode(self, columns: Mapping[str, Any]) -> dict[str, Tensor]:
        """A batch of columns as the tensors that the signature takes.

        Raises:
            ConversionError: a value does not fit; ``index`` is the first bad record.
            UnevenShapesError: the records differ in shape where the model lets them; run each of
                its ``groups`` as a batch of its own.
        """
        tensors: dict[str, Tensor] = {}
        bad: list[ConversionError] = []
        splits: list[UnevenShapesError] = []
        for tensor, column in self.feeds.items():
            spec = self.signature.inputs[tensor]
            try:
                tensors[tensor] = self._tensor(tensor, columns[column], spec)
            except ConversionError as error:
                bad.append(ConversionError(f"column {column!r}: {error}", error.index))
            except UnevenShapesError as error:
                splits.append(error)
        if bad:
            raise min(bad, key=lambda error: error.index or 0)
        if splits:
            raise _combined(splits)
        return tensors

    def run(self, model: OpenModel, tensors: Fed) -> dict[str, Array]:
        """Call the model. A signature that was exported for one batch size is fed in such batches.

        Raises:
            BrokenModelError: an output does not have one row a record.
        """
        n = len(next(iter(tensors.values())))
        size = next((spec.batch for spec in self.signature.inputs.values() if spec.batch), None)
        if size is None or size == n or n == 0:
            return self._called(model, tensors, n)
        return in_parts(size, n, tensors, lambda part: self._called(model, part, size))

    def read(self, tensors: Tensors, n: int) -> Columns:
        """The output columns of the first ``n`` records; padding after them is dropped.

        Raises:
            ConversionError: a result does not fit its column; ``index`` says whose.
        """
        return self.reader.read({name: tensors[name][:n] for name in self.reader.tensors})

    def _problem(self, tensor: str, column: str, columns: Mapping[str, str]) -> str | None:
        spec = self.signature.inputs[tensor]
        if column not in columns:
            return (
                f"input {tensor!r} ({spec}) is to be fed from column {column!r}, which the stream "
                f"does not have{suggestion(column, columns)}; it has {listed(columns)}"
            )
        reason = self.misfit(tensor, columns[column])
        if reason is None:
            return None
        return (
            f"column {column!r} ({columns[column]}) cannot feed input {tensor!r} ({spec}): {reason}"
        )

    def _tensor(self, tensor: str, values: Any, spec: TensorSpec) -> Tensor:
        if (encoder := self.encoders.get(tensor)) is not None:
            return encoder.to_tensor(values, spec)
        return to_input(values, spec, allow_nan=self.allow_nan)

    def null(self, column: str) -> ConversionError:
        """What `encode` says of a record whose column is NULL."""
        tensor = next(tensor for tensor, fed in self.feeds.items() if fed == column)
        spec = self.signature.inputs[tensor]
        return ConversionError(f"column {column!r}: {message(0, spec, 'it is null')}", 0)

    def _called(self, model: OpenModel, tensors: Fed, n: int) -> dict[str, Array]:
        if self.constants:
            constants = {name: each.of(n) for name, each in self.constants.items()}
            tensors = {**tensors, **constants}
        return self._checked(model.call(self.signature.name, tensors), n)

    def _checked(self, outputs: dict[str, Array], n: int) -> dict[str, Array]:
        for name in self.reader.tensors:
            array = outputs[name]
            if array.ndim == 0 or len(array) != n:
                raise BrokenModelError(
                    f"signature {self.signature.name!r} of model {self.model!r} gave {name!r} "
                    f"with the shape {list(array.shape)} for {n} records: its first dimension is "
                    f"not a batch. Leave it out: name those of the outputs that have a row for "
                    f"each record"
                )
        return {name: outputs[name] for name in self.reader.tensors}


def _combined(splits: Sequence[UnevenShapesError]) -> UnevenShapesError:
    """Records go together when they do so for every tensor."""
    if len(splits) == 1:
        return splits[0]
    groups = [
        {index: number for number, group in enumerate(split.groups) for index in group}
        for split in splits
    ]
    keys = [tuple(each[index] for each in groups) for index in sorted(groups[0])]
    return uneven(keys, f"{len(splits)} inputs")
