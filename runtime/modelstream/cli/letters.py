"""Dead letters as a sink writes them in JSON: a line each, in one file or many."""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelstream.cli.exits import UsageError

STDIN = "-"
_MARK = ("payload", "stage", "message")
"""Columns that nothing but a dead letter has."""


@dataclass(frozen=True)
class LetterLine:
    """One dead letter.

    Attributes:
        payload: the record, or the path of a whole file.
        stage: where it failed.
        message: why.
        model: by which one.
        source: where the record stands; empty where that is not known.
    """

    payload: bytes
    stage: str
    message: str
    model: str = ""
    source: str = ""

    @property
    def is_path(self) -> bool:
        """Whether the record is a whole file, which is known by its path."""
        return self.source == f"{self.payload.decode(errors='replace')}:1"

    @property
    def record(self) -> bytes:
        """The record as a line; JSON over several lines says the same with blanks between them."""
        if b"\n" not in self.payload:
            return self.payload
        try:
            json.loads(self.payload)
        except (ValueError, RecursionError):
            return self.payload
        return b" ".join(part.strip() for part in self.payload.splitlines())

    @property
    def example(self) -> str:
        """Where the record stands, and what it is."""
        said = "" if self.is_path else self.payload.decode(errors="backslashreplace").strip()
        return "  ".join(part for part in (self.source, said) if part)


@dataclass(frozen=True)
class Unreadable:
    """A line that is not a dead letter.

    Attributes:
        place: ``FILE:LINE``.
        torn: it has no end: it is being written, or its job was killed.
    """

    place: str
    torn: bool = False


@dataclass(frozen=True)
class LetterFile:
    """A file of dead letters.

    Attributes:
        path: its file; None for the standard input.
        published: its job has published it, or it is not a file of a directory.
    """

    path: Path | None
    published: bool = True

    def __iter__(self) -> Iterator[LetterLine | Unreadable]:
        if self.path is None:
            yield from _read(sys.stdin.buffer, "standard input")
            return
        with self.path.open("rb") as lines:
            yield from _read(lines, str(self.path))


def files_of(name: str) -> list[LetterFile]:
    """The files under a path, those that a sink has not published among them.

    Raises:
        UsageError: nothing is there.
    """
    if name == STDIN:
        return [LetterFile(None)]
    root = Path(name)
    if root.is_file():
        return [LetterFile(root)]
    if not root.is_dir():
        raise UsageError(
            f"there is no file and no directory {root.absolute()}: give the path of the sink of "
            f"dead letters (spec.pipeline.deadLetter.options.path), which the last lines of "
            f"`modelstream run` name"
        )
    return [
        LetterFile(file, not any(part[0] in "._" for part in file.relative_to(root).parts))
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.stat().st_size
    ]


def _read(lines: Iterator[bytes], name: str) -> Iterator[LetterLine | Unreadable]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            torn = not line.endswith(b"\n")
            yield _letter(line) or Unreadable(f"{name}:{number}", torn)


def _letter(line: bytes) -> LetterLine | None:
    try:
        found = json.loads(line)
        if not isinstance(found, dict) or any(each not in found for each in _MARK):
            return None
        payload = base64.b64decode(found["payload"] or "", validate=True)
    except (ValueError, TypeError, RecursionError):
        return None
    stage, message, model, source = (
        str(found.get(each) or "") for each in ("stage", "message", "model", "source")
    )
    return LetterLine(payload, stage, message, model, source)
