"""The operator's questions to Flink, against what a real JobManager was recorded to answer."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.support.flinkdouble import Fault, FlinkDouble, JobManager, flink_double

from modelstream_operator import flink
from modelstream_operator.flink import Flink, FlinkError

JOB, TRIGGER = "d" * 32, "e" * 32
PATH = "/fraud/scores/1"

Call = Callable[[Flink, str], Coroutine[Any, Any, Any]]


@pytest.fixture
def double() -> Iterator[FlinkDouble]:
    with flink_double() as double:
        double.jobmanagers[PATH] = JobManager(
            JOB, "life/running", then=("life/stopping", "life/stopped")
        )
        yield double


@pytest.fixture
def ask(double: FlinkDouble) -> Callable[..., Any]:
    """Calls a method of the operator's client."""

    def ask(call: Call, seconds: float = 60.0) -> Any:
        async def run() -> Any:
            flink = Flink(timeout=seconds)
            try:
                return await call(flink, f"http://127.0.0.1:{double.port}{PATH}")
            finally:
                await flink.close()

        return asyncio.run(run())

    return ask


@pytest.mark.parametrize(
    ("scene", "states"),
    [
        ("life/submitting", []),
        ("life/waiting", ["CREATED"]),
        ("life/running", ["RUNNING"]),
        ("life/stopped", ["FINISHED"]),
        ("life/stopped-replaced", []),
        ("restarting/restarting", ["RESTARTING"]),
        ("lost/taskmanager-lost", ["CREATED"]),
    ],
)
def test_jobs_are_those_that_the_jobmanager_knows(
    double: FlinkDouble, ask: Any, scene: str, states: list[str]
) -> None:
    double.jobmanagers[PATH].go(scene)
    jobs = ask(lambda flink, url: flink.jobs(url))
    assert [(each["jid"], each["state"]) for each in jobs] == [(JOB, state) for state in states]


def test_a_savepoint_that_was_asked_for_is_where_it_was_asked_to_be(ask: Any) -> None:
    async def stop(flink: Flink, url: str) -> Any:
        for _ in range(2):  # as by an operator that was killed in between
            await flink.stop_with_savepoint(url, JOB, "s3://bucket/savepoints", TRIGGER)
        return [await flink.savepoint(url, JOB, TRIGGER) for _ in range(2)]

    unfinished, answer = ask(stop)
    assert unfinished["status"]["id"] == "IN_PROGRESS"
    assert answer["status"]["id"] == "COMPLETED"
    assert answer["operation"]["location"].startswith("s3://bucket/savepoints/savepoint-dddddd-")


def test_a_trigger_that_flink_does_not_know_is_none(ask: Any) -> None:
    assert ask(lambda flink, url: flink.savepoint(url, JOB, TRIGGER)) is None


def test_exceptions_are_the_program_s_own(double: FlinkDouble, ask: Any) -> None:
    double.jobmanagers[PATH].go("restarting/restarting")
    (said,) = ask(lambda flink, url: flink.exceptions(url, JOB, 3))
    assert "ArithmeticException" in said


def test_the_newest_checkpoint_of_a_job_that_fails_is_known(double: FlinkDouble, ask: Any) -> None:
    double.jobmanagers[PATH].go("restarting/restarting")
    latest = ask(lambda flink, url: flink.checkpoints(url, JOB))["latest"]
    assert f"/checkpoints/{JOB}/chk-" in latest["completed"]["external_path"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.SILENT, 0),
        (Fault.REFUSED, 0),
        (Fault.FORBIDDEN, 403),
        (Fault.BAD_GATEWAY, 502),
        (Fault.UNAVAILABLE, 503),
    ],
)
def test_a_fault_of_the_way_is_an_error_and_never_an_answer(
    double: FlinkDouble, ask: Any, fault: Fault, status: int
) -> None:
    double.jobmanagers[PATH].fault = fault
    with pytest.raises(FlinkError) as error:
        ask(lambda flink, url: flink.jobs(url), 0.5 if fault is Fault.SILENT else 60.0)
    assert error.value.status == status


def test_an_answer_that_is_too_slow_is_none(double: FlinkDouble, ask: Any) -> None:
    double.jobmanagers[PATH].slow = 1.0
    with pytest.raises(FlinkError, match=r"http://.*: TimeoutError"):
        ask(lambda flink, url: flink.jobs(url), 0.5)


def test_a_job_that_does_not_run_yet_has_no_checkpoints_to_ask_for(
    double: FlinkDouble, ask: Any
) -> None:
    double.jobmanagers[PATH].go("life/submitting")
    with pytest.raises(FlinkError, match="not found"):
        ask(lambda flink, url: flink.checkpoints(url, JOB))


def test_a_job_that_is_rescaled_says_so(ask: Any) -> None:
    async def rescale(flink: Flink, url: str) -> Any:
        await flink.rescale(url, JOB, dict.fromkeys(await flink.resources(url, JOB), 3))
        return await flink.resources(url, JOB)

    bounds = {each["parallelism"]["upperBound"] for each in ask(rescale).values()}
    assert bounds == {3}


@pytest.mark.parametrize(
    ("status", "text", "own", "said"),
    [
        (
            404,
            '{"errors": ["NotFoundException: Job x\\n\\tat y"]}',
            True,
            "NotFoundException: Job x",
        ),
        (404, "default backend - 404", False, "default backend - 404"),
        (502, "", False, "HTTP 502"),
        (500, '{"message": "no healthy upstream"}', False, '{"message": "no healthy upstream"}'),
        (503, '{"errors": ["Service temporarily unavailable"]}', False, "Service temporarily"),
    ],
)
def test_flink_s_own_refusals_are_told_from_those_of_a_proxy(
    status: int, text: str, own: bool, said: str
) -> None:
    error = flink._refusal(status, text)
    assert (error.status, error.own) == (status, own)
    assert str(error).startswith(said)


def test_a_proxy_that_knows_no_page_says_nothing_of_a_savepoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def page(*_: object) -> dict[str, object]:
        raise FlinkError(404, "default backend - 404", own=False)

    monkeypatch.setattr(Flink, "_ask", page)
    with pytest.raises(FlinkError, match="default backend"):
        asyncio.run(Flink().savepoint("http://flink", JOB, TRIGGER))


@pytest.mark.parametrize("question", ["jobs", "applications", "configuration"])
def test_an_answer_without_what_flink_never_leaves_out_is_none(
    monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    async def page(*_: object) -> dict[str, object]:
        return {"status": "ok"}

    monkeypatch.setattr(Flink, "_ask", page)
    with pytest.raises(FlinkError, match="an answer without") as error:
        asyncio.run(getattr(Flink(), question)("http://flink"))
    assert error.value.status == 0
