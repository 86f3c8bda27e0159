"""The end of a stream: with a last savepoint where that is asked for, and never without an end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.carriedout import carry_out
from tests.support.machine import Courses

from modelstream_operator.decide.decision import (
    Answer,
    Decision,
    OfRun,
    Rest,
    Seen,
    StopWithSavepoint,
    Wanted,
)
from modelstream_operator.decide.deleting import SAVING
from modelstream_operator.decide.job import Job, SavepointAnswer
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.savepointing import RETRY
from modelstream_operator.decide.stored import Kind, Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHECKPOINTS, SAVEPOINTS = "s3://state/checkpoints", "s3://state/savepoints"
RUNNING, RESTARTING = Job("RUNNING", running=2, total=2), Job("RESTARTING", total=2)
STARTED = Memory(
    Step.DEPLOYED, NOW, run=3, job_id="a", revision="r", started="2026-01-01T00:00:00Z"
)
GONE = Wanted("", savepoints=SAVEPOINTS, checkpoints=CHECKPOINTS, deletion=timedelta(minutes=1))
SAVES = replace(GONE, saves_at_deletion=True)


def seen(job: Job | None = RUNNING, pods: int = 2, **values: Any) -> Seen:
    runs = {3: OfRun(pods, deployments=2, scaled_down=False)}
    answer = Answer.JOB if job else Answer.NOT_ASKED
    return replace(Seen(NOW, "f" * 32, job=job, answer=answer, runs=runs), **values)


def told(decision: Decision) -> tuple[str, str]:
    (news,) = decision.news
    return news.reason, news.message


def test_a_job_that_runs_is_stopped_with_a_savepoint_before_its_pods_go() -> None:
    asked = decide(STARTED, SAVES, seen())
    assert asked.memory.step is Step.SAVEPOINTING
    assert asked.memory.deadline == NOW + SAVING
    stops = decide(asked.memory, SAVES, seen())
    assert isinstance(stops.act, StopWithSavepoint)
    done = decide(asked.memory, SAVES, seen(savepoint=SavepointAnswer("s3://saved")))
    assert (done.memory.step, done.memory.ask) == (Step.DELETING, None)
    assert done.memory.ended is not None
    assert done.memory.ended.left == Stored("s3://saved", Kind.SAVEPOINT, "a")
    assert told(done) == ("StateKept", "checkpoints and savepoints stay: s3://saved")


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(seen(), id="Flink is slow"),
        pytest.param(seen(savepoint=SavepointAnswer()), id="under way"),
        pytest.param(seen(RESTARTING), id="the job restarts"),
        pytest.param(seen(None), id="no JobManager"),
        pytest.param(seen(None, answer=Answer.SILENT), id="no answer"),
    ],
)
def test_it_is_waited_for_two_minutes_and_no_longer(there: Seen) -> None:
    memory = decide(STARTED, SAVES, there).memory
    assert memory.step is Step.SAVEPOINTING
    late = decide(memory, SAVES, replace(there, now=NOW + SAVING))
    assert late.memory.step is Step.DELETING
    assert f"{CHECKPOINTS}/a" in told(late)[1]


def test_one_that_fails_is_tried_again_and_its_cause_is_told_at_the_end() -> None:
    memory = decide(STARTED, SAVES, seen()).memory
    memory = decide(memory, SAVES, seen(savepoint=SavepointAnswer(failure="no space"))).memory
    assert memory.step is Step.SAVEPOINTING
    again = decide(memory, SAVES, seen(now=NOW + RETRY)).memory
    assert again.ask is not None
    assert again.ask.trigger_id
    late = decide(again, SAVES, seen(now=NOW + SAVING))
    assert told(late)[0] == "DeletedWithoutSavepoint"
    assert "(no space)" in told(late)[1]


@pytest.mark.parametrize(
    ("there", "says"),
    [
        pytest.param(seen(RESTARTING), "the job is RESTARTING for 60 s", id="idle"),
        pytest.param(seen(savepoint=SavepointAnswer(failure="full")), "full", id="failures"),
    ],
)
def test_one_that_cannot_be_had_is_told_with_its_cause(there: Seen, says: str) -> None:
    memory, time = STARTED, NOW
    for _ in range(20):
        decision = decide(memory, SAVES, replace(there, now=time))
        memory, time = decision.memory, time + timedelta(seconds=10)
        if memory.step is Step.DELETING:
            break
    reason, message = told(decision)
    assert reason == "DeletedWithoutSavepoint"
    assert says in message


def test_a_stop_for_a_change_that_took_long_already_has_two_more_minutes() -> None:
    edit = replace(SAVES, revision="new", deletion=None, restart=True, keeps_state=True)
    asked = decide(replace(STARTED), replace(edit, restart=False, rest=Rest.SUSPENDED), seen())
    day = NOW + timedelta(hours=1)
    memory = decide(asked.memory, SAVES, seen(savepoint=SavepointAnswer(), now=day)).memory
    assert (memory.step, memory.deadline) == (Step.SAVEPOINTING, day + SAVING)


def test_a_batch_job_leaves_no_checkpoints_to_tell_of() -> None:
    assert decide(STARTED, replace(GONE, savepoints=None), seen()).news == ()


def test_a_stop_for_a_change_that_is_under_way_becomes_the_last_one() -> None:
    edit = replace(SAVES, revision="new", deletion=None, restart=True, keeps_state=True, rest=None)
    stopping = decide(replace(STARTED, started="x"), edit, seen(RESTARTING)).memory
    assert stopping.step is Step.SAVEPOINTING
    later = NOW + timedelta(seconds=30)
    memory = decide(stopping, SAVES, seen(RESTARTING, now=later)).memory
    assert memory.deadline == later + SAVING


@pytest.mark.parametrize(
    ("memory", "wanted", "there"),
    [
        pytest.param(replace(STARTED, started=None), SAVES, seen(), id="it never ran"),
        pytest.param(STARTED, GONE, seen(), id="not asked for"),
        pytest.param(STARTED, replace(SAVES, savepoints=None), seen(), id="no state"),
        pytest.param(STARTED.go(Step.SUSPENDED, NOW), SAVES, seen(None, 0), id="suspended"),
        pytest.param(STARTED.go(Step.TEARING_DOWN, NOW), SAVES, seen(None), id="torn down"),
    ],
)
def test_where_there_is_nothing_to_save_the_pods_go_at_once(
    memory: Memory, wanted: Wanted, there: Seen
) -> None:
    assert decide(memory, wanted, there).memory.step is Step.DELETING


def test_pods_that_are_gone_with_their_namespace_are_not_waited_for() -> None:
    memory = decide(STARTED, SAVES, seen()).memory
    assert decide(memory, SAVES, seen(None, 0)).memory.step is Step.DELETING


def test_a_stop_without_that_wish_is_given_up() -> None:
    memory = decide(STARTED, SAVES, seen()).memory
    leaving = decide(memory, GONE, seen()).memory
    assert (leaving.step, leaving.ask) == (Step.DELETING, None)


def test_what_stays_of_a_suspended_stream_is_told() -> None:
    left = Stored("s3://saved", Kind.SAVEPOINT, "a")
    ended = Ended(3, "a", How.STOPPED, NOW, left)
    memory = replace(STARTED.go(Step.SUSPENDED, NOW), ended=ended)
    assert told(decide(memory, GONE, seen(None, 0)))[1].endswith("stay: s3://saved")
    assert told(decide(STARTED, GONE, seen()))[1].endswith(f"in {CHECKPOINTS}/a")
    assert decide(replace(memory, ended=None), GONE, seen(None, 0)).news == ()


def deleted_while_it_runs(course: Courses) -> None:
    course.works()
    course.savepoint_at_deletion(wish=True)
    for _ in range(2):
        course.all_goes_on()


def deleted_while_it_stops_for_an_edit(course: Courses) -> None:
    deleted_while_it_runs(course)
    course.edited()
    course.operator_looks(writes=None, seconds=1)
    course.cluster_goes_on()
    course.operator_looks(writes=None, seconds=1)


@pytest.mark.parametrize("course", [deleted_while_it_runs, deleted_while_it_stops_for_an_edit])
@pytest.mark.parametrize("operator", ["decide", "reconciler"])
def test_a_course(course: Callable[[Courses], None], operator: str, target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    carry_out(course, operator, manifest)
