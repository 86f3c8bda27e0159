"""A pod removes the directories that it is given, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.stored import complete

from modelstream.pod.failure import PodError
from modelstream.pod.removing import remove_all
from modelstream.pod.statestore import StateStore

JOB, OTHER = "a" * 32, "b" * 32


def asked(*places: str) -> dict[str, str]:
    return {"MODELSTREAM_REMOVE": json.dumps(places)}


def test_directories_of_jobs_go_with_all_that_is_in_them(pod: Any, tmp_path: Path) -> None:
    root = tmp_path / "state"
    for job in (JOB, OTHER):
        complete(root / "checkpoints" / job / "chk-1", 1)
        complete(root / "ha" / job / "job-result-store", 1)
    saved = complete(root / "savepoints" / f"{JOB}-1" / "savepoint-1", 2)
    places = [f"file://{root}/{kind}/{JOB}" for kind in ("checkpoints", "ha")]
    remove_all(pod.paths, asked(*places))
    remove_all(pod.paths, asked(*places))  # what is removed already is done
    left = sorted(str(each.relative_to(root)) for each in root.rglob("_metadata"))
    assert left == [
        f"checkpoints/{OTHER}/chk-1/_metadata",
        f"ha/{OTHER}/job-result-store/_metadata",
        saved.removeprefix(f"file://{root}/") + "/_metadata",
    ]


@pytest.mark.parametrize("place", ["checkpoints", "savepoints/" + "a" * 32, f"ha/{JOB}/x", "ha/"])
def test_what_is_not_a_directory_of_a_job_stays_and_nothing_goes(
    pod: Any, tmp_path: Path, place: str
) -> None:
    complete(tmp_path / "checkpoints" / JOB / "chk-1", 1)
    first = f"file://{tmp_path}/checkpoints/{JOB}"
    with pytest.raises(PodError, match="is not a directory of a job") as told:
        remove_all(pod.paths, asked(first, f"file://{tmp_path}/{place}"))
    assert told.value.reason == "NotRemoved"
    assert (tmp_path / "checkpoints" / JOB / "chk-1").exists()


def test_a_store_that_refuses_is_told(
    pod: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError("Access denied")

    monkeypatch.setattr(StateStore, "remove", refuses)
    with pytest.raises(PodError, match=f"checkpoints/{JOB}: Access denied"):
        remove_all(pod.paths, asked(f"file://{tmp_path}/checkpoints/{JOB}"))
