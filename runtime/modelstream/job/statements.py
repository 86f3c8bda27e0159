"""Flink SQL scripts, split into statements as Flink's own SQL client does."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelstream.errors import JobError

# What may hold a semicolon that ends nothing, and the semicolon that does.
_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
    r"|(?P<comment>--[^\n]*|/\*(?!\+).*?\*/)"
    r"|(?P<open>/\*|['`\"])"
    r"|(?P<end>;)",
    re.DOTALL,
)
_HINT = re.compile(r"/\*\+.*?\*/", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z_]+")
_OPTION = re.compile(r"'((?:[^']|'')*)'\s*=\s*'((?:[^']|'')*)'")
_CREATED = re.compile(
    r"^CREATE\s+(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+?)\s*\(", re.I
)
_WRITTEN = re.compile(r"\bINSERT\s+(?:INTO|OVERWRITE)\s+(?:TABLE\s+)?([^\s(;]+)", re.I)


@dataclass(frozen=True)
class Statement:
    """One statement: its text without comments, and where it starts in the script."""

    text: str
    number: int
    line: int

    @property
    def verb(self) -> str:
        """Its first word, in upper case."""
        words = _WORDS.findall(self.text)
        return words[0].upper() if words else ""

    @property
    def words(self) -> tuple[str, ...]:
        """Its first words, in upper case."""
        return tuple(word.upper() for word in _WORDS.findall(self.text[:200])[:4])

    @property
    def options(self) -> dict[str, str]:
        """What stands behind WITH or SET."""
        found = _OPTION.findall(self.text)
        return {key.replace("''", "'"): value.replace("''", "'") for key, value in found}

    @property
    def table(self) -> str:
        """The name of the table that it creates; empty where it creates none."""
        created = _CREATED.match(self.text)
        return created[1].strip("`") if created else ""

    def __str__(self) -> str:
        first = self.text.split("\n", 1)[0]
        shown = first if len(first) <= 80 else first[:77] + "..."
        return f"statement {self.number} (line {self.line}: {shown})"


def split(script: str) -> list[Statement]:
    """The statements of a script, in order; a semicolon ends one, also the last.

    Strings, quoted names and comments may hold semicolons; hints (``/*+ ... */``) stay.

    Raises:
        JobError: a string, a quoted name or a comment does not end.
    """
    pieces = [(text, line) for text, line in _pieces(script) if text]
    return [Statement(text, number, line) for number, (text, line) in enumerate(pieces, start=1)]


def sinks(found: Iterable[Statement]) -> list[Statement]:
    """The statements that create tables to which others write."""
    found = list(found)
    written = {name.strip("`") for each in found for name in _WRITTEN.findall(each.text)}
    return [each for each in found if each.table in written]


def _pieces(script: str) -> Iterator[tuple[str, int]]:
    kept: list[str] = []
    start = at = 0
    while match := _TOKEN.search(script, at):
        kept.append(script[at : match.start()])
        at = match.end()
        match match.lastgroup:
            case "text":
                kept.append(match.group())
            case "comment":
                # As many line breaks as before, so that Flink's own positions stay true.
                kept.append("\n" * match.group().count("\n") or " ")
            case "open":
                at = _hint_end(script, match.start())
                kept.append(script[match.start() : at])
            case _:
                yield _piece(kept, script, start)
                kept, start = [], at
    kept.append(script[at:])
    yield _piece(kept, script, start)


def _piece(kept: list[str], script: str, start: int) -> tuple[str, int]:
    text = "".join(kept)
    blank = len(text) - len(text.lstrip())
    lines = script.count("\n", 0, start) + text.count("\n", 0, blank) + 1
    return text.strip(), lines


def _hint_end(script: str, at: int) -> int:
    hint = _HINT.match(script, at)
    if hint is None:
        line = script.count("\n", 0, at) + 1
        opened = script[at : at + 2] if script.startswith("/*", at) else script[at]
        raise JobError(f"sql.statements, line {line}: what {opened} opens does not end")
    return hint.end()
