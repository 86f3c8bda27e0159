"""The verbs of online models: learn from a keyed stream, and score with what was learned."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from pyflink.common import Types
from pyflink.common.typeinfo import RowTypeInfo
from pyflink.datastream import OutputTag

from modelstream.annotations import checked
from modelstream.convert import codec
from modelstream.errors import OptionError
from modelstream.flink.environment import refuse_thread_mode
from modelstream.flink.keyed import applied, check_keyed, letters_of
from modelstream.flink.letters import letter_type
from modelstream.flink.route import Choice, Inferred, Route
from modelstream.flink.types import row, through, type_of
from modelstream.messages import excerpt
from modelstream.online.definition import LOSS, UPDATES, OnlineModel
from modelstream.online.functions import LearningFunction, ScoringFunction, Setup, weights_state
from modelstream.online.memory import Memory

if TYPE_CHECKING:
    from pyflink.datastream import DataStream, KeyedStream


@dataclass(frozen=True)
class Learned(Inferred):
    """What comes out of an online model.

    Attributes:
        scored: the kept fields, the outputs, ``loss`` (FLOAT, from before the record was learned
            from; null without a label) and ``updates`` (BIGINT, how many updates the weights had).
        dead_letters: the columns of `DEAD_LETTER_COLUMNS`; None unless ``on_error`` is DeadLetter.
        choice: how the records reach the model, and why.
        weights: rows with ``key`` (STRING), ``updates`` (BIGINT) and ``weights`` (BYTES), for
            `infer_with_weights`; None unless ``publish_every`` is set.
    """

    weights: "DataStream | None" = None


@checked("model")
def learn(
    stream: "KeyedStream", model: OnlineModel, *, keep: Sequence[str] | None = None
) -> Learned:
    """Score the records of a keyed stream, and learn from each after it is scored.

    Examples:
        >>> learned = ms.learn(clicks.key_by(lambda row: row.user), model, keep=["user"])
        >>> learned.scored, learned.weights, learned.dead_letters

    Args:
        stream: rows with named fields, by the key that the weights belong to.
        model: how it is built and what it learns.
        keep: fields that go on beside the model's; all if None.

    Raises:
        SignatureMismatchError: the stream has no named fields, or lacks one of the model's, or
            a column is kept and given.
        OptionError: the stream is not keyed, or something else than an online model is given.
    """
    _check_online(model, "learn")
    check_keyed(stream, f"model {model.name!r}")
    refuse_thread_mode(stream)
    setup, kind = _setup(model, stream._original_data_type_info, keep, with_labels=True)
    dead_letters = OutputTag(f"{model.name}-dead-letters", letter_type())
    weights = OutputTag(f"{model.name}-weights", weights_type())
    function = LearningFunction(setup, dead_letters, weights)
    scored = applied(stream, function, kind, model.name, "learn")
    return Learned(
        scored,
        letters_of(scored, dead_letters, model.on_error),
        Choice(Route.RECORD, "a record is scored by what those of its key before it have taught"),
        scored.get_side_output(weights) if model.publish_every else None,
    )


@checked("model")
def infer_with_weights(
    stream: "DataStream",
    model: OnlineModel,
    weights: "DataStream | None",
    *,
    key: Callable[[Any], Any],
    keep: Sequence[str] | None = None,
) -> Inferred:
    """Score another stream with the weights that `learn` publishes.

    Every subtask gets all weights (broadcast), so the stream needs no key and runs at any
    parallelism. A key whose weights have not been published is scored by the model as
    ``build`` makes it; the column ``updates`` says 0 then. Weights stay until newer ones come: the
    model's ``ttl`` does not count here, because Flink's broadcast state has none.

    Examples:
        >>> ms.infer_with_weights(views, model, learned.weights, key=lambda row: row.user)

    Args:
        stream: rows with named fields; they need no label.
        model: the one that learns.
        weights: ``Learned.weights``.
        key: record → the key whose weights score it.
        keep: fields that go on beside the model's; all if None.

    Raises:
        SignatureMismatchError: as `learn` does.
        OptionError: ``weights`` is None: the model that learns has no ``publish_every``.
    """
    _check_online(model, "infer_with_weights")
    if weights is None:
        raise OptionError(
            f"model {model.name!r} is to score with weights that are None: set publish_every on "
            f"the OnlineModel that learns, which gives its Learned.weights"
        )
    refuse_thread_mode(stream)
    setup, kind = _setup(model, stream.get_type(), keep, with_labels=False)
    dead_letters = OutputTag(f"{model.name}-score-dead-letters", letter_type())
    function = ScoringFunction(setup, key, dead_letters)
    connected = stream.connect(weights.broadcast(weights_state()))
    scored = applied(connected, function, kind, model.name, "score")
    return Inferred(
        scored,
        letters_of(scored, dead_letters, model.on_error),
        Choice(Route.RECORD, "a record is scored by the newest weights of its key"),
    )


@checked()
def export(model: OnlineModel, weights: bytes, directory: str | os.PathLike[str]) -> None:
    """Write weights that `learn` has published as a SavedModel, for `infer` and for serving.

    Its signature ``serving_default`` takes the inputs and gives the outputs by name.

    Args:
        model: the one that has learned them.
        weights: the column ``weights`` of a row of ``Learned.weights``.
        directory: where the SavedModel is made.

    Raises:
        StateError: these are not weights of this model.
    """
    from modelstream.online.learner import Learner  # imports TensorFlow

    memory = Memory.from_published(weights)
    learner = Learner(model)
    try:
        learner.check(memory)
        learner.save(memory.weights, os.fspath(directory))
    finally:
        learner.close()


@checked()
def decode_weights(weights: bytes) -> list[npt.NDArray[Any]]:
    """Published weights as arrays, in the order of the model's ``variables``.

    Args:
        weights: the column ``weights`` of a row of ``Learned.weights``.

    Raises:
        StateError: these are not weights, or of a version that this release does not read.
    """
    return codec.decode(weights)


def weights_type() -> RowTypeInfo:
    """Rows of published weights."""
    payload = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return row({"key": Types.STRING(), UPDATES: Types.LONG(), "weights": payload})


def _check_online(given: object, taker: str) -> None:
    if not isinstance(given, OnlineModel):
        raise OptionError(
            f"{taker} takes an OnlineModel, got {excerpt(given)}: infer takes models that do not "
            f"learn, infer_with_state those with a hidden state"
        )


def _setup(
    model: OnlineModel, kind: Any, keep: Sequence[str] | None, *, with_labels: bool
) -> tuple[Setup, RowTypeInfo]:
    """What the function needs, and the type of the rows that it gives."""
    read = (*model.inputs, *(model.labels if with_labels else ()))
    given = {name: type_of(spec) for name, spec in model.outputs.items()}
    given |= {LOSS: Types.FLOAT(), UPDATES: Types.LONG()}
    fields, kept, rows = through(kind, read, keep, given, model.name)
    return Setup(model, fields, kept), rows
