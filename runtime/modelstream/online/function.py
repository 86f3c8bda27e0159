"""The Flink function that learns: keyed state in, keyed state out, results between."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from modelstream.flink.keyed import explained, key_text, value_of_key
from modelstream.online.definition import OnlineModel
from modelstream.online.lifecycle import LearnerLifecycle, Setup, tensorflow_learner
from modelstream.online.memory import Memory
from modelstream.online.prequential import Results

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
