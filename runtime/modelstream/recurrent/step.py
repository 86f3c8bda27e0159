"""One record through a model with a hidden state."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import from_tensor
from modelstream.convert.columns import plain
from modelstream.convert.inputs import Tensor, to_input
from modelstream.errors import BrokenModelError, ConversionError
from modelstream.failure import Failure, Stage
from modelstream.models.protocol import Fed, OpenModel
from modelstream.models.warmup import warm_up
from modelstream.recurrent.definition import RecurrentModel
from modelstream.scoring.doubt import Doubt

Array = npt.NDArray[Any]


class Step:
    """One record through an open model, after what came before it. Knows no Flink."""

    def __init__(self, definition: RecurrentModel, model: OpenModel) -> None:
        self._definition = definition
        self._model = model
        self._feeds = definition.feeds
        self._constants = definition.constants
        self._columns = definition.columns
        self._found = definition.found
        self._doubt = Doubt(definition.name)
        self._scored: Fed = {}

    def __call__(
        self, record: Mapping[str, Any], hidden: Mapping[str, Array]
    ) -> tuple[list[Any], dict[str, Array]] | Failure:
        """The values of the output columns and the next state; or why the record was refused.

        Raises:
            BrokenModelError: the model cannot work, or refuses record after record and its warm-up
                batch too; or an output does not have one row.
        """
        try:
            tensors = {**dict(self._encoded(record)), **self._constants, **hidden}
        except ConversionError as error:
            return Failure.of(Stage.ENCODE, error)
        try:
            given = self._model.call(self._found.name, tensors)
        except BrokenModelError:  # no other record will be better
            raise
        except Exception as error:  # whatever TensorFlow and models raise
            failure = Failure.of(Stage.INFERENCE, error)
            self._doubt.refused([failure], self._trials())
            return failure
        self._doubt.answered()
        self._scored = tensors
        return self._read(given)

    def _read(self, given: Mapping[str, Array]) -> tuple[list[Any], dict[str, Array]] | Failure:
        self._check_rows(given)
        after = {name: given[source] for name, source in self._definition.state.items()}
        for name, array in after.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return Failure(Stage.INFERENCE, "NotFinite", f"the state {name!r} is not finite")
        try:
            return [plain(from_tensor(given[name])[0]) for name in self._columns.values()], after
        except ConversionError as error:
            return Failure.of(Stage.OUTPUT, error)

    def _check_rows(self, given: Mapping[str, Array]) -> None:
        """Let no other row pass for that of the record.

        Raises:
            BrokenModelError: an output does not have one row.
        """
        for name in (*self._columns.values(), *self._definition.state.values()):
            shape = list(given[name].shape)
            if shape[:1] != [1]:
                raise BrokenModelError(
                    f"model {self._definition.name!r} gave {name!r} with the shape {shape} for "
                    f"one record: its first dimension is not a batch. Leave it out of outputs"
                )

    def _trials(self) -> Iterator[Callable[[], object]]:
        """Calls that change nothing: not of a signature that changes variables of the model."""
        if not self._found.stateful:
            yield partial(warm_up, self._model, self._found.name, (1,), self._definition.fixed)
            if self._scored:
                yield partial(self._model.call, self._found.name, self._scored)

    def _encoded(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
        for tensor, column in self._feeds.items():
            try:
                yield tensor, to_input([record[column]], self._found.inputs[tensor])
            except ConversionError as error:
                raise ConversionError(f"column {column!r}: {error}", error.index) from None
