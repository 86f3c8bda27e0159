"""The store of a job's state in S3, read as in a pod."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import s3
from tests.support.stored import metadata

from modelstream.pod.ended import JobEndedError, refuse_ended
from modelstream.pod.restoring import origin
from modelstream.pod.statestore import StateStore

JOB = "a" * 32
ROOT = "s3://state/jobs/fraud/scores"
OPTIONS = {
    "high-availability.storageDir": f"{ROOT}/ha/{JOB}",
    "execution.checkpointing.dir": f"{ROOT}/checkpoints",
    "execution.checkpointing.savepoint-dir": f"{ROOT}/savepoints",
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3]:
    with s3.server(tmp_path_factory.mktemp("s3"), "state") as server:
        yield server


def test_an_end_is_told_with_the_savepoint_from_s3(bucket: s3.S3, tmp_path: Path) -> None:
    store = StateStore.of(ROOT, bucket.options, {})
    refuse_ended(store, OPTIONS, JOB)

    path = f"jobs/fraud/scores/savepoints/{JOB}-{'c' * 32}/savepoint-aaaaaa-bc89eb0cad15"
    bucket.write(f"state/{path}/_metadata", metadata(7))
    record = f"jobs/fraud/scores/ha/{JOB}/job-result-store/default/{JOB}.json"
    bucket.write(f"state/{record}", b'{"result":{"application-status":"SUCCEEDED"},"version":1}')
    with pytest.raises(JobEndedError, match=f"^SUCCEEDED s3://state/{path}$"):
        refuse_ended(store, OPTIONS, JOB)
    newest = {
        "MODELSTREAM_JOB_ID": "b" * 32,
        "MODELSTREAM_RESTORE_FROM": f"{ROOT}/checkpoints/{JOB}",
        "MODELSTREAM_RESTORE_NEWEST": "Needed",
    }
    assert origin({**bucket.options, **OPTIONS}, newest).path == f"s3://state/{path}"
    checkpoint = f"jobs/fraud/scores/checkpoints/{JOB}/chk-8"
    bucket.write(f"state/{checkpoint}/_metadata", metadata(8))
    assert origin({**bucket.options, **OPTIONS}, newest).path == f"s3://state/{checkpoint}"


def test_a_store_that_is_not_there_is_an_error_that_says_so(bucket: s3.S3) -> None:
    options = {**bucket.options, "s3.endpoint": "http://127.0.0.1:9"}
    with pytest.raises(OSError, match="NETWORK_CONNECTION"):
        refuse_ended(StateStore.of(ROOT, options, {}), OPTIONS, JOB)


def test_a_directory_goes_by_its_full_name_and_those_beside_it_stay(bucket: s3.S3) -> None:
    """A name that begins with that of another is another directory."""
    base = "state/jobs/fraud/removed/checkpoints"
    for job in (JOB, f"{JOB}a"):
        bucket.write(f"{base}/{job}/chk-1/_metadata", metadata(1))
        bucket.write(f"{base}/{job}/shared/x", b"x")
    store = StateStore.of(ROOT, bucket.options, {})
    for _ in range(2):
        store.remove(f"s3://{base}/{JOB}")
    assert store.directories(f"s3://{base}") == [f"s3://{base}/{JOB}a"]
    assert store.completed(f"s3://{base}/{JOB}a/chk-1") is not None
