"""Whole files as records: ``connector: filesystem, format: file``.

A tick source wakes a keyed function that lists the directory and puts out the paths that its
state has not seen; the bytes are read where the model is called. So an empty file is a record
too, each file is read once, and a checkpoint holds which files are done.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modelstream.convert.flinktypes import parse_type
from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.store import S3_SCHEMES, FileEntry, Store
from modelstream.job.tables import TablePlan, unused_name
from modelstream.models import ColumnType

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment, Table

METADATA = {
    "file.path": "STRING",
    "file.name": "STRING",
    "file.size": "BIGINT",
    "file.modification-time": "TIMESTAMP_LTZ(3)",
}
_PATH, _PATTERN, _INTERVAL = "path", "source.path.regex-pattern", "source.monitor-interval"
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class FileDecoder:
    """Reads the files whose paths it is given; the payload of a record is its path."""

    columns: tuple[ColumnType, ...]
    store: Store

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The content of each file, or why there is none."""
        return [self._record(payload) for payload in payloads]

    def _record(self, payload: bytes | None) -> dict[str, Any] | RecordError:
        (column,) = self.columns
        path = (payload or b"").decode("utf-8", "surrogateescape")
        try:
            content = self.store.read(path)
            text = parse_type(column.type).name == "STRING"
            return {column.name: content.decode("utf-8") if text else content}
        except UnicodeDecodeError as error:
            return ConversionError(f"byte {error.start} of {path} is not UTF-8 text")
        except OSError as error:
            return ConversionError(f"{path} cannot be read: {error.strerror or error}")


@dataclass(frozen=True)
class FileSource:
    """The files under a path as a table of paths and metadata."""

    plan: TablePlan
    store: Store
    decoder: FileDecoder
    payload: str
    pattern: str | None = None
    interval: timedelta | None = None

    def table(self, t_env: "StreamTableEnvironment") -> "Table":
        """One row a file: its path as bytes, and the metadata columns."""
        from pyflink.common import Types
        from pyflink.table.expressions import col

        ticks = t_env.to_data_stream(t_env.from_descriptor(self._ticks()))
        row = Types.ROW_NAMED(
            ["path", "name", "size", "modified"],
            [Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.STRING(), Types.LONG(), Types.LONG()],
        )
        listed = (
            ticks.key_by(lambda tick: 0, key_type=Types.INT())
            .process(_lister(self.store, self.pattern, self.interval), output_type=row)
            .name(f"files: {self.store.root}")
            .uid("modelstream-files")
            .rebalance()
        )
        paths = t_env.from_data_stream(listed)
        return paths.select(col("path").alias(self.payload), *self._metadata())

    def _metadata(self) -> list[Any]:
        from pyflink.table.expressions import col, to_timestamp_ltz

        sources = {
            "file.path": col("path").cast(_data_type("STRING")),
            "file.name": col("name"),
            "file.size": col("size"),
            "file.modification-time": to_timestamp_ltz(col("modified"), 3),
        }
        return [
            sources[column.metadata].cast(_data_type(column.type)).alias(column.name)
            for column in self.plan.columns
            if column.metadata
        ]

    def _ticks(self) -> Any:
        from pyflink.table import Schema, TableDescriptor

        schema = Schema.new_builder().column("tick", "BIGINT").build()
        builder = TableDescriptor.for_connector("datagen").schema(schema)
        builder.option("scan.parallelism", "1")
        if self.interval is None:
            return builder.option("number-of-rows", "1").build()
        rate = max(1, round(1 / self.interval.total_seconds()))
        return builder.option("rows-per-second", str(rate)).build()


def file_source(plan: TablePlan, options: Mapping[str, str]) -> FileSource:
    """The source that a manifest states with ``format: file``.

    Args:
        plan: the source.
        options: Flink's, for the keys of the file system.

    Raises:
        OptionError: columns or options that whole files do not have.
    """
    _check(plan)
    keys = {key: value for key, value in options.items() if key.startswith("s3.")}
    is_s3 = plan.options[_PATH].startswith(tuple(f"{scheme}://" for scheme in S3_SCHEMES))
    store = Store(plan.options[_PATH], keys if is_s3 else {})
    interval = plan.options.get(_INTERVAL)
    return FileSource(
        plan,
        store,
        FileDecoder((_content(plan),), store),
        unused_name("__path", plan.columns),
        plan.options.get(_PATTERN),
        None if interval is None else _duration(interval),
    )


def _check(plan: TablePlan) -> None:
    unknown = sorted(set(plan.options) - {_PATH, _PATTERN, _INTERVAL})
    if unknown:
        raise OptionError(
            f"pipeline.source.options: {', '.join(unknown)} is no option of whole files; "
            f"they have {_PATH}, {_PATTERN} and {_INTERVAL}"
        )
    for column in plan.columns:
        if column.metadata and column.metadata not in METADATA:
            raise OptionError(
                f"pipeline.source.schema: the column {column.name} holds the metadata "
                f"{column.metadata!r}, which a file does not have; it has {', '.join(METADATA)}"
            )
    try:
        re.compile(plan.options.get(_PATTERN, ""))
    except re.error as error:
        raise OptionError(f"pipeline.source.options.{_PATTERN}: {error}") from error


def _content(plan: TablePlan) -> ColumnType:
    contents = [column for column in plan.columns if not column.metadata]
    if len(contents) != 1 or parse_type(contents[0].type).name not in ("STRING", "BYTES"):
        raise OptionError(
            "pipeline.source.schema: format file gives one column of content, of type STRING or "
            "BYTES; the others name their metadata, such as {name: path, type: STRING, "
            "metadata: file.path}"
        )
    return ColumnType(contents[0].name, contents[0].type)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", text.lower())
    if match is None or match[2] not in _UNITS or int(match[1]) == 0:
        raise OptionError(
            f"pipeline.source.options.{_INTERVAL} is {text!r}; a duration such as 1 s or 500 ms"
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _data_type(sql_type: str) -> Any:
    from pyflink.table import DataTypes

    types = {"STRING": DataTypes.STRING(), "BIGINT": DataTypes.BIGINT()}
    types["TIMESTAMP_LTZ(3)"] = DataTypes.TIMESTAMP_LTZ(3)
    return types[sql_type]


def new_files(
    store: Store, pattern: str | None, seen: Callable[[str], bool]
) -> Iterator[FileEntry]:
    """The files under the store, in order, whose paths were not seen yet."""
    wanted = re.compile(pattern) if pattern else None
    for entry in store.files():
        if not seen(entry.path) and (wanted is None or wanted.fullmatch(entry.path)):
            yield entry


def _lister(store: Store, pattern: str | None, interval: timedelta | None) -> Any:
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import MapStateDescriptor

    class ListFiles(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
        def open(self, runtime_context: Any) -> None:
            descriptor = MapStateDescriptor("seen", Types.STRING(), Types.LONG())
            self._seen = runtime_context.get_map_state(descriptor)
            self._next = 0.0

        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            if time.monotonic() < self._next:
                return
            if interval is not None:
                self._next = time.monotonic() + interval.total_seconds() * 0.9
            for entry in new_files(store, pattern, self._seen.contains):
                self._seen.put(entry.path, entry.modified)
                path = entry.path.encode("utf-8", "surrogateescape")
                name = entry.path.rsplit("/", 1)[-1]
                yield Row(path, name, entry.size, entry.modified)

    return ListFiles()
