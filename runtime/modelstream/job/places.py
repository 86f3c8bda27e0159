"""Where in its topic or file a bad record stands.

Flink's sources of lines (json, raw) tell a record's file and not its line, and of a record that
Flink itself could not decode neither of the two. So the line is looked for, in the file and only
for records that failed: from where the last one was found on, as a task reads a file from its
beginning to its end.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelstream.job.listing import PATH, store_of
from modelstream.job.store import Store, local_path
from modelstream.job.tables import TablePlan, unused_name
from modelstream_crds.v1alpha1 import Column, Source

if TYPE_CHECKING:
    from pyflink.table import Expression


_OFFSET = "CONCAT(`{}`, '/', CAST(`{}` AS STRING), '@', CAST(`{}` AS STRING))"
_OPEN = 4
"""Files that are kept open at a time."""
_AGAIN = 16
"""How often a file is searched from its beginning again, where its records do not come in order."""


@dataclass
class Places:
    """Finds records in the files of a source.

    Attributes:
        store: where the files are.
        prefix: what their addresses begin with, which Flink leaves out.
    """

    store: Store
    prefix: str = ""
    _reading: dict[str, Iterator[tuple[int, bytes]]] = field(default_factory=dict, init=False)
    _again: dict[str, int] = field(default_factory=dict, init=False)

    def place(self, path: str, record: bytes) -> str | None:
        """``FILE:LINE`` of a record; None where it is not found."""
        address = f"{self.prefix}{path}"
        try:
            number = self._search(address, record)
            while number is None and self._again.setdefault(address, 0) < _AGAIN:
                self._again[address] += 1
                self._reading.pop(address, None)
                number = self._search(address, record)
                if number is None:
                    break  # it has been searched whole
        except OSError:
            return None
        return None if number is None else f"{address}:{number}"

    def _search(self, address: str, record: bytes) -> int | None:
        lines = self._reading.get(address)
        if lines is None:
            while len(self._reading) >= _OPEN:
                self._reading.pop(next(iter(self._reading)))
            lines = self._reading[address] = self._lines(address)
        return next((number for number, line in lines if line == record), None)

    def _lines(self, address: str) -> Iterator[tuple[int, bytes]]:
        with self.store.open(address) as stream, closing(stream):
            for number, line in enumerate(stream, 1):
                yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def places(plan: TablePlan, options: Mapping[str, str]) -> Places | None:
    """What finds the records of a source; None where its files cannot be read from here.

    Args:
        plan: the source.
        options: Flink's, for the keys of the file system.
    """
    from modelstream.errors import OptionError

    path = plan.options.get(PATH, "")
    try:
        store = store_of(path, options)
    except OptionError:
        return None
    scheme, colon, rest = path.partition("://")
    bucket = rest.partition("/")[0]
    return Places(store, f"{scheme}://{bucket}" if colon and scheme != "file" else "")


def expression(found: Places, path: str, payload: str) -> "Expression":
    """The place of a record in SQL's terms, of the columns with its file and its bytes."""
    from pyflink.table import DataTypes
    from pyflink.table.expressions import col
    from pyflink.table.udf import udf

    def place(paths: Any, payloads: Any) -> Any:
        import pandas as pd

        pairs = zip(paths, payloads, strict=True)
        return pd.Series([found.place(path, record) for path, record in pairs], dtype=object)

    made = udf(place, result_type=DataTypes.STRING(), func_type="pandas", name="place")
    return made(col(path), col(payload))


_SEARCHED = 1 << 30
"""Bytes that are read at most, so that nobody waits minutes to be told of a failure."""


def place_of(source: Source, record: str) -> str | None:
    """File and line of ``record`` among the source's files on this machine, if it is found."""
    path = source.options.get("path", "")
    if source.connector != "filesystem" or urlsplit(path).scheme not in ("", "file"):
        return None
    try:
        return next(
            (f"{file}, line {number}" for file, number, line in _lines(path) if line == record),
            None,
        )
    except OSError:
        return None


def _lines(path: str) -> Iterator[tuple[Path, int, str]]:
    left = _SEARCHED
    for entry in Store(path).files():
        file = local_path(entry.path)
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                yield file, number, line.rstrip(b"\r\n").decode(errors="replace")
                left -= len(line)
                if left < 0:
                    return


def place_in_topic(plan: TablePlan) -> tuple[tuple[Column, ...], str]:
    """Columns that say where a record of a topic stands, and SQL that makes its place of them.

    A table may have one column a metadata key: what the schema has already is not added.
    """
    there = {column.metadata: column.name for column in plan.columns if column.metadata}
    added = {
        of: Column(
            name=unused_name(f"modelstream_{of}", plan.columns),
            type=f"{t} NOT NULL",
            metadata=of,
        )
        for of, t in (("topic", "STRING"), ("partition", "INT"), ("offset", "BIGINT"))
        if of not in there
    }
    names = {**there, **{of: column.name for of, column in added.items()}}
    return tuple(added.values()), _OFFSET.format(*map(names.get, ("topic", "partition", "offset")))
