"""Savepoints of a job that goes on: when they are taken, what is disposed of, and what never is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.flinkdouble import scenes
from tests.support.lifecycle import (
    DOWN,
    EDIT_KEPT,
    FRESH,
    NOW,
    OLD,
    ROOT,
    RUNNING,
    SAME_KEPT,
    asked,
    seen,
    started,
)
from tests.support.savepoints import (
    DISPOSING,
    HOUR,
    LISTED,
    MADE_OF,
    PATHS,
    RUNS,
    TAKING,
    WANTED,
)

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.asking import Heard, Questions
from modelstream_operator.decide.ask import AskKind
from modelstream_operator.decide.cause import Cause, root_cause
from modelstream_operator.decide.decision import (
    Answer,
    Decision,
    DisposeSavepoint,
    Seen,
    StopWithSavepoint,
    TakeSavepoint,
    Wanted,
)
from modelstream_operator.decide.ending import over
from modelstream_operator.decide.failed import Rollback
from modelstream_operator.decide.job import Disposal, Job, SavepointAnswer
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.saved import MOST, Saved, with_one
from modelstream_operator.decide.savepoints import SILENT
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.resources import Key


def there(**values: object) -> Seen:
    made: Seen = seen(job=RUNNING, spared=frozenset(), made_of=MADE_OF, **values)
    return made


def after(time: timedelta, **values: object) -> Seen:
    return replace(there(**values), now=NOW + time)


# When one is taken


@pytest.mark.parametrize(
    ("memory", "wanted", "time", "takes"),
    [
        pytest.param(RUNS, WANTED, HOUR, True, id="an hour after the start"),
        pytest.param(RUNS, WANTED, HOUR / 2, False, id="half an hour"),
        pytest.param(replace(RUNS, savepoints=LISTED[:1]), WANTED, HOUR, True, id="after the last"),
        pytest.param(
            replace(RUNS, savepoints=(replace(LISTED[0], time=NOW + HOUR / 2),)),
            *(WANTED, HOUR, False),
            id="one was taken since",
        ),
        pytest.param(
            RUNS, replace(SAME_KEPT, savepoint_nonce=1), timedelta(), True, id="on demand"
        ),
        pytest.param(
            replace(RUNS, savepoint_nonce=2),
            *(replace(SAME_KEPT, savepoint_nonce=1), timedelta(), False),
            id="a smaller number",
        ),
        pytest.param(RUNS, SAME_KEPT, 99 * HOUR, False, id="nobody asks"),
        pytest.param(
            RUNS, replace(WANTED, savepoints=None), HOUR, False, id="the run has no place for one"
        ),
    ],
)
def test_a_savepoint_is_taken(memory: Memory, wanted: Wanted, time: timedelta, takes: bool) -> None:
    decision = decide(memory, wanted, after(time))
    assert (decision.memory.ask is not None) is takes
    if takes:
        assert decision.act is None  # it is remembered before Flink is asked
        act = decide(decision.memory, wanted, after(time)).act
        assert act == TakeSavepoint("a", f"{ROOT}/a-{FRESH}", FRESH)


def test_a_job_that_does_not_run_steadily_is_waited_for() -> None:
    moment = replace(RUNNING, steady=timedelta(seconds=1))
    for job in (moment, Job("RESTARTING", total=2)):
        assert decide(RUNS, WANTED, replace(after(HOUR), job=job)).memory.ask is None


def test_what_was_taken_is_listed_with_what_it_was_taken_of() -> None:
    memory = replace(RUNS, ask=TAKING, savepoints=LISTED[1:2])
    decision = decide(memory, WANTED, after(HOUR, savepoint=SavepointAnswer("s3://x")))
    done = decision.memory
    assert done.ask is None
    assert done.savepoint_nonce == 1
    new, old = done.savepoints
    assert (new, old) == (Saved("s3://x", NOW + HOUR, "a", OLD, MADE_OF), LISTED[1])
    assert [news.reason for news in decision.news] == ["SavepointTaken"]
    assert Memory.of(ModelStreamStatus.model_validate(done.written())) == done
    assert decide(done, WANTED, after(HOUR)).memory == done


def test_what_is_remembered_of_a_request_survives() -> None:
    for ask in (TAKING, DISPOSING, replace(TAKING, trigger_id=None, attempts=2, error="x")):
        memory = replace(RUNS, ask=ask)
        assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory


def test_a_word_of_a_newer_operator_is_waited_with() -> None:
    written = replace(RUNS, ask=TAKING).written()
    written["ask"]["kind"] = "Copy"
    memory = Memory.of(ModelStreamStatus.model_validate(written))
    assert (memory.step, memory.unknown) == (Step.UNKNOWN, "ask.kind is Copy")


def test_one_that_is_under_way_is_waited_for_and_asked_for_again_where_flink_forgot() -> None:
    memory = replace(RUNS, ask=TAKING)
    assert decide(memory, WANTED, there(savepoint=SavepointAnswer())) == Decision(memory)
    forgotten = decide(memory, WANTED, there())
    assert isinstance(forgotten.act, TakeSavepoint)
    late = decide(memory, WANTED, after(SILENT))
    assert late.memory.ask is not None
    assert "does not know" in late.memory.ask.error


@pytest.mark.parametrize(
    "answer",
    [{"savepoint": SavepointAnswer(failure="no space")}, {"refused_stop": "403: no space"}],
    ids=["fails", "refused on its way"],
)
def test_one_that_fails_is_tried_again_less_and_less_often_and_the_job_goes_on(
    answer: dict[str, Any],
) -> None:
    memory, now = replace(RUNS, ask=TAKING), NOW
    wanted = replace(SAME_KEPT, savepoint_nonce=1)
    for minutes in (1, 5, 15, 60, 60):
        decision = decide(memory, wanted, replace(there(**answer), now=now))
        assert decision.memory.step is Step.DEPLOYED
        assert [(each.reason, each.warns) for each in decision.news] == [
            ("SavepointNotTaken", True)
        ]
        assert "no space" in decision.news[0].message
        failed, delay = decision.memory, timedelta(minutes=minutes)
        early = replace(there(), now=now + delay - timedelta(seconds=1))
        assert decide(failed, wanted, early) == Decision(failed)
        memory, now = decide(failed, wanted, replace(early, now=now + delay)).memory, now + delay
        assert memory.ask is not None
        assert memory.ask.trigger_id
    assert decide(failed, SAME_KEPT, replace(there(), now=now)).memory.ask is None


def test_a_change_does_not_wait_for_one() -> None:
    memory = replace(RUNS, ask=TAKING)
    proving = decide(memory, EDIT_KEPT, there()).memory
    assert proving.ask == TAKING  # and it goes on while the change is proven
    stops = decide(proving, EDIT_KEPT, there()).memory
    assert stops.step is Step.SAVEPOINTING
    assert stops.ask is not None
    assert stops.ask.kind is AskKind.STOP
    assert isinstance(decide(stops, EDIT_KEPT, there()).act, StopWithSavepoint)


def test_a_stop_s_savepoint_is_listed_too_and_somebody_else_s_is_not() -> None:
    stopped = decide(asked, EDIT_KEPT, there(savepoint=SavepointAnswer(PATHS[0]))).memory
    assert [each.path for each in stopped.savepoints] == [PATHS[0]]
    run = decide(stopped, EDIT_KEPT, DOWN).memory
    assert run.savepoints == stopped.savepoints
    others = Ended(3, "a", How.STOPPED_BY_OTHERS, NOW, Stored("s3://b", Kind.SAVEPOINT, "a"))
    assert over(started, others, there()).savepoints == ()


# What is disposed of


def test_the_oldest_beyond_keep_is_disposed_of_one_after_the_other() -> None:
    memory = replace(RUNS, savepoints=LISTED[:4])
    for path in (PATHS[3], PATHS[2]):
        memory = decide(memory, WANTED, there()).memory
        assert memory.ask is not None
        assert (memory.ask.kind, memory.ask.directory) == (AskKind.DISPOSAL, path)
        assert decide(memory, WANTED, there()).act == DisposeSavepoint(path, FRESH)
        memory = decide(memory, WANTED, there(disposal=Disposal())).memory
    assert decide(memory, WANTED, there()) == Decision(replace(RUNS, savepoints=LISTED[:2]))


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(replace(WANTED, keep=None), id="nothing is said of savepoints"),
        pytest.param(replace(WANTED, keep=5), id="as many are kept"),
    ],
)
def test_nothing_is_disposed_of_where(wanted: Wanted) -> None:
    memory = replace(RUNS, savepoints=LISTED)
    assert decide(memory, wanted, there()) == Decision(memory)


STAYS = Stored(PATHS[4], Kind.SAVEPOINT, "a")
BACK = Rollback("new", OLD, 2, "b", NOW, NOW, Cause("JobFailed", "boom"), previous=STAYS)


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param({"restored_from": STAYS}, id="the run began with it"),
        pytest.param({"previous": STAYS}, id="the run has left it aside"),
        pytest.param({"ended": Ended(2, "a", How.STOPPED, NOW, STAYS)}, id="it was left before"),
        pytest.param({"rollback": BACK}, id="a way back began with it"),
    ],
)
def test_what_is_needed_stays_whatever_keep_says(memory: dict[str, Any]) -> None:
    memory_ = replace(RUNS, savepoints=(*LISTED[:2], LISTED[4]), **memory)
    wanted = replace(WANTED, stale=True)  # else the way back is over
    assert decide(memory_, wanted, there()) == Decision(memory_)
    other = replace(memory_, savepoints=(*LISTED[:2], LISTED[3], LISTED[4]))
    found = decide(other, wanted, there()).memory.ask
    assert found is not None
    assert found.directory == PATHS[3]


def test_what_others_name_stays_and_nothing_goes_before_it_is_known_what_they_name() -> None:
    memory = replace(RUNS, savepoints=LISTED[:4])
    assert decide(memory, WANTED, replace(there(), spared=None)) == Decision(memory)
    found = decide(memory, WANTED, replace(there(), spared=frozenset({PATHS[3]}))).memory.ask
    assert found is not None
    assert found.directory == PATHS[2]


def test_what_is_gone_already_is_done_and_another_failure_is_tried_again() -> None:
    """The operator died after Flink had deleted it."""
    memory = replace(RUNS, ask=DISPOSING, savepoints=LISTED)
    said = scenes()["kept/disposed-again"].rest["GET /savepoint-disposal/{request}"].body
    cause = root_cause(said["operation"]["failure-cause"]["stack-trace"])
    gone = decide(memory, WANTED, there(disposal=Disposal(cause)))
    assert gone.memory.savepoints == LISTED[:4]
    failed = decide(memory, WANTED, there(disposal=Disposal("Access denied")))
    assert [each.reason for each in failed.news] == ["SavepointNotDisposed"]
    assert failed.memory.savepoints == LISTED
    late = decide(memory, WANTED, after(SILENT))
    assert late.memory.ask is not None
    assert late.memory.ask.error


def test_a_store_that_is_full_takes_one_once_another_has_gone() -> None:
    due = replace(WANTED, savepoint_nonce=1)
    full = replace(TAKING, trigger_id=None, attempts=1, error="no space")
    memory = replace(RUNS, savepoints=LISTED[:3], ask=full)
    first = decide(memory, due, after(HOUR)).memory.ask
    assert first is not None
    assert (first.kind, first.attempts) == (AskKind.DISPOSAL, 1)
    denied = replace(memory, ask=replace(first, trigger_id=None, attempts=2))
    second = decide(denied, due, after(2 * HOUR)).memory.ask
    assert second is not None
    assert second.kind is AskKind.SAVEPOINT


def test_the_list_is_bounded() -> None:
    listed: tuple[Saved, ...] = ()
    for number in range(MOST + 5):
        listed = with_one(listed, Saved(f"s3://{number}", NOW, "a"))
    assert len(with_one(listed, listed[3])) == len(listed) == MOST


# What Flink says


class Replies:
    """A Flink that knows a job, and of a disposal what it was recorded to say."""

    def __init__(self, scene: str | None) -> None:
        question = "GET /savepoint-disposal/{request}"
        self.said = scenes()[scene].rest[question].body if scene else None

    async def jobs(self, url: str) -> list[dict[str, Any]]:
        tasks = {"running": 2, "finished": 0, "total": 2}
        times = {"start-time": 0, "duration": 60_000, "last-modification": 0}
        return [{"jid": "a", "state": "RUNNING", "tasks": tasks, **times}]

    async def disposal(self, url: str, request: str) -> dict[str, Any] | None:
        assert request == "theirs"
        return self.said


@pytest.mark.parametrize(
    ("scene", "failure", "known"),
    [
        ("kept/disposed", "", True),
        ("kept/disposed-again", "Cannot find checkpoint or savepoint", True),
        (None, "", False),
    ],
    ids=["done", "gone before", "another JobManager"],
)
def test_how_a_disposal_went_is_what_a_real_flink_says(
    scene: str | None, failure: str, known: bool
) -> None:
    flink: Any = Replies(scene)
    heard = Heard(disposals={FRESH: "theirs"})
    memory = replace(RUNS, ask=DISPOSING)
    questions = Questions(flink, "u", Key("n", "s"), memory, rescales=False)
    answers = asyncio.run(questions.ask(heard, NOW))
    assert answers.answer is Answer.JOB
    assert (answers.disposal is not None) is known
    if answers.disposal is not None:
        assert failure in answers.disposal.failure
    assert bool(heard.disposals) is known, "it is asked for again of a JobManager without it"
