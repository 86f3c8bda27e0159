"""What the line of a run says, from the first moment to the last."""

import io
import time
from typing import Any

import pytest
from tests.unit.cli.test_progress import Clock, Terminal

from modelstream.cli.progress import ProgressLine
from modelstream.cli.watch import Watch
from modelstream.embedded import Tally
from modelstream.flink.jvm.jobstate import JobState

FAILURE = "org.apache.flink.util.FlinkRuntimeException: Failed to list topics of hunter22"


class World:
    """A job that is watched: its numbers, its state, the model that it loads, the clock."""

    def __init__(self) -> None:
        self.count, self.loading, self.warning = Tally(), "", ""
        self.clock = Clock()
        self.terminal = Terminal()
        self.watch = Watch(
            ProgressLine(self.terminal, self.clock),
            self.clock,
            lambda: self.count,
            loading=lambda: self.loading,
            source="kafka tx",
            warning=lambda: self.warning,
            redact=lambda text: text.replace("hunter22", "******"),
        )

    def after(self, seconds: float, **changes: Any) -> str:
        self.clock.now += seconds
        for name, value in changes.items():
            setattr(self, name, value)
        self.watch.update()
        return self.watch.says(self.watch.numbers())


def test_each_phase_is_named_and_timed_by_itself() -> None:
    world = World()
    world.watch.now("starting Flink")
    assert world.after(3) == "starting Flink, 3 s"
    world.watch.now("fetching a.jar: 1 MB")
    world.clock.now += 2
    world.watch.now("fetching a.jar: 2 MB")
    assert world.after(0) == "fetching a.jar: 2 MB, 2 s"


def test_something_is_shown_at_once() -> None:
    world = World()
    with world.watch.ticking():
        assert world.terminal.getvalue().startswith("\rstarting, 0 s")


def test_a_job_that_runs_and_has_no_record_waits_for_its_source() -> None:
    world = World()
    world.watch.told(JobState("CREATED"))
    assert world.after(1) == "starting the job, 1 s"
    world.watch.told(JobState("RUNNING"))
    assert world.after(2, loading="fraud") == "loading fraud, 2 s"
    assert world.after(2, loading="") == "running, waiting for records of kafka tx, 4 s"
    assert world.after(4, warning="no hunter22").endswith(
        "of kafka tx, 8 s; Flink warns: no ******"
    )


def test_a_restart_is_told_with_its_cause_and_without_secrets() -> None:
    world = World()
    world.watch.told(JobState("RESTARTING", 1, FAILURE))
    assert world.after(2) == "restarting (time 2): Failed to list topics of ******, 2 s"
    world.watch.told(JobState("RUNNING", 2, FAILURE))
    said = world.after(2, count=Tally(6))
    assert said == "6 read, 6 scored, 0 dead-lettered, 3/s, restarted 2 times: Failed to list " + (
        "topics of ******"
    )
    assert "restarted 2 times: Failed" in world.watch.summary("fraud", "failed")


def test_the_rate_is_of_the_last_seconds() -> None:
    world = World()
    world.after(1, count=Tally(100))
    assert world.after(1, count=Tally(2100, 3, 3)).startswith(
        "2,100 read, 2,097 scored, 3 dead-lettered, 2,000/s"
    )
    for _ in range(20):
        said = world.after(1)
    assert said.endswith(" 0/s")


def test_the_age_of_the_last_checkpoint_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(time, "time", lambda: 100.0)
    world.watch.told(JobState("RUNNING", checkpoint=88.0))
    assert world.after(1, count=Tally(1)).endswith("checkpoint 12 s ago")


def test_what_is_stopped_says_so_though_it_has_records() -> None:
    world = World()
    world.watch.told(JobState("RUNNING"))
    world.watch.now("stopping with a last checkpoint")
    assert world.after(2, count=Tally(9)) == "stopping with a last checkpoint, 2 s"


def test_a_job_that_ends_keeps_the_state_that_it_had() -> None:
    world = World()
    world.watch.told(JobState("RUNNING"))
    world.watch.told(None)
    assert "waiting for records" in world.after(1)


def test_the_end_has_no_rate() -> None:
    world = World()
    world.after(6, count=Tally(2100, 3, 3))
    said = world.watch.summary("fraud", "finished")
    assert said == "fraud finished after 6.0 s: 2,100 read, 2,097 scored, 3 dead-lettered"


def test_what_was_dropped_is_told_as_not_scored() -> None:
    counts = [Tally()]
    watch = Watch(ProgressLine(io.StringIO()), Clock(), lambda: counts[-1])
    counts.append(Tally(10, 2, 0))
    assert watch.summary("a", "finished").endswith("10 read, 8 scored, 2 not scored")
