"""Sequences of events on a keyed stream: matched, or timed out on the way."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.patterns.function import detect
    from modelstream.patterns.matching import Match, TimedOut
    from modelstream.patterns.pattern import AfterMatch, Contiguity, Detected, Element, Pattern

_HOMES = {
    "AfterMatch": "patterns.pattern",
    "Contiguity": "patterns.pattern",
    "Detected": "patterns.pattern",
    "Match": "patterns.matching",
    "Pattern": "patterns.pattern",
    "Element": "patterns.pattern",
    "TimedOut": "patterns.matching",
    "detect": "patterns.function",
}

__all__ = [
    "AfterMatch",
    "Contiguity",
    "Detected",
    "Element",
    "Match",
    "Pattern",
    "TimedOut",
    "detect",
]

__getattr__ = exports(__name__, _HOMES)
