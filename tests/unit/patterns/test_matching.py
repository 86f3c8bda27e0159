"""The matching core against what a pattern means, said a second time and slowly."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelstream.errors import OptionError, RecordFailedError
from modelstream.patterns import AfterMatch, Contiguity, Element, Match, Pattern, TimedOut
from modelstream.patterns.matching import Attempts, Outcome, advance, expire

PAST_LAST, TO_NEXT = AfterMatch.SKIP_PAST_LAST_EVENT, AfterMatch.SKIP_TO_NEXT_EVENT
FOREVER = 10**9
Event = tuple[int, str]


def label(expected: str) -> Callable[[Event], bool]:
    return lambda event: event[1] == expected


def abc(after_match: AfterMatch = PAST_LAST) -> Pattern:
    return (
        Pattern("a", label("a"), after_match=after_match)
        .followed_by("b", label("b"))
        .followed_by("c", label("c"))
        .within(timedelta(milliseconds=10))
    )


def outcomes(pattern: Pattern, events: list[Event]) -> list[Outcome]:
    """What comes of events that are in order, until the end of time."""
    attempts: Attempts = ()
    found: list[Outcome] = []
    for event in events:
        attempts, more = advance(pattern, attempts, event[0], event)
        found += more
    return found + expire(pattern, attempts, FOREVER)[1]


def timed(text: str) -> list[Event]:
    """``a..b`` is an a at 0 and a b at 3."""
    return [(time, letter) for time, letter in enumerate(text) if letter != "."]


def spans(found: list[Outcome]) -> list[tuple[str, int, int]]:
    return [(type(each).__name__, each.start, each.end) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("abc", [("Match", 0, 2)], id="in-a-row"),
        pytest.param("a.xb.xbc", [("Match", 0, 7)], id="others-between-do-not-matter"),
        pytest.param("acb", [("TimedOut", 0, 10)], id="order-matters"),
        pytest.param("a.......bc", [("Match", 0, 9)], id="just-in-time"),
        pytest.param("a........bc", [("TimedOut", 0, 10)], id="at-the-limit-is-too-late"),
        pytest.param("aabc", [("Match", 0, 3)], id="a-match-covers-the-attempts-within-it"),
        pytest.param("a.a.......bc", [("TimedOut", 0, 10), ("Match", 2, 11)], id="a-later-attempt"),
        pytest.param("abcabc", [("Match", 0, 2), ("Match", 3, 5)], id="again"),
        pytest.param("xbc", [], id="no-beginning"),
    ],
)
def test_what_a_relaxed_sequence_finds(text: str, expected: list[Any]) -> None:
    assert spans(outcomes(abc(), timed(text))) == expected


def test_matches_overlap_where_the_search_goes_on_at_the_next_event() -> None:
    assert spans(outcomes(abc(TO_NEXT), timed("aabc"))) == [("Match", 0, 3), ("Match", 1, 3)]


def test_next_takes_the_very_next_event_only() -> None:
    pattern = Pattern("a", label("a")).next("b", label("b")).within(timedelta(milliseconds=9))
    assert spans(outcomes(pattern, timed("axb.aab"))) == [("Match", 5, 6)]


def test_an_outcome_has_its_events_by_name() -> None:
    match, over = outcomes(abc(), timed("abcab"))
    assert match == Match({"a": (0, "a"), "b": (1, "b"), "c": (2, "c")}, 0, 2)
    assert over == TimedOut({"a": (3, "a"), "b": (4, "b")}, 3, 13)


def test_one_event_can_end_an_attempt_by_time_and_begin_another() -> None:
    pattern = Pattern("a", label("a")).next("b", label("b")).within(timedelta(milliseconds=3))
    assert spans(outcomes(pattern, timed("a..ab"))) == [("TimedOut", 0, 3), ("Match", 3, 4)]


def test_without_a_limit_a_key_keeps_one_attempt_a_stage() -> None:
    pattern = Pattern("a", label("a")).followed_by("b", label("b")).followed_by("c", label("c"))
    attempts: Attempts = ()
    for event in timed("aaabaaa"):
        attempts, _ = advance(pattern, attempts, event[0], event)
    assert [attempt.start for attempt in attempts] == [0, 4]


def test_a_condition_that_raises_names_itself_and_the_event() -> None:
    pattern = Pattern("first", lambda event: event["label"] == "a")
    with pytest.raises(RecordFailedError, match=r"'first' failed on \{'x': 1\}: KeyError: 'label'"):
        advance(pattern, (), 0, {"x": 1})


def test_names_are_there_once() -> None:
    with pytest.raises(OptionError, match="two events of the pattern have the name 'a'"):
        Pattern("a", label("a")).followed_by("a", label("b"))


def test_a_limit_is_a_millisecond_or_more() -> None:
    with pytest.raises(OptionError, match="within is 0:00:00; it takes 1 ms or more"):
        abc().within(timedelta(0))


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        pytest.param(
            5, r"within must be a timedelta, got 5: write timedelta\(seconds=5\)", id="number"
        ),
        pytest.param("5 s", "within must be a timedelta, got '5 s': write a timedelta", id="text"),
        pytest.param(None, "within must be a timedelta, got None: write a timedelta", id="none"),
    ],
)
def test_a_limit_is_a_timedelta(limit: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        abc().within(limit)


def test_a_sequence_says_itself() -> None:
    assert str(abc().next("d", label("d"))) == "a followed by b followed by c next d"


# Said again: each attempt by itself, from its first event to its end, with no state.

elements = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(Contiguity)), min_size=1, max_size=4
)
streams = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abcx")), max_size=30)
limits = st.one_of(st.none(), st.integers(1, 12))


def spelled(
    attempt: list[Event], elements: tuple[Element, ...], limit: int | None
) -> tuple[str, int]:
    """How the attempt that begins with the first of these events ends, and at which of them."""
    begun, reached = attempt[0][0], 1
    for at, event in enumerate(attempt):
        if limit is not None and event[0] >= begun + limit:
            return "TimedOut", at
        if at and elements[reached].holds(event):
            reached += 1
        elif at and elements[reached].contiguity is Contiguity.STRICT:
            return "Broken", at
        if reached == len(elements):
            return "Match", at
    return ("TimedOut" if limit is not None else "Open"), len(attempt)


def expected(pattern: Pattern, events: list[Event]) -> Iterator[tuple[str, int, int]]:
    fates = {
        at: spelled(events[at:], pattern.elements, pattern.limit)
        for at, event in enumerate(events)
        if pattern.elements[0].holds(event)
    }
    covered = -1
    for begin, (fate, length) in fates.items():
        if begin <= covered:
            continue
        if fate == "Match":
            end = begin + length
            yield fate, events[begin][0], events[end][0]
            if pattern.after_match is PAST_LAST:
                covered = end
        elif fate == "TimedOut" and pattern.limit is not None:
            yield fate, events[begin][0], events[begin][0] + pattern.limit


@given(elements, streams, limits, st.sampled_from(AfterMatch))
def test_every_attempt_ends_as_it_would_alone_or_is_covered_by_a_match(
    wanted: list[tuple[str, Contiguity]],
    gaps: list[Event],
    limit: int | None,
    after_match: AfterMatch,
) -> None:
    (first, _), *rest = wanted
    pattern = Pattern("element 0", label(first), after_match=after_match)
    for number, (letter, contiguity) in enumerate(rest, 1):
        strict = contiguity is Contiguity.STRICT
        add = pattern.next if strict else pattern.followed_by
        pattern = add(f"element {number}", label(letter))
    if limit is not None:
        pattern = pattern.within(timedelta(milliseconds=limit))
    time, events = 0, []
    for gap, letter in gaps:
        time += gap
        events.append((time, letter))
    assert sorted(spans(outcomes(pattern, events))) == sorted(expected(pattern, events))
