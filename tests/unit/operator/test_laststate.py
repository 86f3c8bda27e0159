"""A job that gives no savepoint: what comes next goes on from its newest checkpoint."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.decide.decision import Answer, Decision, Rest, Seen, Wanted
from modelstream_operator.decide.job import Checkpoints, Job, SavepointAnswer
from modelstream_operator.decide.laststate import IDLE, SILENT
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.prepared import Prepared, Proof
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.savepointing import FAILURES, PATIENCE, RETRY
from modelstream_operator.decide.stored import Found, Kind, Search, Stored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING, RESTARTING = Job("RUNNING", running=2, total=2), Job("RESTARTING", total=2)
CHECKPOINTS, SAVEPOINTS = "s3://state/checkpoints", "s3://state/savepoints"
ORIGIN = Stored(f"{SAVEPOINTS}/y-1/savepoint-1", Kind.SAVEPOINT, "y", "older")
SAME = Wanted("old", keeps_state=True, savepoints=SAVEPOINTS, checkpoints=CHECKPOINTS)
EDIT = replace(SAME, revision="new", restart=True)
LAST = replace(EDIT, from_checkpoint=True)
STARTED = Memory(
    Step.DEPLOYED,
    since=NOW,
    run=3,
    job_id="a",
    revision="old",
    started="2026-01-01T00:00:00Z",
    restored_from=ORIGIN,
)
PROVEN = replace(STARTED, prepared=Prepared(4, "new", "f" * 32, NOW))
SOUGHT = Search(f"{CHECKPOINTS}/a", needed=False, otherwise=ORIGIN)
OF_A = Stored(SOUGHT.directory, Kind.NEWEST, "a", "old", SOUGHT)
NEXT = Memory(Step.DEPLOYED, since=NOW, run=4, job_id="b", revision="new", restored_from=OF_A)


def seen(**values: Any) -> Seen:
    made = replace(Seen(NOW, "f" * 32, proof=Proof(succeeded=True)), **values)
    return replace(made, answer=Answer.JOB) if made.job else made


DOWN = seen()


def after(time: timedelta, memory: Memory, wanted: Wanted, **values: Any) -> Decision:
    """The decision about what has been so since the beginning."""
    begun = decide(memory, wanted, seen(**values)).memory
    return decide(begun, wanted, seen(now=NOW + time, **values))


def next_of(memory: Memory, wanted: Wanted = EDIT) -> Stored | None:
    """What the next run goes on from, once the pods are gone."""
    return decide(memory, wanted, DOWN).memory.restored_from


@pytest.mark.parametrize("wanted", [EDIT, replace(SAME, rest=Rest.SUSPENDED)], ids=["edit", "rest"])
@pytest.mark.parametrize(
    "there",
    [
        pytest.param({"job": RESTARTING}, id="it restarts"),
        pytest.param({"job": Job("RUNNING", 1, 0, 2)}, id="some tasks run"),
        pytest.param({"answer": Answer.NOT_ASKED}, id="no JobManager"),
        pytest.param({"answer": Answer.NO_JOB, "planned": False}, id="ended while nobody looked"),
    ],
)
def test_a_change_of_a_job_that_does_not_run_for_a_minute_is_made(
    wanted: Wanted, there: dict[str, Any]
) -> None:
    waits = after(IDLE - timedelta(seconds=1), STARTED, wanted, **there)
    assert waits.memory.step is Step.SAVEPOINTING
    assert waits.waiting is not None
    assert waits.waiting.reason is Reason.SAVEPOINT_NOT_POSSIBLE
    assert "2026-01-01T00:01:00Z" in waits.waiting.message
    done = after(IDLE, STARTED, wanted, **there)
    assert done.memory.step is Step.TEARING_DOWN
    assert done.memory.ended is not None
    assert done.memory.ended.how is How.DROPPED
    (news,) = done.news
    assert "newest checkpoint of job a" in news.message
    assert next_of(done.memory) == OF_A


def test_a_ready_jobmanager_that_does_not_answer_is_given_ten_minutes() -> None:
    silent = {"answer": Answer.SILENT}
    assert after(SILENT - timedelta(seconds=1), PROVEN, EDIT, **silent).memory.ask
    assert after(SILENT, PROVEN, EDIT, **silent).memory.step is Step.TEARING_DOWN


def test_a_job_that_runs_again_in_time_goes_on_until_the_change_is_proven() -> None:
    waits = after(timedelta(seconds=30), STARTED, EDIT, job=RESTARTING).memory
    runs = decide(waits, EDIT, seen(job=RUNNING, now=NOW + IDLE)).memory
    assert (runs.step, runs.ask) == (Step.DEPLOYED, None)
    assert decide(runs, EDIT, seen(job=RUNNING, now=NOW + IDLE)).memory.prepared is not None


@pytest.mark.parametrize(
    ("memory", "wanted"),
    [(PROVEN, EDIT), (STARTED, replace(SAME, rest=Rest.SUSPENDED))],
    ids=["proven", "rest"],
)
def test_a_job_that_runs_again_in_time_stops_with_a_savepoint(
    memory: Memory, wanted: Wanted
) -> None:
    waits = after(timedelta(seconds=30), memory, wanted, job=RESTARTING).memory
    asked = decide(waits, wanted, seen(job=RUNNING, now=NOW + IDLE)).memory.ask
    assert asked is not None
    assert asked.trigger_id
    assert asked.idle is None


def test_an_edit_that_is_taken_back_while_the_job_does_not_run_leaves_it_alone() -> None:
    waits = decide(STARTED, EDIT, seen(job=RESTARTING)).memory
    back = decide(waits, SAME, seen(job=RESTARTING)).memory
    assert (back.step, back.ask) == (Step.DEPLOYED, None)


def test_a_job_that_fails_while_it_stops_goes_the_same_way() -> None:
    asked = decide(PROVEN, EDIT, seen(job=RUNNING)).memory
    assert after(IDLE, asked, EDIT, job=RESTARTING).memory.step is Step.TEARING_DOWN


def test_a_savepoint_that_is_under_way_is_waited_for_whatever_tasks_do() -> None:
    asked = decide(PROVEN, EDIT, seen(job=RUNNING)).memory
    slow = after(SILENT, asked, EDIT, job=Job("RUNNING", 1, 0, 2), savepoint=SavepointAnswer())
    assert slow.memory.step is Step.SAVEPOINTING


def test_savepoints_that_fail_again_and_again_are_done_without() -> None:
    memory, time = PROVEN, NOW
    for _ in range(FAILURES):
        memory = decide(memory, EDIT, seen(job=RUNNING, now=time)).memory
        assert memory.step is Step.SAVEPOINTING
        failure = SavepointAnswer(failure="no space")
        last = decide(memory, EDIT, seen(job=RUNNING, now=time, savepoint=failure))
        memory, time = last.memory, time + RETRY
    assert memory.step is Step.TEARING_DOWN
    assert "no space" in last.news[0].message


def test_a_stop_that_is_refused_on_its_way_is_given_up_when_it_is_late() -> None:
    asked = decide(PROVEN, EDIT, seen(job=RUNNING)).memory
    failed = replace(asked, ask=asked.ask and replace(asked.ask, attempts=FAILURES))
    refused = {"job": RUNNING, "refused_stop": "403"}
    assert decide(failed, EDIT, seen(**refused)).memory.step is Step.SAVEPOINTING
    late = decide(failed, EDIT, seen(now=NOW + PATIENCE, **refused))
    assert late.memory.step is Step.TEARING_DOWN


def test_last_state_takes_no_savepoint_of_a_job_that_runs() -> None:
    over = decide(PROVEN, LAST, seen(job=RUNNING)).memory
    assert over.step is Step.TEARING_DOWN
    assert next_of(over, LAST) == OF_A


def test_the_next_run_needs_what_is_known_to_be_complete() -> None:
    over = decide(PROVEN, LAST, seen(job=RUNNING, saved=True)).memory
    left = next_of(over)
    assert left is not None
    assert left.search is not None
    assert left.search.needed


def test_an_edit_without_state_takes_nothing_along() -> None:
    over = decide(PROVEN, LAST, seen(job=RUNNING)).memory
    assert next_of(over, replace(EDIT, keeps_state=False)) is None


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_the_newest_of_an_ended_job_is_looked_for_where_its_jobmanager_knows_of_none(
    state: str,
) -> None:
    over = decide(
        STARTED, SAME, seen(job=Job(state), checkpoints=Checkpoints(), failures=("x",))
    ).memory
    assert over.step is Step.ENDED
    edited = decide(over, EDIT, DOWN).memory
    assert next_of(edited) == OF_A


def test_what_the_jobmanager_found_is_remembered_and_told_with_its_age() -> None:
    path = f"{CHECKPOINTS}/a/chk-7"
    found = Found(path, NOW - timedelta(seconds=42))
    decision = decide(NEXT, EDIT, seen(job=RUNNING, found=found))
    restored = decision.memory.restored_from
    assert restored == replace(OF_A, path=path, kind=Kind.CHECKPOINT)
    assert decision.news[0].message == (
        f"run 4 goes on from checkpoint {path} of job a, completed at 2025-12-31T23:59:18Z,"
        " 42 s before the run began"
    )


def test_a_savepoint_that_was_found_is_called_one() -> None:
    found = Found(f"{SAVEPOINTS}/a-1/savepoint-aaaaaa-1")
    restored = decide(NEXT, SAME, seen(found=found)).memory.restored_from
    assert restored is not None
    assert restored.kind is Kind.SAVEPOINT


def test_a_job_that_had_completed_nothing_is_followed_from_where_it_began() -> None:
    decision = decide(NEXT, SAME, seen(found=Found(ORIGIN.path)))
    assert decision.memory.restored_from == replace(ORIGIN, search=SOUGHT)
    assert "had completed no checkpoint" in decision.news[0].message


def test_nothing_at_all_is_an_answer_too_and_leaves_nothing() -> None:
    sought = replace(OF_A, search=replace(SOUGHT, otherwise=None))
    decision = decide(replace(NEXT, restored_from=sought), SAME, seen(found=Found("")))
    restored = decision.memory.restored_from
    assert restored is not None
    assert restored.kind is Kind.NOTHING
    assert "begins anew" in decision.news[0].message
    dropped = decide(decision.memory, EDIT, seen()).memory
    assert dropped.ended is not None
    assert dropped.ended.left is None


def test_a_run_that_has_not_told_what_it_goes_on_from_leaves_all_that_it_looked_through() -> None:
    assert decide(NEXT, SAME, seen(job=RUNNING)).memory.started is None
    dropped = decide(NEXT, replace(EDIT, revision="newer"), seen()).memory
    assert dropped.ended is not None
    assert dropped.ended.how is How.NOT_STARTED
    assert next_of(dropped) == OF_A


def test_a_run_that_has_completed_a_checkpoint_and_not_told_its_origin_is_needed() -> None:
    begun = decide(NEXT, SAME, seen(saved=True)).memory
    assert begun.started
    over = decide(begun, replace(LAST, revision="newer"), seen()).memory
    search = Search(f"{CHECKPOINTS}/b", needed=True)
    assert next_of(over) == Stored(search.directory, Kind.NEWEST, "b", "new", search)


def test_what_was_found_once_is_by_path_from_then_on() -> None:
    path = f"{CHECKPOINTS}/a/chk-7"
    found = decide(NEXT, SAME, seen(found=Found(path))).memory
    dropped = decide(found, replace(EDIT, revision="newer"), seen()).memory
    assert next_of(dropped) == Stored(path, Kind.CHECKPOINT, "a", "old")


@pytest.mark.parametrize(
    "restored",
    [
        pytest.param(OF_A, id="sought"),
        pytest.param(OF_A.found(Found(f"{CHECKPOINTS}/a/chk-7")), id="found"),
        pytest.param(OF_A.found(Found("")), id="nothing"),
        pytest.param(ORIGIN, id="known"),
    ],
)
def test_status_holds_all_of_it(restored: Stored) -> None:
    ended = Ended(3, "a", How.DROPPED, NOW, Stored(f"{CHECKPOINTS}/a", Kind.NEWEST, "a"))
    memory = replace(NEXT, restored_from=restored, ended=replace(ended, completed=True))
    waits = decide(STARTED, EDIT, seen(job=RESTARTING)).memory
    for each in (memory, waits):
        assert Memory.of(ModelStreamStatus.model_validate(each.written())) == each


def test_what_was_found_is_read_from_flink_s_configuration() -> None:
    options = {"modelstream.restore.path": "s3://a/chk-1", "modelstream.restore.completed": "1"}
    assert Found.of(options) == Found("s3://a/chk-1", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert Found.of({"modelstream.restore.path": ""}) == Found("")
    assert Found.of({"rest.port": "8081"}) is None
