"""One batch through a model: every record is scored, or fails by itself.

Knows neither Flink nor TensorFlow: columns in, columns out.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelstream.errors import BrokenModelError, ConversionError, UnevenShapesError
from modelstream.failure import Failure, Stage
from modelstream.models import BoundMethod, OpenModel
from modelstream.models.padding import filled
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import Meter, NoMeter
from modelstream.scoring.rows import Rows

Columns = Mapping[str, Any]

_PATIENCE = 32  # records in a row, where each is a batch of its own


@dataclass(frozen=True)
class Outcome:
    """A scored batch.

    Attributes:
        columns: the output columns, one value a record; None for a record that failed.
        failures: why records failed, by their position in the batch.
    """

    columns: Columns
    failures: Mapping[int, Failure]


class _StageError(Exception):
    """Some records stopped at a stage; the cause may tell which."""

    def __init__(self, stage: Stage, cause: Exception) -> None:
        super().__init__(stage, cause)
        self.stage = stage
        self.cause = cause


@dataclass
class _Progress:
    parts: list[tuple[Rows, Columns]] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)


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
        self._bound = bound
        self._model = model
        self._batch = batch
        self._meter = meter or NoMeter()
        self._in_a_row = 0

    def score(self, rows: Rows) -> Outcome:
        """Score a batch. A record that cannot be scored costs itself only.

        Raises:
            BrokenModelError: the model fails on every single record, of a batch of two or more
                or of the last 32, or says that it cannot work: not the data is bad.
        """
        if not len(rows):
            return Outcome({name: [] for name in self._names}, {})
        progress = _Progress()
        for start, end in self._batch.spans(len(rows)):
            self._isolate(rows.span(start, end), progress)
        self._refuse_broken(len(rows), progress.failures)
        return Outcome(self._assembled(rows, progress.parts), progress.failures)

    @property
    def _names(self) -> list[str]:
        return [column.name for column in self._bound.output_columns]

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
            tensors = filled(self._bound.encode(rows.columns), self._batch.padded(n) - n)
            times.append(time.perf_counter_ns())
            stage = Stage.INFERENCE
            outputs = self._bound.run(self._model, tensors)
            times.append(time.perf_counter_ns())
            stage = Stage.OUTPUT
            columns = self._bound.read(outputs, n)
            times.append(time.perf_counter_ns())
        except BrokenModelError:  # no record, however small its batch, will be better
            raise
        except Exception as error:  # whatever converters, TensorFlow and models raise
            raise _StageError(stage, error) from error
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
                self._bound.encode(some.columns)
            except UnevenShapesError:
                kept.append(some)  # each of them fits, only not with the others
            except Exception as error:  # a converter of the user may raise anything
                waiting += _split(some, _StageError(Stage.ENCODE, error), failures)
            else:
                kept.append(some)
        good = {position for some in kept for position in some.positions.tolist()}
        return rows.take([i for i, at in enumerate(rows.positions.tolist()) if at in good])

    def _refuse_broken(self, n: int, failures: Mapping[int, Failure]) -> None:
        refused = [failure for failure in failures.values() if failure.stage is not Stage.ENCODE]
        reached = n - (len(failures) - len(refused))
        if not reached:
            return
        if len(refused) < reached:
            self._in_a_row = 0
            return
        self._in_a_row += reached
        if reached >= 2 or self._in_a_row >= _PATIENCE:
            raise BrokenModelError(
                f"model {self._bound.model!r} fails on each of {self._in_a_row} records by "
                f"itself, so the model is at fault and not the data; the first of the last "
                f"{reached} says: {refused[0]}"
            )

    def _assembled(self, rows: Rows, parts: Sequence[tuple[Rows, Columns]]) -> Columns:
        if len(parts) == 1 and len(parts[0][0]) == len(rows):
            return parts[0][1]
        columns: dict[str, list[Any]] = {name: [None] * len(rows) for name in self._names}
        for some, scored in parts:
            for name, values in columns.items():
                for position, value in zip(some.positions.tolist(), scored[name], strict=True):
                    values[position] = value
        return columns


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
