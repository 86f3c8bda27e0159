"""A JobManager whose job has ended before: told by Flink's own record of it, on a claim."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.stored import complete

from modelstream.pod import entrypoint
from modelstream.pod.__main__ import main
from modelstream.pod.ended import JobEndedError, refuse_ended, status_of
from modelstream.pod.statestore import StateStore, s3_arguments

JOB = "a" * 32
# As Flink 2.3.0 wrote it after a stop with a savepoint.
FINISHED = (
    f'{{"result":{{"id":"{JOB}","name":"scores","application-status":"SUCCEEDED",'
    '"accumulator-results":{},"net-runtime":27563,"application-id":'
    '"00000000000000000000000000000000","start-time":1796033067804,"end-time":1796033095367},'
    '"version":1}'
)
# The same of a job without restarts whose record could not be decoded; its stack trace is cut.
FAILED = (
    f'{{"result":{{"id":"{JOB}","name":"scores","application-status":"FAILED",'
    '"accumulator-results":{},"net-runtime":13558,"failure-cause":{"class":'
    '"org.apache.flink.runtime.JobException","stack-trace":"org.apache.flink.runtime.JobException:'
    ' Recovery is suppressed by NoRestartBackoffTimeStrategy","serialized-throwable":"rO0AB"},'
    '"application-id":"00000000000000000000000000000000","start-time":1796032844191,'
    '"end-time":1796032857749},"version":1}'
)
CANCELED = FINISHED.replace("SUCCEEDED", "CANCELED")


def options(root: Path) -> dict[str, Any]:
    """The options that say where state is, as the operator renders them for a claim."""
    return {
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": f"file://{root}/ha/{JOB}",
        "execution.checkpointing.dir": f"file://{root}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{root}/savepoints",
    }


def record(root: Path, content: str, name: str = f"{JOB}.json") -> None:
    file = root / "ha" / JOB / "job-result-store" / "default" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@pytest.fixture
def store() -> StateStore:
    return StateStore.of("file:///", {}, {})


def said(store: StateStore, root: Path) -> str:
    with pytest.raises(JobEndedError) as caught:
        refuse_ended(store, options(root), JOB)
    return str(caught.value)


def test_a_job_that_has_not_ended_is_begun(store: StateStore, tmp_path: Path) -> None:
    record(tmp_path, FINISHED, f"{'b' * 32}.json")
    refuse_ended(store, options(tmp_path), JOB)


@pytest.mark.parametrize(
    ("content", "status"),
    [(FINISHED, "SUCCEEDED"), (FAILED, "FAILED"), (CANCELED, "CANCELED")],
    ids=["finished", "failed", "canceled"],
)
@pytest.mark.parametrize("name", [f"{JOB}.json", f"{JOB}_DIRTY.json"], ids=["clean", "dirty"])
def test_a_job_that_has_ended_is_told_with_how(
    store: StateStore, tmp_path: Path, content: str, status: str, name: str
) -> None:
    record(tmp_path, content, name)
    assert said(store, tmp_path) == status


def test_a_stop_is_told_with_the_savepoint_of_that_job(store: StateStore, tmp_path: Path) -> None:
    record(tmp_path, FINISHED)
    path = complete(tmp_path / "savepoints" / f"{JOB}-{'c' * 32}" / "savepoint-aaaaaa-bc89", 10)
    complete(tmp_path / "savepoints" / f"{'b' * 32}-{'c' * 32}" / "savepoint-bbbbbb-1", 20)
    (tmp_path / "savepoints" / f"{JOB}-{'d' * 32}" / "savepoint-aaaaaa-cut").mkdir(parents=True)
    assert said(store, tmp_path) == f"SUCCEEDED {path}"


def test_a_failure_is_told_with_the_newest_of_what_the_job_kept(
    store: StateStore, tmp_path: Path
) -> None:
    record(tmp_path, FAILED)
    complete(tmp_path / "savepoints" / f"{JOB}-{'c' * 32}" / "savepoint-aaaaaa-bc89", 8)
    complete(tmp_path / "checkpoints" / JOB / "chk-9", 9)
    path = complete(tmp_path / "checkpoints" / JOB / "chk-10", 10)
    (tmp_path / "checkpoints" / JOB / "shared").mkdir()
    assert said(store, tmp_path) == f"FAILED {path}"


@pytest.mark.parametrize("content", ["", "{}", '{"result": []}', FINISHED.replace("SUCC", "?")])
def test_a_record_that_cannot_be_read_is_an_end_too(content: str) -> None:
    assert status_of(content.encode()) == "FAILED"


def test_the_pod_ends_with_it_as_its_message_instead_of_becoming_flink(
    pod: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(pod.root, CANCELED)
    pod.operator(options(pod.root))
    monkeypatch.setenv("POD_IP", "10.0.0.7")
    monkeypatch.setenv("MODELSTREAM_JOB_ID", JOB)
    assert main(["jobmanager"], pod.paths) == 1
    assert pod.termination_message == "JobEnded: CANCELED"


def test_a_store_that_does_not_answer_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: Any) -> StateStore:
        raise OSError("no route to host")

    monkeypatch.setattr(StateStore, "of", gone)
    environment = {"MODELSTREAM_JOB_ID": JOB}
    assert entrypoint.from_the_store(options(tmp_path), environment).path is None
    assert "no route to host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        pytest.param(
            {"s3.endpoint": "http://minio:9000", "s3.access-key": "k", "s3.secret-key": "s"},
            {},
            {
                "endpoint_override": "minio:9000",
                "scheme": "http",
                "access_key": "k",
                "secret_key": "s",
            },
            id="a store of one's own",
        ),
        pytest.param(
            {"fs.s3a.access.key": "k", "fs.s3a.secret.key": "s", "s3.endpoint": "s3.example.org"},
            {"AWS_REGION": "eu-west-1"},
            {
                "endpoint_override": "s3.example.org",
                "scheme": "https",
                "access_key": "k",
                "secret_key": "s",
                "region": "eu-west-1",
            },
            id="Hadoop's spelling",
        ),
        pytest.param({"s3.region": "us-west-2"}, {}, {"region": "us-west-2"}, id="an identity"),
    ],
)
def test_the_store_is_reached_as_flink_reaches_it(
    options: dict[str, str], environment: dict[str, str], expected: dict[str, Any]
) -> None:
    found = s3_arguments(options, environment)
    assert {key: value for key, value in found.items() if not key.endswith("_timeout")} == expected
