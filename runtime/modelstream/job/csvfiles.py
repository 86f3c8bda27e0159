"""The records of CSV files, undecoded: cut where Flink's csv format cuts them.

A source of lines would not do: a line break inside of quotes ends no record. As with Flink's own
csv format, a file is read by one task, from its beginning to its end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from modelstream.errors import OptionError
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.listing import OPTIONS, Listing, file_fields, listing, metadata, path_text
from modelstream.job.store import Store
from modelstream.job.tables import TablePlan

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment, Table

_CHUNK = 1 << 20  # characters
_RECORD, _LINE = "record", "line"


@dataclass(frozen=True)
class CsvFiles:
    """The records of the CSV files under a path.

    Attributes:
        plan: the source.
        files: under its path.
        dialect: how they are written.
    """

    plan: TablePlan
    files: Listing
    dialect: Dialect

    def table(self, t_env: "StreamTableEnvironment", payload: str, path: str, line: str) -> "Table":
        """One row a record: its bytes, the metadata columns, its file (as bytes) and its line.

        Args:
            t_env: where.
            payload: the column of the record's bytes.
            path: the column of its file.
            line: the column of the line that it begins at.
        """
        from pyflink.common import Types
        from pyflink.table.expressions import col

        names, types = file_fields()
        own = [Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.LONG()]
        row = Types.ROW_NAMED([_RECORD, _LINE, *names], [*own, *types])
        records = (
            self.files.stream(t_env)
            .process(_reader(self.files.store, self.dialect), output_type=row)
            .name("csv records")
            .uid("modelstream-csv-records")
        )
        table = t_env.from_data_stream(records)
        place = (col("path").alias(path), col(_LINE).alias(line))
        return table.select(col(_RECORD).alias(payload), *metadata(self.plan.columns), *place)


def csv_files(plan: TablePlan, dialect: Dialect, options: Mapping[str, str]) -> CsvFiles:
    """The source that a manifest states with ``connector: filesystem, format: csv``.

    Args:
        plan: the source, without the options of its format.
        dialect: what those say.
        options: Flink's, for the keys of the file system.

    Raises:
        OptionError: an option, a file system or metadata that only Flink's own source has.
    """
    try:
        if unknown := sorted(set(plan.options) - set(OPTIONS)):
            raise OptionError(
                f"pipeline.source.options: {', '.join(unknown)} cannot be honoured; known are "
                f"{', '.join(OPTIONS)}"
            )
        return CsvFiles(plan, listing(plan.options, plan.columns, options), dialect)
    except OptionError as error:
        raise OptionError(
            f"{error}. So it is where CSV files are read for onError DeadLetter or Drop: write "
            f"inference.onError: Fail to have Flink read them"
        ) from None


def records(store: Store, path: str, dialect: Dialect) -> Iterator[tuple[int, bytes]]:
    """The records of one file, each with its line; bytes that are not UTF-8 stay what they are.

    Raises:
        OSError: the file is gone or may not be read.
    """
    with store.open(path) as stream:
        text = TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
        for line, record in dialect.numbered(iter(lambda: text.read(_CHUNK), "")):
            yield line, record.encode("utf-8", "surrogateescape")


def _reader(store: Store, dialect: Dialect) -> Any:
    from pyflink.common import Row
    from pyflink.datastream import ProcessFunction

    class ReadRecords(ProcessFunction):  # type: ignore[misc]  # pyflink has no types
        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            path, name, size, modified = value
            for line, record in records(store, path_text(bytes(path)), dialect):
                yield Row(record, line, path, name, size, modified)

    return ReadRecords()
