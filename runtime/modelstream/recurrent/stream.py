"""The verb of models with a hidden state: `infer_with_state` over a keyed stream."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyflink.datastream import OutputTag

from modelstream.errors import OptionError
from modelstream.flink.environment import refuse_thread_mode
from modelstream.flink.inferred import Inferred
from modelstream.flink.keyed import applied, check_keyed, letters_of
from modelstream.flink.letters import letter_type
from modelstream.flink.route import Choice, Route
from modelstream.flink.types import through, type_of
from modelstream.messages import excerpt
from modelstream.recurrent.definition import RecurrentModel
from modelstream.recurrent.function import RecurrentFunction

if TYPE_CHECKING:
    from pyflink.datastream import KeyedStream


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
