"""`infer`: a model over a DataStream, by one of three routes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyflink.datastream.data_stream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from modelstream.convert import Inputs
from modelstream.failure import DeadLetter, OnError
from modelstream.flink import bridge, letters
from modelstream.flink.awaiting import awaited
from modelstream.flink.chains import leave_chain
from modelstream.flink.environment import agreed, configure, refuse_thread_mode
from modelstream.flink.operators import ScoreAsync, ScoreRecord, Scoring
from modelstream.flink.results import Results
from modelstream.flink.route import Choice, Route, choose
from modelstream.flink.types import StreamColumns
from modelstream.models import BoundMethod, Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import bound_method, kept_columns

if TYPE_CHECKING:
    from pyflink.common import TypeInformation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InferredStream:
    """What comes out of `infer` over a DataStream.

    Attributes:
        scored: rows of the kept fields, then the model's columns.
        choice: the route that the records take, and why.
        dead_letters: rows of `modelstream.scoring.letter.DEAD_LETTER_COLUMNS`; None unless
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
    inputs: Inputs | None,
    outputs: Mapping[str, str] | None,
    keep: Sequence[str] | None,
    batch: Batch | None,
    on_error: OnError,
    key: str | None,
    warm_up: bool,
    path: str,
) -> InferredStream:
    """`infer` over a DataStream; see there."""
    refuse_thread_mode(stream)
    environment = stream.get_execution_environment()
    t_env = StreamTableEnvironment.create(environment)
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    source = StreamColumns.of(values, t_env)
    bound = _bound(source, bound_method(model, method, inputs, outputs))
    kept = kept_columns(source.keepable, keep, bound)
    batch = agreed(environment, batch)
    choice = choose(path, tuple(bound.inputs), source.types, batch)
    log.info("model %s: path %s", model.name, choice)
    configure(environment, batch)
    results = Results(kept, bound.output_columns, source.objects)
    scoring = Scoring(model, Bound(bound), results, batch, on_error, key, warm_up)
    if choice.route is Route.ARROW:
        scored, dead = bridge.through_arrow(values, t_env, bound, scoring)
    else:
        apply = _asynchronous if choice.route is Route.ASYNC else _one_by_one
        scored, dead = apply(values, scoring, results.type(source))
    return InferredStream(scored, choice, dead)


def _bound(source: StreamColumns, bound: BoundMethod) -> BoundMethod:
    """The method, fed from the stream's columns; those that Flink knows are checked."""
    fed = replace(bound, feeds=source.feed(bound.feeds))
    if not source.objects:
        fed.check(source.types)
    return fed


Streams = tuple[DataStream, DataStream | None]


def _one_by_one(stream: DataStream, scoring: Scoring, kind: "TypeInformation") -> Streams:
    scored = stream.process(ScoreRecord(scoring), kind).name(f"Score {scoring.model.name}")
    leave_chain(stream, scored)
    if isinstance(scoring.on_error, DeadLetter):
        letters.attach(scored)
    return scored, _letters(scored, scoring)


def _asynchronous(stream: DataStream, scoring: Scoring, kind: "TypeInformation") -> Streams:
    scored = awaited(stream, ScoreAsync(scoring), kind, scoring.on_error, scoring.batch)
    scored.name(f"Score {scoring.model.name}")
    return scored, _letters(scored, scoring)


def _letters(scored: DataStream, scoring: Scoring) -> DataStream | None:
    return letters.dead_letters(scored) if isinstance(scoring.on_error, DeadLetter) else None
