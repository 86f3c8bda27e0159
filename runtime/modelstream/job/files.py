"""Whole files as records: ``connector: filesystem, format: file``.

The bytes are read where the model is called, so an empty file is a record too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelstream.convert.flinktypes import parse_type
from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.listing import OPTIONS, Listing, listing, metadata, path_text
from modelstream.job.store import Store
from modelstream.job.tables import TablePlan, unused_name
from modelstream.models import ColumnType

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment, Table


@dataclass(frozen=True)
class FileDecoder:
    """Reads the files whose paths it is given; the payload of a record is its path."""

    columns: tuple[ColumnType, ...]
    store: Store

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The content of each file, or why it cannot be read."""
        return [self._record(payload) for payload in payloads]

    def _record(self, payload: bytes | None) -> dict[str, Any] | RecordError:
        (column,) = self.columns
        path = path_text(payload or b"")
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
    files: Listing
    decoder: FileDecoder
    payload: str

    def table(self, t_env: "StreamTableEnvironment") -> "Table":
        """One row a file: its path as bytes, and the metadata columns."""
        from pyflink.table.expressions import col

        paths = t_env.from_data_stream(self.files.stream(t_env))
        return paths.select(col("path").alias(self.payload), *metadata(self.plan.columns))


def file_source(plan: TablePlan, options: Mapping[str, str]) -> FileSource:
    """The source that a manifest states with ``format: file``.

    Args:
        plan: the source.
        options: Flink's, for the keys of the file system.

    Raises:
        OptionError: columns or options that whole files do not have.
    """
    if unknown := sorted(set(plan.options) - set(OPTIONS)):
        raise OptionError(
            f"pipeline.source.options: {', '.join(unknown)} is not an option of whole files; "
            f"they have {', '.join(OPTIONS[:-1])} and {OPTIONS[-1]}"
        )
    files = listing(plan.options, plan.columns, options)
    decoder = FileDecoder((_content(plan),), files.store)
    return FileSource(plan, files, decoder, unused_name("__path", plan.columns))


def _content(plan: TablePlan) -> ColumnType:
    contents = [column for column in plan.columns if not column.metadata]
    if len(contents) != 1 or parse_type(contents[0].type).name not in ("STRING", "BYTES"):
        raise OptionError(
            "pipeline.source.schema: format file gives one column of content, of type STRING or "
            "BYTES; the others name their metadata, such as {name: path, type: STRING, "
            "metadata: file.path}"
        )
    return ColumnType(contents[0].name, contents[0].type)
