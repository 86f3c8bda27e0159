"""What a job goes on from, looked up in a store on a claim."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.stored import complete

from modelstream.pod import entrypoint
from modelstream.pod.failure import PodError
from modelstream.pod.restoring import origin, prove_origin
from modelstream.pod.statestore import StateStore
from modelstream_crds.restore import TOLD_PATH, TOLD_TIME

JOB, BEFORE, OTHER = "a" * 32, "b" * 32, "c" * 32


def options(root: Path) -> dict[str, Any]:
    """The options that say where state is."""
    return {
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": f"file://{root}/ha/{JOB}",
        "execution.checkpointing.dir": f"file://{root}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{root}/savepoints",
    }


def environment(root: Path, **variables: str) -> dict[str, str]:
    """The variables of a run that is to go on from the newest of the job before it."""
    directory = f"file://{root}/checkpoints/{BEFORE}"
    newest = {
        "MODELSTREAM_JOB_ID": JOB,
        "MODELSTREAM_RESTORE_FROM": directory,
        "MODELSTREAM_RESTORE_NEWEST": "Needed",
    }
    return {**newest, **{f"MODELSTREAM_{name}": value for name, value in variables.items()}}


def found(root: Path, **variables: str) -> str | None:
    return origin(options(root), environment(root, **variables)).path


def checkpoint(root: Path, number: int, job: str = BEFORE, time: int = 1_000_000) -> str:
    return complete(root / "checkpoints" / job / f"chk-{number}", number, time)


def savepoint(root: Path, number: int, job: str = BEFORE) -> str:
    return complete(root / "savepoints" / f"{job}-{'d' * 32}" / "savepoint-bbbbbb-1", number)


def test_a_savepoint_that_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    path = complete(tmp_path / "elsewhere" / "savepoint-1", 3)
    known = {"MODELSTREAM_JOB_ID": JOB, "MODELSTREAM_RESTORE_FROM": path}
    assert origin(options(tmp_path), known).path == path
    assert origin(options(tmp_path), known).told == {}


def test_a_directory_that_is_named_is_its_newest_complete_one(tmp_path: Path) -> None:
    complete(tmp_path / "a" / "chk-1", 1)
    newest = complete(tmp_path / "a" / "chk-2", 2)
    (tmp_path / "a" / "chk-3").mkdir()
    known = {"MODELSTREAM_JOB_ID": JOB, "MODELSTREAM_RESTORE_FROM": f"file://{tmp_path}/a"}
    assert origin(options(tmp_path), known).path == newest


def test_what_is_named_and_not_there_stays_for_flink_to_miss(tmp_path: Path) -> None:
    known = {"MODELSTREAM_JOB_ID": JOB, "MODELSTREAM_RESTORE_FROM": "file:///nowhere"}
    assert origin(options(tmp_path), known).path == "file:///nowhere"


def test_the_newest_is_what_was_counted_last_whatever_the_clock_says(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9, time=2_000_000)
    newest = checkpoint(tmp_path, 10, time=1_000_000)
    assert found(tmp_path) == newest


def test_a_savepoint_of_that_job_counts_among_its_checkpoints(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    path = savepoint(tmp_path, 10)
    savepoint(tmp_path, 11, OTHER)
    checkpoint(tmp_path, 12, OTHER)
    assert found(tmp_path) == path


def test_an_older_savepoint_is_left(tmp_path: Path) -> None:
    savepoint(tmp_path, 8)
    newest = checkpoint(tmp_path, 9)
    assert found(tmp_path) == newest


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 40], ids=["empty", "cut", "no checkpoint"])
def test_half_of_a_checkpoint_is_none(tmp_path: Path, content: bytes) -> None:
    whole = checkpoint(tmp_path, 9)
    half = tmp_path / "checkpoints" / BEFORE / "chk-10"
    half.mkdir()
    (half / "_metadata").write_bytes(content)
    assert found(tmp_path) == whole


def test_what_was_found_is_told_in_flink_s_configuration(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 9, time=1_700_000_000)
    told = origin(options(tmp_path), environment(tmp_path)).told
    assert told == {TOLD_PATH: path, TOLD_TIME: "1700000000"}


def test_a_checkpoint_that_is_known_and_missing_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(PodError, match=BEFORE) as caught:
        found(tmp_path, RESTORE_ELSE="file:///older")
    assert caught.value.reason == "StateMissing"


def test_a_job_that_goes_on_from_its_own_checkpoint_misses_nothing(tmp_path: Path) -> None:
    checkpoint(tmp_path, 3, JOB)
    assert found(tmp_path) is None


@pytest.mark.parametrize("otherwise", ["file:///older", None])
def test_a_job_that_completed_nothing_is_begun_where_it_began(
    tmp_path: Path, otherwise: str | None
) -> None:
    variables = {"RESTORE_NEWEST": "IfAny"} | ({"RESTORE_ELSE": otherwise} if otherwise else {})
    begun = origin(options(tmp_path), environment(tmp_path, **variables))
    assert begun.path == otherwise
    assert begun.told == {TOLD_PATH: otherwise or ""}


def test_flink_is_started_from_it_and_shows_it(
    pod: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(entrypoint, "_become", lambda paths, env, command: became.append(command))
    path = checkpoint(tmp_path, 9)
    pod.operator(options(tmp_path))
    entrypoint.jobmanager(pod.paths, environment(tmp_path, JOB_ID=JOB) | {"POD_IP": "10.0.0.7"})
    (command,) = became
    assert command[command.index("--fromSavepoint") + 1] == path
    assert yaml.safe_load((pod.paths.flink_conf / "config.yaml").read_text())[TOLD_PATH] == path


def test_whoever_looks_for_the_newest_waits_for_a_store_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> StateStore:
        raise OSError("no route to host")

    monkeypatch.setattr(StateStore, "of", gone)
    with pytest.raises(PodError, match="no route to host") as caught:
        entrypoint.from_the_store(options(tmp_path), environment(tmp_path))
    assert caught.value.reason == "StateUnreachable"


def test_a_stream_that_begins_is_not_stopped_by_a_store_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flink asks it too, and may have other ways to it."""

    def gone(*_: Any) -> StateStore:
        raise OSError("no route to host")

    monkeypatch.setattr(StateStore, "of", gone)
    assert entrypoint.from_the_store(options(tmp_path), first_start(tmp_path)).path is None


@pytest.mark.parametrize("given", [True, False], ids=["restored", "begun anew"])
def test_a_job_whose_config_maps_are_gone_goes_on_from_what_it_has_completed(
    tmp_path: Path, given: bool
) -> None:
    """A JobManager that is replaced then knows nothing of it but what is in the store."""
    before = savepoint(tmp_path, 7)
    known = {"MODELSTREAM_JOB_ID": JOB}
    known |= {"MODELSTREAM_RESTORE_FROM": before} if given else {}
    from_the_store = entrypoint.from_the_store
    assert from_the_store(options(tmp_path), known).path == (before if given else None)
    checkpoint(tmp_path, 8, JOB)
    newest = checkpoint(tmp_path, 9, JOB)
    assert from_the_store(options(tmp_path), known).path == newest


def test_what_was_to_be_looked_for_is_told_also_by_a_job_that_has_gone_on(tmp_path: Path) -> None:
    before, own = checkpoint(tmp_path, 4), checkpoint(tmp_path, 9, JOB)
    found = entrypoint.from_the_store(options(tmp_path), environment(tmp_path))
    assert (found.path, found.told[TOLD_PATH]) == (own, before)


def of_any_job(root: Path) -> dict[str, str]:
    """The variables of a run that is to go on from the newest that any job has completed."""
    directory = f"file://{root}/checkpoints"
    return environment(root, RESTORE_FROM=directory, RESTORE_NEWEST="OfAnyJob")


def test_the_newest_of_all_jobs_is_what_was_completed_last_whatever_its_number(
    tmp_path: Path,
) -> None:
    checkpoint(tmp_path, 90, OTHER, time=1_000_000)
    newest = checkpoint(tmp_path, 5, BEFORE, time=2_000_000)
    assert origin(options(tmp_path), of_any_job(tmp_path)).path == newest


def test_a_savepoint_of_any_job_counts_and_so_does_one_that_somebody_took(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9, time=900_000)
    path = savepoint(tmp_path, 3, OTHER)
    assert origin(options(tmp_path), of_any_job(tmp_path)).path == path
    by_hand = complete(tmp_path / "savepoints" / "savepoint-cccccc-2", 1, 3_000_000)
    assert origin(options(tmp_path), of_any_job(tmp_path)).path == by_hand


def test_of_all_jobs_the_run_s_own_is_left_to_flink(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9, JOB, time=3_000_000)
    savepoint(tmp_path, 10, JOB)
    taken = checkpoint(tmp_path, 4, OTHER)
    assert origin(options(tmp_path), of_any_job(tmp_path)).path == taken


def test_where_no_job_has_completed_anything_it_is_told(tmp_path: Path) -> None:
    found = origin(options(tmp_path), of_any_job(tmp_path))
    assert (found.path, found.told) == (None, {TOLD_PATH: ""})


def first_start(root: Path) -> dict[str, str]:
    directory = f"file://{root}/checkpoints"
    return environment(root, RESTORE_FROM=directory, RESTORE_NEWEST="OfNobody")


def test_a_stream_that_begins_begins_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / OTHER / "chk-1").mkdir(parents=True)  # half of one
    found = origin(options(tmp_path), first_start(tmp_path))
    assert (found.path, found.told) == (None, {})


@pytest.mark.parametrize("leave", [checkpoint, savepoint])
def test_a_stream_that_begins_passes_nothing_over_that_another_job_has_left(
    tmp_path: Path, leave: Callable[..., str]
) -> None:
    left = leave(tmp_path, 4, OTHER)
    with pytest.raises(PodError) as told:
        origin(options(tmp_path), first_start(tmp_path))
    assert told.value.reason == "StateFound"
    for words in (left, "1970-01-12T13:46:40+00:00", "newest: true", "nothing: true"):
        assert words in str(told.value)
    assert "Stateless" not in str(told.value)


def test_a_jobmanager_that_is_replaced_in_the_first_run_goes_on(tmp_path: Path) -> None:
    checkpoint(tmp_path, 4, OTHER)
    checkpoint(tmp_path, 1, JOB)
    assert origin(options(tmp_path), first_start(tmp_path)).path is None


def test_a_path_that_holds_nothing_fails_the_proof(tmp_path: Path) -> None:
    complete(tmp_path / "savepoint-1", 3)
    for path in (tmp_path, tmp_path / "savepoint-1"):
        variables = {"MODELSTREAM_RESTORE_FROM": f"file://{path}"}
        prove_origin(options(tmp_path), variables)
    prove_origin(options(tmp_path), {})
    with pytest.raises(PodError, match=r"restoreFrom: file:///nowhere is not a complete") as told:
        prove_origin(options(tmp_path), {"MODELSTREAM_RESTORE_FROM": "file:///nowhere"})
    assert told.value.reason == "StateMissing"


def test_a_store_that_does_not_answer_fails_the_proof_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(StateStore, "completed", silent)
    with pytest.raises(PodError, match="no route to host") as told:
        prove_origin(options(tmp_path), {"MODELSTREAM_RESTORE_FROM": "file:///x"})
    assert told.value.reason == "StateUnreachable"


def test_a_savepoint_that_somebody_took_of_that_job_counts(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    complete(tmp_path / "savepoints" / f"savepoint-{OTHER[:6]}-1", 20)
    by_hand = complete(tmp_path / "savepoints" / f"savepoint-{BEFORE[:6]}-2", 10)
    assert found(tmp_path) == by_hand


def test_what_that_job_began_with_may_be_a_directory_too(tmp_path: Path) -> None:
    path = complete(tmp_path / "chosen" / "savepoint-1", 3)
    directory = f"file://{tmp_path}/chosen"
    told = origin(
        options(tmp_path), environment(tmp_path, RESTORE_NEWEST="IfAny", RESTORE_ELSE=directory)
    )
    assert (told.path, told.told[TOLD_PATH]) == (path, directory)
