"""A model open for one function of one subtask: loaded, warmed, counted, and given back."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from modelstream import embedded
from modelstream.convert import Constant
from modelstream.convert.columns import plain
from modelstream.errors import UnscorableError
from modelstream.failure import Drop, Failure, OnError, Stage
from modelstream.models import (
    DEFAULT_SIGNATURE,
    BoundMethod,
    Method,
    Model,
    OpenModel,
    Signature,
    TensorFlowOptions,
)
from modelstream.models.protocol import Fed
from modelstream.models.warmup import try_signature, try_to_warm_up
from modelstream.scoring.batch import Batch
from modelstream.scoring.letter import FailedBy
from modelstream.scoring.metrics import ModelMetrics, count
from modelstream.scoring.plan import Plan, default_method
from modelstream.scoring.records import extracted
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Outcome, Scorer
from modelstream.scoring.settle import Refused, lettered

Scored: TypeAlias = dict[str, Any]
"""What a method gave for one record: column → value."""

_KEPT_METHODS = 32


class Session:
    """An open model, as all that score with it in one function share it.

    It stands for the open model where one is asked for, and holds it in one attribute.

    Args:
        model: which one; it is loaded, or the copy of this process is shared.
        metrics: told of the load and of every call.
        batch: how large a call may be, and what it is padded to.
        options: how TensorFlow runs it; what the model says of itself if None.
    """

    def __init__(
        self,
        model: Model,
        metrics: ModelMetrics,
        batch: Batch = Batch(),  # noqa: B008  # frozen
        options: TensorFlowOptions | None = None,
    ) -> None:
        self.model = model
        self.metrics = metrics
        self.batch = batch
        self._stack = ExitStack()
        self._scorers: list[tuple[Method | None, Scorer]] = []
        with metrics.loading(), embedded.loading(model.name), embedded.at_work(model.name):
            self._opened: OpenModel = self._stack.enter_context(model.open(options))

    @classmethod
    def of(cls, plan: Plan, metrics: ModelMetrics) -> "Session":
        """The session of a plan, warmed up where the plan says so."""
        session = cls(plan.model, metrics, plan.batch or Batch())
        try:
            if plan.warm_up:
                session.warm_up(plan.bound)
        except BaseException:
            session.close()
            raise
        return session

    @property
    def name(self) -> str:
        """What metrics and messages call the model."""
        return self.model.name

    @property
    def failed_by(self) -> FailedBy:
        """What dead letters tell of the model."""
        return FailedBy.of(self.model)

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that the model offers, by name."""
        return self._opened.signatures

    def call(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on arrays by tensor name."""
        with embedded.at_work(self.model.name):
            return self._opened.call(signature, inputs)

    def predict(
        self, signature: str = DEFAULT_SIGNATURE, /, **tensors: object
    ) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on a batch of Python values."""
        with embedded.at_work(self.model.name):
            return self._opened.predict(signature, **tensors)

    def scorer(self, bound: BoundMethod) -> Scorer:
        """What runs a method on batches."""
        return Scorer(bound, self, self.batch, self.metrics)

    def by_method(self, method: Method | None) -> Scorer:
        """The scorer of a method, made once; of what the exporter meant if None."""
        for known, scorer in self._scorers:
            if known is method or known == method:
                return scorer
        scorer = self.scorer((method or default_method(self.model)).bind(self.model))
        self._scorers = [*self._scorers, (method, scorer)][-_KEPT_METHODS:]
        return scorer

    def warm_up(self, bound: BoundMethod) -> None:
        """Call the model with zeros, so that the first record does not wait for its first call."""
        try_to_warm_up(self, bound, self.batch.warm_up_sizes)

    def warm_up_signature(
        self,
        signature: str = DEFAULT_SIGNATURE,
        constants: Mapping[str, Constant] = MappingProxyType({}),
    ) -> None:
        """The same where nobody knows yet how records will come: one at a time, or padded."""
        try_signature(self, self.name, signature, self.batch.allowed_sizes or (1,), constants)

    def score(self, scorer: Scorer, given: Given, on_error: OnError) -> Outcome:
        """One batch, counted."""
        outcome = scorer.score(given)
        failures = len(outcome.failures)
        self.metrics.scored(given.size, failures, lettered(on_error, failures))
        return outcome

    def score_all(
        self, scorer: Scorer, records: Sequence[Any], on_error: OnError
    ) -> list[Scored | Failure]:
        """Records one by one or many at once, counted; each scored or failed by itself."""
        outcome = self.score(scorer, extracted(records, scorer.columns), on_error)
        columns = {name: _plain(values) for name, values in outcome.columns.items()}
        return [
            outcome.failures.get(at) or {name: values[at] for name, values in columns.items()}
            for at in range(len(records))
        ]

    def close(self) -> None:
        """Give the model back; it leaves memory with its last user."""
        self.__dict__.pop("_opened", None)
        self._scorers = []
        self._stack.close()
        self.metrics.unloaded()


class ModelHandle:
    """A model that is open, for records one by one or many at once.

    Args:
        session: the open model.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def name(self) -> str:
        """What metrics and messages call the model."""
        return self._session.name

    @property
    def model(self) -> Model:
        """The model that is open."""
        return self._session.model

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that the model offers, by name."""
        return self._session.signatures

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
            return self._session.predict(signature, **tensors)

    def call(
        self, signature: str, inputs: Mapping[str, npt.NDArray[Any]]
    ) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on arrays, by tensor name and batch first, that fit it already."""
        with self._called(inputs):
            return self._session.call(signature, inputs)

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
            BrokenModelError: the model refuses record after record, and its warm-up batch too.
        """
        count(self.name)
        return self._session.score_all(self._session.by_method(method), records, Drop())

    def warm_up(self, method: Method | None = None) -> None:
        """Call the model with zeros, so that the first record does not wait for its first call."""
        self._session.warm_up(self._session.by_method(method).bound)

    def failed(self, records: int, failures: int, dead_letters: int) -> None:
        """Count what the model itself did not: records, failures and dead letters."""
        self._session.metrics.scored(records, failures, dead_letters)

    @contextmanager
    def _called(self, tensors: Mapping[str, Any]) -> Iterator[None]:
        records = _length(next(iter(tensors.values()), None))
        count(self.name)
        # Whatever comes of it: a failure is of a record that came.
        self._session.metrics.scored(records, 0, 0)
        start = time.perf_counter_ns()
        yield
        spent = (time.perf_counter_ns() - start) // 1000
        self._session.metrics.called(records, {Stage.INFERENCE: spent})


def unscorable(model: str, record: Any, failure: Failure) -> UnscorableError:
    """The error for a record that the model cannot score."""
    refused = Refused(record, failure)
    return UnscorableError(f"model {model!r} cannot score {refused}: {failure}", model, failure)


def _plain(values: Any) -> Sequence[Any]:
    """A column in Python's own types: no numpy scalars, no arrays."""
    if isinstance(values, np.ndarray):
        listed: list[Any] = values.tolist()
        return listed
    return list(map(plain, values))


def _length(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else 1
