"""Flink SQL scalars from text and JSON, with the semantics of Flink's own formats.

Stricter than Flink in one thing, which would change data in silence: a day or an hour that does
not exist is refused, where Flink takes another (the next or the last, by format and type).
"""

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from modelstream.convert.flinktypes import FlinkType, parse_type
from modelstream.errors import ConversionError

Convert = Callable[[str], Any]
T = TypeVar("T")
N = TypeVar("N", int, float)

BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}
_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(
    r"[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?", re.ASCII
)
_DECIMAL_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WIDE = Context(prec=100)  # DECIMAL has 38 digits, Python's default context 28
_LOCAL_ZONE = re.compile(r"TIMESTAMP(\s*\(\s*\d+\s*\))?\s+WITH\s+LOCAL\s+TIME\s+ZONE", re.I)
_DECIMAL = re.compile(r"\b(?:DECIMAL|DEC|NUMERIC)\b(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", re.I)
_FINE = re.compile(r"\bTIMESTAMP\s*\(\s*([789])\s*\)(?!\s+WITH\s+LOCAL)", re.I)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{0,9})?", re.ASCII)
_MINUTES = re.compile(r"\d\d:\d\d", re.ASCII)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(?:\.(\d{0,9}))?(Z?)", re.ASCII)
_JAVA_BLANK = "".join(map(chr, range(0x21)))  # what String.trim() takes off


class TimestampFormat(StrEnum):
    """Flink's ``timestamp-format.standard``."""

    SQL = "SQL"
    ISO_8601 = "ISO-8601"


@lru_cache(maxsize=1024)
def field_type(text: str) -> FlinkType:
    """A Flink SQL type with what decoding needs by name.

    That is ``TIMESTAMP_LTZ``, ``DECIMAL_10_2``, and ``FINE_TIMESTAMP`` for one whose digits no
    ``datetime`` holds.
    """
    normal = _LOCAL_ZONE.sub(lambda match: f"TIMESTAMP_LTZ{match.group(1) or ''}", text)
    normal = _FINE.sub("FINE_TIMESTAMP", normal)
    return parse_type(
        _DECIMAL.sub(lambda m: f"DECIMAL_{m.group(1) or 10}_{m.group(2) or 0}", normal)
    )


def convert_text(kind: str, standard: TimestampFormat) -> Convert | None:
    """How a scalar type is read from text; None where the type is not scalar."""
    if kind in BITS:
        return lambda text: integer(text, kind)
    if kind.startswith("DECIMAL_"):
        _, precision, scale = kind.split("_")
        return lambda text: decimal(text, int(precision), int(scale))
    simple: dict[str, Convert] = {
        "STRING": str,
        "BOOLEAN": lambda text: trimmed(text).lower() == "true",
        "FLOAT": number,
        "DOUBLE": number,
        "BYTES": base64_bytes,
        "DATE": calendar_date,
        "TIME": time_of_day,
        "TIMESTAMP": lambda text: timestamp(text, standard, zone=False),
        "FINE_TIMESTAMP": lambda text: fine_timestamp(text, standard),
        "TIMESTAMP_LTZ": lambda text: timestamp(text, standard, zone=True),
    }
    return simple.get(kind)


def trimmed(text: str) -> str:
    """The text as Java's ``String.trim`` gives it."""
    return text.strip(_JAVA_BLANK)


def integer(text: str, kind: str) -> int:
    """An integer that fits the type."""
    text = trimmed(text)
    if not _INTEGER.fullmatch(text):
        raise ConversionError(f"{text!r} is not an integer")
    try:
        value = int(text)
    except ValueError:  # more than 4,300 digits
        raise ConversionError(f"{text[:20]}... does not fit {kind}") from None
    return in_range(value, kind)


def in_range(value: N, kind: str) -> N:
    """The number, if the integer type can hold it."""
    limit = 1 << (BITS[kind] - 1)
    if not -limit <= value <= limit - 1:
        raise ConversionError(f"{value} does not fit {kind}")
    return value


def number(text: str) -> float:
    """A floating-point number as Java spells it."""
    text = trimmed(text)
    if not _FLOAT.fullmatch(text):
        raise ConversionError(f"{text!r} is not a number")
    return float(text.rstrip("fFdD"))


def decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """A decimal, rounded half up to the scale; NULL when it has too many digits, as in Flink."""
    text = trimmed(text)
    if not _DECIMAL_NUMBER.fullmatch(text):
        raise ConversionError(f"{text!r} is not a decimal number")
    try:
        value = Decimal(text)
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _WIDE)
    except InvalidOperation:  # far more digits than any DECIMAL has
        return None
    return None if len(rounded.as_tuple().digits) > precision else rounded


def base64_bytes(text: str) -> bytes:
    """Bytes written in Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error, or letters outside of ASCII
        raise ConversionError(f"bytes are written in Base64: {error}") from None


def calendar_date(text: str) -> date:
    """An ISO 8601 date."""
    if not _DATE.fullmatch(text):
        raise ConversionError(f"{text!r} is not a date such as 2024-02-29")
    return _valid(date.fromisoformat, text)


def time_of_day(text: str) -> time:
    """A time of day, such as 12:30:01.5; a fraction is cut to microseconds."""
    if not _TIME.fullmatch(text):
        raise ConversionError(f"{text!r} is not a time such as 12:30:01")
    clock, _, fraction = text.partition(".")
    return _valid(
        time.fromisoformat, f"{clock}.{fraction[:6].ljust(6, '0')}" if fraction else clock
    )


def csv_time(text: str) -> time:
    """A time of day as Flink's csv format takes it, which may go without seconds."""
    return time_of_day(f"{text}:00" if _MINUTES.fullmatch(text) else text)


def timestamp(text: str, standard: TimestampFormat, *, zone: bool) -> datetime:
    """A timestamp of the given standard; with ``zone`` it ends in Z and is in UTC."""
    match = _STAMP.fullmatch(text)
    separator = " " if standard is TimestampFormat.SQL else "T"
    if match is None or match[2] != separator or (match[5] == "Z") is not zone:
        example = f"2024-02-29{separator}12:30:01.5{'Z' if zone else ''}"
        raise ConversionError(f"{text!r} is not a timestamp such as {example}")
    fraction = (match[4] or "")[:6].ljust(6, "0")
    stamp = _valid(datetime.fromisoformat, f"{match[1]} {match[3]}")
    return stamp.replace(microsecond=int(fraction), tzinfo=UTC if zone else None)


def fine_timestamp(text: str, standard: TimestampFormat) -> str:
    """A timestamp with all its digits, as Flink's CAST reads it."""
    seconds = timestamp(text, standard, zone=False).isoformat(" ", "seconds")
    _, point, fraction = text.partition(".")
    return f"{seconds}{point}{fraction}" if fraction else seconds


def _valid(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ConversionError(f"{text!r}: {error}") from None
