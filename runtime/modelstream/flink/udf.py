"""The pandas function that runs a model inside Flink's Python worker."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pyflink.table.udf import FunctionContext, ScalarFunction

from modelstream import embedded, reasons
from modelstream.convert.values import objects
from modelstream.failure import Fail, Failure
from modelstream.flink import arrow
from modelstream.flink.arrow import Argument
from modelstream.flink.environment import ARROW_SIZE
from modelstream.flink.sqlarguments import Caller, as_given
from modelstream.messages import excerpt
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.plan import Plan
from modelstream.scoring.records import decoded, encoded
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Outcome
from modelstream.scoring.session import Session
from modelstream.scoring.settle import Refused, settle


class Outputs:
    """The outputs of the Python functions of this process, made when they are open.

    PyFlink sends what has gathered when a bundle ends, when it is 10 MB, and where a clock that
    ticks once a second says so. Left to that, the JVM waits for Python, and then writes all results
    of a bundle while Python waits for the next.
    """

    def __init__(self) -> None:
        from pyflink.fn_execution.utils.operation_utils import PeriodicThread

        clocks = [each for each in threading.enumerate() if isinstance(each, PeriodicThread)]
        self._ticks = [clock._function for clock in clocks]

    def send(self) -> None:
        """Have them send what they hold, each after the batch that it works on."""
        for tick in self._ticks:
            tick()


ERROR = "error"
RECORD = "record"
"""The field with a sink's record, where it is made beside the model."""
_KEY, _ROWS = "", " "
"""The names of arguments beside the columns, which no column has."""
_MANY = 600
"""Arguments of one function that Flink 2.3 serialises; with 800 its stack overflows."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arguments:
    """What the function's arguments are, in this order.

    Attributes:
        columns: the columns that the model reads; or one, the raw records, with a decoder.
        key: after them comes the key of the record, as text, for messages.
        pinned: then one that is never a constant: Flink hands over no batch of constants alone,
            which is what a query like ``WHERE x = 1`` makes of columns.
    """

    columns: tuple[str, ...]
    key: bool = False
    pinned: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """One for each."""
        more = [name for name, there in ((_KEY, self.key), (_ROWS, self.pinned)) if there]
        return (*self.columns, *more)

    def warn_of_many(self, model: str) -> None:
        """Say before Flink does, in a StackOverflowError, that a function takes only so many."""
        if len(self.names) > _MANY:
            log.warning(
                "model %s is fed by %d arguments of one function; with more than about %d, Flink "
                "fails with a StackOverflowError: put the features into one ARRAY column",
                model,
                len(self.names),
                _MANY,
            )


class ModelFunction(ScalarFunction):  # type: ignore[misc]  # pyflink has no types
    """Raw records or columns in, a row of columns and an error out, a batch at a time.

    Args:
        plan: what is to be done with each record.
        arguments: what the columns mean.
        error: the field that says why a record failed, where the job does not fail on it.
        readable: it says so in words, and not as a JSON object.
        payload: the field with the raw bytes of a record that failed, NULL for all others.
        caller: what finds the arguments where people write the calls.
    """

    def __init__(
        self,
        plan: Plan,
        arguments: Arguments,
        error: str = ERROR,
        *,
        readable: bool = False,
        payload: str | None = None,
        caller: Caller | None = None,
    ) -> None:
        arguments.warn_of_many(plan.model.name)
        self._plan, self._arguments = plan, arguments
        self._error, self._readable, self._caller = error, readable, caller
        self._payload = payload
        self._seen = 0

    def open(self, function_context: FunctionContext) -> None:
        """Load the model, or share the copy of this process, and warm it up."""
        arrow.keep_columns()
        self._outputs = Outputs()
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
            arguments, given = self._given(given_arguments)
            outcome = self._session.score(self._scorer, given, self._plan.on_error)
            if outcome.failures and isinstance(self._plan.on_error, Fail):
                self._fail(outcome.failures, arguments)
            for position, failure in outcome.failures.items():
                reasons.note(str(failure), partial(_shown, arguments, position))
            self._seen += given.size
            if given.size >= ARROW_SIZE:  # there are more: those that end a bundle are fewer
                self._outputs.send()
            return self._frame(arguments, given, outcome)

    def _given(self, arguments: Sequence[Any]) -> tuple[dict[str, Argument], Given]:
        """The arguments by name, and the records in them."""
        plan = self._plan
        if self._caller is not None:
            return self._caller.given(arguments)
        found = dict(zip(self._arguments.names, arrow.arguments(arguments), strict=True))
        found.pop(_ROWS, None)
        if plan.decoder is not None:
            (payload,) = self._arguments.columns
            return found, decoded(plan.decoder, plan.decoded, found[payload].values)
        return found, as_given({name: found[name] for name in self._arguments.columns}, plan.bound)

    def _frame(
        self, arguments: Mapping[str, Argument], given: Given, outcome: Outcome
    ) -> arrow.Result:
        columns: dict[str, Any] = {**given.kept, **outcome.columns}
        if self._plan.encoder is not None:
            columns = {RECORD: encoded(self._plan.encoder, columns, outcome.failures)}
        for name, values in columns.items():
            columns[name] = values if isinstance(values, np.ndarray) else objects(values)
        if not isinstance(self._plan.on_error, Fail):
            errors = np.full(given.size, None, object)
            told = str if self._readable else self._session.failed_by.told
            for position, failure in outcome.failures.items():
                errors[position] = told(failure)
            columns[self._error] = errors
        if self._payload is not None:
            (raw,) = self._arguments.columns
            payloads = np.full(given.size, None, object)
            for position in outcome.failures:
                payloads[position] = arguments[raw][position]
            columns[self._payload] = payloads
        return arrow.Result(columns)

    def _fail(self, failures: Mapping[int, Failure], arguments: Mapping[str, Argument]) -> None:
        position = min(failures)
        key = arguments.get(_KEY)
        refused = Refused(
            {name: each[position] for name, each in arguments.items() if name != _KEY},
            failures[position],
            None if key is None else key[position],
            self._seen + position,
        )
        settle([refused], self._plan.on_error, self._session.failed_by)


def _shown(arguments: Mapping[str, Argument], position: int) -> str:
    """The record of that position, or its payload, for a message."""
    values = [each[position] for each in arguments.values()]
    if len(values) == 1 and isinstance(values[0], bytes):
        return values[0].decode(errors="replace")
    return excerpt(dict(zip(arguments, values, strict=True)))


def _metric_group(context: FunctionContext) -> Any:
    try:
        return context.get_metric_group()
    except RuntimeError:  # python.metric.enabled is false
        return None
