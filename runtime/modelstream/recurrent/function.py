"""Recurrent models on a keyed stream: the hidden state of the key in, the next one out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from modelstream.annotations import checked
from modelstream.errors import OptionError
from modelstream.failure import Failure
from modelstream.flink.environment import refuse_thread_mode
from modelstream.flink.keyed import (
    applied,
    check_keyed,
    explained,
    key_text,
    letters_of,
    refusals,
)
from modelstream.flink.letters import letter_type
from modelstream.flink.route import Choice, Inferred, Route
from modelstream.flink.types import through, type_of
from modelstream.messages import excerpt
from modelstream.recurrent.definition import RecurrentModel
from modelstream.recurrent.hidden import HiddenState
from modelstream.recurrent.step import Step
from modelstream.scoring.letter import FailedBy
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import Session
from modelstream.scoring.settle import Refused

if TYPE_CHECKING:
    from pyflink.datastream import KeyedStream


@checked("model")
def infer_with_state(
    stream: "KeyedStream", model: RecurrentModel, *, keep: Sequence[str] | None = None
) -> Inferred:
    """Score the records of a keyed stream, each after what came before it under its key.

    Examples:
        >>> found = ms.infer_with_state(stream.key_by(lambda row: row.user), lstm, keep=["user"])
        >>> found.scored, found.dead_letters

    Args:
        stream: rows with named fields, by the key that a sequence belongs to.
        model: which one, and which of its tensors are the state.
        keep: fields that go on beside the model's; all if None.

    Raises:
        SignatureMismatchError: the stream has no named fields, or lacks one of the model's, or
            a column is kept and given.
        OptionError: the stream is not keyed, or something else than a recurrent model is given.
    """
    if not isinstance(model, RecurrentModel):
        raise OptionError(
            f"infer_with_state takes a RecurrentModel, got {excerpt(model)}: write "
            f"RecurrentModel(model, state={{input: output}})"
        )
    check_keyed(stream, f"model {model.name!r}")
    refuse_thread_mode(stream)
    outputs = model.found.outputs
    given = {column: type_of(outputs[tensor]) for column, tensor in model.columns.items()}
    read, information = model.feeds.values(), stream._original_data_type_info
    fields, kept, kind = through(information, read, keep, given, model.name)
    tag = OutputTag(f"{model.name}-dead-letters", letter_type())
    function = RecurrentFunction(model, fields, kept, tag)
    scored = applied(stream, function, kind, model.name, "recurrent")
    choice = Choice(Route.RECORD, "what a record leaves behind goes into the call for the next")
    return Inferred(scored, letters_of(scored, tag, model.on_error), choice)


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
        if definition.warm_up:
            self._session.warm_up_signature(definition.signature, definition.fixed)
        self._step = Step(definition, self._session)
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
        by = FailedBy.of(made.model, made.name)
        return refusals([refused], key, made.on_error, by, tag, self._metrics)
