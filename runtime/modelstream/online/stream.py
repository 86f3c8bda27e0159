"""Online models on streams: from a keyed stream to scored rows, weights and dead letters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelstream.errors import OptionError
from modelstream.failure import DeadLetter
from modelstream.flink.environment import refuse_thread_mode
from modelstream.flink.keyed import check_keyed
from modelstream.flink.letters import letter_type
from modelstream.flink.types import check_fields, fields_of, refuse_same_names, row, type_of
from modelstream.online.definition import LOSS, UPDATES, OnlineModel, Specs

if TYPE_CHECKING:
    from pyflink.common.typeinfo import RowTypeInfo
    from pyflink.datastream import DataStream, KeyedStream

    from modelstream.online.lifecycle import Setup


@dataclass(frozen=True)
class Learned:
    """What comes out of an online model.

    Attributes:
        scored: rows of the kept fields, the outputs, ``loss`` (FLOAT: of this record, before it
            was learned from; null without a label) and ``updates`` (BIGINT: how many updates the
            weights had).
        weights: rows of ``key`` (STRING), ``updates`` (BIGINT) and ``weights`` (BYTES), for
            ``OnlineModel.score``; None unless ``publish_every`` is set.
        dead_letters: rows of `modelstream.scoring.letter.DEAD_LETTER_COLUMNS`; None unless
            ``on_error`` is DeadLetter.
    """

    scored: "DataStream"
    weights: "DataStream | None" = None
    dead_letters: "DataStream | None" = None


def learn(model: OnlineModel, stream: "KeyedStream", keep: Sequence[str] | None) -> Learned:
    """Score the records of a keyed stream and learn from them."""
    from pyflink.datastream import OutputTag

    from modelstream.online.function import LearningFunction

    check_keyed(stream, f"model {model.name!r}")
    refuse_thread_mode(stream)
    setup, kind = _setup(model, stream._original_data_type_info, keep, with_labels=True)
    dead_letters = OutputTag(f"{model.name}-dead-letters", letter_type())
    weights = OutputTag(f"{model.name}-weights", weights_type())
    function = LearningFunction(setup, dead_letters, weights)
    scored = stream.process(function, output_type=kind)
    scored = scored.name(f"{model.name}: learn").uid(f"modelstream-{model.name}-learn")
    return Learned(
        scored,
        scored.get_side_output(weights) if model.publish_every else None,
        scored.get_side_output(dead_letters) if isinstance(model.on_error, DeadLetter) else None,
    )


def score(
    model: OnlineModel,
    stream: "DataStream",
    weights: "DataStream | None",
    key: Callable[[Any], Any],
    keep: Sequence[str] | None,
) -> Learned:
    """Score a stream with broadcast weights; see `OnlineModel.score`."""
    from pyflink.datastream import OutputTag

    from modelstream.online.scorer import ScoringFunction, weights_state

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
    scored = connected.process(function, output_type=kind)
    scored = scored.name(f"{model.name}: score").uid(f"modelstream-{model.name}-score")
    return Learned(
        scored,
        dead_letters=(
            scored.get_side_output(dead_letters) if isinstance(model.on_error, DeadLetter) else None
        ),
    )


def weights_type() -> "RowTypeInfo":
    """Rows of published weights."""
    from pyflink.common import Types

    payload = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return row({"key": Types.STRING(), UPDATES: Types.LONG(), "weights": payload})


def _setup(
    model: OnlineModel, kind: Any, keep: Sequence[str] | None, *, with_labels: bool
) -> "tuple[Setup, RowTypeInfo]":
    """What the function needs, and the type of the rows that it gives."""
    from pyflink.common import Types

    from modelstream.online.lifecycle import Setup

    fields = fields_of(kind, model.name)
    read: Specs = {**model.inputs, **(model.labels if with_labels else {})}
    kept = tuple(fields if keep is None else keep)
    check_fields([*read, *kept], fields, model.name)
    given = {name: type_of(spec) for name, spec in model.outputs.items()}
    given |= {LOSS: Types.FLOAT(), UPDATES: Types.LONG()}
    refuse_same_names(kept, given, model.name)
    passed = {name: fields[name] for name in kept}
    return Setup(model, tuple(fields), kept), row({**passed, **given})
