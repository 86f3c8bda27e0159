r"""CSV text cut as Flink's csv format cuts it: a file into records, and a record into fields.

Flink reads CSV with Jackson, whose rules these are. A record ends at ``\n``, ``\r\n`` or ``\r``
outside of quotes. A quote opens a field only as its first character, and blanks may follow the one
that closes it; a doubled quote stands for one. The escape character takes the character after it
as it is, a line break too; but ``\n``, ``\r``, ``\t`` and ``\0`` are what they are in Java. With
comments, lines that begin with ``#`` and lines of spaces are not records, and the spaces before a
record are not part of it.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from modelstream.errors import ConversionError

csv.field_size_limit(sys.maxsize)  # Python refuses fields above 128 kB, which Flink reads

_END = r"(?:\r\n|\r|\n)"
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_SEVERAL = "it has more than one line: one message holds one record"


@dataclass(frozen=True)
class Dialect:
    """How CSV is written.

    Attributes:
        delimiter: between fields.
        quote: around fields; None for none.
        escape: before a character that stands for itself; None for none.
        comments: lines that start with ``#`` are not records.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    comments: bool = False

    def fields(self, record: str) -> list[str]:
        """The fields of one record, with or without its line end.

        Raises:
            ConversionError: it is a comment, no record, or more than one.
        """
        if self.comments:
            record = record.lstrip(" ")
            if record.startswith("#"):
                raise ConversionError("it is a comment")
        if not record:
            raise ConversionError("it is empty")
        if self.is_plain(record):
            return record.split(self.delimiter)
        if self.escape is None and self.quote is not None:
            try:
                (found,) = csv.reader(
                    [record], delimiter=self.delimiter, quotechar=self.quote, strict=True
                )
                return found or [""]
            except csv.Error:
                pass  # a record that Flink reads, or says what is wrong: Python is stricter
        return list(self._parsed(record))

    def is_plain(self, record: str) -> bool:
        """Whether the record is its fields and delimiters: no quote, escape or line end."""
        return not any(special in record for special in self._special)

    def records(self, chunks: Iterable[str]) -> Iterator[str]:
        """The records of a file, without their line ends; of an empty one, its line end.

        What a quote that is never closed begins is one record, up to the end of the file: nobody
        can say where it was to end.
        """
        return (record for _, record in self.numbered(chunks))

    def numbered(self, chunks: Iterable[str]) -> Iterator[tuple[int, str]]:
        """The same, each with the number of the line that it begins at."""
        parts: list[str] = []
        size = wanted = 0
        line = 1
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= wanted:
                found, rest = self._cut("".join(parts), last=False)
                for record, lines in found:
                    if record is not None:
                        yield line, record
                    line += lines
                # A record that is longer than the chunks is not searched again for each of them.
                parts, size, wanted = [rest], len(rest), 2 * len(rest)
        found, rest = self._cut("".join(parts), last=True)
        for record, lines in found:
            if record is not None:
                yield line, record
            line += lines
        if rest and not (self.comments and rest.lstrip(" ")[:1] in ("", "#")):
            yield line, rest

    def _cut(self, text: str, *, last: bool) -> tuple[list[tuple[str | None, int]], str]:
        """The records that end in the text, with the lines that each takes; what is behind them.

        A comment is not a record, and takes a line.
        """
        at, records = 0, []
        # The end of a text may be the first half of a line end.
        while (found := self._record.match(text, at)) and (last or found.end() < len(text)):
            record, whole = found["record"], text[at : found.end()]
            records.append((whole if record == "" else record, _line_ends(whole)))
            at = found.end()
        return records, text[at:]

    def _parsed(self, record: str) -> Iterator[str]:
        at, end = 0, self.delimiter
        while end == self.delimiter:
            found = self._field.match(record, at)
            if found is None:
                raise ConversionError("it is not CSV: a quote is not closed, or an escape is cut")
            if garbage := found["garbage"]:
                raise ConversionError(f"it is not CSV: {garbage[:20]!r} follows a closing quote")
            yield self._read(found)
            at, end = found.end(), found["end"]
        if at < len(record):
            raise ConversionError(_SEVERAL)

    def _read(self, found: "re.Match[str]") -> str:
        """What the text of a field stands for."""
        if found["quoted"] is None:
            return (
                self._outside.sub(self._meaning, found["plain"]) if self.escape else found["plain"]
            )
        return self._inside.sub(self._meaning, found["quoted"])

    def _meaning(self, found: "re.Match[str]") -> str:
        return str(self.quote) if found[1] is None else _ESCAPED.get(found[1], found[1])

    @cached_property
    def _special(self) -> tuple[str, ...]:
        """What makes a record more than its fields and delimiters."""
        return tuple(each for each in (self.quote, self.escape, "\n", "\r") if each)

    @cached_property
    def _outside(self) -> "re.Pattern[str]":
        return re.compile(f"{_literal(self.escape)}(.)", re.DOTALL)

    @cached_property
    def _inside(self) -> "re.Pattern[str]":
        quote, escape = _literal(self.quote), _literal(self._escape_in_quotes)
        return re.compile(f"{quote}{quote}|{escape}(.)", re.DOTALL)

    @property
    def _escape_in_quotes(self) -> str | None:
        return None if self.escape == self.quote else self.escape

    @cached_property
    def _field(self) -> "re.Pattern[str]":
        quote, delimiter = _literal(self.quote), _literal(self.delimiter)
        blanks = f"(?:(?![{delimiter}\\r\\n])[\\x00-\\x20])*+"
        return re.compile(
            f"(?:{quote}(?P<quoted>{self._quoted}){quote}{blanks}(?P<garbage>{self._unquoted})"
            f"|(?!{quote})(?P<plain>{self._unquoted}))(?P<end>{delimiter}|{_END}|\\Z)",
            re.DOTALL,
        )

    @cached_property
    def _record(self) -> "re.Pattern[str]":
        quote, delimiter = _literal(self.quote), _literal(self.delimiter)
        field = f"(?:{quote}{self._quoted}{quote}{self._unquoted}|(?!{quote}){self._unquoted})"
        record = f"(?P<record>{field}(?:{delimiter}{field})*+){_END}"
        if self.comments:
            record = f" *+(?:(?:#[^\\r\\n]*+)?{_END}|{record})"
        return re.compile(record, re.DOTALL)

    @property
    def _quoted(self) -> str:
        """What may stand between quotes."""
        quote, escape = _literal(self.quote), _literal(self._escape_in_quotes)
        return f"(?:{_none_of(self.quote, self._escape_in_quotes)}++|{quote}{quote}|{escape}.)*+"

    @property
    def _unquoted(self) -> str:
        """What may stand in a field without quotes."""
        plain = _none_of(self.delimiter, "\r", "\n", self.escape)
        return f"(?:{plain}++|{_literal(self.escape)}.)*+"


def _line_ends(text: str) -> int:
    if "\r" not in text:
        return text.count("\n")
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _literal(character: str | None) -> str:
    """A pattern for the character; one that never matches where there is none."""
    return "(?!)" if character is None else re.escape(character)


def _none_of(*characters: str | None) -> str:
    return "[^" + "".join(re.escape(each) for each in characters if each is not None) + "]"
