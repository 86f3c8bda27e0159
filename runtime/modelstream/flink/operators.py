"""The functions that run a model over a DataStream, without Arrow."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row
from pyflink.datastream import AsyncFunction
from pyflink.datastream.functions import Function, ProcessFunction

from modelstream import embedded
from modelstream.errors import RecordFailedError
from modelstream.failure import ADVICE, DeadLetter, Fail, Failure, OnError
from modelstream.flink import letters
from modelstream.flink.environment import refuse_thread_context
from modelstream.flink.results import Results
from modelstream.models import Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import DeferredMetrics, ModelMetrics
from modelstream.scoring.records import named
from modelstream.scoring.session import ModelHandle, Scored, opened, unscorable
from modelstream.scoring.together import AsyncModelHandle


@dataclass(frozen=True)
class Scoring:
    """All that the functions need in the worker. Picklable.

    Attributes:
        model: which one.
        method: how it is called.
        results: makes the rows that go on.
        batch: how many records a call takes, and how long the first of them waits.
        on_error: what becomes of a record that cannot be scored.
        key: the field that identifies a record in a dead letter.
        warm_up: call the model with zeros before the first record.
    """

    model: Model
    method: Method
    results: Results
    batch: Batch
    on_error: OnError
    key: str | None = None
    warm_up: bool = True


class _Scores(Function):  # type: ignore[misc]  # pyflink has no types
    """Opens the model, and decides what becomes of records."""

    _metrics_type = ModelMetrics

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def open(self, runtime_context: Any) -> None:
        refuse_thread_context(runtime_context)
        scoring = self._scoring
        metrics = self._metrics_type(runtime_context.get_metrics_group(), scoring.model.name)
        self._tag = letters.tag()
        with ExitStack() as stack:
            self._handle: ModelHandle = stack.enter_context(
                opened(scoring.model, metrics, scoring.batch)
            )
            if scoring.warm_up:
                self._handle.warm_up(scoring.method)
            self._stack = stack.pop_all()

    def close(self) -> None:
        if stack := self.__dict__.pop("_stack", None):
            stack.close()

    def _emitted(self, record: Any, result: Scored | Failure) -> list[Any]:
        """What leaves the function for one record."""
        scoring = self._scoring
        if not isinstance(result, Failure):
            return [self._good(scoring.results.row(record, result))]
        if isinstance(scoring.on_error, Fail):
            raise self._failed(record, result)
        if not isinstance(scoring.on_error, DeadLetter):
            return []
        self._handle.failed(0, 0, 1)
        key = None if scoring.key is None else named(record).get(scoring.key)
        return [self._dead(letters.letter(record, result, scoring.model.name, key))]

    def _good(self, row: Row) -> Any:
        return row

    def _dead(self, letter: Row) -> Any:
        return self._tag, letter

    def _failed(self, record: Any, failure: Failure) -> RecordFailedError:
        said = unscorable(self._scoring.model.name, record, failure)
        return RecordFailedError(f"{said}. {ADVICE}")


class ScoreRecord(_Scores, ProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """One record, one call; a dead letter leaves by the side."""

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        """Score one record."""
        try:
            (result,) = self._handle.score_all([value], self._scoring.method)
            return self._emitted(value, result)
        except Exception as error:
            embedded.note(error)
            raise


class ScoreAsync(_Scores, AsyncFunction):  # type: ignore[misc]  # pyflink has no types
    """Records gathered into batches while others are on their way.

    Flink waits for all of them before a checkpoint. With DeadLetter each result is a row
    (result, letter), of which one is null.
    """

    _metrics_type = DeferredMetrics

    def open(self, runtime_context: Any) -> None:
        """Load the model, and make the thread that it is called in."""
        super().open(runtime_context)
        self._awaited = AsyncModelHandle(self._handle, self._scoring.batch)

    def close(self) -> None:
        """End the thread, then give the model back."""
        if awaited := self.__dict__.pop("_awaited", None):
            awaited.close()
        super().close()

    async def async_invoke(self, value: Any) -> list[Any]:
        """Score one record, among others."""
        try:
            result = await self._awaited.attempt(value, self._scoring.method)
            return self._emitted(value, result)
        except Exception as error:
            embedded.note(error)
            raise

    def _good(self, row: Row) -> Any:
        return Row(row, None) if isinstance(self._scoring.on_error, DeadLetter) else row

    def _dead(self, letter: Row) -> Any:
        return Row(None, letter)
