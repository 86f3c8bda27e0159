"""Sources and sinks of the manifest as Flink tables: descriptors, never text with names in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelstream.errors import JobError
from modelstream.job.connectors import Endpoint
from modelstream.job.guarantees import kafka_defaults
from modelstream.job.secrets import Secrets
from modelstream_crds.v1alpha1 import Column, Sink, Source

if TYPE_CHECKING:
    from pyflink.table import Schema, TableDescriptor

# A file that is being written is published at the checkpoint after it has been rolled. Flink's
# own default is half an hour, which looks like a job that writes nothing.
_PUBLISH_SOON = {
    "sink.rolling-policy.rollover-interval": "1 min",
    "sink.rolling-policy.inactivity-interval": "10 s",
    "sink.rolling-policy.check-interval": "5 s",
}


@dataclass(frozen=True)
class TablePlan:
    """A table as Flink will see it."""

    connector: str
    format: str | None
    options: Mapping[str, str]
    columns: tuple[Column, ...] = ()

    def descriptor(self) -> "TableDescriptor":
        """The table in Flink's terms; a sink without columns takes those of its query."""
        from pyflink.table import TableDescriptor

        builder = TableDescriptor.for_connector(self.connector)
        for key, value in self.all_options().items():
            builder.option(key, value)
        if self.columns:
            builder.schema(_schema(self.columns))
        return builder.build()

    def all_options(self) -> dict[str, str]:
        """The options and the format, as a CREATE TABLE would list them."""
        named = {} if self.format is None else {format_key(self.connector): self.format}
        return {**named, **self.options}


def format_key(connector: str) -> str:
    """The option that names the format; upsert-kafka has one for key and value each."""
    return "value.format" if connector == "upsert-kafka" else "format"


def source_plan(source: Source, secrets: Secrets) -> TablePlan:
    """The source as the manifest states it."""
    return TablePlan(
        source.connector,
        source.format,
        {
            **source.options,
            **secrets.options(source.secret_options, "pipeline.source.secretOptions"),
        },
        source.schema_,
    )


def sink_plan(sink: Sink, secrets: Secrets, field: str, job: str) -> TablePlan:
    """A sink as the manifest states it, and with what the manifest leaves out.

    Args:
        sink: as the manifest has it.
        secrets: reads secret options.
        field: its place there.
        job: what tells the job from others.
    """
    secret = secrets.options(sink.secret_options, f"pipeline.{field}.secretOptions")
    defaults = dict(_PUBLISH_SOON) if sink.connector == "filesystem" else {}
    defaults |= kafka_defaults(sink.connector, sink.options, f"{job}.{field}")
    return TablePlan(sink.connector, sink.format, {**defaults, **sink.options, **secret})


def endpoint(field: str, table: Source | Sink) -> Endpoint:
    """What the catalogue needs to know of a table."""
    options = {**table.options, **dict.fromkeys(table.secret_options, "(secret)")}
    return Endpoint(f"pipeline.{field}", table.connector, table.format, options)


def raw_columns(payload: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a source whose records come undecoded: the payload and the metadata.

    Raises:
        JobError: the schema has nothing to decode into.
    """
    if all(column.metadata for column in columns):
        raise JobError(
            "pipeline.source.schema: every column is metadata; name a field of the record too"
        )
    metadata = tuple(column for column in columns if column.metadata)
    return (Column(name=payload, type="BYTES"), *metadata)


def unused_name(wish: str, columns: Sequence[Column]) -> str:
    """``wish``, with underscores added until no column has that name."""
    taken = {column.name for column in columns}
    while wish in taken:
        wish += "_"
    return wish


def _schema(columns: Sequence[Column]) -> "Schema":
    from pyflink.table import Schema

    builder = Schema.new_builder()
    for column in columns:
        if column.metadata:
            builder.column_by_metadata(column.name, column.type, column.metadata, True)
        else:
            builder.column(column.name, column.type)
    return builder.build()
