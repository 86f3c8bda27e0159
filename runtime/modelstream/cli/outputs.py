"""Where a local run leaves its files: those that are published, and those that are not yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelstream.job import statements, store
from modelstream_crds.v1alpha1 import ModelStreamSpec, Sink

_LARGEST = 50_000_000
_TEXT = ("json", "csv")


@dataclass(frozen=True)
class Output:
    """A directory that a sink writes to.

    Attributes:
        what: what is in it: results, dead letters.
        path: as the manifest has it.
        lines: each record is a line.
        before: the files that it had when the run began.
    """

    what: str
    path: str
    lines: bool = False
    before: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, what: str, path: str, format: str | None) -> "Output":
        """As it is before the run."""
        made = cls(what, path, format in _TEXT)
        return cls(what, path, made.lines, frozenset(made._files()))

    @property
    def published(self) -> list[Path]:
        """The files that the run has made, and that everybody reads."""
        return [f for f in self._files() if f not in self.before and not _is_hidden(f.name)]

    @property
    def unfinished(self) -> list[Path]:
        """The files that are not published, and never will be when the run has ended."""
        return [f for f in self._files() if f not in self.before and f.name.startswith(".part-")]

    @property
    def added_to(self) -> str:
        """That a run adds to what is there already; empty where nothing is."""
        there = sum(not _is_hidden(file.name) for file in self.before)
        if not there:
            return ""
        files = "1 file" if there == 1 else f"{there:,} files"
        return f"{self.what}: {self.path} has {files} already, and this run adds to them"

    def _files(self) -> list[Path]:
        root = store.local_path(self.path)
        if root.is_file():
            return [root]
        return sorted(each for each in root.rglob("*") if each.is_file()) if root.is_dir() else []

    def __str__(self) -> str:
        """What it holds that is new."""
        told = f"{self.what}: {self.path}, {_counted(self.published, lines=self.lines)}"
        if hidden := self.unfinished:
            told += f"; not published: {_counted(hidden, lines=self.lines)}"
        return told


def outputs(spec: ModelStreamSpec) -> list[Output]:
    """The directories of this machine that the sinks of a manifest write to."""
    return [Output.of(*each) for each in _sinks(spec) if "://" not in each[1] or _is_local(each[1])]


def _is_local(path: str) -> bool:
    return path.startswith("file:")


def _sinks(spec: ModelStreamSpec) -> Iterator[tuple[str, str, str | None]]:
    if spec.pipeline is not None:
        ends: Sequence[tuple[str, Sink | None]] = (
            ("results", spec.pipeline.sink),
            ("dead letters", spec.pipeline.dead_letter),
        )
        for what, sink in ends:
            if sink is not None and sink.connector == "filesystem" and "path" in sink.options:
                yield what, sink.options["path"], sink.format
    if spec.sql is not None:
        yield from _tables(spec.sql.statements)


def _tables(script: str) -> Iterator[tuple[str, str, str | None]]:
    for statement in statements.sinks(statements.split(script)):
        options = statement.options
        if options.get("connector") == "filesystem" and "path" in options:
            yield statement.table, options["path"], options.get("format")


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _counted(files: Sequence[Path], *, lines: bool) -> str:
    many = f"{len(files)} new file{'s' * (len(files) != 1)}" if files else "nothing new"
    if not files or not lines or sum(file.stat().st_size for file in files) > _LARGEST:
        return many
    count = sum(file.read_bytes().count(b"\n") for file in files)
    return f"{many} of {count:,} record{'s' * (count != 1)}"
