"""``modelstream dead-letters``: why records failed, and those records, to be fed again."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.letters import LetterLine, Unreadable, files_of
from modelstream.cli.table import aligned
from modelstream.messages import text
from modelstream.reasons import Reason, Reasons

_STDOUT = "-"
_HEADER = ("STAGE", "COUNT", "REASON")
_LONGEST = 200
_SHOWN = 3


@dataclass
class Summary:
    """What was found.

    Attributes:
        path: what was read.
        files: how many of them hold dead letters.
        letters: how many there are.
        unpublished: how many of them are in files that their job has not published.
        torn: lines without an end in such files.
        strange: other lines that are not dead letters.
        models: by which the records failed.
        paths: how many of the records are whole files, whose payload is their path.
        parted: how many of the records take more than one line.
    """

    path: str
    files: int = 0
    letters: int = 0
    unpublished: int = 0
    torn: int = 0
    strange: list[str] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    paths: int = 0
    parted: int = 0
    _reasons: dict[str, Reasons] = field(default_factory=dict)

    def add(self, letter: LetterLine, *, published: bool) -> None:
        """Count one more."""
        self.letters += 1
        self.unpublished += not published
        self.models |= {letter.model} if letter.model else set()
        self.paths += letter.is_path
        self.parted += b"\n" in letter.record
        of_stage = self._reasons.setdefault(letter.stage, Reasons())
        of_stage.add(letter.message, lambda: letter.example)

    @property
    def reasons(self) -> list[tuple[str, Reason]]:
        """Each with its stage, the most frequent first."""
        found = [(stage, each) for stage, of in self._reasons.items() for each in of.found.values()]
        return sorted(found, key=lambda pair: -pair[1].count)

    def __str__(self) -> str:
        """The numbers, and a table of the reasons with an example of each."""
        if not self.letters:
            return f"{self.path}: no dead letters"
        of = f" of {', '.join(sorted(self.models))}" if self.models else ""
        first = f"{self.path}: {_counted(self.letters, 'dead letter')}{of}"
        first += f" in {_counted(self.files, 'file')}"
        if self.unpublished:
            first += f"; {self.unpublished:,} in files that are not published"
        return f"{first}\n\n{aligned(_HEADER, list(self._rows()))}"

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for stage, reason in self.reasons:
            yield stage, f"{reason.count:,}", _cut(reason.message)
            if reason.example:
                yield "", "", f"  such as {_cut(reason.example)}"

    def as_json(self) -> str:
        """The same for programs."""
        found = {
            "path": self.path,
            "files": self.files,
            "letters": self.letters,
            "unpublished": self.unpublished,
            "torn": self.torn,
            "strange": self.strange,
            "models": sorted(self.models),
            "reasons": [
                {"stage": stage, "count": of.count, "message": of.message, "example": of.example}
                for stage, of in self.reasons
            ],
        }
        return json.dumps(found, indent=2)


def command(arguments: argparse.Namespace) -> Exit:
    """Print the reasons; write the records, where that is asked for."""
    with _sink(arguments.out) as out:
        found = _read(arguments.path, out)
    told = found.as_json() if arguments.json else str(found)
    print(told, file=sys.stderr if arguments.out == _STDOUT else sys.stdout)
    if arguments.out and arguments.out != _STDOUT:
        _say(f"wrote {_counted(found.letters, 'record')} to {arguments.out}")
    for line in _notes(found, written=bool(arguments.out)):
        _say(line)
    return Exit.FAILED if found.strange else Exit.DONE


def _read(path: str, out: IO[bytes] | None) -> Summary:
    """The dead letters under a path, their records written on the way.

    Raises:
        UsageError: there are files, and no dead letter in them.
    """
    found = Summary(path)
    for file in files_of(path):
        before = found.letters
        for each in file:
            if isinstance(each, LetterLine):
                found.add(each, published=file.published)
                if out is not None:
                    out.write(each.record + b"\n")
            else:
                _note(found, each, published=file.published)
        found.files += found.letters > before
    if found.strange and not found.letters:
        raise UsageError(
            f"{found.strange[0]} is not a dead letter in JSON: give what a sink of dead letters "
            f"with format: json has written"
        )
    return found


def _note(found: Summary, line: Unreadable, *, published: bool) -> None:
    if line.torn and not published:
        found.torn += 1
    else:
        found.strange.append(line.place)


@contextlib.contextmanager
def _sink(name: str | None) -> Iterator[IO[bytes] | None]:
    if name is None:
        yield None
    elif name == _STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        try:
            file = Path(name).open("xb")  # noqa: SIM115  # closed below
        except FileExistsError:
            raise UsageError(f"--out {name}: it is there already: name a new file") from None
        except OSError as error:
            raise UsageError(f"--out {name}: cannot be written: {error.strerror}") from None
        with file:
            yield file


def _notes(found: Summary, *, written: bool) -> Iterator[str]:
    if found.torn:
        yield f"{_counted(found.torn, 'line')} of unpublished files without an end left out"
    if found.strange:
        such = ", ".join(found.strange[:_SHOWN])
        yield f"{_counted(len(found.strange), 'line')} left out that are not dead letters: {such}"
    if written and found.paths:
        yield f"{_counted(found.paths, 'record')} of them whole files: their paths were written"
    if written and found.parted:
        many = _counted(found.parted, "record")
        yield f"{many} of them with line breaks inside, as only quoted CSV may have"


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _cut(said: str) -> str:
    line = " ".join(text(said).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
