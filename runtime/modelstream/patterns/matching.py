"""The matching itself: state and event in, state and outcomes out. Pure, and free of Flink.

Attempts are kept in the order in which they began. Of two attempts the earlier is never behind
the later: both see the same events, and an event takes each at most one element further. So the
earliest attempt is the first to match, and a match needs to wait for no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from modelstream.patterns.pattern import AfterMatch, Contiguity, Pattern


@dataclass(frozen=True)
class Match:
    """A complete pattern.

    Attributes:
        events: name → event.
        start: the time of the first event, in milliseconds since 1970.
        end: the time of the last one.
    """

    events: Mapping[str, Any]
    start: int
    end: int


@dataclass(frozen=True)
class TimedOut:
    """An attempt that ran out of time.

    Attributes:
        events: name → event, those that had come: the first one at least.
        start: the time of the first event, in milliseconds since 1970.
        end: when the time was over.
    """

    events: Mapping[str, Any]
    start: int
    end: int


Outcome: TypeAlias = Match | TimedOut


@dataclass(frozen=True)
class Attempt:
    """A pattern on the way: what has come of it, and when that began."""

    start: int
    events: tuple[Any, ...]


Attempts: TypeAlias = tuple[Attempt, ...]
Advanced: TypeAlias = tuple[Attempts, list[Outcome]]


def advance(pattern: Pattern, attempts: Attempts, time: int, event: Any) -> Advanced:
    """What an event does to the attempts of its key; times never decrease."""
    alive, outcomes = expire(pattern, attempts, time)
    reached = {0, *(len(attempt.events) for attempt in alive)}
    holds = {at: pattern.elements[at].holds(event) for at in reached}
    moved = [*_moved(pattern, alive, event, holds)]
    if holds[0]:
        moved.append(Attempt(time, (event,)))
    left, matches = _settled(pattern, moved, time)
    return left, [*outcomes, *matches]


def expire(pattern: Pattern, attempts: Attempts, time: int) -> Advanced:
    """The attempts whose time is over at this moment, and those that go on."""
    limit = pattern.limit
    if limit is None:
        return attempts, []
    over = [attempt for attempt in attempts if attempt.start + limit <= time]
    left = attempts[len(over) :]
    return left, [
        TimedOut(_named(pattern, attempt), attempt.start, attempt.start + limit) for attempt in over
    ]


def _moved(
    pattern: Pattern, attempts: Attempts, event: Any, holds: Mapping[int, bool]
) -> Iterable[Attempt]:
    for attempt in attempts:
        at = len(attempt.events)
        if holds[at]:
            yield Attempt(attempt.start, (*attempt.events, event))
        elif pattern.elements[at].contiguity is Contiguity.RELAXED:
            yield attempt


def _settled(pattern: Pattern, attempts: list[Attempt], time: int) -> Advanced:
    complete = [attempt for attempt in attempts if len(attempt.events) == len(pattern.elements)]
    past_last = pattern.after_match is AfterMatch.SKIP_PAST_LAST_EVENT
    if past_last and complete:
        # Every attempt began at this event or before it, so the match covers them all.
        return (), [_match(pattern, complete[0], time)]
    left = attempts[len(complete) :]
    if past_last and pattern.limit is None:
        left = _first_of_each_stage(left)
    return tuple(left), [_match(pattern, attempt, time) for attempt in complete]


def _first_of_each_stage(attempts: list[Attempt]) -> list[Attempt]:
    """Without a limit, attempts of one stage share their fate; the first one's match covers all."""
    return list({len(attempt.events): attempt for attempt in reversed(attempts)}.values())[::-1]


def _match(pattern: Pattern, attempt: Attempt, time: int) -> Match:
    return Match(_named(pattern, attempt), attempt.start, time)


def _named(pattern: Pattern, attempt: Attempt) -> dict[str, Any]:
    # An attempt that timed out has fewer events than the pattern has elements.
    return {
        element.name: event
        for element, event in zip(pattern.elements, attempt.events, strict=False)
    }
