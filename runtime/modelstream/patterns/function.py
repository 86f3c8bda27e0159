"""The sequence on Flink: events wait for the watermark, attempts are keyed state.

An event is kept under its time until a timer of that time fires. Timers fire in the order of
their times, so events are sorted by them. Every timer is registered when the event comes, also
the one of the time-out: one that is registered while timers fire comes back to Flink only when
these are through, and behind the last watermark of a stream it would never fire.

The state of a key is one value. A map by time would do too, but PyFlink 2.3 does not get a map
state back from a checkpoint ("a serializer has already been registered for the state").

What comes out is one stream of objects, split by their class. Flink's side outputs would be the
obvious way, but PyFlink sends what is meant for a side output that no sink reads down the main
one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from modelstream.errors import JobError
from modelstream.patterns.matching import Attempts, Match, Outcome, TimedOut, advance, expire
from modelstream.patterns.sequence import Detected, Sequence

if TYPE_CHECKING:
    from pyflink.datastream import KeyedStream

State: TypeAlias = tuple[dict[int, list[Any]], Attempts]
"""What a key has: events that wait, by their time, and attempts."""

_NO_TIME = -(2**63)


@dataclass(frozen=True)
class Late:
    """An event that came behind the watermark."""

    event: Any


def detected(sequence: Sequence, keyed: "KeyedStream") -> Detected:
    """The streams of what a sequence finds."""
    found = keyed.process(Detector(sequence)).name(f"sequence: {sequence}")
    return Detected(
        matched=found.filter(lambda each: isinstance(each, Match)).name("matched"),
        timed_out=found.filter(lambda each: isinstance(each, TimedOut)).name("timed out"),
        late=found.flat_map(_late).name("late"),
    )


def _late(found: "Outcome | Late") -> Iterator[Any]:
    if isinstance(found, Late):
        yield found.event


class Detector(KeyedProcessFunction):  # type: ignore[misc]  # PyFlink has no types
    """Finds a sequence among the events of a key."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get hold of the state."""
        descriptor = ValueStateDescriptor("sequence", Types.PICKLED_BYTE_ARRAY())
        self._state = runtime_context.get_state(descriptor)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Late]:
        """Keep an event until its time has come.

        Raises:
            JobError: the stream has no event time.
        """
        time = _time(ctx)
        timers = ctx.timer_service()
        state: State | None = self._state.value()
        waiting, attempts = state or ({}, ())
        # After a restart the watermark begins anew, behind what the attempts have seen.
        if time <= timers.current_watermark() or (attempts and time < attempts[-1].start):
            yield Late(value)
            return
        waiting.setdefault(time, []).append(value)
        self._state.update((waiting, attempts))
        timers.register_event_time_timer(time)
        limit = self._sequence.limit
        if limit is not None and self._sequence.steps[0].holds(value):
            timers.register_event_time_timer(time + limit)

    def on_timer(
        self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext
    ) -> Iterator[Outcome]:
        """Look at the events of this moment, and at the attempts that end with it."""
        state: State | None = self._state.value()
        if state is None:
            return
        waiting, attempts = state
        attempts, outcomes = expire(self._sequence, attempts, timestamp)
        for event in waiting.pop(timestamp, ()):
            attempts, more = advance(self._sequence, attempts, timestamp, event)
            outcomes += more
        if waiting or attempts:
            self._state.update((waiting, attempts))
        else:
            self._state.clear()
        yield from outcomes


def _time(ctx: KeyedProcessFunction.Context) -> int:
    time = ctx.timestamp()
    if time is None or time == _NO_TIME:
        raise JobError(
            "a sequence needs event time, and this stream has none: give it timestamps with "
            "assign_timestamps_and_watermarks before key_by, or its table a WATERMARK"
        )
    return int(time)
