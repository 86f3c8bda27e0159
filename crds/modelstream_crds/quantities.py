"""Durations and quantities as the resource spells them."""

import math
import re
from datetime import timedelta
from fractions import Fraction
from typing import Final

# Patterns are shared with the CustomResourceDefinition: RE2 syntax, anchored.
DURATION_PATTERN: Final = r"^([0-9]{1,9}(ms|s|m|h))+$"
BYTES_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[kMGTPE])?$"
RESOURCE_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[mkMGTPE])?$"

_DURATION_PART = re.compile(r"([0-9]+)(ms|s|m|h)")
_DURATION_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
}
_POWERS: Final = "kMGTPE"
_FACTORS: Final[dict[str, Fraction]] = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    **{letter: Fraction(1000 ** (i + 1)) for i, letter in enumerate(_POWERS)},
    **{f"{letter.upper()}i": Fraction(1024 ** (i + 1)) for i, letter in enumerate(_POWERS)},
}


def duration(text: str) -> timedelta:
    """The time that ``text`` says: ``50ms``, ``30s``, ``1m30s``, ``2h``.

    Raises:
        ValueError: ``text`` is not a duration.
    """
    if not re.match(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration: write one such as 50ms, 30s, 1m30s or 2h")
    parts = _DURATION_PART.findall(text)
    return sum((int(n) * _DURATION_UNITS[unit] for n, unit in parts), timedelta())


def quantity(text: str | int) -> int:
    """The bytes (or whole units, rounded up) of a Kubernetes quantity: ``2Gi``, ``500M``, ``64``.

    Raises:
        ValueError: ``text`` is not a quantity.
    """
    return math.ceil(exact(text))


def cores(text: str | int) -> float:
    """The processors of a Kubernetes CPU quantity: ``500m`` is 0.5.

    Raises:
        ValueError: ``text`` is not a quantity.
    """
    return float(exact(text))


def exact(text: str | int) -> Fraction:
    """What a quantity says, as a number; equal for ``4Gi`` and ``4096Mi``.

    Raises:
        ValueError: ``text`` is not a quantity.
    """
    match = re.match(r"([0-9.]+)([A-Za-z]*)$", str(text))
    if match is None or not re.match(RESOURCE_PATTERN, str(text)):
        raise ValueError(f"{text!r} is not a quantity: write one such as 2Gi, 500M or 250m")
    number, suffix = match.groups()
    return Fraction(number) * _FACTORS[suffix]
