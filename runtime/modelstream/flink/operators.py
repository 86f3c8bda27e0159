"""The functions that run a model over a DataStream, without Arrow."""

from collections.abc import Iterable
from typing import Any

from pyflink.common import Row
from pyflink.datastream import AsyncFunction
from pyflink.datastream.functions import Function, ProcessFunction

from modelstream import embedded
from modelstream.convert.fields import named
from modelstream.failure import DeadLetter, Failure
from modelstream.flink import letters
from modelstream.flink.environment import refuse_thread_context
from modelstream.flink.results import Results
from modelstream.scoring.metrics import DeferredMetrics, ModelMetrics
from modelstream.scoring.plan import Plan
from modelstream.scoring.session import Scored, Session
from modelstream.scoring.settle import Refused, settle
from modelstream.scoring.together import MicroBatcher, gathered


class _Scores(Function):  # type: ignore[misc]  # pyflink has no types
    """Opens the model of a plan; makes the rows that go on, and the letters."""

    _metrics_type = ModelMetrics

    def __init__(self, plan: Plan, results: Results) -> None:
        self._plan = plan
        self._results = results

    def open(self, runtime_context: Any) -> None:
        refuse_thread_context(runtime_context)
        plan = self._plan
        metrics = self._metrics_type(runtime_context.get_metrics_group(), plan.model.name)
        self._tag = letters.tag()
        self._session = Session.of(plan, metrics)
        self._scorer = self._session.scorer(plan.bound)

    def close(self) -> None:
        if session := self.__dict__.pop("_session", None):
            session.close()

    def _scored(self, records: Any) -> list[Scored | Failure]:
        return self._session.score_all(self._scorer, records, self._plan.on_error)

    def _emitted(self, record: Any, result: Scored | Failure) -> list[Any]:
        """What leaves the function for one record."""
        if not isinstance(result, Failure):
            return [self._good(self._results.row(record, result))]
        plan = self._plan
        key = None if plan.key is None else named(record).get(plan.key)
        refused = Refused(record, result, key)
        found = settle([refused], plan.on_error, plan.model.name, digest=plan.digest)
        return [self._dead(letters.as_row(each)) for each in found]

    def _good(self, row: Row) -> Any:
        return row

    def _dead(self, letter: Row) -> Any:
        return self._tag, letter


class ScoreRecord(_Scores, ProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """One record, one call; a dead letter leaves by the side."""

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        """Score one record."""
        with embedded.noted():
            (result,) = self._scored([value])
            return self._emitted(value, result)


class ScoreAsync(_Scores, AsyncFunction):  # type: ignore[misc]  # pyflink has no types
    """Records gathered into batches while others are on their way.

    Flink waits for all of them before a checkpoint. With DeadLetter each result is a row
    (result, letter), of which one is null.
    """

    _metrics_type = DeferredMetrics

    def open(self, runtime_context: Any) -> None:
        """Load the model, and make the thread that it is called in."""
        super().open(runtime_context)
        self._batcher: MicroBatcher[Any, Scored | Failure] = gathered(
            self._scored, self._session.batch
        )

    def close(self) -> None:
        """End the thread, then give the model back."""
        if batcher := self.__dict__.pop("_batcher", None):
            batcher.close()
        super().close()

    async def async_invoke(self, value: Any) -> list[Any]:
        """Score one record, among others."""
        with embedded.noted():
            return self._emitted(value, await self._batcher.add(value))

    def _good(self, row: Row) -> Any:
        return Row(row, None) if isinstance(self._plan.on_error, DeadLetter) else row

    def _dead(self, letter: Row) -> Any:
        return Row(None, letter)
