"""The embedded Flink: small environments in both ways to run Python functions, and their sinks."""

import atexit
import base64
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.jobs import rows
from tests.support.jvm import WORKER
from tests.support.worker import executable

from modelstream.convert import ColumnType
from modelstream.flink.columns import quoted
from modelstream.flink.jvm import types_of

if TYPE_CHECKING:
    from pyflink.datastream import DataStream, StreamExecutionEnvironment
    from pyflink.table import StatementSet, StreamTableEnvironment, Table

ROOT = Path(__file__).parents[2]
# A job that fails or is cancelled hangs up on the threads of its Python functions; they say so.
HUNG_UP = pytest.mark.filterwarnings(
    "ignore:Exception in thread read_grpc_client_inputs"
    ":pytest.PytestUnhandledThreadExceptionWarning"
)
MODES = [pytest.param(False, id="threads"), pytest.param(True, id="processes")]


def environment(
    options: Mapping[str, str] | None = None, *, batch: bool = False
) -> "StreamTableEnvironment":
    """One slot, little memory, no restart unless the options say otherwise."""
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment

    mode = EnvironmentSettings.new_instance()
    settings = (mode.in_batch_mode() if batch else mode.in_streaming_mode()).build()
    return StreamTableEnvironment.create(stream_environment(options), settings)


def stream_environment(options: Mapping[str, str] | None = None) -> "StreamExecutionEnvironment":
    """The same for DataStreams."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment

    configuration = Configuration()
    defaults = {
        "python.executable": executable(),
        "python.pythonpath": str(ROOT),  # worker processes import what the tests define
        "parallelism.default": "1",
        "restart-strategy.type": "none",
        "taskmanager.memory.managed.size": "32m",
        "taskmanager.memory.network.min": "16m",
        "taskmanager.memory.network.max": "16m",
    }
    for name, value in {**defaults, **(options or {})}.items():
        configuration.set_string(name, value)
    return StreamExecutionEnvironment.get_execution_environment(configuration)


def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run Python functions in worker processes, as a cluster does, instead of in threads."""
    monkeypatch.setenv(WORKER, "process")


def numbers(t_env: "StreamTableEnvironment", values: list[float | None]) -> "Table":
    """A table with ``id`` BIGINT, counted from 0, and ``x`` FLOAT."""
    return table(t_env, "id BIGINT, x FLOAT", list(enumerate(values)))


def table(t_env: "StreamTableEnvironment", schema: str, values: list[Any]) -> "Table":
    """Rows as a table: from a file, because Flink would make constants of literal rows."""
    directory = Path(tempfile.mkdtemp(prefix="modelstream-test-rows-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    names = [column.split()[0] for column in _columns(schema)]
    documents = [json.dumps(dict(zip(names, each, strict=True)), default=_json) for each in values]
    (directory / "rows.json").write_text("".join(f"{document}\n" for document in documents))
    name = f"rows_{directory.name.rpartition('-')[2]}"
    fields = ", ".join(
        f"{quoted(column.split()[0])} {' '.join(column.split()[1:])}" for column in _columns(schema)
    )
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE {quoted(name)} ({fields}) WITH ('connector' = 'filesystem', "
        f"'format' = 'json', 'path' = '{directory}')"
    )
    return t_env.from_path(quoted(name))


def _json(value: Any) -> str:
    return base64.b64encode(value).decode()


def _columns(schema: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(schema):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append(schema[start:at].strip())
            start = at + 1
    return [*parts, schema[start:].strip()]


def into_files(inserts: "StatementSet", given: "Table", directory: Path) -> Path:
    """Add an INSERT into JSON files under the directory."""
    from pyflink.table import Schema, TableDescriptor

    schema = Schema.new_builder()
    for name, kind in types_of(given).items():
        schema.column(name, kind)
    sink = TableDescriptor.for_connector("filesystem").schema(schema.build()).format("json")
    inserts.add_insert(sink.option("path", str(directory)).build(), given)
    return directory


def run(t_env: "StreamTableEnvironment", tables: Mapping[str, "Table"], directory: Path) -> None:
    """Insert every table into files of its own, in one job, and wait for its end."""
    inserts = t_env.create_statement_set()
    for name, given in tables.items():
        into_files(inserts, given, directory / name)
    inserts.execute().wait()


def collected(given: "Table") -> list[tuple[Any, ...]]:
    """Every row of a bounded table."""
    with given.execute().collect() as results:
        return [tuple(result) for result in results]


def streamed(given: "DataStream") -> list[Any]:
    """Every record of a bounded stream."""
    with given.execute_and_collect() as results:
        return list(results)


def stopped(client: Any, directory: Path, *, drain: bool = False) -> str:
    """Stop with a savepoint; PyFlink's own method calls one that Flink 2 does not have.

    A job that is drained comes to the end of its input there and publishes what it has.
    """
    from pyflink.java_gateway import get_gateway

    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    future = client._j_job_client.stopWithSavepoint(drain, directory.as_uri(), formats.CANONICAL)
    return str(future.get())


def until(condition: Callable[[], bool], what: str = "it took too long") -> None:
    """Wait for it, at most five minutes."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def columns(given: "Table") -> list[ColumnType]:
    """Names and types."""
    return [ColumnType(name, kind) for name, kind in types_of(given).items()]


__all__ = [
    "HUNG_UP",
    "MODES",
    "collected",
    "columns",
    "environment",
    "in_processes",
    "into_files",
    "numbers",
    "rows",
    "run",
    "stopped",
    "stream_environment",
    "streamed",
    "table",
    "until",
]
