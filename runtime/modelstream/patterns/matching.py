"""The matching itself: state and event in, state and outcomes out. Pure, and free of Flink.

Attempts are kept in the order in which they began. Of two attempts the earlier is never behind
the later: both see the same events, and an event takes each at most one step further. So the
earliest attempt is the first to match, and a match needs to wait for no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from modelstream.patterns.sequence import AfterMatch, Contiguity, Sequence


@dataclass(frozen=True)
class Match:
    """A complete sequence.

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
    """A sequence on the way: what has come of it, and when that began."""

    start: int
    events: tuple[Any, ...]


Attempts: TypeAlias = tuple[Attempt, ...]
Advanced: TypeAlias = tuple[Attempts, list[Outcome]]


def advance(sequence: Sequence, attempts: Attempts, time: int, event: Any) -> Advanced:
    """What an event does to the attempts of its key; times never decrease."""
    alive, outcomes = expire(sequence, attempts, time)
    reached = {0, *(len(attempt.events) for attempt in alive)}
    holds = {at: sequence.steps[at].holds(event) for at in reached}
    moved = [*_moved(sequence, alive, event, holds)]
    if holds[0]:
        moved.append(Attempt(time, (event,)))
    left, matches = _settled(sequence, moved, time)
    return left, [*outcomes, *matches]


def expire(sequence: Sequence, attempts: Attempts, time: int) -> Advanced:
    """The attempts whose time is over at this moment, and those that go on."""
    limit = sequence.limit
    if limit is None:
        return attempts, []
    over = [attempt for attempt in attempts if attempt.start + limit <= time]
    left = attempts[len(over) :]
    return left, [
        TimedOut(_named(sequence, attempt), attempt.start, attempt.start + limit)
        for attempt in over
    ]


def _moved(
    sequence: Sequence, attempts: Attempts, event: Any, holds: Mapping[int, bool]
) -> Iterable[Attempt]:
    for attempt in attempts:
        at = len(attempt.events)
        if holds[at]:
            yield Attempt(attempt.start, (*attempt.events, event))
        elif sequence.steps[at].contiguity is Contiguity.RELAXED:
            yield attempt


def _settled(sequence: Sequence, attempts: list[Attempt], time: int) -> Advanced:
    complete = [attempt for attempt in attempts if len(attempt.events) == len(sequence.steps)]
    past_last = sequence.after_match is AfterMatch.SKIP_PAST_LAST_EVENT
    if past_last and complete:
        # Every attempt began at this event or before it, so the match covers them all.
        return (), [_match(sequence, complete[0], time)]
    left = attempts[len(complete) :]
    if past_last and sequence.limit is None:
        left = _first_of_each_stage(left)
    return tuple(left), [_match(sequence, attempt, time) for attempt in complete]


def _first_of_each_stage(attempts: list[Attempt]) -> list[Attempt]:
    """Without a limit, attempts of one stage share their fate; the first one's match covers all."""
    return list({len(attempt.events): attempt for attempt in reversed(attempts)}.values())[::-1]


def _match(sequence: Sequence, attempt: Attempt, time: int) -> Match:
    return Match(_named(sequence, attempt), attempt.start, time)


def _named(sequence: Sequence, attempt: Attempt) -> dict[str, Any]:
    # An attempt that timed out has fewer events than the sequence has steps.
    return {step.name: event for step, event in zip(sequence.steps, attempt.events, strict=False)}
