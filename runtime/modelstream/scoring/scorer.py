"""One batch through a model: every record is scored, or fails by itself.

Knows neither Flink nor TensorFlow: columns in, columns out.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from modelstream.errors import BrokenModelError, ConversionError, UnevenShapesError
from modelstream.failure import Failure, Stage
from modelstream.models import BoundMethod, OpenModel
from modelstream.models.padding import cut, filled
from modelstream.models.protocol import Fed
from modelstream.models.warmup import zeros
from modelstream.scoring.batch import Batch
from modelstream.scoring.doubt import Doubt
from modelstream.scoring.metrics import Meter, NoMeter
from modelstream.scoring.rows import Given, Rows, joined, spread

Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A scored batch.

    Attributes:
        columns: the output columns, one value per record; None for a record that failed.
        failures: why records failed, by their position in the batch.
    """

    columns: Columns
    failures: Mapping[int, Failure]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


class _StageError(Exception):
    """Some records stopped at a stage; the cause may tell which."""

    def __init__(self, stage: Stage, cause: Exception) -> None:
        super().__init__(stage, cause)
        self.stage = stage
        self.cause = cause


@dataclass
class _Progress:
    failures: dict[int, Failure]
    parts: list[tuple[Rows, Columns]] = field(default_factory=list)


class Scorer:
    """Runs one method of an open model on batches.

    Args:
        bound: the method, tied to the model's signature.
        model: the open model.
        batch: how large a call may be, and what it is padded to.
        meter: told of each call.
    """

    def __init__(
        self,
        bound: BoundMethod,
        model: OpenModel,
        batch: Batch = Batch(),  # noqa: B008  # frozen
        meter: Meter | None = None,
    ) -> None:
        self.bound = bound
        self._model = model
        self._batch = batch
        self._meter = meter or NoMeter()
        self._doubt = Doubt(bound.model)
        self._scored: Fed = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the method reads."""
        return tuple(self.bound.inputs)

    def score(self, given: Given) -> Outcome:
        """Score a batch. A record that cannot be scored costs itself only.

        Raises:
            BrokenModelError: the model refuses 32 records in a row, and its warm-up batch and the
                last record that it scored too; or it says that it cannot work.
        """
        progress = _Progress(dict(given.failures))
        for start, end in self._batch.spans(len(given.rows)):
            self._isolate(given.rows.span(start, end), progress)
        self._judge(given, progress.failures)
        return Outcome(self._assembled(given.size, progress.parts), progress.failures)

    def _isolate(self, rows: Rows, progress: _Progress) -> None:
        """Score what can be scored; narrow down what cannot until each failure is one record."""
        waiting = [rows]
        while waiting:
            some = waiting.pop()
            try:
                progress.parts.append((some, self._call(some)))
            except _StageError as stopped:
                waiting += self._narrowed(some, stopped, progress.failures)

    def _call(self, rows: Rows) -> Columns:
        n = len(rows)
        times = [time.perf_counter_ns()]
        stage = Stage.ENCODE
        try:
            encoded = self.bound.encode(rows.columns)
            tensors = filled(encoded, self._batch.padded(n) - n)
            times.append(time.perf_counter_ns())
            stage = Stage.INFERENCE
            outputs = self.bound.run(self._model, tensors)
            times.append(time.perf_counter_ns())
            stage = Stage.OUTPUT
            columns = self.bound.read(outputs, n)
            times.append(time.perf_counter_ns())
        except BrokenModelError:  # no record, however small its batch, will be better
            raise
        except Exception as error:  # whatever converters, TensorFlow and models raise
            raise _StageError(stage, error) from error
        self._scored = cut(encoded, n - 1, 1)
        spent = {
            stage: (after - before) // 1000
            for stage, before, after in zip(_CALL_STAGES, times, times[1:], strict=False)
        }
        self._meter.called(n, spent)
        return columns

    def _narrowed(
        self, rows: Rows, stopped: _StageError, failures: dict[int, Failure]
    ) -> list[Rows]:
        """Smaller sets of records to try, after a set has failed."""
        if stopped.stage is Stage.ENCODE and not isinstance(stopped.cause, UnevenShapesError):
            encodable = self._encodable(rows, failures)
            if len(encodable) < len(rows):
                return [encodable] if len(encodable) else []
        return _split(rows, stopped, failures)

    def _encodable(self, rows: Rows, failures: dict[int, Failure]) -> Rows:
        """The records that fit the tensors, together, so that they stay one call of the model."""
        kept: list[Rows] = []
        waiting = [rows]
        while waiting:
            some = waiting.pop()
            try:
                self.bound.encode(some.columns)
            except UnevenShapesError:
                kept.append(some)  # each of them fits, only not with the others
            except Exception as error:  # a converter of the user may raise anything
                waiting += _split(some, _StageError(Stage.ENCODE, error), failures)
            else:
                kept.append(some)
        good = {position for some in kept for position in some.positions.tolist()}
        return rows.take([i for i, at in enumerate(rows.positions.tolist()) if at in good])

    def _judge(self, given: Given, failures: Mapping[int, Failure]) -> None:
        """Count what the model refused after the last record of the batch that it answered."""
        if not failures:
            self._doubt.answered()
            return
        refused: list[Failure] = []
        for position in given.rows.positions[::-1].tolist():
            failure = failures.get(position)
            if failure is None or failure.stage is Stage.OUTPUT:
                self._doubt.answered()
                break
            if failure.stage is Stage.INFERENCE:
                refused.append(failure)
        if refused:
            self._doubt.refused(refused[::-1], self._trials())

    def _trials(self) -> Iterator[Callable[[], object]]:
        """Calls that change nothing: not of a signature that changes variables of the model."""
        signature = self.bound.signature
        if not signature.stateful:
            yield partial(self.bound.run, self._model, zeros(signature, 1))
            if self._scored:
                yield partial(self.bound.run, self._model, self._scored)

    def _assembled(self, size: int, parts: Sequence[tuple[Rows, Columns]]) -> Columns:
        positions = np.concatenate([_NOWHERE, *(some.positions for some, _ in parts)])
        return {
            column.name: spread(
                joined([scored[column.name] for _, scored in parts]), positions, size
            )
            for column in self.bound.output_columns
        }


_NOWHERE = np.empty(0, np.intp)
_CALL_STAGES = (Stage.ENCODE, Stage.INFERENCE, Stage.OUTPUT)


def _split(rows: Rows, stopped: _StageError, failures: dict[int, Failure]) -> list[Rows]:
    """By what the error tells: its groups, the record that it names, or in halves."""
    n, cause = len(rows), stopped.cause
    if isinstance(cause, UnevenShapesError) and len(cause.groups) > 1:
        return [rows.take(group) for group in cause.groups]
    if n == 1:
        failures[int(rows.positions[0])] = Failure.of(stopped.stage, cause)
        return []
    bad = cause.index if isinstance(cause, ConversionError) else None
    if bad is None or not 0 <= bad < n:
        return [rows.span(n // 2, n), rows.span(0, n // 2)]
    failures[int(rows.positions[bad])] = Failure.of(stopped.stage, cause)
    return [rest for rest in (rows.span(bad + 1, n), rows.span(0, bad)) if len(rest)]
