"""The Flink function that scores with weights that are learned elsewhere."""

from collections.abc import Callable, Iterator
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import BroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from modelstream.flink.keyed import explained, key_text
from modelstream.online.definition import OnlineModel
from modelstream.online.lifecycle import LearnerLifecycle, Setup, tensorflow_learner
from modelstream.online.memory import Memory

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
