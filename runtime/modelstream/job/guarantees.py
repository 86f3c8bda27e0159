"""What is guaranteed on each leg of a job, and what exactly-once cannot do without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelstream.errors import JobError
from modelstream.job import statements
from modelstream.job.statements import Statement
from modelstream_crds.stream import is_exactly_once
from modelstream_crds.v1alpha1 import Metadata, ModelStreamSpec, RuntimeMode, Sink, Source

KAFKA = ("kafka", "upsert-kafka")
PREFIX = "sink.transactional-id-prefix"
_TIMEOUT = "properties.transaction.timeout.ms"
_LONGEST = "900000"
"""What a broker allows unless it is told otherwise. Flink asks for an hour, which it refuses."""


def identity(metadata: Metadata) -> str:
    """What tells one job from others that write to the same broker, in this run and the next."""
    return ".".join(part for part in (metadata.namespace, metadata.name) if part)


def kafka_defaults(connector: str, options: Mapping[str, str], owner: str) -> dict[str, str]:
    """What Kafka's transactions need.

    Args:
        connector: the sink's.
        options: as the manifest has them.
        owner: the job and its sink: no other may have transactions of that name.
    """
    if connector not in KAFKA or not is_exactly_once(options):
        return {}
    return {PREFIX: owner, _TIMEOUT: _LONGEST}


def check_statements(spec: ModelStreamSpec) -> None:
    """The tables that a script writes to can keep what they promise.

    Raises:
        JobError: one cannot; what to write instead.
    """
    if spec.sql is None:
        return
    found = statements.split(spec.sql.statements)
    for statement in statements.sinks(found):
        if is_exactly_once(statement.options):
            _check(statement, spec, {key for each in found for key in each.options})


def _check(statement: Statement, spec: ModelStreamSpec, stated: set[str]) -> None:
    where = f"sql.statements, {statement}: {statement.table}"
    if spec.state is None and spec.flink.runtime_mode is RuntimeMode.STREAMING:
        raise JobError(
            f"{where} is exactly-once, and a job without state reads all again when it restarts: "
            f"write spec.state.storage, or 'sink.delivery-guarantee' = 'at-least-once'"
        )
    if statement.options.get("connector") in KAFKA and PREFIX not in stated:
        raise JobError(
            f"{where} is exactly-once, for which Kafka's transactions need a name that no other "
            f"job has: write '{PREFIX}' = '{statement.table}', and '{_TIMEOUT}' = '{_LONGEST}', "
            f"as brokers allow no more than these 15 minutes unless they are told otherwise"
        )


@dataclass(frozen=True)
class Leg:
    """A part of a job's way, and what is guaranteed there."""

    name: str
    guarantee: str


def legs(spec: ModelStreamSpec) -> Iterator[Leg]:
    """What is guaranteed on each leg, in words; the whole job has the weakest of them."""
    if spec.pipeline is None:
        kept = "from the last checkpoint" if _goes_on(spec) else "from the beginning"
        yield Leg("tables", f"what each connector promises; after a failure the job reads {kept}")
        return
    yield Leg("source", _of_source(spec, spec.pipeline.source))
    yield Leg("model", "stateless: a record that is read again is scored again")
    yield Leg("sink", _of_sink(spec, spec.pipeline.sink))
    if spec.pipeline.dead_letter is not None:
        yield Leg("deadLetter", _of_sink(spec, spec.pipeline.dead_letter))


def _goes_on(spec: ModelStreamSpec) -> bool:
    return spec.state is not None and spec.flink.runtime_mode is RuntimeMode.STREAMING


def _of_source(spec: ModelStreamSpec, source: Source) -> str:
    if not _goes_on(spec):
        return "read from where it starts, each time that the job starts"
    match source.connector, source.format:
        case "filesystem", "file":
            return "exactly-once: the paths that are done are part of every checkpoint"
        case "kafka", _:
            return "exactly-once: its offsets are part of every checkpoint"
        case "filesystem", _:
            return "exactly-once: what is read of its files is part of every checkpoint"
        case _:
            return f"what the connector {source.connector} promises"


def _of_sink(spec: ModelStreamSpec, sink: Sink) -> str:
    batch = spec.flink.runtime_mode is RuntimeMode.BATCH
    match sink.connector:
        case "filesystem" if batch:
            return "files are published whole at the end of the job"
        case "filesystem" if _goes_on(spec):
            return "exactly-once: files are published whole, at checkpoints"
        case "filesystem":
            return "files are published whole, at checkpoints; what is read again comes twice"
        case "kafka" | "upsert-kafka" if is_exactly_once(sink.options):
            return "exactly-once for readers with isolation.level=read_committed, at checkpoints"
        case "kafka":
            return "at-least-once: what is read again comes twice"
        case "upsert-kafka":
            return "the last value of a key stands, however often it comes"
        case "print" | "blackhole":
            return "none: nothing is kept"
        case _:
            return f"what the connector {sink.connector} promises"
