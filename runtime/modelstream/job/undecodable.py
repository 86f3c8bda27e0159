"""Where a record stands that Flink could not decode: Flink names neither its file nor its line."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from modelstream.job.store import Store, local_path
from modelstream_crds.v1alpha1 import Source

_SEARCHED = 1 << 30
"""Bytes that are read at most, so that nobody waits minutes to be told of a failure."""


def place(source: Source, record: str) -> str | None:
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
