"""What the operator relies on, in what a real Flink was recorded to say and to leave behind."""

from typing import Any

from tests.support.flinkdouble import scenes
from tests.support.flinkrecording import Scene

from modelstream_operator import names

LEADER, JOB = names.high_availability("{cluster}", "{job}")


def jobs(scene: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.rest["GET /jobs/overview"].body["jobs"]
    return found


def applications(scene: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.rest["GET /applications/overview"].body["applications"]
    return found


def results(scene: Scene) -> list[str]:
    return [name for name in scene.files if "/job-result-store/" in name]


def test_a_job_that_has_ended_is_not_begun_again_by_another_jobmanager() -> None:
    replaced = scenes()["life/stopped-replaced"]
    assert jobs(replaced) == []
    assert applications(replaced) == []


def test_the_result_of_a_job_that_has_ended_stays_in_the_store() -> None:
    (result,) = results(scenes()["life/stopped-replaced"])
    assert result.endswith("/job-result-store/default/{job}.json")


def test_nothing_but_the_leader_is_left_in_kubernetes_after_an_end() -> None:
    found = scenes()["life/stopped"].config_maps
    assert set(found) == {LEADER}
    assert not any(key.startswith("executionPlan-") for key in found[LEADER]["data"])


def test_a_run_has_two_config_maps_of_the_names_that_the_role_allows() -> None:
    found = scenes()["life/running"].config_maps
    assert set(found) == {LEADER, JOB}
    assert "executionPlan-{job}" in found[LEADER]["data"]
    assert "checkpointID-{n}" in found[JOB]["data"]
    labels = {"app": "{cluster}", "type": "flink-native-kubernetes"}
    assert all(each["labels"] == labels for each in found.values())


def test_owners_of_the_config_maps_survive_renewals_and_another_leader() -> None:
    for name in ("life/running", "life/recovered", "life/stopped"):
        assert all(each["owners"] for each in scenes()[name].config_maps.values()), name


def test_a_program_that_is_still_starting_has_an_application_and_one_that_ended_has_none() -> None:
    starting, over = scenes()["life/submitting"], scenes()["life/stopped-replaced"]
    assert jobs(starting) == jobs(over) == []
    assert [each["status"] for each in applications(starting)] == ["RUNNING"]
    assert applications(over) == []


def test_a_job_without_taskmanagers_is_created_and_shows_no_checkpoint_although_it_has_one() -> (
    None
):
    scene = scenes()["lost/taskmanager-lost"]
    assert [each["state"] for each in jobs(scene)] == ["CREATED"]
    assert scene.rest["GET /jobs/{job}/checkpoints"].body["latest"]["completed"] is None
    assert "checkpointID-{n}" in scene.config_maps[JOB]["data"]


def test_a_terminated_jobmanager_leaves_the_plan_and_the_checkpoints() -> None:
    found = scenes()["lost/terminated"].config_maps
    assert found[LEADER]["data"] == ["executionPlan-{job}"]
    assert "checkpointID-{n}" in found[JOB]["data"]


def test_another_job_over_the_plan_of_the_first_is_never_begun() -> None:
    scene = scenes()["lost/plan-of-another"]
    assert [(each["jid"], each["state"]) for each in jobs(scene)] == [("{job}", "FAILED")]
    assert [each["status"] for each in applications(scene)] == ["FAILED"]


def test_a_savepoint_in_a_directory_of_its_own_is_the_only_one_there() -> None:
    scene = scenes()["life/stopped"]
    found = [name for name in scene.files if name.endswith("/_metadata")]
    assert found == ["savepoints/{trigger}/savepoint-{random}/_metadata"]
    answer = scene.rest["GET /jobs/{job}/savepoints/{trigger}"].body
    assert answer["operation"]["location"].endswith("/savepoints/{trigger}/savepoint-{random}")


def test_an_unfinished_savepoint_is_in_progress_and_an_unknown_one_is_not_found() -> None:
    question = "GET /jobs/{job}/savepoints/{trigger}"
    stopping = scenes()["life/stopping"].rest[question]
    assert (stopping.status, stopping.body["status"]) == (200, {"id": "IN_PROGRESS"})
    assert scenes()["life/running"].rest[question].status == 404


def test_a_stop_with_a_savepoint_discards_the_checkpoints_before_it() -> None:
    latest = scenes()["life/stopped"].rest["GET /jobs/{job}/checkpoints"].body["latest"]
    assert latest["completed"]["discarded"]
    assert not latest["savepoint"]["discarded"]
    assert latest["savepoint"]["checkpoint_type"] == "SYNC_SAVEPOINT"


def test_what_the_entry_point_has_found_stands_in_the_jobmanager_s_configuration() -> None:
    scene = scenes()["restored/restored"]
    told = {each["key"]: each["value"] for each in scene.rest["GET /jobmanager/config"].body}
    path = told["modelstream.restore.path"]
    assert path.endswith("/checkpoints/{other}/chk-{n}")
    assert told["execution.state-recovery.path"] == path
    assert scene.rest["GET /jobs/{job}/checkpoints"].body["latest"]["restored"] is not None
