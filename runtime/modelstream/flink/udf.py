"""The pandas function that runs a model inside Flink's Python worker."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyflink.table.udf import FunctionContext, ScalarFunction

from modelstream import embedded
from modelstream.convert.records import objects
from modelstream.errors import SignatureMismatchError
from modelstream.failure import Fail, Failure
from modelstream.flink import arrow
from modelstream.flink.arrow import Argument
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.plan import Plan
from modelstream.scoring.records import decoded
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Outcome
from modelstream.scoring.session import Session
from modelstream.scoring.settle import Refused, settle

ERROR = "error"
_MANY = 600
"""Arguments of one function that Flink 2.3 serialises; with 800 its stack overflows."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arguments:
    """What the function's arguments are, in this order.

    Attributes:
        columns: the columns that the model reads; or one, the raw records, with a decoder.
        key: the last argument is the key of the record, as text, for messages.
    """

    columns: tuple[str, ...]
    key: bool = False

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.columns) + self.key

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


class ModelFunction(ScalarFunction):  # type: ignore[misc]  # pyflink has no types
    """Raw records or columns in, a row of columns and an error out, a batch at a time.

    Args:
        plan: what is to be done with each record.
        arguments: what the columns mean.
        error: the field that says why a record failed, where the job does not fail on it.
        readable: it says so in words, and not as a JSON object.
    """

    def __init__(
        self, plan: Plan, arguments: Arguments, error: str = ERROR, *, readable: bool = False
    ) -> None:
        arguments.warn_of_many(plan.model.name)
        self._plan, self._arguments = plan, arguments
        self._error, self._readable = error, readable
        self._seen = 0

    def open(self, function_context: FunctionContext) -> None:
        """Load the model, or share the copy of this process, and warm it up."""
        arrow.keep_columns()
        plan = self._plan
        metrics = ModelMetrics(_metric_group(function_context), plan.model.name)
        self._session = Session.of(plan, metrics)
        self._scorer = self._session.scorer(plan.bound)

    def close(self) -> None:
        """Give the model back; it leaves memory with its last user."""
        self.__dict__.pop("_scorer", None)
        if session := self.__dict__.pop("_session", None):
            session.close()

    def eval(self, *given_arguments: Any) -> arrow.Result:
        """Score one Arrow batch of columns and constants."""
        with embedded.noted():
            arguments = arrow.arguments(given_arguments)
            given = self._given(arguments)
            outcome = self._session.score(self._scorer, given, self._plan.on_error)
            if outcome.failures and isinstance(self._plan.on_error, Fail):
                self._fail(outcome.failures, arguments)
            self._seen += given.size
            return self._frame(given, outcome)

    def _given(self, arguments: Sequence[Argument]) -> Given:
        plan = self._plan
        if plan.decoder is not None:
            return decoded(plan.decoder, plan.decoded, arguments[0].values)
        names = self._arguments.columns
        if len(arguments) != self._arguments.count:
            raise SignatureMismatchError(
                f"the function of model {plan.model.name!r} takes {len(names)} arguments "
                f"({', '.join(names)}); it is called with {len(arguments)}"
            )
        found = dict(zip(names, arguments, strict=False))
        columns = {name: each.values for name, each in found.items()}
        nulls = {name: each.nulls for name, each in found.items() if each.nulls is not None}
        return Given.without_nulls(columns, nulls)

    def _frame(self, given: Given, outcome: Outcome) -> arrow.Result:
        columns: dict[str, Any] = dict(given.kept)
        for name, values in outcome.columns.items():
            columns[name] = values if isinstance(values, np.ndarray) else objects(values)
        if not isinstance(self._plan.on_error, Fail):
            errors = np.full(given.size, None, object)
            for position, failure in outcome.failures.items():
                errors[position] = str(failure) if self._readable else failure.to_json()
            columns[self._error] = errors
        return arrow.Result(columns)

    def _fail(self, failures: Mapping[int, Failure], arguments: Sequence[Argument]) -> None:
        position = min(failures)
        found = dict(zip(self._arguments.columns, arguments, strict=False))
        refused = Refused(
            {name: argument[position] for name, argument in found.items()},
            failures[position],
            arguments[-1][position] if self._arguments.key else None,
            self._seen + position,
        )
        settle([refused], self._plan.on_error, self._plan.model.name)


def _metric_group(context: FunctionContext) -> Any:
    try:
        return context.get_metric_group()
    except RuntimeError:  # python.metric.enabled is false
        return None
