"""What a run tells programs: an object a line."""

import io
import json
from typing import Any

from tests.unit.cli.test_progress import Clock, Terminal

from modelstream.cli.events import Events, counted
from modelstream.cli.progress import ProgressLine
from modelstream.cli.watch import Watch
from modelstream.embedded import Tally
from modelstream.flink.jvm.jobstate import JobState


class Told:
    """A job that is watched, and what was written of it."""

    def __init__(self) -> None:
        self.clock, self.count, self.loading = Clock(), Tally(), ""
        self.stream = io.StringIO()
        self.events = Events(self.stream, self.clock)
        self.watch = Watch(
            ProgressLine(Terminal(), self.clock),
            self.clock,
            lambda: self.count,
            loading=lambda: self.loading,
            events=self.events,
        )

    def after(self, seconds: float, **changes: Any) -> list[dict[str, Any]]:
        self.clock.now += seconds
        for name, value in changes.items():
            setattr(self, name, value)
        before = self.stream.tell()
        self.watch.update()
        return [json.loads(line) for line in self.stream.getvalue()[before:].splitlines()]


def test_each_state_is_told_once_when_it_begins() -> None:
    told = Told()
    told.watch.now("fetching a.jar: 1 MB")
    assert [e["state"] for e in told.after(1)] == ["fetching a.jar"]
    told.watch.now("fetching a.jar: 2 MB")
    assert told.after(1) == []
    told.watch.told(JobState("CREATED"))
    assert [e["state"] for e in told.after(1)] == ["starting the job"]
    assert [e["state"] for e in told.after(1, loading="fraud")] == ["loading fraud"]
    told.watch.told(JobState("RUNNING"))
    assert [e["state"] for e in told.after(1, loading="")] == ["waiting for records"]
    told.watch.told(JobState("RESTARTING", 1, "why"))
    assert [e["state"] for e in told.after(1)] == ["restarting"]
    told.watch.now("stopping with a last checkpoint")
    assert [e["state"] for e in told.after(1)] == ["stopping"]


def test_numbers_are_told_once_a_second_where_they_have_changed() -> None:
    told = Told()
    told.watch.told(JobState("RUNNING", checkpoint=17.0))
    state, progress = told.after(2, count=Tally(6, failures=2, dead_letters=1))
    assert state["state"] == "running"
    assert progress["event"] == "progress"
    assert progress["checkpoint"] == 17.0
    assert {name: progress[name] for name in counted(Tally())} == {
        "read": 6,
        "scored": 4,
        "deadLettered": 1,
        "notScored": 2,
    }
    assert told.after(0.5, count=Tally(9)) == []
    assert [e["read"] for e in told.after(0.6)] == [9]
    assert told.after(5) == []


def test_an_event_is_a_line_whatever_is_in_it() -> None:
    told = Told()
    told.events.happened("error", message="a\nb ü", exitCode=2)
    (line,) = told.stream.getvalue().splitlines()
    assert "ü" in line
    assert json.loads(line)["message"] == "a\nb ü"
