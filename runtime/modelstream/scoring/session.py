"""An open model as one function of one subtask uses it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from modelstream.errors import UnscorableError
from modelstream.failure import Failure, Stage
from modelstream.messages import excerpt
from modelstream.models import (
    DEFAULT_SIGNATURE,
    BoundMethod,
    Method,
    Model,
    OpenModel,
    Signature,
    TensorFlowOptions,
)
from modelstream.models.warmup import try_to_warm_up
from modelstream.scoring.batch import Batch
from modelstream.scoring.counted import count
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.plan import default_method
from modelstream.scoring.records import extracted
from modelstream.scoring.scorer import Scorer

Scored: TypeAlias = dict[str, Any]
"""What a method gave for one record: column → value."""

_KEPT_METHODS = 32


class ModelHandle:
    """A model that is open, for records one by one or many at once.

    Args:
        model: which one.
        opened: the copy of this process.
        metrics: told of every call.
        batch: how large a call may be, and what it is padded to.
    """

    def __init__(
        self,
        model: Model,
        opened: OpenModel,
        metrics: ModelMetrics,
        batch: Batch = Batch(),  # noqa: B008  # frozen
    ) -> None:
        self._model = model
        self._opened = opened
        self._metrics = metrics
        self._batch = batch
        self._scorers: list[tuple[Method | None, BoundMethod, Scorer]] = []

    @property
    def name(self) -> str:
        """What metrics and messages call the model."""
        return self._model.name

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that the model offers, by name."""
        return self._opened.signatures

    def predict(
        self, signature: str = DEFAULT_SIGNATURE, /, **tensors: object
    ) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on a batch of Python values: ``m.predict(x=[1.0])["y"][0]``.

        Returns:
            Output tensors by name; the first dimension is the batch.

        Raises:
            ConversionError: a value does not fit its tensor.
            SignatureMismatchError: tensors are missing or too many.
        """
        with self._called(tensors):
            return self._opened.predict(signature, **tensors)

    def call(
        self, signature: str, inputs: Mapping[str, npt.NDArray[Any]]
    ) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on arrays, by tensor name and batch first, that fit it already."""
        with self._called(inputs):
            return self._opened.call(signature, inputs)

    def score(self, record: Any, method: Method | None = None) -> Scored:
        """One record through a method: output column → value, in Python's own types.

        Args:
            record: a Row, a dict, a tuple (fields ``f0``, ``f1``, …), or the value of the only
                input.
            method: how the model is called; what its exporter meant if None. Make it once, not
                for each record.

        Raises:
            UnscorableError: the record does not fit, or the model refuses it.
        """
        (result,) = self.score_all([record], method)
        if isinstance(result, Failure):
            raise unscorable(self.name, record, result)
        return result

    def score_all(
        self, records: Sequence[Any], method: Method | None = None
    ) -> list[Scored | Failure]:
        """Many records at once, each scored or failed by itself, in their order.

        Raises:
            BrokenModelError: the model refuses every single one: not the data is bad.
        """
        bound, scorer = self._scorer(method)
        given = extracted(records, tuple(bound.inputs))
        outcome = scorer.score(given.rows)
        failures = given.merged(outcome.failures)
        self._count(len(records), len(failures))
        columns = {name: _plain(values) for name, values in given.spread(outcome.columns).items()}
        return [
            failures.get(at) or {name: values[at] for name, values in columns.items()}
            for at in range(len(records))
        ]

    def warm_up(self, method: Method | None = None) -> None:
        """Call the model with zeros, so that the first record does not wait for its first call."""
        bound, _ = self._scorer(method)
        sizes = self._batch.warm_up_sizes
        try_to_warm_up(self._opened, bound, sizes)

    def failed(self, records: int, failures: int, dead_letters: int) -> None:
        """Count what the model itself did not: records, failures and dead letters."""
        self._metrics.scored(records, failures, dead_letters)

    def _scorer(self, method: Method | None) -> tuple[BoundMethod, Scorer]:
        for known, bound, scorer in self._scorers:
            if known is method or known == method:
                return bound, scorer
        bound = (method or default_method(self._model)).bind(self._model)
        scorer = Scorer(bound, self._opened, self._batch, self._metrics)
        self._scorers = [*self._scorers, (method, bound, scorer)][-_KEPT_METHODS:]
        return bound, scorer

    @contextmanager
    def _called(self, tensors: Mapping[str, Any]) -> Iterator[None]:
        records = _length(next(iter(tensors.values()), None))
        self._count(records, 0)  # whatever comes of it: a failure is of a record that came
        start = time.perf_counter_ns()
        yield
        spent = (time.perf_counter_ns() - start) // 1000
        self._metrics.called(records, {Stage.INFERENCE: spent})

    def _count(self, records: int, failures: int) -> None:
        count(self.name)
        self._metrics.scored(records, failures, 0)


@contextmanager
def opened(
    model: Model,
    metrics: ModelMetrics,
    batch: Batch = Batch(),  # noqa: B008  # frozen
    options: TensorFlowOptions | None = None,
) -> Iterator[ModelHandle]:
    """Load a model, or share the copy of this process, for as long as the context lasts."""
    with ExitStack() as stack:
        with metrics.loading():
            copy = stack.enter_context(model.open(options))
        stack.callback(metrics.unloaded)
        yield ModelHandle(model, copy, metrics, batch)


def unscorable(model: str, record: Any, failure: Failure) -> UnscorableError:
    """The error that tells of a record which the model cannot score."""
    return UnscorableError(
        f"model {model!r} cannot score the record {excerpt(record)}: {failure}", model, failure
    )


def _plain(values: Any) -> Sequence[Any]:
    """A column in Python's own types: no numpy scalars, no arrays."""
    if isinstance(values, np.ndarray):
        listed: list[Any] = values.tolist()
        return listed
    return [value.tolist() if hasattr(value, "tolist") else value for value in values]


def _length(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else 1
