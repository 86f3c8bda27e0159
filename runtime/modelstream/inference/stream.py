"""`infer`: a model over a DataStream, by one of three routes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyflink.common import Time, Types
from pyflink.datastream import AsyncDataStream
from pyflink.datastream.data_stream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from modelstream.batching import Batch, configure
from modelstream.deadletter import DEAD_LETTER_COLUMNS, DeadLetter, OnError
from modelstream.inference import bridge, letters
from modelstream.inference.environments import refuse_thread_mode
from modelstream.inference.operators import ScoreAsync, ScoreRecord, Scoring, Split
from modelstream.inference.results import Results
from modelstream.inference.route import Choice, Route, choose
from modelstream.inference.sources import leave_chain
from modelstream.inference.streamed import StreamColumns
from modelstream.inference.table import bound_method, kept_columns
from modelstream.inference.typeinfo import row_type
from modelstream.model import BoundMethod, Method, Model

if TYPE_CHECKING:
    from pyflink.common import TypeInformation

log = logging.getLogger(__name__)

_IN_FLIGHT_BATCHES = 4
_FOREVER = 0  # any other time-out costs a thread for each record


@dataclass(frozen=True)
class InferredStream:
    """What comes out of `infer` over a DataStream.

    Attributes:
        scored: rows of the kept fields, then the model's columns.
        choice: the route that the records take, and why.
        dead_letters: rows of ``modelstream.deadletter.DEAD_LETTER_COLUMNS``; None unless
            ``on_error`` is DeadLetter.
    """

    scored: DataStream
    choice: Choice
    dead_letters: DataStream | None = None


@dataclass(frozen=True)
class Bound:
    """A method that is tied to a model already, as a method."""

    bound: BoundMethod

    def bind(self, model: Model) -> BoundMethod:
        """What it was tied to."""
        return self.bound


def infer_stream(
    stream: DataStream,
    model: Model,
    method: Method | None = None,
    *,
    inputs: Mapping[str, str] | None,
    outputs: Mapping[str, str] | None,
    keep: Sequence[str] | None,
    batch: Batch,
    on_error: OnError,
    key: str | None,
    warm_up: bool,
    path: str,
) -> InferredStream:
    """`infer` over a DataStream; see there."""
    refuse_thread_mode(stream)
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    t_env = StreamTableEnvironment.create(stream.get_execution_environment())
    source = StreamColumns.of(values, t_env)
    bound = bound_method(model, method, inputs, outputs)
    bound = replace(bound, feeds=source.feed(bound.feeds))
    if not source.objects:
        bound.check(source.types)
    kept = kept_columns(source.kept_by_default(), keep, bound)
    choice = choose(path, tuple(bound.inputs), source.types, batch)
    log.info("model %s: path %s", model.name, choice)
    configure(stream.get_execution_environment(), batch)
    results = Results.of(kept, bound)
    scoring = Scoring(model, Bound(bound), results, batch, on_error, key, warm_up)
    match choice.route:
        case Route.ARROW:
            scored, dead = bridge.through_arrow(values, t_env, bound, scoring)
        case Route.ASYNC:
            scored, dead = _asynchronous(values, scoring, results.type(source))
        case _:
            scored, dead = _one_by_one(values, scoring, results.type(source))
    return InferredStream(scored, choice, dead)


Streams = tuple[DataStream, DataStream | None]


def _one_by_one(stream: DataStream, scoring: Scoring, kind: "TypeInformation") -> Streams:
    scored = stream.process(ScoreRecord(scoring), kind).name(f"Score {scoring.model.name}")
    leave_chain(stream, scored)
    if not isinstance(scoring.on_error, DeadLetter):
        return scored, None
    return scored, letters.dead_letters(letters.attach(scored))


def _asynchronous(stream: DataStream, scoring: Scoring, kind: "TypeInformation") -> Streams:
    lettered = isinstance(scoring.on_error, DeadLetter)
    result = (
        Types.ROW_NAMED(["scored", "letter"], [kind, row_type(DEAD_LETTER_COLUMNS)])
        if lettered
        else kind
    )
    both = AsyncDataStream.ordered_wait(
        stream,
        ScoreAsync(scoring),
        Time.milliseconds(_FOREVER),
        scoring.batch.limit * _IN_FLIGHT_BATCHES,
        result,
    ).name(f"Score {scoring.model.name}")
    leave_chain(stream, both)
    if not lettered:
        return both, None
    # Apart from the asynchronous function, which cannot hand records to a side output.
    scored = both.process(Split(), kind).start_new_chain()
    return scored, letters.dead_letters(letters.attach(scored))
