"""The pattern on Flink: events wait for the watermark, attempts are keyed state.

An event is kept under its time until a timer of that time fires. Timers fire in the order of
their times, so events are sorted by them. Every timer is registered when the event comes, also
the one of the time-out: one that is registered while timers fire comes back to Flink only when
these are through, and behind the last watermark of a stream it would never fire.

The state of a key is one value, because an event and the attempts that it takes further change
together: one read and one write a moment.

What comes out is one stream of objects, split by their class, because they are objects of Python
all the same, and have one order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from modelstream.annotations import checked
from modelstream.errors import JobError, OptionError, StateError
from modelstream.flink.keyed import ANEW, check_keyed, value_of_key
from modelstream.messages import excerpt
from modelstream.patterns.matching import (
    Attempt,
    Attempts,
    Match,
    Outcome,
    TimedOut,
    advance,
    expire,
)
from modelstream.patterns.pattern import Detected, Pattern

if TYPE_CHECKING:
    from pyflink.datastream import KeyedStream

_VERSION = 1
_NO_TIME = -(2**63)


@dataclass(frozen=True)
class Late:
    """An event that came behind the watermark."""

    event: Any


@dataclass
class KeyState:
    """What a key has.

    Attributes:
        waiting: events that the watermark has not passed, by their time.
        attempts: what has come of the others.
        until: how far the key has been looked at; what comes from before is late.
    """

    waiting: dict[int, list[Any]] = field(default_factory=dict)
    attempts: Attempts = ()
    until: int = _NO_TIME

    def plain(self, elements: tuple[str, ...]) -> tuple[Any, ...]:
        """As it lies in the state: versioned, and without a class of this library."""
        attempts = [(attempt.start, attempt.events) for attempt in self.attempts]
        return _VERSION, elements, self.until, self.waiting, attempts

    @classmethod
    def of(cls, plain: Any, elements: tuple[str, ...]) -> "KeyState":
        """What ``plain`` gave; None is a key without any.

        Raises:
            StateError: another release has written it, or another pattern.
        """
        if plain is None:
            return cls()
        version, *rest = plain
        if version != _VERSION:
            raise StateError(
                f"the state of the pattern has version {version!r:.20} of the layout, this "
                f"release reads {_VERSION}: run the release that wrote it"
            )
        begun, until, waiting, attempts = rest
        if attempts and begun != elements:
            raise StateError(
                f"attempts in the state are of the pattern {' - '.join(begun)}, this one is "
                f"{' - '.join(elements)}: give it another name and start the job with {ANEW}"
            )
        return cls(waiting, tuple(Attempt(start, events) for start, events in attempts), until)


@checked("pattern")
def detect(stream: "KeyedStream", pattern: Pattern, *, name: str = "pattern") -> Detected:
    """Look for a pattern in the events of each key.

    Examples:
        >>> found = ms.detect(logins.key_by(lambda event: event.user), pattern, name="logins")
        >>> found.matched, found.timed_out, found.late

    Args:
        stream: has timestamps and watermarks, and keys. Events may come out of order; each is
            looked at when the watermark has passed it.
        pattern: what to look for.
        name: what a savepoint calls its state: two patterns of one job need two names.

    Raises:
        OptionError: the stream is not keyed, or something else than a pattern is given.
    """
    if not isinstance(pattern, Pattern):
        raise OptionError(f"detect takes a Pattern, got {excerpt(pattern)}")
    check_keyed(stream, f"the pattern {name!r}")
    found = stream.process(Detector(pattern)).name(f"{name}: {pattern}")
    found.uid(f"modelstream-{name}-detect")
    return Detected(
        matched=found.filter(lambda each: isinstance(each, Match)).name("matched"),
        timed_out=found.filter(lambda each: isinstance(each, TimedOut)).name("timed out"),
        late=found.flat_map(_late).name("late"),
    )


def _late(found: "Outcome | Late") -> Iterator[Any]:
    if isinstance(found, Late):
        yield found.event


class Detector(KeyedProcessFunction):  # type: ignore[misc]  # PyFlink has no types
    """Finds a pattern among the events of a key."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._elements = tuple(element.name for element in pattern.elements)

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get hold of the state."""
        self._state = value_of_key(runtime_context, "pattern")

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Late]:
        """Keep an event until its time has come.

        Raises:
            JobError: the stream has no event time.
        """
        time = _time(ctx)
        timers = ctx.timer_service()
        progress = KeyState.of(self._state.value(), self._elements)
        # After a restart the watermark begins anew, behind what the key has seen.
        if time <= max(timers.current_watermark(), progress.until):
            yield Late(value)
            return
        progress.waiting.setdefault(time, []).append(value)
        self._state.update(progress.plain(self._elements))
        timers.register_event_time_timer(time)
        limit = self._pattern.limit
        if limit is not None and self._pattern.elements[0].holds(value):
            timers.register_event_time_timer(time + limit)

    def on_timer(
        self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext
    ) -> Iterator[Outcome]:
        """Look at the events of this moment, and at the attempts that end with it."""
        if (plain := self._state.value()) is None:
            return
        progress = KeyState.of(plain, self._elements)
        progress.until = timestamp
        progress.attempts, outcomes = expire(self._pattern, progress.attempts, timestamp)
        for event in progress.waiting.pop(timestamp, ()):
            progress.attempts, more = advance(self._pattern, progress.attempts, timestamp, event)
            outcomes += more
        if progress.waiting or progress.attempts:
            self._state.update(progress.plain(self._elements))
        else:
            self._state.clear()
        yield from outcomes


def _time(ctx: KeyedProcessFunction.Context) -> int:
    time = ctx.timestamp()
    if time is None or time == _NO_TIME:
        raise JobError(
            "a pattern needs event time, and this stream has none: give it timestamps with "
            "assign_timestamps_and_watermarks before key_by, or its table a WATERMARK"
        )
    return int(time)
