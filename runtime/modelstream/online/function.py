"""The Flink function that learns: keyed state in, keyed state out, results between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from modelstream import raised
from modelstream.deadletter import DeadLetter, Fail
from modelstream.errors import DivergedError, RecordFailedError
from modelstream.metrics import ModelMetrics
from modelstream.online.definition import OnlineModel
from modelstream.online.memory import Memory
from modelstream.online.prequential import Prequential, Refused, Results, Scored
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


class LearningFunction(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows in; scored rows out, dead letters and weights beside them."""

    def __init__(self, setup: Setup, dead_letters: OutputTag, weights: OutputTag) -> None:
        self._setup = setup
        self._dead_letters = dead_letters
        self._weights = weights

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model, and find the state."""
        from modelstream.online.learner import Learner  # imports TensorFlow

        model = self._setup.model
        self._metrics = ModelMetrics(runtime_context.get_metrics_group(), model.name)
        with self._metrics.loading():
            self._learner = Learner(model)
        self._loop = Prequential(model, self._learner, self._setup.kept, self._metrics)
        self._state = runtime_context.get_state(
            ValueStateDescriptor(_STATE, Types.PICKLED_BYTE_ARRAY())
        )

    def close(self) -> None:
        """The model is gone with this function."""
        if metrics := getattr(self, "_metrics", None):
            metrics.unloaded()

    def process_element(self, value: Row, ctx: Any) -> Iterator[Any]:
        """Score one record, and learn when its batch is full."""
        try:
            yield from self._taken(value, ctx)
        except Exception as error:
            raised.note(error)
            raise

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Records have waited long enough: score them without the rest of their batch."""
        memory = self._memory()
        results = self._loop.score_waiting(memory, Results())
        self._state.update(memory)
        yield from self._given(results, memory, key_text(ctx.get_current_key()))

    def _taken(self, value: Row, ctx: Any) -> Iterator[Any]:
        key = key_text(ctx.get_current_key())
        memory = self._memory()
        first = not memory.pending
        try:
            results = self._loop.take(memory, dict(zip(self._setup.fields, value, strict=True)))
        except DivergedError as error:
            raise DivergedError(f"key {key!r}: {error}") from error
        self._state.update(memory)
        if first and memory.pending:
            self._wake(ctx)
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
            return Memory(self._learner.initial, self._learner.variables)
        memory = Memory.from_bytes(held)
        self._learner.check(memory.weights.arrays)
        return memory

    def _given(self, results: Results, memory: Memory, key: str) -> Iterator[Any]:
        model = self._setup.model
        dead = len(results.refused) if isinstance(model.on_error, DeadLetter) else 0
        self._metrics.scored(
            len(results.scored) + len(results.refused), len(results.refused), dead
        )
        for refused in results.refused:
            yield from self._refused(refused, key)
        yield from map(scored_row, results.scored)
        every = model.publish_every
        if results.updated and every and not memory.updates % every:
            yield self._weights, Row(key, memory.updates, memory.published())

    def _refused(self, refused: Refused, key: str) -> Iterator[Any]:
        model = self._setup.model
        if isinstance(model.on_error, Fail):
            raise failed(refused, key, model.name)
        if isinstance(model.on_error, DeadLetter):
            letter = dead_letter(key, dict(refused.values), refused.failure, model.name)
            yield self._dead_letters, letter


def scored_row(scored: Scored) -> Row:
    """The kept fields, the outputs, the loss, and the age of the weights."""
    return Row(*scored.kept, *scored.outputs, scored.loss, scored.updates)


def failed(refused: Refused, key: str, model: str) -> RecordFailedError:
    """The error that ends a job whose ``on_error`` is Fail."""
    values = ", ".join(f"{name}={_excerpt(value)}" for name, value in refused.values.items())
    return RecordFailedError(
        f"a record of key {key!r} ({values}) cannot be scored by model {model!r}: "
        f"{refused.failure}. To go on without such records, choose DeadLetter or Drop"
    )


def key_text(key: Any) -> str:
    """A key as weights and dead letters name it: text as it is, others as Python writes them."""
    return key if isinstance(key, str) else repr(key)


def _excerpt(value: Any, longest: int = 200) -> str:
    text = repr(value.tolist() if hasattr(value, "tolist") else value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def positions(names: Sequence[str], fields: Sequence[str]) -> tuple[int, ...]:
    """Where fields stand in a row."""
    return tuple(fields.index(name) for name in names)
