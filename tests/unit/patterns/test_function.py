"""The detector as Flink calls it, without Flink: one key, what is state is pickled each time."""

import pickle
from datetime import timedelta
from typing import Any

import pytest

from modelstream.errors import OptionError, StateError
from modelstream.patterns import Pattern, detect


@pytest.fixture(autouse=True)
def _flink() -> None:
    from tests.support.jvm import import_noisy

    import_noisy()


def abc() -> Pattern:
    def shows(expected: str) -> Any:
        return lambda event: event[0] == expected

    pattern = Pattern("a", shows("a")).followed_by("b", shows("b")).followed_by("c", shows("c"))
    return pattern.within(timedelta(seconds=60))


class Key:
    """A key's state, its timers and its time, as Flink gives them to a detector."""

    def __init__(self) -> None:
        from modelstream.patterns.function import Detector

        self.state: bytes | None = None
        self.timers: list[int] = []
        self.time, self.watermark = 0, -(2**63)
        self.detector = Detector(abc())
        self.detector.open(self)

    def get_state(self, descriptor: Any) -> "Key":
        return self

    def value(self) -> Any:
        return None if self.state is None else pickle.loads(self.state)

    def update(self, state: Any) -> None:
        self.state = pickle.dumps(state)

    def clear(self) -> None:
        self.state = None

    def timer_service(self) -> "Key":
        return self

    def timestamp(self) -> int:
        return self.time

    def current_watermark(self) -> int:
        return self.watermark

    def register_event_time_timer(self, time: int) -> None:
        self.timers.append(time)

    def take(self, label: str, time: int) -> list[Any]:
        """An event, and what comes out at once."""
        self.time = time
        return list(self.detector.process_element((label, time), self))

    def pass_by(self, watermark: int) -> list[Any]:
        """The watermark, and what comes out of the timers that it passes."""
        self.watermark = watermark
        found: list[Any] = []
        for time in sorted(time for time in {*self.timers} if time <= watermark):
            found += self.detector.on_timer(time, self)
        self.timers = [time for time in self.timers if time > watermark]
        return found

    def restart(self) -> "Key":
        """The same key in another process, to which no watermark has come."""
        other = Key()
        other.state, other.timers = self.state, self.timers
        return other


def under_way() -> Key:
    """``a`` at 10 s and ``b`` at 30 s have been seen."""
    key = Key()
    key.take("a", 10_000)
    key.take("b", 30_000)
    assert key.pass_by(35_000) == []
    return key


def test_an_event_is_looked_at_when_the_watermark_has_passed_it() -> None:
    key = Key()
    assert key.take("a", 5000) == []
    assert key.timers == [5000, 65_000]
    assert key.pass_by(65_000)[0].events == {"a": ("a", 5000)}
    assert key.state is None


def test_what_was_late_before_a_restart_is_late_after_it() -> None:
    from modelstream.patterns.function import Late

    key = under_way()
    late = [Late(("c", 20_000))]
    assert key.take("c", 20_000) == late
    restarted = key.restart()
    assert restarted.take("c", 20_000) == late
    assert restarted.take("c", 30_000) == [Late(("c", 30_000))]
    assert restarted.pass_by(40_000) == []
    assert restarted.take("c", 50_000) == []
    (match,) = restarted.pass_by(50_000)
    assert match.events["c"] == ("c", 50_000)


def test_an_event_that_waits_is_looked_at_after_a_restart() -> None:
    key = under_way()
    key.take("c", 50_000)
    (match,) = key.restart().pass_by(50_000)
    assert (match.start, match.end) == (10_000, 50_000)


def test_no_class_of_this_library_is_named_in_the_state() -> None:
    key = under_way()
    key.take("c", 50_000)
    assert key.state is not None
    assert b"modelstream" not in key.state


def test_attempts_of_another_sequence_are_refused() -> None:
    key = under_way()
    version, _, *rest = key.value()
    key.update((version, ("a", "z"), *rest))
    with pytest.raises(StateError, match="of the pattern a - z, this one is a - b - c"):
        key.take("c", 50_000)


def test_a_state_of_another_version_is_refused() -> None:
    key = under_way()
    _, *rest = key.value()
    key.update((2, *rest))
    with pytest.raises(StateError, match="version 2 of the layout, this release reads 1"):
        key.take("c", 50_000)


def test_a_stream_without_keys_is_refused_before_the_job_runs() -> None:
    from pyflink.datastream import DataStream

    unkeyed: Any = DataStream(None)
    with pytest.raises(OptionError, match=r"'logins' takes a keyed stream, .*\.key_by\("):
        detect(unkeyed, abc(), name="logins")
