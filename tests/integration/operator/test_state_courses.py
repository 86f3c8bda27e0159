"""Courses of a stream with state: Flink is played back, Kubernetes' controllers are real."""

from typing import Any

import pytest
from tests.support.courses import Pods, environment, job_of, run_of
from tests.support.flinkdouble import Fault, FlinkDouble, JobManager
from tests.support.operatorprocess import Space, wait_until

from modelstream_operator import names

pytestmark = pytest.mark.apiserver


@pytest.fixture
def stateful(scores: Any) -> Any:
    scores["spec"]["state"] = {"storage": "pvc://state"}
    return scores


def settled(home: Space) -> None:
    wait_until(lambda: home.condition("scores", "Ready").get("status") == "True")


def jobmanager(flink: FlinkDouble, home: Space, run: int) -> JobManager:
    """Flink of a run, once the operator has asked it."""
    path = f"/{home.name}/scores/{run}"
    found: JobManager = wait_until(lambda: flink.jobmanagers.get(path))
    return found


def high_availability(home: Space) -> set[str]:
    """The cluster ids of the runs that have left something."""
    path = home.path("configmaps") + "?labelSelector=type=flink-native-kubernetes"
    items = home.plane.request("GET", path)["items"]
    return {each["metadata"]["labels"]["app"] for each in items}


def cluster_id(home: Space, run: int) -> str:
    uid = home.get("modelstreams", "scores")["metadata"]["uid"]
    return names.cluster_id("scores", uid, run)


def edited(home: Space) -> None:
    home.patch("modelstreams", "scores", {"spec": {"restartNonce": 1}})


def restarted(home: Space, flink: FlinkDouble, pods: Pods, run: int) -> None:
    """The next run is there, goes on from the savepoint of the one before, and is alone."""
    wait_until(lambda: run_of(home) == run)
    settled(home)
    before = jobmanager(flink, home, run - 1)
    deployment = home.get("deployments", names.jobmanager("scores", run))
    restored = environment(deployment)["MODELSTREAM_RESTORE_FROM"]
    assert restored == before.savepoint()
    assert job_of(home) != before.job
    wait_until(lambda: high_availability(home) == {cluster_id(home, run)})
    pods.both_run()


def test_an_edit_stops_with_a_savepoint_and_leaves_nothing_of_the_run_before(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    edited(home)
    restarted(home, flink, pods, 2)


@pytest.mark.parametrize("role", ["jobmanager", "taskmanager"])
def test_an_edit_keeps_state_although_a_pod_was_evicted(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble, role: str
) -> None:
    home.create(stateful)
    settled(home)
    pods.evict(pods.running(role)[0])
    pods.both_run()
    edited(home)
    restarted(home, flink, pods, 2)


def test_a_suspension_keeps_the_savepoint_until_it_is_resumed(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    home.patch("modelstreams", "scores", {"spec": {"suspend": True}})
    wait_until(lambda: home.condition("scores", "Ready").get("reason") == "Suspended")
    assert pods() == []
    home.patch("modelstreams", "scores", {"spec": {"suspend": False}})
    restarted(home, flink, pods, 2)


def test_a_stream_begins_with_what_another_has_left_once_that_is_suspended(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    state = {**stateful["spec"]["state"], "restoreFrom": {"modelStream": "scores"}}
    meta = {**stateful["metadata"], "name": "heir"}
    home.create({**stateful, "metadata": meta, "spec": {**stateful["spec"], "state": state}})
    wait_until(lambda: home.condition("heir", "Updated").get("reason") == "StateNotThere")
    assert home.get("deployments", names.jobmanager("heir", 1)) is None
    home.patch("modelstreams", "scores", {"spec": {"suspend": True}})
    heir = wait_until(lambda: home.get("deployments", names.jobmanager("heir", 1)))
    left = jobmanager(flink, home, 1).savepoint()
    assert environment(heir)["MODELSTREAM_RESTORE_FROM"] == left
    restored = home.get("modelstreams", "heir")["status"]["restoredFrom"]
    assert (restored["path"], restored["kind"]) == (left, "Savepoint")


def test_deletion_leaves_no_config_map_of_flink_s(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    assert high_availability(home) == {cluster_id(home, 1)}
    home.delete("modelstreams", "scores")
    wait_until(lambda: home.get("modelstreams", "scores") is None)
    wait_until(lambda: not high_availability(home))
    wait_until(lambda: not pods())


def test_a_stream_that_is_made_again_shares_no_name_with_the_one_before(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    first = cluster_id(home, 1)
    home.delete("modelstreams", "scores")
    wait_until(lambda: home.get("modelstreams", "scores") is None)
    flink.jobmanagers.clear()
    home.create(stateful)
    settled(home)
    wait_until(lambda: high_availability(home) == {cluster_id(home, 1)})
    assert cluster_id(home, 1) != first


def test_a_flink_cluster_of_somebody_else_keeps_its_config_maps(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    labels = {"app": "scores", "type": "flink-native-kubernetes"}
    theirs = {"metadata": {"name": "scores-cluster-config-map", "labels": labels}}
    home.plane.request("POST", home.path("configmaps"), theirs)
    home.create(stateful)
    settled(home)
    home.delete("modelstreams", "scores")
    wait_until(lambda: home.get("modelstreams", "scores") is None)
    wait_until(lambda: high_availability(home) == {"scores"})


def test_one_answer_that_does_not_come_changes_nothing_and_three_are_told(
    home: Space, stateful: Any, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    before = home.condition("scores", "Ready")["lastTransitionTime"]
    asked = jobmanager(flink, home, 1)
    asked.fault = Fault.UNAVAILABLE
    asks_again(asked, 1)
    asked.fault = None
    asks_again(asked, 2)
    assert home.condition("scores", "Ready")["lastTransitionTime"] == before
    asked.fault = Fault.UNAVAILABLE
    wait_until(lambda: home.condition("scores", "Ready").get("reason") == "FlinkUnreachable")
    assert job_of(home) == asked.job
    asked.fault = None
    settled(home)


def asks_again(asked: JobManager, times: int) -> None:
    count = len(asked.asked) + times
    wait_until(lambda: len(asked.asked) >= count)


def test_a_stop_that_a_proxy_refuses_is_told_and_ends_no_pod(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    before, asked = pods.names(), jobmanager(flink, home, 1)
    asked.fault, asked.faulty = Fault.FORBIDDEN, "POST"
    edited(home)
    said = wait_until(lambda: told(home, "Updated", "SavepointFailed"))
    assert "upstream connect error" in said["message"]
    wait_until(lambda: pods.names() == before)
    asked.fault = None


def told(home: Space, kind: str, reason: str) -> dict[str, Any]:
    found = home.condition("scores", kind)
    return found if found.get("reason") == reason else {}


def test_a_job_whose_taskmanagers_are_gone_waits_for_them_and_goes_on(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    asked = jobmanager(flink, home, 1)
    with pods.no_room_for("taskmanager"):
        pods.evict(pods.running("taskmanager")[0])
        asked.go("lost/taskmanager-lost")
        wait_until(lambda: told(home, "Ready", "WaitingForResources"))
    pods.both_run()
    asked.go("life/recovered")
    settled(home)
    assert run_of(home) == 1


def test_a_job_that_ended_while_nobody_looked_does_not_begin_again(
    home: Space, stateful: Any, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    jobmanager(flink, home, 1).go("life/stopped-replaced")
    wait_until(lambda: told(home, "Ready", "JobEndedUnseen"))
    assert run_of(home) == 1


def events(home: Space, reason: str) -> list[str]:
    """What events of this reason say."""
    items = home.plane.request("GET", home.path("events"))["items"]
    return [each["message"] for each in items if each["reason"] == reason]


def test_last_state_goes_on_from_what_the_next_jobmanager_finds_and_says_which(
    home: Space, stateful: Any, pods: Pods, flink: FlinkDouble
) -> None:
    home.create(stateful)
    settled(home)
    before = jobmanager(flink, home, 1)
    spec = {"restartNonce": 1, "upgrade": {"mode": "LastState"}}
    home.patch("modelstreams", "scores", {"spec": spec})
    wait_until(lambda: run_of(home) == 2)
    settled(home)
    told = environment(home.get("deployments", names.jobmanager("scores", 2)))
    assert told["MODELSTREAM_RESTORE_FROM"].endswith(f"/checkpoints/{before.job}")
    assert told["MODELSTREAM_RESTORE_NEWEST"] == "Needed"  # high availability knows of one
    assert not any("/stop" in each for each in before.asked)
    restored = home.status("scores")["restoredFrom"]
    assert (restored["kind"], restored["jobId"]) == ("Checkpoint", before.job)
    (message,) = wait_until(lambda: events(home, "Restored"))
    assert restored["path"] in message
    assert "completed at" in message
    pods.both_run()
