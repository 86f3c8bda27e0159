"""Sequences of events on a keyed stream: matched, or timed out on the way."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.patterns.matching import Match, TimedOut
    from modelstream.patterns.sequence import AfterMatch, Contiguity, Detected, Sequence, Step

_HOMES = {
    "AfterMatch": "patterns.sequence",
    "Contiguity": "patterns.sequence",
    "Detected": "patterns.sequence",
    "Match": "patterns.matching",
    "Sequence": "patterns.sequence",
    "Step": "patterns.sequence",
    "TimedOut": "patterns.matching",
}

__all__ = ["AfterMatch", "Contiguity", "Detected", "Match", "Sequence", "Step", "TimedOut"]

__getattr__ = exports(__name__, _HOMES)
