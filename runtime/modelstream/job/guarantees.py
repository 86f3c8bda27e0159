"""What a sink that is exactly-once cannot do without, and what it gets where nothing is said."""

from collections.abc import Mapping

from modelstream.errors import JobError
from modelstream.job import statements
from modelstream.job.statements import Statement
from modelstream_crds.stream import is_exactly_once
from modelstream_crds.v1alpha1 import Metadata, ModelStreamSpec, RuntimeMode

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
        connector: of the sink.
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
