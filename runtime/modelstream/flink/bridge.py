"""A DataStream through a table, and back: Arrow's throughput for a stream."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyflink.datastream import DataStream
from pyflink.table import ChangelogMode, Schema

from modelstream.flink.jvm import end_chain, has_event_time, has_old_source, types_of
from modelstream.flink.tables import over_table
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
