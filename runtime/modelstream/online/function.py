"""The Flink function that learns: keyed state in, keyed state out, results between."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from modelstream import raised
from modelstream.deadletter import ADVICE, DeadLetter, Fail, OnError
from modelstream.errors import DivergedError, RecordFailedError
from modelstream.excerpt import excerpt
from modelstream.keyed import value_of_key
from modelstream.metrics import ModelMetrics
from modelstream.online.definition import OnlineModel
from modelstream.online.memory import Memory
from modelstream.online.metrics import LearningMetrics
from modelstream.online.prequential import Prequential
from modelstream.online.results import Refused, Results, Scored
from modelstream.online.types import dead_letter

_STATE = "modelstream.online"
_END_OF_INPUT = 2**63 - 1  # the watermark that follows the last record


@dataclass(frozen=True)
class Setup:
    """All that the functions need in the worker. Picklable.

    Attributes:
        model: the definition.
        fields: the names of the record's fields, in their order.
        kept: those that go on.
    """

    model: OnlineModel
    fields: tuple[str, ...]
    kept: tuple[str, ...]

    def given(
        self, results: Results, key: str, tag: OutputTag, metrics: ModelMetrics
    ) -> Iterator[Any]:
        """Scored rows, and what becomes of records that were refused.

        Raises:
            RecordFailedError: there is one, and ``on_error`` is Fail.
        """
        yield from map(_scored_row, results.scored)
        metrics.scored(len(results.scored), 0, 0)
        model = self.model
        yield from letters(model.on_error, model.name, results.refused, key, tag, metrics)


def tensorflow_learner(model: OnlineModel) -> Any:
    """What does the arithmetic of a model."""
    from modelstream.online.learner import deterministic  # imports TensorFlow

    return deterministic(model)


class LearningFunction(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows in; scored rows out, dead letters and weights beside them."""

    def __init__(
        self,
        setup: Setup,
        dead_letters: OutputTag,
        weights: OutputTag,
        make_learner: Callable[[OnlineModel], Any] = tensorflow_learner,
    ) -> None:
        self._setup = setup
        self._make_learner = make_learner
        self._dead_letters = dead_letters
        self._weights = weights

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model, and find the state."""
        model = self._setup.model
        self._metrics = LearningMetrics(runtime_context.get_metrics_group(), model.name)
        with self._metrics.loading():
            self._learner = self._make_learner(model)
        self._loop = Prequential(
            model, self._learner, self._setup.fields, self._setup.kept, self._metrics
        )
        self._state = value_of_key(runtime_context, _STATE, model.ttl)

    def close(self) -> None:
        """The model is gone with this function."""
        if hasattr(self, "_learner"):
            self._learner.close()
            del self._learner, self._loop
            self._metrics.unloaded()

    def process_element(self, value: Row, ctx: Any) -> Iterator[Any]:
        """Score one record, and learn when its batch is full."""
        with explained(key := key_text(ctx.get_current_key())):
            memory = self._memory()
            waited = memory.waits
            results = self._loop.take(memory, tuple(value))
            self._state.update(memory)
            if memory.waits and not waited:
                self._wake(ctx)
            yield from self._given(results, memory, key)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Records have waited long enough: score them without the rest of their batch."""
        with explained(key := key_text(ctx.get_current_key())):
            memory = self._memory()
            if not memory.waits:  # they have been scored, or the key has come to its end
                return
            results = self._loop.score_waiting(memory, Results())
            self._state.update(memory)
            yield from self._given(results, memory, key)

    def _wake(self, ctx: Any) -> None:
        """Look again when the first record has waited long enough, and when the input ends."""
        if (latency := self._setup.model.max_latency) is not None:
            timers = ctx.timer_service()
            timers.register_processing_time_timer(
                timers.current_processing_time() + latency // timedelta(milliseconds=1)
            )
            timers.register_event_time_timer(_END_OF_INPUT)

    def _memory(self) -> Memory:
        held = self._state.value()
        if isinstance(held, Memory):
            return held
        if held is None:
            memory: Memory = self._learner.begin()
            return memory
        memory = Memory.from_bytes(held)
        self._learner.check(memory)
        self._loop.check(memory)
        return memory

    def _given(self, results: Results, memory: Memory, key: str) -> Iterator[Any]:
        yield from self._setup.given(results, key, self._dead_letters, self._metrics)
        every = self._setup.model.publish_every
        if results.updated and every and not memory.updates % every:
            yield self._weights, Row(key, memory.updates, memory.published())


def _scored_row(scored: Scored) -> Row:
    """The kept fields, the outputs, the loss, and the age of the weights."""
    return Row(*scored.kept, *scored.outputs, scored.loss, scored.updates)


def letters(
    on_error: OnError,
    model: str,
    refused: Sequence[Refused],
    key: str,
    tag: OutputTag,
    metrics: ModelMetrics,
) -> Iterator[Any]:
    """What becomes of records that were refused: dead letters, nothing, or the end of the job.

    Raises:
        RecordFailedError: there is one, and ``on_error`` is Fail.
    """
    dead = len(refused) if isinstance(on_error, DeadLetter) else 0
    metrics.scored(len(refused), len(refused), dead)
    for each in refused:
        if isinstance(on_error, Fail):
            raise _failed(each, key, model)
        if dead:
            yield tag, dead_letter(key, dict(each.values), each.failure, model)


def _failed(refused: Refused, key: str, model: str) -> RecordFailedError:
    """The error that ends a job whose ``on_error`` is Fail."""
    values = ", ".join(f"{name}={excerpt(value)}" for name, value in refused.values.items())
    return RecordFailedError(
        f"a record of key {key!r} ({values}) cannot be scored by model {model!r}: "
        f"{refused.failure}. {ADVICE}"
    )


@contextmanager
def explained(key: str) -> Iterator[None]:
    """Errors that end the job say which key they are of, and are kept for whoever waits for it."""
    try:
        yield
    except DivergedError as error:
        raised.note(explained_error := DivergedError(f"key {key!r}: {error}"))
        raise explained_error from error
    except Exception as error:
        raised.note(error)
        raise


def key_text(key: Any) -> str:
    """A key as weights and dead letters name it: text as it is, others as Python writes them."""
    return key if isinstance(key, str) else repr(key)
