"""Score, then learn: what one record does to the memory of its key. Knows no Flink."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.convert import from_tensor, to_tensor
from modelstream.deadletter import Failure, Stage
from modelstream.errors import ConversionError, DivergedError
from modelstream.online.definition import OnlineModel, Specs
from modelstream.online.memory import Example, Memory, Weights, stacked
from modelstream.online.metrics import LearningMetrics

Array = npt.NDArray[Any]
Tensors = Sequence[Array]

_PATIENCE = 32


class Learner(Protocol):
    """What scores and learns: TensorFlow, or a few lines of numpy in a test."""

    def predict(self, weights: Weights, inputs: Tensors) -> list[Array]:
        """What the model gives, one array an output."""

    def assess(
        self, weights: Weights, inputs: Tensors, labels: Tensors
    ) -> tuple[list[Array], Array]:
        """What the model gives, and the loss of each record."""

    def learn(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """One update. Nothing has changed when it returns False: something was not finite."""

    def teaches(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """Whether an update would be finite; changes nothing."""


@dataclass(frozen=True)
class Scored:
    """One record with its score.

    Attributes:
        kept: the fields that go on.
        outputs: what the model gave, one value an output.
        loss: of this record before it was learned from; None without a label.
        updates: how many updates the weights had.
    """

    kept: tuple[Any, ...]
    outputs: tuple[Any, ...]
    loss: float | None
    updates: int


@dataclass(frozen=True)
class Refused:
    """A record that was not scored, or not learned from, and why."""

    values: Mapping[str, Any]
    failure: Failure


@dataclass
class Results:
    """What comes of a record, of it and of those that waited with it."""

    scored: list[Scored] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    updated: bool = False


class Prequential:
    """Takes the records of all keys, one after the other.

    Args:
        definition: of the model.
        learner: does the arithmetic.
        kept: names of the fields that go on.
        metrics: told of each call.
    """

    def __init__(
        self,
        definition: OnlineModel,
        learner: Learner,
        kept: Sequence[str],
        metrics: LearningMetrics | None = None,
    ) -> None:
        self._definition = definition
        self._learner = learner
        self._kept = tuple(kept)
        self._metrics = metrics or LearningMetrics(None, definition.name)
        self._patience = max(_PATIENCE, definition.batch)

    def take(self, memory: Memory, record: Mapping[str, Any]) -> Results:
        """One record: scores it at once or with its batch, and learns when the batch is full.

        Raises:
            DivergedError: the model, not the data, gives nothing finite any more.
        """
        results = Results()
        try:
            example = self._example(record)
        except ConversionError as error:
            results.refused.append(Refused(record, Failure.of(Stage.ENCODE, error)))
            return results
        if not example.labels:
            self._predict(memory, example, results)
            return results
        memory.pending.append(example)
        full = len(memory.pending) >= self._definition.batch
        if full or self._definition.max_latency is None:
            self.score_waiting(memory, results)
        while len(memory.pending) >= self._definition.batch:
            self._learn(memory, results)
        return results

    def score(self, memory: Memory, record: Mapping[str, Any]) -> Results:
        """One record that brings no label: nothing is learned from it."""
        results = Results()
        try:
            inputs = _arrays(record, self._definition.inputs)
        except ConversionError as error:
            results.refused.append(Refused(record, Failure.of(Stage.ENCODE, error)))
            return results
        self._predict(memory, Example(inputs, (), self._fields(record)), results)
        return results

    def score_waiting(self, memory: Memory, results: Results) -> Results:
        """Score what has not been scored yet, with the weights as they are."""
        if not memory.waits:
            return results
        bad: dict[int, Failure] = {}
        for group in self._assessable(memory, memory.unscored, bad):
            self._emit(memory, *group, results, bad)
        if bad:
            self._drop(memory, bad, results)
        return results

    def _example(self, record: Mapping[str, Any]) -> Example:
        definition = self._definition
        labels = definition.labels
        known = not all(record[name] is None for name in labels)
        return Example(
            _arrays(record, definition.inputs),
            _arrays(record, labels) if known else (),
            self._fields(record),
        )

    def _fields(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """The fields that go on."""
        return tuple(record[name] for name in self._kept)

    def _predict(self, memory: Memory, example: Example, results: Results) -> None:
        """A record without a label."""
        try:
            outputs = self._learner.predict(memory.weights, stacked([example.inputs]))
        except Exception as error:  # whatever TensorFlow raises
            refused = Refused(self._values(example), Failure.of(Stage.INFERENCE, error))
            results.refused.append(refused)
            return
        values = [column[0] for column in map(self._column, outputs, self._outputs)]
        assert example.waiting is not None
        results.scored.append(Scored(example.waiting, tuple(values), None, memory.updates))

    def _assessable(
        self, memory: Memory, waiting: Sequence[int], bad: dict[int, Failure]
    ) -> Iterator[tuple[Sequence[int], list[Array], Array]]:
        """Outputs and losses, of all together, or one by one where the model refuses some."""
        try:
            yield waiting, *self._assess(memory, waiting)
        except Exception as error:  # whatever TensorFlow raises
            if len(waiting) == 1:
                bad[waiting[0]] = Failure.of(Stage.INFERENCE, error)
                return
            for at in waiting:
                yield from self._assessable(memory, [at], bad)

    def _assess(self, memory: Memory, at: Sequence[int]) -> tuple[list[Array], Array]:
        examples = [memory.pending[index] for index in at]
        start = time.perf_counter_ns()
        outputs, losses = self._learner.assess(memory.weights, *_tensors(examples))
        spent = (time.perf_counter_ns() - start) // 1000
        self._metrics.called(len(at), {Stage.INFERENCE: spent})
        return outputs, losses

    def _emit(
        self,
        memory: Memory,
        at: Sequence[int],
        outputs: Sequence[Array],
        losses: Array,
        results: Results,
        bad: dict[int, Failure],
    ) -> None:
        columns = list(map(self._column, outputs, self._outputs))
        for row, (index, loss) in enumerate(zip(at, losses.tolist(), strict=True)):
            if not np.isfinite(loss):
                bad[index] = _failure(f"its loss is {loss}")
                continue
            memory.refused = 0
            self._metrics.lost(loss)
            example = memory.pending[index]
            values = tuple(column[row] for column in columns)
            assert example.waiting is not None
            results.scored.append(Scored(example.waiting, values, loss, memory.updates))
            memory.pending[index] = replace(example, waiting=None)

    def _learn(self, memory: Memory, results: Results) -> None:
        """One update of the first records that are pending, without those that spoil it."""
        batch = memory.pending[: self._definition.batch]
        with self._metrics.updating():
            learned = self._learned(memory, batch, results)
        del memory.pending[: self._definition.batch]
        if learned:
            memory.updates += 1
            memory.records += learned
            results.updated = True

    def _learned(self, memory: Memory, batch: list[Example], results: Results) -> int:
        """How many records the weights have learned from."""
        if self._learner.learn(memory.weights, *_tensors(batch)):
            return len(batch)
        batch = self._teachable(memory, batch, results)
        if batch and not self._learner.learn(memory.weights, *_tensors(batch)):
            raise self._diverged(memory, "each of its records alone is finite")
        return len(batch)

    def _teachable(
        self, memory: Memory, batch: Sequence[Example], results: Results
    ) -> list[Example]:
        good = []
        for example in batch:
            if self._learner.teaches(memory.weights, *_tensors([example])):
                good.append(example)
            else:
                failure = _failure("an update with it is not finite; it was scored all the same")
                results.refused.append(Refused(self._values(example), failure))
        if len(batch) > 1 and not good:
            raise self._diverged(memory, "neither does one with any of its records alone")
        return good

    def _drop(self, memory: Memory, bad: Mapping[int, Failure], results: Results) -> None:
        """Records without a finite loss leave the batch."""
        for index in sorted(bad):
            results.refused.append(Refused(self._values(memory.pending[index]), bad[index]))
        memory.pending = [each for at, each in enumerate(memory.pending) if at not in bad]
        memory.refused += len(bad)
        if memory.refused >= self._patience:
            raise DivergedError(
                f"model {self._definition.name!r}: none of the last {memory.refused} records of "
                f"this key has a finite loss, after {memory.updates} updates: {_ADVICE}"
            )

    def _values(self, example: Example) -> dict[str, Any]:
        """A record again: what it gave to the model, and the fields that were to go on."""
        definition = self._definition
        tensors = (
            *zip(definition.inputs, example.inputs, strict=True),
            *zip(definition.labels, example.labels, strict=False),
        )
        values = {name: _plain(array) for name, array in tensors}
        return {**values, **dict(zip(self._kept, example.waiting or (), strict=False))}

    @property
    def _outputs(self) -> list[Any]:
        return list(self._definition.outputs.values())

    @staticmethod
    def _column(array: Array, spec: Any) -> Sequence[Any]:
        column = from_tensor(array.reshape(len(array), *spec.record_shape))
        return column.tolist() if isinstance(column, np.ndarray) else column

    def _diverged(self, memory: Memory, why: str) -> DivergedError:
        return DivergedError(
            f"model {self._definition.name!r}: update {memory.updates + 1} of this key gives "
            f"weights that are not finite; {why}: {_ADVICE}"
        )


_ADVICE = (
    "the weights have diverged. Lower the learning rate or clip gradients (clipnorm of a Keras "
    "optimizer), and start from a savepoint taken before"
)


def _failure(message: str) -> Failure:
    return Failure(Stage.INFERENCE, "NotFinite", message)


def _arrays(record: Mapping[str, Any], specs: Specs) -> tuple[Array, ...]:
    arrays = []
    for name, spec in specs.items():
        try:
            arrays.append(to_tensor([record[name]], spec)[0])
        except ConversionError as error:
            raise ConversionError(f"column {name!r}: {error}") from None
    return tuple(arrays)


def _tensors(examples: Sequence[Example]) -> tuple[list[Array], list[Array]]:
    return (
        stacked([example.inputs for example in examples]),
        stacked([example.labels for example in examples]),
    )


def _plain(array: Array) -> Any:
    return array.tolist() if hasattr(array, "tolist") else array
