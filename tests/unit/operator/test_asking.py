"""What Flink is asked, and what its recorded answers come to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.flinkdouble import JobManager, flink_double

from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.decide.ask import Ask as AskedFor
from modelstream_operator.decide.decision import SURE, Answer, Seen, Wanted
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.flink import Flink, FlinkError
from modelstream_operator.resources import Key

JOB = "ab" * 16
DEPLOYED = Memory(Step.DEPLOYED, run=1, job_id=JOB)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
Ask = Callable[..., list[FlinkAnswers]]


@pytest.fixture
def ask() -> Ask:
    """What a JobManager at a scene of the recordings answers, so many times in a row."""

    def asked(scene: str, memory: Memory = DEPLOYED, times: int = 1) -> list[FlinkAnswers]:
        async def run(port: int) -> list[FlinkAnswers]:
            flink, heard = Flink(timeout=60), Heard()
            url = f"http://127.0.0.1:{port}/fraud/scores/1"
            questions = Questions(flink, url, Key("fraud", "scores"), memory, rescales=False)
            try:
                return [await questions.ask(heard, NOW) for _ in range(times)]
            finally:
                await flink.close()

        with flink_double(lambda path: JobManager(JOB, scene)) as double:
            return asyncio.run(run(double.port))

    return asked


def test_a_job_that_runs_has_no_failures(ask: Ask) -> None:
    (answers,) = ask("life/running")
    assert (answers.answer, answers.failures) == (Answer.JOB, ())
    assert answers.job is not None
    assert answers.job.all_running


def test_a_savepoint_that_failed_is_told_with_its_cause_and_the_job_goes_on(ask: Ask) -> None:
    asked = AskedFor(1, JOB, "file:///savepoints", NOW, trigger_id="0" * 32)
    stopping = replace(DEPLOYED, step=Step.SAVEPOINTING, ask=asked)
    (answers,) = ask("unsaved/savepoint-failed", stopping)
    assert answers.savepoint is not None
    assert answers.savepoint.path is None
    assert "Failed to create savepoint directory" in (answers.savepoint.failure or "")
    assert answers.job is not None
    assert answers.job.all_running


@pytest.mark.parametrize(
    ("scene", "cause"),
    [
        pytest.param("failed/failed", "ArithmeticException", id="a task failed"),
        pytest.param("unresourced/failed", "NoResourceAvailableException", id="no TaskManager"),
        pytest.param("unrestorable/failed", "savepoint-1", id="before its first task"),
    ],
)
def test_the_cause_of_a_job_that_failed_is_told_wherever_flink_keeps_it(
    ask: Ask, scene: str, cause: str
) -> None:
    (answers,) = ask(scene)
    assert answers.job is not None
    assert answers.job.state == "FAILED"
    assert any(cause in failure for failure in answers.failures), answers.failures


def test_an_end_without_a_cause_is_told_as_often_as_it_is_heard() -> None:
    heard, failed = Heard(), Job("FAILED")
    kinds = [
        FlinkAnswers(Answer.JOB, job=Job("RUNNING")).kind,
        *[FlinkAnswers(Answer.JOB, job=failed).kind] * SURE,
    ]
    assert [heard.again(1, kind, NOW)[0] for kind in kinds] == [1, *range(1, SURE + 1)]


ENDS = {
    "failed/failed": How.FAILED,
    "unresourced/failed": How.FAILED,
    "unrestorable/failed": How.FAILED,
    "cancelled/canceled": How.CANCELED,
    "finished/finished": How.FINISHED,
    "life/stopped": How.STOPPED_BY_OTHERS,
}


@pytest.mark.parametrize("scene", ENDS)
def test_every_recorded_end_is_believed_at_once_and_leaves_what_can_be_restored(
    ask: Ask, scene: str
) -> None:
    (answers,) = ask(scene)
    seen = Seen(
        NOW,
        "f" * 32,
        answer=answers.answer,
        job=answers.job,
        failures=answers.failures,
        checkpoints=answers.checkpoints,
    )
    ended = decide(DEPLOYED, Wanted("x", keeps_state=True), seen).memory.ended
    assert ended is not None
    assert ended.how is ENDS[scene]
    assert bool(ended.error) is (ended.how is How.FAILED)
    assert bool(ended.left) is (scene in {"failed/failed", "cancelled/canceled", "life/stopped"})


REPLACED = ["failed/failed", "finished/finished", "cancelled/canceled", "unrestorable/failed"]


@pytest.mark.parametrize("scene", [f"{each}-replaced" for each in REPLACED])
def test_a_jobmanager_that_is_replaced_after_an_end_knows_no_job(ask: Ask, scene: str) -> None:
    (answers,) = ask(scene)
    assert (answers.answer, answers.application_runs) == (Answer.NO_JOB, False)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        pytest.param(FlinkError(503, "upstream", own=False), Answer.SILENT, id="a proxy"),
        pytest.param(FlinkError(403, "denied", own=False), Answer.SILENT, id="a mesh"),
        pytest.param(FlinkError(404, "no route", own=False), Answer.SILENT, id="no route"),
        pytest.param(
            FlinkError(404, "o.a.f.runtime.rest.NotFoundException: Job x not found"),
            Answer.SILENT,
            id="another JobManager by now",
        ),
        pytest.param(
            FlinkError(404, "RestHandlerException: Checkpointing has not been enabled."),
            Answer.JOB,
            id="Flink: there are none",
        ),
    ],
)
def test_what_a_job_left_is_not_taken_from_somebody_on_the_way(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, error: FlinkError, answer: Answer
) -> None:
    async def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr(Flink, "checkpoints", refused)
    (answers,) = ask("life/stopped")
    assert answers.answer is answer


ODD = {
    "jobs": [{"jid": JOB, "state": "RUNNING"}],
    "checkpoints": {"latest": None},
    "exceptions": [None],
}


@pytest.mark.parametrize("question", ODD)
def test_words_that_are_not_flink_s_are_no_answer(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    async def odd(*_: object) -> object:
        return ODD[question]

    monkeypatch.setattr(Flink, question, odd)
    assert ask("failed/failed")[0].answer is Answer.SILENT


def test_a_savepoint_without_a_path_and_a_cause_has_failed(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> object:
        return {"status": {"id": "COMPLETED"}, "operation": {}}

    monkeypatch.setattr(Flink, "savepoint", nothing)
    asked = AskedFor(1, JOB, "file:///savepoints", NOW, trigger_id="0" * 32)
    (answers,) = ask("life/running", replace(DEPLOYED, step=Step.SAVEPOINTING, ask=asked))
    assert answers.savepoint is not None
    assert answers.savepoint.failure == "Flink names neither a path nor a cause"


def test_a_clock_that_goes_back_begins_to_count_again() -> None:
    heard = Heard()
    said = [heard.again(1, Answer.NO_JOB, NOW - each) for each in (-DAY, timedelta())]
    assert said == [(1, timedelta()), (1, timedelta())]
