"""One record through a model with a hidden state."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import from_tensor
from modelstream.convert.inputs import Tensor, to_input
from modelstream.errors import ConversionError
from modelstream.failure import Failure, Stage
from modelstream.models.protocol import OpenModel
from modelstream.recurrent.definition import RecurrentModel

Array = npt.NDArray[Any]


class Step:
    """One record through an open model. Knows no Flink."""

    def __init__(self, definition: RecurrentModel, model: OpenModel) -> None:
        self._definition = definition
        self._model = model
        self._feeds = definition.feeds
        self._columns = definition.columns
        self._found = definition.found

    def __call__(
        self, record: Mapping[str, Any], hidden: Mapping[str, Array]
    ) -> tuple[list[Any], dict[str, Array]] | Failure:
        """The values of the output columns and the next state; or why there are none."""
        try:
            tensors = dict(self._encoded(record))
        except ConversionError as error:
            return Failure.of(Stage.ENCODE, error)
        try:
            given = self._model.call(self._found.name, {**tensors, **hidden})
        except Exception as error:  # whatever TensorFlow and models raise
            return Failure.of(Stage.INFERENCE, error)
        after = {name: given[source] for name, source in self._definition.state.items()}
        for name, array in after.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return Failure(Stage.INFERENCE, "NotFinite", f"the state {name!r} is not finite")
        try:
            return [_value(from_tensor(given[name])) for name in self._columns.values()], after
        except ConversionError as error:
            return Failure.of(Stage.OUTPUT, error)

    def _encoded(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
        for tensor, column in self._feeds.items():
            try:
                yield tensor, to_input([record[column]], self._found.inputs[tensor])
            except ConversionError as error:
                raise ConversionError(f"column {column!r}: {error}", error.index) from None


def _value(column: Any) -> Any:
    value = column[0]
    return value.tolist() if hasattr(value, "tolist") else value
