"""The pandas function that runs a model inside Flink's Python worker."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pyflink.table.udf import FunctionContext, ScalarFunction

from modelstream import embedded
from modelstream.convert.records import objects
from modelstream.errors import RecordFailedError, SignatureMismatchError
from modelstream.failure import ADVICE, DeadLetter, Fail, Failure, OnError
from modelstream.messages import excerpt
from modelstream.models import BoundMethod, Model
from modelstream.models.warmup import try_to_warm_up
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.records import RecordDecoder, decoded
from modelstream.scoring.rows import Decoded
from modelstream.scoring.scorer import Outcome, Scorer

ERROR = "error"
_MANY = 600
"""Arguments of one function that Flink 2.3 serialises; with 800 its stack overflows."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arguments:
    """What the function's arguments are, in this order.

    Attributes:
        columns: the columns that the model reads; or one, the raw records, with a decoder.
        nullable: columns that come with nulls replaced; one argument each says where nulls were,
            because pandas turns integers with a null among them into floats.
        key: the last argument is the key of the record, as text, for messages.
    """

    columns: tuple[str, ...]
    nullable: tuple[str, ...] = ()
    key: bool = False

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.columns) + len(self.nullable) + self.key

    def warn_of_many(self, model: str) -> None:
        """Say before Flink does, in a StackOverflowError, that a function takes only so many."""
        if self.count > _MANY:
            log.warning(
                "model %s is fed by %d arguments of one function; with more than about %d, Flink "
                "fails with a StackOverflowError: put the features into one ARRAY column",
                model,
                self.count,
                _MANY,
            )


@dataclass(frozen=True)
class Setup:
    """All that the function needs in the worker. Picklable."""

    model: Model
    bound: BoundMethod
    arguments: Arguments
    batch: Batch = field(default_factory=Batch)
    on_error: OnError = field(default_factory=Fail)
    decoder: RecordDecoder | None = None
    kept: tuple[str, ...] = ()
    readable_errors: bool = False
    warm_up: bool = True


class ModelFunction(ScalarFunction):  # type: ignore[misc]  # pyflink has no types
    """Raw records or columns in, a row of columns and an error out, a batch at a time."""

    def __init__(self, setup: Setup) -> None:
        setup.arguments.warn_of_many(setup.model.name)
        self._setup = setup
        self._stack = ExitStack()
        self._seen = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"_setup": self._setup, "_seen": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _stack=ExitStack())

    def open(self, function_context: FunctionContext) -> None:
        """Load the model, or share the copy of this process, and warm it up."""
        setup = self._setup
        self._metrics = ModelMetrics(_metric_group(function_context), setup.model.name)
        with self._metrics.loading():
            model = self._stack.enter_context(setup.model.open())
        if setup.warm_up:
            try_to_warm_up(model, setup.bound, setup.batch.warm_up_sizes)
        self._scorer = Scorer(setup.bound, model, setup.batch, self._metrics)

    def close(self) -> None:
        """Give the model back; it leaves memory with its last user."""
        self._stack.close()
        if metrics := getattr(self, "_metrics", None):
            metrics.unloaded()

    def eval(self, *arguments: "pd.Series[Any]") -> pd.DataFrame:
        """Score one Arrow batch."""
        try:
            return self._scored(arguments)
        except Exception as error:
            embedded.note(error)
            raise

    def _scored(self, arguments: "tuple[pd.Series[Any], ...]") -> pd.DataFrame:
        n = len(arguments[0])
        given = self._given(arguments)
        outcome = self._scorer.score(given.rows)
        failures = given.merged(outcome.failures)
        dead = len(failures) if isinstance(self._setup.on_error, DeadLetter) else 0
        self._metrics.scored(n, len(failures), dead)
        if failures and isinstance(self._setup.on_error, Fail):
            raise self._failed(failures, arguments)
        self._seen += n
        return self._frame(given, outcome, failures, n)

    def _given(self, arguments: "tuple[pd.Series[Any], ...]") -> Decoded:
        setup = self._setup
        if setup.decoder is not None:
            return decoded(setup.decoder, setup.kept, arguments[0])
        names = setup.arguments.columns
        if len(arguments) != setup.arguments.count:
            raise SignatureMismatchError(
                f"the function of model {setup.model.name!r} takes {len(names)} arguments "
                f"({', '.join(names)}); it is called with {len(arguments)}"
            )
        columns = dict(zip(names, arguments, strict=False))
        nulls = arguments[len(names) : len(names) + len(setup.arguments.nullable)]
        return Decoded.of(columns, dict(zip(setup.arguments.nullable, nulls, strict=True)))

    def _frame(
        self, given: Decoded, outcome: Outcome, failures: dict[int, Failure], n: int
    ) -> pd.DataFrame:
        columns: dict[str, Any] = dict(given.kept)
        for name, values in given.spread(outcome.columns).items():
            columns[name] = values if isinstance(values, np.ndarray) else objects(values)
        if not isinstance(self._setup.on_error, Fail):
            errors = np.full(n, None, object)
            for position, failure in failures.items():
                errors[position] = self._error(failure)
            columns[ERROR] = errors
        return pd.DataFrame(columns, copy=False)

    def _error(self, failure: Failure) -> str:
        return str(failure) if self._setup.readable_errors else failure.to_json()

    def _failed(
        self, failures: dict[int, Failure], arguments: "tuple[pd.Series[Any], ...]"
    ) -> RecordFailedError:
        position = min(failures)
        setup = self._setup
        key = f", key {arguments[-1].iloc[position]!r}" if setup.arguments.key else ""
        values = ", ".join(
            f"{name}={excerpt(series.iloc[position])}"
            for name, series in zip(setup.arguments.columns, arguments, strict=False)
        )
        return RecordFailedError(
            f"record {self._seen + position} of this subtask{key} ({values}) cannot be scored by "
            f"model {setup.model.name!r}: {failures[position]}. {ADVICE}"
        )


def _metric_group(context: FunctionContext) -> Any:
    try:
        return context.get_metric_group()
    except RuntimeError:  # python.metric.enabled is false
        return None
