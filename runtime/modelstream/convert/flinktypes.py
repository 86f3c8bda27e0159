"""Flink SQL types, as text, parsed far enough to hold them against tensors."""

import re
from dataclasses import dataclass

from modelstream.convert.dtypes import sql_of
from modelstream.errors import OptionError
from modelstream.messages import suggestion

_TOKEN = re.compile(r"\s*(?:`((?:[^`]|``)*)`|'((?:[^']|'')*)'|([A-Za-z_]\w*)|(\d+)|([<>(),*]))")
_ALIASES = {
    "INTEGER": "INT",
    "VARCHAR": "STRING",
    "CHAR": "STRING",
    "VARBINARY": "BYTES",
    "BINARY": "BYTES",
    "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL",
}
_TRAILERS = {"NOT", "NULL", "PRECISION", "WITH", "WITHOUT", "LOCAL", "TIME", "ZONE"}


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class ColumnType:
    """A column of a table, or a field of a stream's rows.

    Attributes:
        name: what it is called.
        type: its Flink SQL type, e.g. ``ARRAY<FLOAT>``.
    """

    name: str
    type: str


@dataclass(frozen=True)
class FlinkType:
    """A parsed type: ``ARRAY`` with one child, ``ROW`` with named fields, or a plain name.

    ``VARCHAR(n)`` and ``CHAR(n)`` are STRING, ``VARBINARY(n)`` and ``BINARY(n)`` are BYTES;
    length, precision and NOT NULL are dropped: no tensor depends on them.

    Attributes:
        name: without its children: ``BIGINT``, ``ARRAY``, ``MAP``, ``ROW``.
        children: the types between the angle brackets.
        fields: the names that the children of a ROW have.
    """

    name: str
    children: tuple["FlinkType", ...] = ()
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As one writes it."""
        if not self.children:
            return self.name
        inside = [str(child) for child in self.children]
        if self.name == "ROW":
            names = map(quoted, self.fields)
            inside = [f"{name} {child}" for name, child in zip(names, inside, strict=True)]
        return f"{self.name}<{', '.join(inside)}>"

    @property
    def element(self) -> "FlinkType":
        """What the (nested) arrays hold in the end."""
        return self.children[0].element if self.name == "ARRAY" else self

    @property
    def rank(self) -> int:
        """How deep the arrays nest: 0 for a scalar."""
        return 1 + self.children[0].rank if self.name == "ARRAY" else 0


def parse_type(text: str) -> FlinkType:
    """Parse a Flink SQL type: ``BIGINT NOT NULL``, ``ARRAY<FLOAT>``, ``ROW<a INT, b STRING>``.

    Raises:
        OptionError: the text is not a type.
    """
    parser = _Parser(text)
    parsed = parser.type()
    parser.end()
    return parsed


_SCALARS = (
    *("BIGINT", "BOOLEAN", "BYTES", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "SMALLINT"),
    *("STRING", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TINYINT"),
)
_OTHERS = ("ARRAY", "MAP", "MULTISET", "NULL", "RAW", "ROW", "VARIANT")
_DIGITS = re.compile(
    r"\b(DECIMAL|DEC|NUMERIC|TIME|TIMESTAMP|TIMESTAMP_LTZ)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.I
)
_MOST_DIGITS, _MOST_FRACTION = 38, 9


def check_type(text: str) -> None:
    """Refuse what Flink has no type for.

    Raises:
        OptionError: the text is not a type, or one with more digits than Flink has.
    """
    _check_names(parse_type(text))
    for name, digits, scale in _DIGITS.findall(re.sub("`[^`]*`", "", text)):
        if name.upper().startswith("TIME"):
            if int(digits) > _MOST_FRACTION:
                raise OptionError(f"{text}: {name} has at most {_MOST_FRACTION} digits of a second")
        elif not int(scale or 0) <= int(digits) <= _MOST_DIGITS or not int(digits):
            raise OptionError(
                f"{text}: {name} has 1 to {_MOST_DIGITS} digits, at most as many after the point"
            )


def _check_names(parsed: FlinkType) -> None:
    if parsed.name not in (*_SCALARS, *_OTHERS):
        if meant := sql_of(parsed.name):
            raise OptionError(f"{parsed.name} is not a type of Flink SQL: write {meant}")
        near = suggestion(parsed.name, _SCALARS)
        raise OptionError(
            f"{parsed.name} is not a type of Flink SQL{near}; those are {', '.join(_SCALARS)}, "
            f"ARRAY<…>, MAP<…> and ROW<…>"
        )
    for child in parsed.children:
        _check_names(child)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self._at = 0

    def type(self) -> FlinkType:
        name = self._word().upper()
        name = _ALIASES.get(name, name)
        parsed = self._composite(name)
        self._trailers()
        while self._peek().upper() in {"ARRAY", "MULTISET"}:  # the postfix form: INT ARRAY
            parsed = FlinkType(self._word().upper(), (parsed,))
            self._trailers()
        return parsed

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._error()

    def _composite(self, name: str) -> FlinkType:
        if name == "ROW":
            return self._row()
        if name in {"ARRAY", "MULTISET", "MAP"}:
            self._take("<")
            children = [self.type()]
            while self._accept(","):
                children.append(self.type())
            self._take(">")
            return FlinkType(name, tuple(children))
        if self._accept("("):
            while not self._accept(")"):
                self._at += 1
                if self._at > len(self._tokens):
                    raise self._error()
        return FlinkType(name)

    def _row(self) -> FlinkType:
        closing = ")" if self._accept("(") else ">"
        if closing == ">":
            self._take("<")
        names: list[str] = []
        types: list[FlinkType] = []
        while not self._accept(closing):
            names.append(self._word())
            types.append(self.type())
            self._comment()
            self._accept(",")
        return FlinkType("ROW", tuple(types), tuple(names))

    def _trailers(self) -> None:
        while self._peek().upper() in _TRAILERS:
            self._at += 1
            if self._accept("("):
                self._at += 1
                self._take(")")
        if self._accept("*"):  # *ROWTIME*, *PROCTIME*
            self._word()
            self._take("*")

    def _comment(self) -> None:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "text":
            self._at += 1

    def _word(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] not in {"name", "quoted"}:
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _peek(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] == "quoted":
            return ""
        return self._tokens[self._at][1]

    def _accept(self, token: str) -> bool:
        found = self._peek() == token
        self._at += found
        return found

    def _take(self, token: str) -> None:
        if not self._accept(token):
            raise self._error()

    def _scan(self) -> list[tuple[str, str]]:
        text, at, tokens = self._text.strip(), 0, []
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error()
            quoted, comment, name, number, sign = match.groups()
            if quoted is not None:
                tokens.append(("quoted", quoted.replace("``", "`")))
            elif comment is not None:
                tokens.append(("text", comment))
            else:
                tokens.append(("name" if name else "sign", name or number or sign))
            at = match.end()
        return tokens

    def _error(self) -> OptionError:
        return OptionError(
            f"{self._text!r} is not a Flink SQL type; examples: BIGINT, STRING, ARRAY<FLOAT>, "
            f"ROW<name STRING, score FLOAT>"
        )
