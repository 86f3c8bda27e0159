"""The Flink function of a recurrent model: the hidden state of the key in, the next one out."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from modelstream.failure import Failure
from modelstream.flink.keyed import explained, key_text, refusals
from modelstream.recurrent.definition import RecurrentModel
from modelstream.recurrent.hidden import HiddenState
from modelstream.recurrent.step import Step
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.plan import digest_of
from modelstream.scoring.session import Session
from modelstream.scoring.settle import Refused


class RecurrentFunction(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows in; scored rows out, dead letters beside them."""

    def __init__(
        self,
        definition: RecurrentModel,
        fields: tuple[str, ...],
        kept: tuple[str, ...],
        dead_letters: OutputTag,
    ) -> None:
        self._definition = definition
        self._fields = fields
        self._kept = tuple(fields.index(name) for name in kept)
        self._dead_letters = dead_letters

    def open(self, runtime_context: RuntimeContext) -> None:
        """Load the model, or share the copy of this process, and find the state."""
        definition = self._definition
        self._metrics = ModelMetrics(runtime_context.get_metrics_group(), definition.name)
        self._session = Session(definition.model, self._metrics)
        self._step = Step(definition, self._session)
        if definition.warm_up:
            self._step.warm_up()
        self._hidden = HiddenState(definition.hidden, definition.name, definition.ttl)
        self._hidden.open(runtime_context)

    def close(self) -> None:
        """Give the model back; it leaves memory with its last user."""
        self.__dict__.pop("_step", None)
        if session := self.__dict__.pop("_session", None):
            session.close()

    def process_element(self, value: Row, ctx: Any) -> Iterator[Any]:
        """Score one record."""
        with explained(key := key_text(ctx.get_current_key())):
            record = dict(zip(self._fields, value, strict=True))
            outcome = self._step(record, self._hidden.get())
            if isinstance(outcome, Failure):
                yield from self._refused(Refused(record, outcome), key)
                return
            outputs, after = outcome
            self._hidden.set(after)
            self._metrics.scored(1, 0, 0)
            yield Row(*(value[at] for at in self._kept), *outputs)

    def _refused(self, refused: Refused, key: str) -> Iterator[Any]:
        made, tag = self._definition, self._dead_letters
        digest = digest_of(made.model)
        return refusals([refused], key, made.on_error, made.name, tag, self._metrics, digest)
