"""Records that somebody has in a file: the format recognised, each record with its place.

A record is cut and decoded as a job does it, so that what is true here is true there. What a job's
source does not read (an array of JSON, a header over CSV) is recognised and said.
"""

import contextlib
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from modelstream.cli.exits import UsageError
from modelstream.errors import ConversionError
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.store import CORRUPT, Store
from modelstream.messages import listed

STDIN = "-"
LOOKED_AT = 100
"""Records that types and columns are told from."""
_CHUNK = 1 << 20  # characters
_LINES = 20
_SHOWN = 10
_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BLANKS = re.compile(r"[ \t\r\n]*")


class Form(StrEnum):
    """How records are written."""

    LINES = "a JSON object a line"
    ARRAY = "an array of JSON"
    DOCUMENT = "one JSON object over several lines"
    CSV = "CSV"


@dataclass(frozen=True)
class Record:
    """One record: its bytes, and where it stands (``FILE:LINE``)."""

    payload: bytes
    place: str


@dataclass(frozen=True)
class Sample:
    """The records of a file.

    Attributes:
        form: how they are written.
        first: those at the beginning.
        rest: those behind them, read when they are asked for.
        dialect: how CSV is written.
        header: the names of the columns, where the first line of CSV has them.
    """

    form: Form
    first: tuple[Record, ...]
    rest: Iterable[Record] = ()
    dialect: Dialect = field(default_factory=Dialect)
    header: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[Record]:
        return chain(self.first, self.rest)

    @property
    def rows(self) -> list[list[str]]:
        """The fields of the first records of CSV, of those that can be cut."""
        rows = []
        for record in self.first:
            with contextlib.suppress(ConversionError):
                rows.append(self.dialect.fields(record.payload.decode(errors="replace")))
        return rows

    def columns(self, named: Sequence[str] = ()) -> dict[str, list[Any]]:
        """The values of the first records by column, those that are there and not null.

        Args:
            named: the columns of CSV, where it has no header.
        """
        if self.form is Form.CSV:
            names = tuple(named) or self.header or ()
            rows = [row for row in self.rows if len(row) == len(names)]
            return {name: [row[at] for row in rows] for at, name in enumerate(names)}
        found: dict[str, list[Any]] = {}
        for record in self.first:
            value = _loaded(record.payload)
            for name, each in value.items():
                found.setdefault(name, []).extend([] if each is None else [each])
        return found


def given(texts: Sequence[str]) -> Sample:
    """Records that stand on the command line."""
    records = [
        Record(text.encode(errors="surrogateescape"), f"--record {number}" if texts[1:] else "")
        for number, text in enumerate(texts, 1)
    ]
    return Sample(Form.LINES, tuple(records))


@contextlib.contextmanager
def opened(name: str) -> Iterator[Sample]:
    """The records of a file, or of the standard input where ``name`` is ``-``.

    Raises:
        UsageError: there is no such file, or it holds no records of a format that is known here.
    """
    with _stream(name) as stream:
        text = TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
        try:
            yield _sample(iter(lambda: _chunk(text, _shown(name)), ""), _shown(name))
        finally:
            with contextlib.suppress(ValueError):
                text.detach()


@contextlib.contextmanager
def _stream(name: str) -> Iterator[IO[bytes]]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    path = Path(name)
    if path.is_dir():
        files = sorted(each.name for each in path.iterdir() if each.is_file())
        such = f", such as {path / files[0]}" if files else ""
        raise UsageError(f"{name} is a directory: name one file{such}")
    if not path.is_file():
        raise UsageError(f"there is no file {path.absolute()}")
    with contextlib.ExitStack() as stack:
        with _readable(name):
            stream = stack.enter_context(Store(str(path)).open(str(path)))
        yield stream


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, *CORRUPT) as error:
        raise UsageError(f"{name} cannot be read: {error}") from error


def _chunk(text: TextIOWrapper, name: str) -> str:
    with _readable(name):
        return text.read(_CHUNK)


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _sample(chunks: Iterator[str], name: str) -> Sample:
    head = next(chunks, "")
    form = recognised(head)
    if not head.strip():
        raise UsageError(f"{name} is empty: there is no record in it")
    if form is None:
        raise UsageError(
            f"{name} holds neither JSON nor CSV: give a file with a JSON object a line, an array "
            f"of them, or CSV"
        )
    text = chain([head], chunks)
    match form:
        case Form.LINES:
            return _with_first(Sample(form, ()), _lines(text, name))
        case Form.CSV:
            dialect = Dialect(delimiter_of(head))
            return _with_first(Sample(form, (), dialect=dialect), _csv(text, name, dialect))
        case _:
            return _with_first(Sample(form, ()), _values("".join(text), name))


def _with_first(sample: Sample, records: Iterator[Record]) -> Sample:
    return replace(sample, first=tuple(islice(records, LOOKED_AT)), rest=records)


def recognised(head: str) -> Form | None:
    """How the records are written that begin with this text; None for what is neither.

    Args:
        head: the whole text, or its first megabyte.
    """
    lines = [line for line in head.splitlines() if line.strip()][:_LINES]
    if not lines or "\0" in head:
        return None
    begin = head.lstrip()[0]
    if begin == "[":
        return Form.ARRAY
    objects = [line for line in lines if line.lstrip().startswith("{")]
    if begin == "{" and not _loaded(lines[0].encode(errors="replace")) and _is_whole(head):
        return Form.DOCUMENT
    if 2 * len(objects) >= len(lines):
        return Form.LINES
    return None if _is_binary(head) else Form.CSV


def _is_whole(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_binary(head: str) -> bool:
    """Whether bytes are not text: those that are not UTF-8 are half surrogates here."""
    some = head[:1000]
    return 5 * sum("\udc80" <= each <= "\udcff" for each in some) > len(some)


def delimiter_of(head: str) -> str:
    """What stands between the fields of CSV: the one that the first lines have equally often."""
    lines = [line for line in head.splitlines() if line.strip()][:_LINES]

    def likely(delimiter: str) -> tuple[bool, int]:
        counts = [line.count(delimiter) for line in lines]
        return counts[0] > 0 and len(set(counts)) == 1, counts[0]

    return max(_DELIMITERS, key=likely)


def with_header(sample: Sample, wanted: Collection[str] = ()) -> Sample:
    """The sample, its header taken off where CSV has one.

    Args:
        sample: records in any form.
        wanted: columns that are looked for.
    """
    if sample.form is not Form.CSV or not (names := header_of(sample.rows, wanted)):
        return sample
    return replace(sample, first=sample.first[1:], header=names)


def header_of(rows: Sequence[Sequence[str]], wanted: Collection[str] = ()) -> tuple[str, ...]:
    """The names of the columns where the first row has them; nothing where it is a record.

    It has them where it names a column that is wanted, or where a column whose other values are
    numbers begins with none.
    """
    if not rows:
        return ()
    first, others = (
        [cell.strip() for cell in rows[0]],
        [r for r in rows[1:] if len(r) == len(rows[0])],
    )
    if len(set(first)) < len(first) or not all(first) or any(map(is_number, first)):
        return ()
    numbers = others and any(all(map(is_number, column)) for column in zip(*others, strict=True))
    return tuple(first) if numbers or set(first) & set(wanted) else ()


def csv_names(found: Sample, named: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
    """The columns of CSV; none for JSON, which names them itself.

    Args:
        found: the records.
        named: what the user calls the columns.
        inputs: the columns that a model reads; the only one is the only field there is.

    Raises:
        UsageError: the columns have no names, or not as many as there are fields.
    """
    if found.form is not Form.CSV or found.header:
        return found.header or ()
    fields = found.rows[0] if found.rows else []
    names = tuple(named) or (tuple(inputs) if len(inputs) == len(fields) == 1 else ())
    if len(names) == len(fields):
        return names
    line = ", ".join(map(repr, fields[:_SHOWN]))
    raise UsageError(
        f"the first line of the CSV ({line}) names no column that the model reads "
        f"({listed(inputs)}): give the names of its {len(fields)} columns, --columns NAME,NAME"
    )


def is_number(text: str) -> bool:
    """Whether the text is a number as CSV has it."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _loaded(payload: bytes) -> Mapping[str, Any]:
    """The fields of a JSON object; none of what is not an object."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _lines(chunks: Iterable[str], name: str) -> Iterator[Record]:
    number, rest = 1, ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            if line.strip():
                yield _record(line.rstrip("\r"), name, number)
            number += 1
    if rest.strip():
        yield _record(rest, name, number)


def _csv(chunks: Iterable[str], name: str, dialect: Dialect) -> Iterator[Record]:
    for line, record in dialect.numbered(chunks):
        if record.strip():
            yield _record(record, name, line)


def _values(text: str, name: str) -> Iterator[Record]:
    """The elements of a JSON array, or the one object that the text is, as they are spelled."""
    decoder, at, line, seen = json.JSONDecoder(strict=False), _after_blanks(text, 0), 1, 0
    array = text[at] == "["
    at, end = at + array, ""
    while not end:
        at = _after_blanks(text, at)
        if array and text[at : at + 1] == "]":
            break
        line, seen = line + text.count("\n", seen, at), at
        try:
            _, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}:{line}: it is not JSON: {error}") from None
        yield _record(text[at:after], name, line)
        at = _after_blanks(text, after)
        end = "" if array and text[at : at + 1] == "," else text[at : at + 1] or "the end"
        at += not end
    if array and (text[at : at + 1] != "]" or _after_blanks(text, at + 1) < len(text)):
        line += text.count("\n", seen, at)
        there = text[at : at + 20]
        raise UsageError(f"{name}:{line}: it is not a JSON array: {there!r} stands there")


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()


def _record(text: str, name: str, line: int) -> Record:
    return Record(text.encode("utf-8", "surrogateescape"), f"{name}:{line}")
