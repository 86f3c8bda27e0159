"""The files under a path as they come, for sources that are read beside Flink.

A tick source wakes a keyed function that lists the directory and puts out the paths that its
state has not seen. So each file is read once, and a checkpoint holds which files are done.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modelstream.errors import OptionError
from modelstream.job.store import S3_SCHEMES, FileEntry, Store
from modelstream_crds.v1alpha1 import Column

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import StreamTableEnvironment

METADATA = {
    "file.path": "STRING",
    "file.name": "STRING",
    "file.size": "BIGINT",
    "file.modification-time": "TIMESTAMP_LTZ(3)",
}
PATH, PATTERN, INTERVAL = "path", "source.path.regex-pattern", "source.monitor-interval"
OPTIONS = (PATH, PATTERN, INTERVAL)
"""Flink's options of a filesystem source that are honoured here."""
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Listing:
    """The files under a path, each once.

    Attributes:
        store: where they are.
        pattern: what their whole paths must match.
        interval: between two looks for new ones; None for one look.
    """

    store: Store
    pattern: str | None = None
    interval: timedelta | None = None

    def stream(self, t_env: "StreamTableEnvironment") -> "DataStream":
        """One row a file, spread over the tasks: path (bytes), name, size, modified (ms)."""
        from pyflink.common import Types

        ticks = t_env.to_data_stream(t_env.from_descriptor(self._ticks()))
        return (
            ticks.key_by(lambda tick: 0, key_type=Types.INT())
            .process(_lister(self), output_type=Types.ROW_NAMED(*file_fields()))
            .name(f"files: {self.store.root}")
            .uid("modelstream-files")
            .rebalance()
        )

    def _ticks(self) -> Any:
        from pyflink.table import Schema, TableDescriptor

        schema = Schema.new_builder().column("tick", "BIGINT").build()
        builder = TableDescriptor.for_connector("datagen").schema(schema)
        builder.option("scan.parallelism", "1")
        if self.interval is None:
            return builder.option("number-of-rows", "1").build()
        rate = max(1, round(1 / self.interval.total_seconds()))
        return builder.option("rows-per-second", str(rate)).build()


def listing(
    source: Mapping[str, str], columns: Sequence[Column], options: Mapping[str, str]
) -> Listing:
    """The files that a source names.

    Args:
        source: the source's own options, all among OPTIONS.
        columns: the source's.
        options: Flink's, for the keys of the file system.

    Raises:
        OptionError: a value that cannot be honoured, or metadata that a file does not have.
    """
    _check_metadata(columns)
    interval = source.get(INTERVAL)
    return Listing(
        store_of(source[PATH], options),
        _pattern(source.get(PATTERN)),
        None if interval is None else _duration(interval),
    )


def store_of(path: str, options: Mapping[str, str]) -> Store:
    """Where the files of a path are, with the keys that Flink's options hold.

    Raises:
        OptionError: they cannot be read from here.
    """
    keys = {key: value for key, value in options.items() if key.startswith("s3.")}
    is_s3 = path.startswith(tuple(f"{scheme}://" for scheme in S3_SCHEMES))
    return Store(path, keys if is_s3 else {})


def file_fields() -> tuple[list[str], list[Any]]:
    """The fields that describe a file in a stream, with their types."""
    from pyflink.common import Types

    types = [Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.STRING(), Types.LONG(), Types.LONG()]
    return ["path", "name", "size", "modified"], types


def metadata(columns: Sequence[Column]) -> list[Any]:
    """The metadata columns of a schema, of a table with the fields that describe a file."""
    from pyflink.table.expressions import col, to_timestamp_ltz

    sources = {
        "file.path": col("path").cast(_data_type("STRING")),
        "file.name": col("name"),
        "file.size": col("size"),
        "file.modification-time": to_timestamp_ltz(col("modified"), 3),
    }
    return [
        sources[column.metadata].cast(_data_type(column.type)).alias(column.name)
        for column in columns
        if column.metadata
    ]


def new_files(
    store: Store, pattern: str | None, seen: Callable[[str], bool]
) -> Iterator[FileEntry]:
    """The files under the store, in order, whose paths were not seen yet."""
    wanted = re.compile(pattern) if pattern else None
    for entry in store.files():
        if not seen(entry.path) and (wanted is None or wanted.fullmatch(entry.path)):
            yield entry


def path_bytes(path: str) -> bytes:
    """A path as it is in the file system, which may not be text."""
    return path.encode("utf-8", "surrogateescape")


def path_text(path: bytes) -> str:
    """What `path_bytes` was made of."""
    return path.decode("utf-8", "surrogateescape")


def _check_metadata(columns: Sequence[Column]) -> None:
    for column in columns:
        if column.metadata and column.metadata not in METADATA:
            raise OptionError(
                f"pipeline.source.schema: the column {column.name} holds the metadata "
                f"{column.metadata!r}, which a file does not have; it has {', '.join(METADATA)}"
            )


def _pattern(text: str | None) -> str | None:
    try:
        re.compile(text or "")
    except re.error as error:
        raise OptionError(f"pipeline.source.options.{PATTERN}: {error}") from error
    return text


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", text.lower())
    if match is None or match[2] not in _UNITS or int(match[1]) == 0:
        raise OptionError(
            f"pipeline.source.options.{INTERVAL} is {text!r}; a duration such as 1 s or 500 ms"
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _data_type(sql_type: str) -> Any:
    from pyflink.table import DataTypes

    types = {"STRING": DataTypes.STRING(), "BIGINT": DataTypes.BIGINT()}
    types["TIMESTAMP_LTZ(3)"] = DataTypes.TIMESTAMP_LTZ(3)
    return types[sql_type]


def _lister(listed: Listing) -> Any:
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import MapStateDescriptor

    store, pattern, interval = listed.store, listed.pattern, listed.interval

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
                name = entry.path.rsplit("/", 1)[-1]
                yield Row(path_bytes(entry.path), name, entry.size, entry.modified)

    return ListFiles()
