"""Records as a model learns from them: arrays of one record, and batches of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import to_tensor
from modelstream.errors import ConversionError
from modelstream.online.definition import OnlineModel, Specs

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Example:
    """One record as the model takes it.

    Attributes:
        inputs: one array a tensor, without a batch dimension.
        labels: the same of the labels; empty if the record has none.
        waiting: the fields of a record that has not been scored; None afterwards.
    """

    inputs: tuple[Array, ...]
    labels: tuple[Array, ...]
    waiting: tuple[Any, ...] | None = None


class Encoder:
    """Makes examples of records, and what goes on of them.

    Args:
        definition: of the model.
        fields: the names of a record's fields.
        kept: those that go on.
    """

    def __init__(self, definition: OnlineModel, fields: Sequence[str], kept: Sequence[str]) -> None:
        self._inputs = definition.inputs
        self._labels = definition.labels
        self._fields = tuple(fields)
        self._kept = tuple(self._fields.index(name) for name in kept)

    def example(self, values: Sequence[Any], *, labelled: bool = True) -> Example:
        """One record, by the values of its fields.

        Raises:
            ConversionError: a value does not fit its tensor.
        """
        record = self.record(values)
        known = labelled and not all(record[name] is None for name in self._labels)
        labels = _arrays(record, self._labels) if known else ()
        return Example(_arrays(record, self._inputs), labels, tuple(values))

    def record(self, values: Sequence[Any]) -> dict[str, Any]:
        """Values by the names of their fields."""
        return dict(zip(self._fields, values, strict=True))

    def kept(self, example: Example) -> tuple[Any, ...]:
        """The fields that go on, of a record that has not been scored."""
        assert example.waiting is not None
        return tuple(example.waiting[at] for at in self._kept)

    def decoded(self, example: Example) -> dict[str, Any]:
        """A record again; of one that was scored only what the model took."""
        if example.waiting is not None:
            return self.record(example.waiting)
        names = (*self._inputs, *self._labels)
        arrays = (*example.inputs, *example.labels)
        return {name: _plain(array) for name, array in zip(names, arrays, strict=False)}


def stacked(examples: Sequence[tuple[Array, ...]]) -> list[Array]:
    """One batch a tensor."""
    return list(map(_stacked, zip(*examples, strict=True)))


def batch(examples: Sequence[Example]) -> tuple[list[Array], list[Array]]:
    """Inputs and labels of several records."""
    return (
        stacked([example.inputs for example in examples]),
        stacked([example.labels for example in examples]),
    )


def _stacked(column: tuple[Any, ...]) -> Array:
    """A scalar string is bytes, of which numpy would cut zeros off the end."""
    if not isinstance(column[0], bytes):
        return np.stack(column)
    strings = np.empty(len(column), object)
    strings[:] = column
    return strings


def _arrays(record: Mapping[str, Any], specs: Specs) -> tuple[Array, ...]:
    arrays = []
    for name, spec in specs.items():
        try:
            arrays.append(to_tensor([record[name]], spec)[0])
        except ConversionError as error:
            raise ConversionError(f"column {name!r}: {error}") from None
    return tuple(arrays)


def _plain(array: Array) -> Any:
    return array.tolist() if hasattr(array, "tolist") else array
