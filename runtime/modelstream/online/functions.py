"""The Flink functions of online models: the one that learns, and the one that only scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import (
    BroadcastProcessFunction,
    KeyedProcessFunction,
    OutputTag,
    RuntimeContext,
)
from pyflink.datastream.state import MapStateDescriptor

from modelstream.flink.keyed import explained, key_text, refusals, value_of_key
from modelstream.online.definition import OnlineModel
from modelstream.online.memory import Memory
from modelstream.online.metrics import LearningMetrics
from modelstream.online.prequential import Prequential, Results, ScoredRecord
from modelstream.scoring.letter import FailedBy


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


def tensorflow_learner(model: OnlineModel) -> Any:
    """What does the arithmetic of a model."""
    from modelstream.online.learner import deterministic  # imports TensorFlow

    return deterministic(model)


class LearnerLifecycle:
    """Stands before a class of Flink's functions, whose open and close these are.

    Args:
        setup: the model and the fields of the records.
        dead_letters: where records go that were refused.
        make_learner: makes what does the arithmetic.
    """

    def __init__(
        self, setup: Setup, dead_letters: OutputTag, make_learner: Callable[[OnlineModel], Any]
    ) -> None:
        self._setup = setup
        self._dead_letters = dead_letters
        self._make_learner = make_learner

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model, and the loop around it."""
        setup, model = self._setup, self._setup.model
        self._metrics = LearningMetrics(runtime_context.get_metrics_group(), model.name)
        with self._metrics.loading():
            self._learner = self._make_learner(model)
        self._loop = Prequential(model, self._learner, setup.fields, setup.kept, self._metrics)

    def close(self) -> None:
        """The model is gone with this function, also of one that did not open to the end."""
        self.__dict__.pop("_loop", None)
        if learner := self.__dict__.pop("_learner", None):
            learner.close()
            self._metrics.unloaded()

    def _given(self, results: Results, key: str) -> Iterator[Any]:
        """Scored rows, and what becomes of records that were refused.

        Raises:
            RecordFailedError: there is one, and ``on_error`` is Fail.
        """
        yield from map(_scored_row, results.scored)
        self._metrics.scored(len(results.scored), 0, 0)
        model, tag, metrics = self._setup.model, self._dead_letters, self._metrics
        by = FailedBy(model.name)
        yield from refusals(results.refused, key, model.on_error, by, tag, metrics)


def _scored_row(scored: ScoredRecord) -> Row:
    """The kept fields, the outputs, the loss, and the age of the weights."""
    return Row(*scored.kept, *scored.outputs, scored.loss, scored.updates)


_STATE = "modelstream.online"
_END_OF_INPUT = 2**63 - 1  # the watermark that follows the last record


class LearningFunction(LearnerLifecycle, KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows in; scored rows out, dead letters and weights beside them."""

    def __init__(
        self,
        setup: Setup,
        dead_letters: OutputTag,
        weights: OutputTag,
        make_learner: Callable[[OnlineModel], Any] = tensorflow_learner,
    ) -> None:
        super().__init__(setup, dead_letters, make_learner)
        self._weights = weights

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model, and find the state."""
        super().open(runtime_context)
        self._state = value_of_key(runtime_context, _STATE, self._setup.model.ttl)

    def process_element(self, value: Row, ctx: Any) -> Iterator[Any]:
        """Score one record, and learn when its batch is full."""
        with explained(key := key_text(ctx.get_current_key())):
            memory = self._memory()
            waited = memory.waits
            results = self._loop.take(memory, tuple(value))
            self._state.update(memory)
            if memory.waits and not waited:
                self._wake(ctx)
            yield from self._learned(results, memory, key)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Records have waited long enough: score them without the rest of their batch."""
        with explained(key := key_text(ctx.get_current_key())):
            memory = self._memory()
            if not memory.waits:  # they have been scored, or the key has come to its end
                return
            results = self._loop.score_waiting(memory, Results())
            self._state.update(memory)
            yield from self._learned(results, memory, key)

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

    def _learned(self, results: Results, memory: Memory, key: str) -> Iterator[Any]:
        yield from self._given(results, key)
        every = self._setup.model.publish_every
        if results.updated and every and not memory.updates % every:
            yield self._weights, Row(key, memory.updates, memory.published())


_DECODED = 1000
"""Keys whose weights are kept as arrays too, beside the bytes that Flink has."""


def weights_state() -> MapStateDescriptor:
    """Key → the newest weights, on every subtask.

    The fields have names, because a worker asks Java for those that have none, and has no Java.
    """
    payload = Types.PRIMITIVE_ARRAY(Types.BYTE())
    kind = Types.ROW_NAMED(["updates", "weights"], [Types.LONG(), payload])
    return MapStateDescriptor("modelstream.weights", Types.STRING(), kind)


class ScoringFunction(LearnerLifecycle, BroadcastProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows and published weights in; scored rows out, dead letters beside them."""

    def __init__(
        self,
        setup: Setup,
        key: Callable[[Any], Any],
        dead_letters: OutputTag,
        make_learner: Callable[[OnlineModel], Any] = tensorflow_learner,
    ) -> None:
        super().__init__(setup, dead_letters, make_learner)
        self._key = key

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model. The state is not to be seen before the first record."""
        super().open(runtime_context)
        self._untaught: Memory = self._learner.begin()
        self._known: dict[str, Memory] = {}
        self._descriptor = weights_state()

    def close(self) -> None:
        """The model is gone with this function, and all weights that it has decoded."""
        self.__dict__.pop("_untaught", None)
        self.__dict__.pop("_known", None)
        super().close()

    def process_broadcast_element(self, value: Row, ctx: Any) -> None:
        """Newer weights of a key."""
        key, updates, weights = value
        ctx.get_broadcast_state(self._descriptor).put(key, Row(updates, weights))
        self._known.pop(key, None)

    def process_element(self, value: Row, ctx: Any) -> Iterator[Any]:
        """Score one record."""
        with explained(key := key_text(self._key(value))):
            results = self._loop.score(self._memory(key, ctx), tuple(value))
            yield from self._given(results, key)

    def _memory(self, key: str, ctx: Any) -> Memory:
        if key not in self._known:
            held = ctx.get_broadcast_state(self._descriptor).get(key)
            if held is None:
                return self._untaught
            if len(self._known) >= _DECODED:
                del self._known[next(iter(self._known))]
            self._known[key] = self._remembered(*held)
        return self._known[key]

    def _remembered(self, updates: int, payload: bytes) -> Memory:
        memory = Memory.from_published(bytes(payload), updates)
        self._learner.check(memory)
        return memory
