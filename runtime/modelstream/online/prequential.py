"""Score, then learn: what one record does to the memory of its key. Knows no Flink."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.convert import from_tensor
from modelstream.convert.columns import plain
from modelstream.errors import ConversionError, DivergedError
from modelstream.failure import Failure, Stage
from modelstream.online.definition import OnlineModel
from modelstream.online.examples import Encoder, Example
from modelstream.online.memory import Memory, Weights
from modelstream.online.metrics import LearningMetrics
from modelstream.scoring.doubt import Doubt
from modelstream.scoring.settle import Refused

Array = npt.NDArray[Any]
Tensors = Sequence[Array]

_PATIENCE = 32
_NOT_FINITE = "NotFinite"
_ADVICE = (
    "the weights have diverged. Lower the learning rate or clip gradients (clipnorm of a Keras "
    "optimizer), and start from a savepoint taken before"
)


@dataclass(frozen=True)
class ScoredRecord:
    """One record with its score.

    Attributes:
        kept: the fields that go on.
        outputs: what the model gave, one value an output.
        loss: what it was before this record was learned from; None without a label.
        updates: how many updates the weights had.
    """

    kept: tuple[Any, ...]
    outputs: tuple[Any, ...]
    loss: float | None
    updates: int


@dataclass
class Results:
    """What comes of a record, of it and of those that waited with it.

    Attributes:
        scored: in their order.
        refused: records that the model cannot score, or cannot learn from.
        updated: the weights have changed.
    """

    scored: list[ScoredRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    updated: bool = False


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
class _Assessed:
    """Records that the model has scored: where they are pending, their outputs, their losses."""

    positions: Sequence[int]
    outputs: Sequence[tuple[Any, ...]]
    losses: Sequence[float]


class Prequential:
    """Takes the records of all keys, one after the other.

    Args:
        definition: the model, and how it learns.
        learner: does the arithmetic.
        fields: the names of a record's fields.
        kept: those that go on.
        metrics: told of each call.
    """

    def __init__(
        self,
        definition: OnlineModel,
        learner: Learner,
        fields: Sequence[str],
        kept: Sequence[str],
        metrics: LearningMetrics | None = None,
    ) -> None:
        self._definition = definition
        self._learner = learner
        self._encoder = Encoder(definition, fields, kept)
        self._metrics = metrics or LearningMetrics(None, definition.name)
        self._patience = max(_PATIENCE, definition.update_every)
        self._doubt = Doubt(definition.name)
        self._refused: tuple[Weights, Tensors] | None = None
        self._answered: tuple[Weights, Tensors] | None = None

    def check(self, memory: Memory) -> None:
        """Hold a restored memory against the columns of today.

        Raises:
            StateError: a record that waits lacks one.
        """
        self._encoder.check(memory.pending)

    def take(self, memory: Memory, record: Sequence[Any]) -> Results:
        """One record: scores it at once or with its batch, and learns when the batch is full.

        Raises:
            DivergedError: the model, not the data, gives nothing finite any more.
        """
        example = self._example(record, labelled=True)
        if isinstance(example, Results):
            return example
        if not example.labels:
            return self._predicted(memory, example)
        memory.pending.append(example)
        results = Results()
        full = len(memory.pending) >= self._definition.update_every
        if full or self._definition.max_latency is None:
            self.score_waiting(memory, results)
        while len(memory.pending) >= self._definition.update_every:
            self._learn(memory, results)
        return results

    def score(self, memory: Memory, record: Sequence[Any]) -> Results:
        """One record that is not to be learned from, with or without a label."""
        example = self._example(record, labelled=False)
        return example if isinstance(example, Results) else self._predicted(memory, example)

    def score_waiting(self, memory: Memory, results: Results) -> Results:
        """Score what has not been scored yet, with the weights as they are.

        Raises:
            DivergedError: nothing has had a finite loss for too long.
        """
        bad: dict[int, Failure] = {}
        for assessed in self._assessed(memory, memory.unscored, bad):
            self._emit(memory, assessed, results, bad)
        if bad:
            self._drop(memory, bad, results)
        return results

    def _example(self, record: Sequence[Any], *, labelled: bool) -> Example | Results:
        try:
            return self._encoder.example(record, labelled=labelled)
        except ConversionError as error:
            failure = Failure.of(Stage.ENCODE, error)
            return Results(refused=[Refused(self._encoder.record(record), failure)])

    def _predicted(self, memory: Memory, example: Example) -> Results:
        """A record without a label."""
        inputs = self._encoder.inputs(example)
        try:
            outputs = self._learner.predict(memory.weights, inputs)
            self._answers(memory, inputs)
            (values,) = self._rows(outputs)
        except Exception as error:  # whatever TensorFlow raises
            failure = self._failure(memory, inputs, error)
            return Results(refused=[Refused(self._encoder.decoded(example), failure)])
        kept = self._encoder.kept(example)
        return Results(scored=[ScoredRecord(kept, values, None, memory.updates)])

    def _assessed(
        self, memory: Memory, positions: Sequence[int], bad: dict[int, Failure]
    ) -> Iterator[_Assessed]:
        """Records all together, or one by one where the model refuses some."""
        if not positions:
            return
        try:
            yield self._assess(memory, positions)
        except Exception as error:  # whatever TensorFlow raises
            if len(positions) == 1:
                inputs, _ = self._encoder.batch([memory.pending[positions[0]]])
                bad[positions[0]] = self._failure(memory, inputs, error)
                return
            for at in positions:
                yield from self._assessed(memory, [at], bad)

    def _assess(self, memory: Memory, positions: Sequence[int]) -> _Assessed:
        tensors = self._encoder.batch([memory.pending[at] for at in positions])
        start = time.perf_counter_ns()
        outputs, losses = self._learner.assess(memory.weights, *tensors)
        spent = (time.perf_counter_ns() - start) // 1000
        self._metrics.called(len(positions), {Stage.INFERENCE: spent})
        self._answers(memory, tensors[0])
        return _Assessed(positions, self._rows(outputs), losses.tolist())

    def _emit(
        self, memory: Memory, assessed: _Assessed, results: Results, bad: dict[int, Failure]
    ) -> None:
        rows = zip(assessed.positions, assessed.outputs, assessed.losses, strict=True)
        for at, outputs, loss in rows:
            if not np.isfinite(loss):
                bad[at] = _not_finite(f"its loss is {loss}")
                continue
            memory.refused = 0
            self._metrics.lost(loss)
            kept = self._encoder.kept(memory.pending[at])
            results.scored.append(ScoredRecord(kept, outputs, loss, memory.updates))
            memory.pending[at] = replace(memory.pending[at], waiting=None)

    def _learn(self, memory: Memory, results: Results) -> None:
        """One update of the first records that are pending, without those that spoil it."""
        examples = memory.pending[: self._definition.update_every]
        with self._metrics.updating():
            learned = self._learned(memory, examples, results)
        del memory.pending[: self._definition.update_every]
        if learned:
            memory.updates += 1
            memory.records += learned
            results.updated = True

    def _learned(self, memory: Memory, examples: list[Example], results: Results) -> int:
        """How many records the weights have learned from."""
        if self._learner.learn(memory.weights, *self._encoder.batch(examples)):
            return len(examples)
        examples = self._teachable(memory, examples, results)
        if examples and not self._learner.learn(memory.weights, *self._encoder.batch(examples)):
            raise self._diverged(memory, "although one with each record alone is finite")
        return len(examples)

    def _teachable(
        self, memory: Memory, examples: Sequence[Example], results: Results
    ) -> list[Example]:
        good = []
        for example in examples:
            if self._learner.teaches(memory.weights, *self._encoder.batch([example])):
                good.append(example)
            else:
                failure = _not_finite("an update with it is not; it was scored all the same")
                results.refused.append(Refused(self._encoder.decoded(example), failure))
        if len(examples) > 1 and not good:
            raise self._diverged(memory, "nor does one with any record alone")
        return good

    def _drop(self, memory: Memory, bad: Mapping[int, Failure], results: Results) -> None:
        """Records without a finite loss leave the batch."""
        for at in sorted(bad):
            values = self._encoder.decoded(memory.pending[at])
            results.refused.append(Refused(values, bad[at]))
        memory.pending = [each for at, each in enumerate(memory.pending) if at not in bad]
        memory.refused += sum(each.error_type == _NOT_FINITE for each in bad.values())
        if memory.refused >= self._patience:
            raise DivergedError(
                f"model {self._definition.name!r}: none of the last {memory.refused} records of "
                f"this key has a finite loss, after {memory.updates} updates: {_ADVICE}"
            )

    def _answers(self, memory: Memory, inputs: Tensors) -> None:
        self._doubt.answered()
        self._answered = memory.weights, [each[-1:] for each in inputs]

    def _failure(self, memory: Memory, inputs: Tensors, error: Exception) -> Failure:
        """Why one record was refused; a model that refuses all of them is put to the test."""
        if isinstance(error, ConversionError):
            return Failure.of(Stage.OUTPUT, error)
        failure = Failure.of(Stage.INFERENCE, error)
        self._refused = memory.weights, inputs
        self._doubt.refused([failure], self._trials())
        return failure

    def _trials(self) -> Iterator[Callable[[], object]]:
        if self._refused:
            weights, inputs = self._refused
            yield partial(self._learner.predict, weights, [_blank(each) for each in inputs])
        if self._answered:
            yield partial(self._learner.predict, *self._answered)

    def _rows(self, outputs: Sequence[Array]) -> list[tuple[Any, ...]]:
        """Of each record the values of the output columns."""
        specs = self._definition.outputs.values()
        return list(zip(*map(_column, outputs, specs), strict=True))

    def _diverged(self, memory: Memory, why: str) -> DivergedError:
        return DivergedError(
            f"model {self._definition.name!r}: update {memory.updates + 1} of this key does not "
            f"give finite weights, {why}: {_ADVICE}"
        )


def _not_finite(message: str) -> Failure:
    return Failure(Stage.INFERENCE, _NOT_FINITE, message)


def _blank(array: Array) -> Array:
    """As many zeros, or empty strings."""
    return np.full_like(array, b"" if array.dtype.kind == "O" else 0)


def _column(array: Array, spec: Any) -> Sequence[Any]:
    column = from_tensor(array.reshape(len(array), *spec.record_shape))
    return list(map(plain, column))
