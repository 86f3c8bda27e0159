"""The operator as a process against a real API server: what it creates, heals, prunes, deletes."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.apiserver

CHILDREN = {
    "configmaps": ["scores-config-1"],
    "services": ["scores-jobmanager-1", "scores-rest"],
    "serviceaccounts": ["scores-flink"],
    "networkpolicies": ["scores-flink"],
    "deployments": ["scores-jobmanager-1", "scores-taskmanager-1"],
}


def all_there(space: Any) -> bool:
    return all(set(names) <= set(space.names(plural)) for plural, names in CHILDREN.items())


def test_a_resource_becomes_a_flink_cluster(
    space: Any, scores: Any, until: Callable[..., Any]
) -> None:
    created = space.create(scores)
    until(lambda: all_there(space))
    deployment = space.get("deployments", "scores-taskmanager-1")
    assert deployment["metadata"]["ownerReferences"][0]["uid"] == created["metadata"]["uid"]
    status = until(lambda: space.status("scores"))
    assert status["observedGeneration"] == 1
    assert status["phase"] == "Pending"
    assert {each["type"] for each in status["conditions"]} >= {"Ready", "Accepted", "JobRunning"}


def test_the_job_id_is_in_status_and_in_the_pod(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    deployment = until(lambda: space.get("deployments", "scores-jobmanager-1"))
    main = deployment["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each.get("value") for each in main["env"]}
    assert environment["MODELSTREAM_JOB_ID"] == space.status("scores")["job"]["id"]


def test_a_child_that_is_deleted_comes_back(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    space.delete("services", "scores-rest")
    until(lambda: space.get("services", "scores-rest"))


def repaired(space: Any, until: Any) -> None:
    """A Deployment is edited, and the operator sets it right."""
    space.patch("deployments", "scores-taskmanager-1", {"spec": {"replicas": 5}})
    until(lambda: space.get("deployments", "scores-taskmanager-1")["spec"]["replicas"] == 1)


def test_a_child_that_is_edited_is_repaired(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    repaired(space, until)
    space.patch("configmaps", "scores-config-1", {"data": {"flink.yaml": "{}"}})
    until(lambda: space.get("configmaps", "scores-config-1")["data"]["flink.yaml"] != "{}")


def test_a_child_that_left_the_plan_goes(space: Any, scores: Any, until: Any) -> None:
    scores["spec"]["podDisruptionBudget"] = {"enabled": True}
    space.create(scores)
    until(lambda: all_there(space))
    until(lambda: space.get("poddisruptionbudgets", "scores-flink"))
    space.patch("modelstreams", "scores", {"spec": {"networkPolicy": {"enabled": False}}})
    until(lambda: space.get("networkpolicies", "scores-flink") is None)
    assert space.get("poddisruptionbudgets", "scores-flink")


def test_scaling_changes_the_taskmanagers_and_not_the_job(
    space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    job = space.status("scores")["job"]["id"]
    space.patch("modelstreams", "scores", {"spec": {"replicas": 3}}, part="/scale")
    until(lambda: space.get("deployments", "scores-taskmanager-1")["spec"]["replicas"] == 3)
    assert space.status("scores")["job"]["id"] == job


def test_an_edit_that_needs_a_restart_makes_a_new_job(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    job = space.status("scores")["job"]["id"]
    space.patch("modelstreams", "scores", {"spec": {"restartNonce": 1}})
    space.controllers_scale_down(*CHILDREN["deployments"])
    until(lambda: space.status("scores")["job"]["id"] != job)
    made = until(lambda: space.get("deployments", "scores-taskmanager-2"))  # after the status
    assert made["spec"]["replicas"] == 1
    until(lambda: space.get("deployments", "scores-taskmanager-1") is None)
    assert space.status("scores")["run"] == 2


def test_a_suspended_job_has_no_pods_until_it_is_resumed(
    space: Any, scores: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    space.patch("modelstreams", "scores", {"spec": {"suspend": True}})
    space.controllers_scale_down(*CHILDREN["deployments"])
    until(lambda: space.status("scores")["phase"] == "Suspended")
    space.patch("modelstreams", "scores", {"spec": {"suspend": False}})
    until(lambda: space.get("deployments", "scores-jobmanager-2"))


def test_what_flinks_high_availability_makes_gets_an_owner_and_goes_with_its_run(
    space: Any, scores: Any, until: Any
) -> None:
    uid = space.create(scores)["metadata"]["uid"]
    until(lambda: all_there(space))
    ours, native = f"scores-{uid[:8]}-1-cluster-config-map", "scores-cluster-config-map"
    for name in (ours, native):
        labels = {"app": "scores", "type": "flink-native-kubernetes"}
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        made["metadata"]["labels"] = labels
        space.plane.request("POST", space.path("configmaps"), made)
    owners = until(lambda: space.get("configmaps", ours)["metadata"].get("ownerReferences"))
    assert [each["uid"] for each in owners] == [uid]
    space.patch("modelstreams", "scores", {"spec": {"restartNonce": 1}})
    space.controllers_scale_down(*CHILDREN["deployments"])
    until(lambda: space.get("configmaps", ours) is None)
    until(lambda: space.get("deployments", "scores-jobmanager-2"))
    assert "ownerReferences" not in space.get("configmaps", native)["metadata"]


def test_a_missing_claim_is_said_before_pods_hang(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Ready").get("reason") == "ClaimNotFound")
    ready = space.condition("scores", "Ready")
    assert ready["status"] == "False"
    assert "models" in ready["message"]


def test_a_service_of_somebody_else_is_left_alone(space: Any, scores: Any, until: Any) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "scores-config-1"},
        "data": {"modelstream.yaml": "mine"},
    }
    space.plane.request("POST", space.path("configmaps"), foreign)
    space.create(scores)
    until(lambda: space.condition("scores", "Ready").get("reason") == "ChildRefused")
    assert space.get("configmaps", "scores-config-1")["data"] == {"modelstream.yaml": "mine"}


def test_deletion_ends_and_takes_the_deployments_along(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    repaired(space, until)  # its watch has told it of both, and it makes neither once more
    space.delete("modelstreams", "scores")
    until(lambda: space.get("modelstreams", "scores") is None)
    assert space.names("deployments") == []


def test_nothing_is_written_once_all_is_as_wanted(space: Any, scores: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Ready").get("reason") == "ClaimNotFound")
    until(lambda: all_there(space))
    reconciled(space, scores, until, 0)  # what the first passes had to write is written
    written = versions(space)
    for count in (1, 2):
        reconciled(space, scores, until, count)
    assert versions(space) == written


def reconciled(space: Any, scores: Any, until: Any, count: int) -> None:
    """A pass of its own for an edit of the label, which changes nothing that is written."""
    space.patch("modelstreams", "scores", {"metadata": {"labels": {"count": str(count)}}})
    space.create({**scores, "metadata": {"name": f"other{count}"}})
    until(lambda: space.status(f"other{count}"))


def versions(space: Any) -> dict[str, str]:
    found = {
        name: space.get(plural, name)["metadata"]["resourceVersion"]
        for plural, names in CHILDREN.items()
        for name in names
    }
    return {**found, "status": str(space.status("scores"))}


def test_a_restarted_operator_goes_on_with_the_same_job(
    space: Any, scores: Any, operator: Any, until: Any
) -> None:
    space.create(scores)
    until(lambda: all_there(space))
    job = space.status("scores")["job"]["id"]
    assert operator.stop() == 0
    space.delete("services", "scores-rest")
    operator.start()
    until(lambda: space.get("services", "scores-rest"))
    assert space.status("scores")["job"]["id"] == job


def test_log_lines_name_the_object(space: Any, scores: Any, operator: Any, until: Any) -> None:
    space.create(scores)
    until(lambda: space.condition("scores", "Ready"))
    named = until(
        lambda: [
            line
            for line in operator.lines()
            if line.get("object", {}).get("namespace") == space.name
        ]
    )
    assert named[0]["object"]["name"] == "scores"
