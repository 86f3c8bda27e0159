"""`infer`: a model over a DataStream, by one of three routes."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pyflink.datastream.data_stream import DataStream, KeyedStream
from pyflink.table import ChangelogMode, Schema, StreamTableEnvironment

from modelstream.failure import DeadLetter
from modelstream.flink import letters
from modelstream.flink.awaiting import awaited
from modelstream.flink.chains import leave_chain
from modelstream.flink.environment import agreed, configure, refuse_thread_mode
from modelstream.flink.jvm import end_chain, has_event_time, has_old_source, types_of
from modelstream.flink.operators import RowMaker, ScoreAsync, ScoreRecord
from modelstream.flink.route import Inferred, Route, choose
from modelstream.flink.tables import over_table
from modelstream.flink.types import StreamColumns
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment, Table


_ROWTIME, _ROWTIME_TYPE = "modelstream_rowtime", "TIMESTAMP_LTZ(3)"


def through_arrow(
    stream: DataStream, t_env: "StreamTableEnvironment", plan: Plan
) -> tuple[DataStream, DataStream | None]:
    """Scored rows, and dead letters or None. Times and watermarks of the stream stay."""
    timed = has_event_time(stream)
    if has_old_source(stream):
        end_chain(stream)
    schema = Schema.new_builder()
    if timed:
        schema.column_by_metadata(_ROWTIME, _ROWTIME_TYPE, "rowtime")
        schema.watermark(_ROWTIME, "SOURCE_WATERMARK()")
    inferred = over_table(
        t_env.from_data_stream(stream, schema.build()),
        plan,
        hidden=(_ROWTIME,) if timed else (),
        pin=lambda called: _pinned(called, t_env, timed=timed),
    )
    dead = inferred.dead_letters
    letters = None if dead is None else t_env.to_data_stream(dead)
    return _back(inferred.scored, t_env, timed=timed), letters


def _pinned(called: "Table", t_env: "StreamTableEnvironment", *, timed: bool) -> "Table":
    """One operator, however many tables are made of it: Flink plans each conversion anew."""
    schema = Schema.new_builder()
    if timed:
        schema.watermark(_ROWTIME, "SOURCE_WATERMARK()")
    return t_env.from_data_stream(t_env.to_data_stream(called), schema.build())


def _back(scored: "Table", t_env: "StreamTableEnvironment", *, timed: bool) -> DataStream:
    if not timed:
        return t_env.to_data_stream(scored)
    schema = Schema.new_builder()
    types: Mapping[str, str] = types_of(scored)
    for name, kind in types.items():
        if name != _ROWTIME:
            schema.column(name, kind)
    schema.column_by_metadata(_ROWTIME, _ROWTIME_TYPE, "rowtime")
    return t_env.to_changelog_stream(scored, schema.build(), ChangelogMode.insert_only())


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
    uncarried = source.uncarried(plan.kept)
    choice = choose(path, tuple(plan.bound.inputs), source.types, batch, uncarried)
    log.info("model %s: path %s", plan.model.name, choice)
    plan = replace(plan, batch=configure(environment, plan.batch))
    if choice.route is Route.ARROW:
        scored, dead = through_arrow(values, t_env, plan)
    else:
        apply = _asynchronous if choice.route is Route.ASYNC else _one_by_one
        scored, dead = apply(values, plan, RowMaker.of(plan, source))
    return Inferred(scored, dead, choice)


def _fed(source: StreamColumns, plan: Plan) -> Plan:
    """The plan, fed from the stream's columns; those that Flink knows are checked."""
    bound = replace(plan.bound, feeds=source.feed(plan.bound.feeds))
    if not source.objects:
        bound.check(source.types)
    keys = None if source.objects else source.types
    return replace(plan, bound=bound).over(source.keepable, keys)


Streams = tuple[DataStream, DataStream | None]


def _one_by_one(stream: DataStream, plan: Plan, rows: RowMaker) -> Streams:
    scored = stream.process(ScoreRecord(plan, rows), rows.kind)
    scored = scored.name(f"Score {plan.model.name}")
    leave_chain(stream, scored)
    if isinstance(plan.on_error, DeadLetter):
        letters.attach(scored)
    return scored, _letters(scored, plan)


def _asynchronous(stream: DataStream, plan: Plan, rows: RowMaker) -> Streams:
    batch = plan.batch or Batch()
    scored = awaited(stream, ScoreAsync(plan, rows), rows.kind, plan.on_error, batch)
    scored.name(f"Score {plan.model.name}")
    return scored, _letters(scored, plan)


def _letters(scored: DataStream, plan: Plan) -> DataStream | None:
    return letters.dead_letters(scored) if isinstance(plan.on_error, DeadLetter) else None
