"""`infer`: a model over a DataStream, by one of three routes."""

import logging
from dataclasses import replace

from pyflink.datastream.data_stream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from modelstream.failure import DeadLetter
from modelstream.flink import letters
from modelstream.flink.awaiting import awaited
from modelstream.flink.bridge import through_arrow
from modelstream.flink.chains import leave_chain
from modelstream.flink.environment import agreed, configure, refuse_thread_mode
from modelstream.flink.operators import Results, ScoreAsync, ScoreRecord
from modelstream.flink.route import Inferred, Route, choose
from modelstream.flink.types import StreamColumns
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

log = logging.getLogger(__name__)


def over_stream(stream: DataStream, plan: Plan, path: str) -> Inferred:
    """The plan over the records of a stream, by the route that is asked for."""
    refuse_thread_mode(stream)
    environment = stream.get_execution_environment()
    t_env = StreamTableEnvironment.create(environment)
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    source = StreamColumns.of(values, t_env)
    batch = agreed(environment, plan.batch)
    plan = _fed(source, plan)
    choice = choose(path, tuple(plan.bound.inputs), source.types, batch)
    log.info("model %s: path %s", plan.model.name, choice)
    plan = replace(plan, batch=configure(environment, plan.batch))
    if choice.route is Route.ARROW:
        scored, dead = through_arrow(values, t_env, plan)
    else:
        apply = _asynchronous if choice.route is Route.ASYNC else _one_by_one
        scored, dead = apply(values, plan, Results.of(plan, source))
    return Inferred(scored, dead, choice)


def _fed(source: StreamColumns, plan: Plan) -> Plan:
    """The plan, fed from the stream's columns; those that Flink knows are checked."""
    bound = replace(plan.bound, feeds=source.feed(plan.bound.feeds))
    if not source.objects:
        bound.check(source.types)
    keys = None if source.objects else source.types
    return replace(plan, bound=bound).over(source.keepable, keys)


Streams = tuple[DataStream, DataStream | None]


def _one_by_one(stream: DataStream, plan: Plan, results: Results) -> Streams:
    scored = stream.process(ScoreRecord(plan, results), results.kind)
    scored = scored.name(f"Score {plan.model.name}")
    leave_chain(stream, scored)
    if isinstance(plan.on_error, DeadLetter):
        letters.attach(scored)
    return scored, _letters(scored, plan)


def _asynchronous(stream: DataStream, plan: Plan, results: Results) -> Streams:
    batch = plan.batch or Batch()
    scored = awaited(stream, ScoreAsync(plan, results), results.kind, plan.on_error, batch)
    scored.name(f"Score {plan.model.name}")
    return scored, _letters(scored, plan)


def _letters(scored: DataStream, plan: Plan) -> DataStream | None:
    return letters.dead_letters(scored) if isinstance(plan.on_error, DeadLetter) else None
