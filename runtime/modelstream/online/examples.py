"""Records as a model learns from them: arrays of one record, and batches of several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import to_tensor
from modelstream.errors import ConversionError, StateError
from modelstream.online.definition import OnlineModel, Specs

Array = npt.NDArray[Any]
Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Example:
    """One record as the model takes it.

    Attributes:
        inputs: one array a tensor, without a batch dimension.
        labels: the same of the labels; empty if the record has none.
        waiting: the fields of a record that has not been scored; None afterwards.
    """

    inputs: Tensors
    labels: Tensors
    waiting: Mapping[str, Any] | None = None


class Encoder:
    """Makes examples of records, and what goes on of them.

    Args:
        definition: the model, and what it reads.
        fields: the names of a record's fields.
        kept: those that go on.
    """

    def __init__(self, definition: OnlineModel, fields: Sequence[str], kept: Sequence[str]) -> None:
        self._inputs = definition.inputs
        self._labels = definition.labels
        self._fields = tuple(fields)
        self._kept = tuple(kept)

    def example(self, values: Sequence[Any], *, labelled: bool = True) -> Example:
        """One record, by the values of its fields.

        Raises:
            ConversionError: a value does not fit its tensor.
        """
        record = self.record(values)
        known = labelled and not all(record[name] is None for name in self._labels)
        labels = _arrays(record, self._labels) if known else {}
        return Example(_arrays(record, self._inputs), labels, record)

    def record(self, values: Sequence[Any]) -> dict[str, Any]:
        """Values by the names of their fields."""
        return dict(zip(self._fields, values, strict=True))

    def kept(self, example: Example) -> tuple[Any, ...]:
        """The fields that go on, of a record that has not been scored."""
        assert example.waiting is not None
        return tuple(example.waiting[name] for name in self._kept)

    def decoded(self, example: Example) -> dict[str, Any]:
        """A record again; of one that was scored only what the model took."""
        if example.waiting is not None:
            return dict(example.waiting)
        return {name: _plain(each) for name, each in {**example.inputs, **example.labels}.items()}

    def batch(self, examples: Sequence[Example]) -> tuple[list[Array], list[Array]]:
        """Inputs and labels of several records, in the order of the model's."""
        inputs = stacked([example.inputs for example in examples], self._inputs)
        labels = stacked([example.labels for example in examples], self._labels)
        return [*inputs.values()], [*labels.values()]

    def inputs(self, example: Example) -> list[Array]:
        """The inputs of one record, in the order of the model's."""
        return [*stacked([example.inputs], self._inputs).values()]

    def check(self, examples: Sequence[Example]) -> None:
        """Hold records that have waited in a state against the columns of today.

        Raises:
            StateError: they lack one.
        """
        for example in examples:
            there = {**example.inputs, **example.labels, **(example.waiting or {})}
            needed = [*self._inputs, *self._labels, *(self._kept if example.waiting else ())]
            if lacking := [name for name in needed if name not in there]:
                raise StateError(
                    f"{len(examples)} records wait for their batch in the state and have no "
                    f"{', '.join(map(repr, lacking))}, only {', '.join(map(repr, there))}: go on "
                    f"with the inputs, labels and columns that they came with"
                )


def stacked(tensors: Sequence[Tensors], names: Iterable[str]) -> dict[str, Array]:
    """One batch a tensor."""
    return {name: _stacked([each[name] for each in tensors]) for name in names}


def _stacked(column: Sequence[Any]) -> Array:
    """A scalar string is bytes, of which numpy would cut zeros off the end."""
    if not isinstance(column[0], bytes):
        return np.stack(column)
    strings = np.empty(len(column), object)
    strings[:] = column
    return strings


def _arrays(record: Mapping[str, Any], specs: Specs) -> Tensors:
    arrays = {}
    for name, spec in specs.items():
        try:
            arrays[name] = to_tensor([record[name]], spec)[0]
        except ConversionError as error:
            raise ConversionError(f"column {name!r}: {error}", error.index) from None
    return arrays


def _plain(array: Array) -> Any:
    return array.tolist() if hasattr(array, "tolist") else array
