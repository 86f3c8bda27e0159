"""What is read of Flink's objects, with some that answer as they do."""

from types import SimpleNamespace
from typing import Any

import pytest

from modelstream.flink import jvm
from modelstream.flink.jvm.jobstate import JobState, job_state, stop_with_savepoint


def answer(value: Any) -> Any:
    return lambda *_: value


def java(**methods: Any) -> Any:
    return SimpleNamespace(**{name: answer(value) for name, value in methods.items()})


def client(graph: Any) -> Any:
    cluster = java(getExecutionGraph=java(get=graph))
    field = java(setAccessible=None, get=cluster)
    kind = java(getDeclaredField=field)
    return SimpleNamespace(_j_job_client=java(getClass=kind, getJobID="id"))


def graph(*attempts: int, failure: str | None = None, checkpoint: int | None = None) -> Any:
    tasks = [java(getCurrentExecutionAttempt=java(getAttemptNumber=each)) for each in attempts]
    last = None if checkpoint is None else java(getLatestAckTimestamp=checkpoint)
    return java(
        getState="RUNNING",
        getFailureInfo=None if failure is None else java(getExceptionAsString=failure),
        getAllVertices={"v": java(getTaskVertices=tasks)} if tasks else {},
        getCheckpointStatsSnapshot=java(getHistory=java(getLatestCompletedCheckpoint=last)),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(graph(), JobState("RUNNING"), id="nothing yet"),
        pytest.param(
            graph(0, 2, failure="java.lang.X: no", checkpoint=5000),
            JobState("RUNNING", 2, "java.lang.X: no", 5.0),
            id="restarted",
        ),
    ],
)
def test_the_state_of_a_job_is_that_of_its_graph(given: Any, expected: JobState) -> None:
    assert job_state(client(given)) == expected


def test_a_client_that_does_not_tell_is_no_error() -> None:
    assert job_state(SimpleNamespace(_j_job_client=None)) is None


@pytest.mark.parametrize(("status", "restarting"), [("RUNNING", False), ("RESTARTING", True)])
def test_a_job_whose_tasks_have_failed_is_restarting(status: str, restarting: bool) -> None:
    assert JobState(status).is_restarting is restarting


def test_a_job_is_stopped_by_the_method_that_flink_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Java:
        def stopWithSavepoint(self, drain: bool, directory: str, format: str) -> Any:
            assert (drain, format) == (True, "default")
            return java(isDone=True, get=f"{directory}/savepoint-1")

    execution = java()
    execution.SavepointFormatType = SimpleNamespace(DEFAULT="default")
    flink = SimpleNamespace(core=SimpleNamespace(execution=execution))
    j_virtual_machine = SimpleNamespace(org=SimpleNamespace(apache=SimpleNamespace(flink=flink)))
    monkeypatch.setattr(jvm, "gateway", lambda: SimpleNamespace(jvm=j_virtual_machine))
    taken = stop_with_savepoint(SimpleNamespace(_j_job_client=Java()), "file:/s", drain=True)
    assert (taken.done(), taken.result()) == (True, "file:/s/savepoint-1")
