"""Sequences of events on a keyed stream: matched, or timed out on the way."""

from modelstream.patterns.matching import Match, TimedOut
from modelstream.patterns.sequence import AfterMatch, Contiguity, Detected, Sequence, Step

__all__ = ["AfterMatch", "Contiguity", "Detected", "Match", "Sequence", "Step", "TimedOut"]
