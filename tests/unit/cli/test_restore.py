import os
import re
from pathlib import Path

import pytest

from modelstream.cli.exits import UsageError
from modelstream.cli.restore import given, kept_alone, latest, latest_if_any
from modelstream.job.context import JobContext
from modelstream_crds import manifest

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: a}
spec:
  models: [{name: m, uri: "file:///m"}]
  sql: {statements: SELECT 1}
"""


def stream(storage: str | None) -> manifest.ModelStream:
    state = f"  state: {{storage: '{storage}'}}\n" if storage else ""
    return manifest.load(MANIFEST + state)


def checkpoint(root: Path, name: str, when: int, *, complete: bool = True) -> Path:
    directory = root / "a b" / name
    directory.mkdir(parents=True)
    (directory / ("_metadata" if complete else "part")).write_bytes(b"")
    for file in directory.iterdir():
        os.utime(file, (when, when))
    return directory


def test_the_newest_complete_one_is_taken(tmp_path: Path) -> None:
    checkpoint(tmp_path, "checkpoints/job/chk-1", 100)
    newest = checkpoint(tmp_path, "savepoints/savepoint-1", 200)
    checkpoint(tmp_path, "checkpoints/job/chk-2", 150)
    checkpoint(tmp_path, "checkpoints/job/chk-3", 300, complete=False)
    context = JobContext(mounts={"state": tmp_path})
    assert latest(stream("pvc://state/a b"), context) == newest.as_uri()


def test_without_any_there_is_nothing_to_restore(tmp_path: Path) -> None:
    context = JobContext(mounts={"state": tmp_path})
    with pytest.raises(UsageError, match="no complete checkpoint"):
        latest(stream("pvc://state/a"), context)


def test_a_manifest_without_state_has_kept_nothing() -> None:
    with pytest.raises(UsageError, match=r"no spec\.state"):
        latest(stream(None), JobContext())


def test_a_store_elsewhere_is_not_searched() -> None:
    with pytest.raises(UsageError, match="give the path of a checkpoint"):
        latest(stream("s3://bucket/a"), JobContext())


def test_a_path_that_is_given_must_hold_a_complete_one(tmp_path: Path) -> None:
    there = checkpoint(tmp_path, "checkpoints/job/chk-1", 100)
    assert given(str(there)) == given(there.as_uri()) == there.as_uri()
    assert given("s3://bucket/savepoint-1") == "s3://bucket/savepoint-1"
    incomplete = checkpoint(tmp_path, "checkpoints/job/chk-2", 100, complete=False)
    with pytest.raises(UsageError, match="not a complete checkpoint or savepoint"):
        given(str(incomplete))


def test_where_nothing_is_kept_yet_a_service_begins_without(tmp_path: Path) -> None:
    context = JobContext(mounts={"state": tmp_path})
    job = stream("pvc://state/a b")
    assert latest_if_any(job, context) is None
    with pytest.raises(UsageError, match="--restore latest-if-any begins without"):
        latest(job, context)
    first = checkpoint(tmp_path, "checkpoints/job/chk-1", 100)
    assert latest_if_any(job, context) == latest(job, context) == first.as_uri()


def test_two_runs_do_not_keep_their_state_in_one_place(tmp_path: Path) -> None:
    context = JobContext(mounts={"state": tmp_path})
    job = stream("pvc://state/a b")
    with kept_alone(job, context):
        second = kept_alone(job, context)
        said = f"the run of process {os.getpid()} keeps its state in {tmp_path / 'a b'}"
        with pytest.raises(UsageError, match=re.escape(said)), second:
            pass
        with kept_alone(stream("pvc://state/other"), context):
            pass
    with kept_alone(job, context):
        pass


@pytest.mark.parametrize("storage", [None, "s3://bucket/state"])
def test_what_is_kept_elsewhere_is_left_to_others(storage: str | None) -> None:
    with kept_alone(stream(storage), JobContext()), kept_alone(stream(storage), JobContext()):
        pass
