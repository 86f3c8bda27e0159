"""The pod that proves a revision: what it is made of, how it is read, when it is made and goes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.lifecycle import FRESH, NOW
from tests.support.notingcluster import NotingCluster
from tests.support.pods import ended, waiting

from modelstream_operator.cache import Child, owner_of_event
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import NO_PROOF, Prepared, Proof
from modelstream_operator.decide.problem import Problem
from modelstream_operator.evidence import facts_of
from modelstream_operator.names import (
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_RUN,
    MANAGER,
    Component,
)
from modelstream_operator.observed import Observed, RunObserved
from modelstream_operator.planning import plan
from modelstream_operator.proofs import end_proofs, make_proof, proof_of
from modelstream_operator.reading import Reading
from modelstream_operator.render import Target, run_of
from modelstream_operator.render.proof import proof_pod
from modelstream_operator.render.revision import revision_of
from modelstream_operator.render.run import run_children
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.wish import Wish, wish

TargetMaker = Callable[..., Target]
STATE = {"spec/state": {"storage": "pvc://state"}}
EDIT = {**STATE, "spec/models": [{"name": "fraud", "uri": "https://x/y.tar.gz"}]}


@pytest.fixture
def edited(target: TargetMaker) -> Callable[..., tuple[Wish, Memory]]:
    """A stream whose run 3 goes on while an edit is to be proven as run 4."""

    def make(changes: dict[str, Any] = EDIT, **fields: Any) -> tuple[Wish, Memory]:
        old, new = target(STATE, run=3, **fields), target(changes, **fields)
        kept = revision_of(old).manifest(old)
        child = Child.of(
            json.loads(json.dumps({**kept, "metadata": {**kept["metadata"], "uid": "u"}})), {}
        )
        assert child is not None
        prepared = Prepared(4, revision_of(new).id, FRESH, NOW)
        memory = Memory(
            Step.DEPLOYED, run=3, job_id="a" * 32, revision=revision_of(old).id, prepared=prepared
        )
        reading = Reading(2, new.stream, new.manifest)
        return wish(reading, new.manifest, memory, {child.ref: child}, new.settings), memory

    return make


def seen(pod: Manifest | None) -> Observed:
    return Observed(NOW, runs={4: RunObserved(proof=pod)})


def pod(phase: str = "Pending", **status: Any) -> Manifest:
    meta = {"name": "scores-proof-4", "namespace": "fraud", "labels": {LABEL_COMPONENT: "proof"}}
    return {"metadata": meta, "spec": {"nodeName": "n"}, "status": {"phase": phase, **status}}


def main(state: dict[str, Any], name: str = "main") -> dict[str, Any]:
    return {"name": name, "image": "r:1", "ready": False, "restartCount": 0, "state": state}


def made(asked: Wish, memory: Memory, there: Manifest | None = None) -> list[Manifest]:
    cluster: Any = NotingCluster()
    asyncio.run(make_proof(cluster, asked, seen(there), memory, {}))
    found: list[Manifest] = cluster.made
    return found


def test_it_is_the_jobmanager_s_with_another_command_and_serves_nobody(edited: Any) -> None:
    (proof,) = made(*edited())
    (main,) = proof["spec"]["containers"]
    assert proof["metadata"]["name"] == "scores-proof-4"
    assert main["command"] == ["modelstream-pod", "proof"]
    assert not main.keys() & {"ports", "readinessProbe", "livenessProbe"}
    assert proof["spec"]["restartPolicy"] == "Never"
    assert [each["name"] for each in proof["spec"]["initContainers"]] == ["fetch-fraud", "verify"]
    assert proof["spec"]["serviceAccountName"] == "scores-flink"
    (owner,) = proof["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["controller"]) == ("ModelStream", True)


def test_no_deployment_and_no_service_takes_it_for_its_own(edited: Any, target: Any) -> None:
    (proof,) = made(*edited())
    labels = proof["metadata"]["labels"]
    assert (labels[LABEL_COMPONENT], labels[LABEL_RUN]) == ("proof", "4")
    assert labels[LABEL_MANAGED_BY] == MANAGER, "else no watch tells of it"
    of_run = replace(target(), run=4)
    for role in (Component.JOBMANAGER, Component.TASKMANAGER):
        assert not of_run.selector(role).items() <= labels.items()


def test_it_mounts_no_state_and_asks_for_no_gpu(edited: Any) -> None:
    (proof,) = made(*edited({**EDIT, "spec/gpu": {"count": 1}}))
    names = {each["name"] for each in proof["spec"]["volumes"]}
    mounted = [each for part in proof["spec"]["containers"] for each in part["volumeMounts"]]
    assert "state" not in names
    assert {each["name"] for each in mounted} <= names
    assert "nvidia.com/gpu" not in json.dumps(proof)


def test_the_config_maps_that_it_reads_are_in_the_plan_beside_the_run_that_goes_on(
    edited: Any,
) -> None:
    asked, memory = edited()
    desired = {
        (each["kind"], each["metadata"]["name"])
        for each in plan(asked, Decision(memory), {}).desired
    }
    assert {("ConfigMap", "scores-config-3"), ("ConfigMap", "scores-config-4")} <= desired
    assert ("Deployment", "scores-jobmanager-3") in desired
    assert ("Deployment", "scores-jobmanager-4") not in desired
    without = replace(memory, prepared=None)
    left = {each["metadata"]["name"] for each in plan(asked, Decision(without), {}).desired}
    assert "scores-config-4" not in left


def test_what_runs_is_scaled_and_shown_by_what_it_is_made_of(edited: Any) -> None:
    slots = {"taskManager": {"slots": 4, "replicas": 2}}
    asked, memory = edited({**EDIT, "spec/flink": slots})
    assert (asked.wanted.parallelism, asked.wanted.begins_with) == (2, 8)
    facts = facts_of(asked, Observed(NOW), Decision(memory), Observed(NOW).seen(memory), ())
    assert facts.models == {"fraud": "pvc://models/fraud"}
    (config,) = [
        each
        for each in plan(asked, Decision(memory), {}).desired
        if each["metadata"]["name"] == "scores-config-3"
    ]
    assert json.loads(config["data"]["flink.yaml"])["parallelism.default"] == "2"


def test_the_account_of_the_run_stays_as_long_as_the_run(edited: Any) -> None:
    asked, memory = edited({**EDIT, "spec/flink": {"serviceAccount": {"name": "mine"}}})
    kinds = [each["kind"] for each in plan(asked, Decision(memory), {}).desired]
    assert kinds.count("ServiceAccount") == 1
    (proof,) = made(asked, memory)
    assert proof["spec"]["serviceAccountName"] == "mine"


PULL = waiting("ImagePullBackOff", "not found")
FETCH = main(ended(1, "FetchFailed: 404"), "fetch-fraud")


@pytest.mark.parametrize(
    ("there", "succeeded", "over", "reason"),
    [
        pytest.param(None, False, False, None, id="not there"),
        pytest.param(pod("Running"), False, False, None, id="at work"),
        pytest.param(
            pod("Pending", containerStatuses=[PULL]), False, False, "ImagePullFailed", id="pull"
        ),
        pytest.param(
            pod("Failed", initContainerStatuses=[FETCH]), False, True, "FetchFailed", id="fetch"
        ),
        pytest.param(
            pod("Failed", containerStatuses=[main(ended(1, "JobNotBuilt: no table"))]),
            *(False, True, "JobNotBuilt"),
            id="program",
        ),
        pytest.param(
            pod("Failed", containerStatuses=[main(ended(137, "", "OOMKilled"))]),
            *(False, True, "OutOfMemory"),
            id="memory",
        ),
        pytest.param(pod("Failed", reason="Evicted"), False, True, "Evicted", id="evicted"),
        pytest.param(
            pod("Running", containerStatuses=[main(ended(1, "JobNotBuilt: x")), main({}, "side")]),
            *(False, True, "JobNotBuilt"),
            id="failed beside a sidecar",
        ),
        pytest.param(
            pod("Running", containerStatuses=[main(ended(0)), main({}, "side")]),
            *(True, False, None),
            id="succeeded beside a sidecar",
        ),
    ],
)
def test_it_is_read_by_the_container_that_proves(
    edited: Any, there: Manifest | None, succeeded: bool, over: bool, reason: str | None
) -> None:
    asked, memory = edited()
    proof = proof_of(asked, seen(there), memory, {})
    assert (proof.succeeded, proof.over) == (succeeded, over)
    assert (proof.problem.reason if proof.problem else None) == reason


def test_one_that_leaves_is_waited_for(edited: Any) -> None:
    asked, memory = edited()
    there = pod("Failed", containerStatuses=[main(ended(1, "x"))])
    there["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert proof_of(asked, seen(there), memory, {}) == NO_PROOF
    assert made(asked, memory, there) == []


@pytest.mark.parametrize("status", [403, 409, 500])
def test_a_refusal_is_told_and_one_that_is_there_already_is_none(edited: Any, status: int) -> None:
    asked, memory = edited()
    cluster: Any = NotingCluster(ApiError(status, "exceeded quota: none"))
    refused: dict[int, Problem] = {7: Problem("Updated", "x", "of another attempt")}  # type: ignore[arg-type]
    act = make_proof(cluster, asked, seen(None), memory, refused)
    if status == 500:
        with pytest.raises(ApiError):
            asyncio.run(act)
        return
    asyncio.run(act)
    proof = proof_of(asked, seen(None), memory, refused)
    said = [proof.problem.reason] if proof.problem else []
    assert said == (["QuotaExceeded"] if status == 403 else [])
    assert proof == Proof(problem=proof.problem)
    assert 7 not in refused


FAILED = pod("Failed", containerStatuses=[main(ended(1, "x"))])


@pytest.mark.parametrize(
    ("there", "changes", "goes"),
    [
        pytest.param(pod("Running"), {}, False, id="under way"),
        pytest.param(FAILED, {"error": "x: y"}, False, id="failed: its log can be read"),
        pytest.param(pod("Pending"), {"error": "x: y"}, True, id="was too late"),
        pytest.param(pod("Running"), {"run": 5}, True, id="of an attempt before"),
        pytest.param(pod("Running"), {"step": Step.SAVEPOINTING}, True, id="the job stops"),
        pytest.param(pod("Running"), {"step": Step.DELETING}, True, id="the stream is deleted"),
    ],
)
def test_what_proves_nothing_any_more_goes(
    edited: Any, there: Manifest, changes: dict[str, Any], goes: bool
) -> None:
    _, memory = edited()
    step = changes.pop("step", Step.DEPLOYED)
    memory = replace(memory, step=step, prepared=replace(memory.prepared, **changes))
    cluster: Any = NotingCluster()
    asyncio.run(end_proofs(cluster, seen(there), memory, {}))
    assert cluster.deleted == ([Ref("Pod", "fraud", "scores-proof-4")] if goes else [])


def test_its_events_are_the_stream_s() -> None:
    about = {"kind": "Pod", "name": "scores-proof-4", "namespace": "fraud"}
    assert owner_of_event({"involvedObject": about}) == Key("fraud", "scores")


def is_jobmanager(manifest: Manifest) -> bool:
    return (manifest["kind"], manifest["metadata"]["name"]) == ("Deployment", "scores-jobmanager-1")


@pytest.mark.parametrize("storage", ["pvc://state", "s3://state"])
def test_an_origin_is_looked_up_where_the_proof_can_see_it(
    target: TargetMaker, storage: str
) -> None:
    """A claim of state may be mounted on one node alone, where the job runs."""
    made = target({"spec/state": {"storage": storage}}, restore_from="x://y")
    run = run_children(revision_of(made), run_of(made))
    (jobmanager,) = (each for each in run if is_jobmanager(each))
    (main,) = proof_pod(jobmanager, "proof")["spec"]["containers"]
    variables = {each["name"] for each in main["env"]}
    assert ("MODELSTREAM_RESTORE_FROM" in variables) is storage.startswith("s3")
    assert "FLINK_CONF_DIR" in variables
