"""Courses of a stream's pods, with the controllers that make and keep them in a cluster."""

from typing import Any

import pytest
from tests.support.controllers import DIGEST, role
from tests.support.courses import Pods, job_of, run_of
from tests.support.operatorprocess import Space, wait_until

OWNED = (
    "pods",
    "deployments",
    "services",
    "configmaps",
    "serviceaccounts",
    "networkpolicies",
)

pytestmark = pytest.mark.apiserver


def test_an_evicted_pod_is_history(home: Space, scores: Any, pods: Pods) -> None:
    home.create(scores)
    _, taskmanager = pods.both_run()
    pods.evict(taskmanager)
    pods.running("taskmanager")
    wait_until(lambda: home.status("scores")["taskManager"]["replicas"] == 1)
    assert len(pods("taskmanager")) == 2, "the dead one stays, as in a cluster"
    conditions = home.status("scores")["conditions"]
    assert "Evicted" not in {each["reason"] for each in conditions}


@pytest.mark.parametrize("role", ["jobmanager", "taskmanager"])
def test_an_edit_ends_although_a_pod_was_evicted(
    home: Space, scores: Any, pods: Pods, role: str
) -> None:
    home.create(scores)
    pods.both_run()
    pods.evict(pods.running(role)[0])
    before, job = {pod["metadata"]["name"] for pod in pods.both_run()}, job_of(home)
    home.patch("modelstreams", "scores", {"spec": {"restartNonce": 1}})
    wait_until(lambda: job_of(home) != job)
    after = {pod["metadata"]["name"] for pod in pods.both_run()}
    assert not before & after


def test_an_edit_that_cannot_run_leaves_the_job_alone_and_one_that_can_is_made(
    home: Space, scores: Any, pods: Pods
) -> None:
    home.create(scores)
    before = {pod["metadata"]["name"] for pod in pods.both_run()}
    wait_until(lambda: home.condition("scores", "Ready").get("status") == "True")
    pods.kubelet.proves = lambda pod: "DigestMismatch: it is another model"
    home.patch("modelstreams", "scores", {"spec": {"restartNonce": 1}})
    said = wait_until(lambda: refused(home))
    assert "it is another model" in said["message"]
    assert pods.names() == {*before, "scores-proof-2"}
    assert home.condition("scores", "Ready")["status"] == "True"
    assert home.status("scores")["phase"] == "Running"
    assert home.condition("scores", "Stalled")["reason"] == "DigestMismatch"
    pods.kubelet.proves = lambda pod: ""
    home.patch("modelstreams", "scores", {"spec": {"restartNonce": 2}})
    wait_until(lambda: run_of(home) == 3)
    assert not before & {pod["metadata"]["name"] for pod in pods.both_run()}
    wait_until(lambda: not pods("proof"))


def refused(home: Space) -> dict[str, Any]:
    found = home.condition("scores", "Updated")
    return found if found.get("reason") == "DigestMismatch" else {}


def test_a_suspension_ends_although_a_pod_was_evicted(home: Space, scores: Any, pods: Pods) -> None:
    home.create(scores)
    pods.evict(pods.both_run()[1])
    pods.running("taskmanager")
    home.patch("modelstreams", "scores", {"spec": {"suspend": True}})
    wait_until(lambda: home.condition("scores", "Ready").get("reason") == "Suspended")
    assert {pod["status"]["phase"] for pod in pods()} == {"Failed"}


def test_scaling_makes_and_ends_pods_and_starts_no_other_job(
    home: Space, scores: Any, pods: Pods
) -> None:
    home.create(scores)
    first, job = pods.both_run()[0]["metadata"]["name"], job_of(home)
    for count in (3, 1):
        home.patch("modelstreams", "scores", {"spec": {"replicas": count}}, part="/scale")
        pods.running("taskmanager", count)
        wait_until(lambda count=count: home.status("scores")["taskManager"]["replicas"] == count)
    assert pods.running("jobmanager")[0]["metadata"]["name"] == first
    assert job_of(home) == job


def test_a_pod_that_has_another_model_than_the_first_is_sent_away(
    home: Space, scores: Any, pods: Pods
) -> None:
    odd = "sha256:" + "f" * 64
    taken: list[str] = []

    def second_taskmanager(pod: Any) -> str:
        name = pod["metadata"]["name"]
        if pod["metadata"]["namespace"] != home.name or role(pod) != "taskmanager":
            return DIGEST
        if name not in taken:
            taken.append(name)
        return odd if taken.index(name) == 1 else DIGEST

    scores["spec"]["flink"] = {"taskManager": {"replicas": 2}}
    pods.kubelet.digest = second_taskmanager
    home.create(scores)
    wait_until(lambda: len(taken) == 3)
    alive = {pod["metadata"]["name"] for pod in pods.running("taskmanager", 2)}
    assert alive == {taken[0], taken[2]}
    assert home.get("configmaps", "scores-digests-1")["data"] == {"half": DIGEST}


def test_deletion_leaves_nothing_in_the_namespace(home: Space, scores: Any, pods: Pods) -> None:
    home.create(scores)
    pods.evict(pods.both_run()[1])
    pods.running("taskmanager")
    home.delete("modelstreams", "scores")
    wait_until(lambda: left(home) == [])


def left(home: Space) -> list[str]:
    plurals = (
        "pods",
        "deployments",
        "services",
        "configmaps",
        "serviceaccounts",
        "networkpolicies",
    )
    return [name for plural in plurals for name in home.names(plural)]


def test_a_stream_that_is_deleted_and_created_again_has_pods_of_its_own(
    home: Space, scores: Any, pods: Pods
) -> None:
    home.create(scores)
    before = {pod["metadata"]["name"] for pod in pods.both_run()}
    home.delete("modelstreams", "scores")
    wait_until(lambda: home.get("modelstreams", "scores") is None)
    created = home.create(scores)
    wait_until(lambda: not before & pods.names())
    pods.both_run()
    for name in home.names("deployments"):
        (owner,) = home.get("deployments", name)["metadata"]["ownerReferences"]
        assert owner["uid"] == created["metadata"]["uid"]
