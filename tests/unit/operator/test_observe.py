"""What one pass sees of the watched objects: which of them count."""

import asyncio
from typing import Any

import pytest
from tests.support.pods import pod

from modelstream_operator.asking import Heard
from modelstream_operator.cache import Cache, owner_of_event
from modelstream_operator.decide.decision import OfRun, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.flink import Flink
from modelstream_operator.names import Component
from modelstream_operator.observe import Observer
from modelstream_operator.observed import Observed
from modelstream_operator.resources import Key
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish

SCORES = Key("fraud", "scores")
DEPLOYED = Memory(Step.DEPLOYED, run=1, job_id="a")


def observed(target: Any, *objects: dict[str, Any]) -> Observed:
    """What a pass over a stream that has no JobManager to ask sees."""
    cache = Cache()
    for each in objects:
        cache.put(each)
    observer = Observer(None, cache, Flink(), Settings())  # type: ignore[arg-type]  # not asked
    asked = Wish(target().manifest, Wanted("x"), target())
    return asyncio.run(observer.observe(SCORES, asked, DEPLOYED, Heard()))


def owned(manifest: dict[str, Any], name: str = "", run: int = 1) -> dict[str, Any]:
    meta = manifest["metadata"]
    ours = {"modelstream.dev/name": "scores", "modelstream.dev/run": str(run)}
    labels = {**meta.get("labels", {}), **ours}
    more = {"namespace": "fraud", "uid": "u", "name": name or meta.get("name", "x")}
    return {**manifest, "metadata": {**meta, **more, "labels": labels}}


def deployment(asked: int, **status: int) -> dict[str, Any]:
    """The second generation of one that asks for so many pods."""
    found = {
        "kind": "Deployment",
        "metadata": {"generation": 2},
        "spec": {"replicas": asked},
        "status": status,
    }
    return owned(found, "scores-taskmanager-1")


def test_pods_that_have_ended_are_kept_apart_and_not_counted(target: Any) -> None:
    phases = ("Running", "Failed", "Succeeded", "Pending")
    pods = [owned(pod(phase=phase), phase) for phase in phases]
    found = observed(target, *pods)
    run = found.of(1)
    assert found.seen(DEPLOYED).pods == 2
    assert [each["status"]["phase"] for each in run.of_role(Component.TASKMANAGER)] == [
        "Running",
        "Pending",
    ]
    assert {each["status"]["phase"] for each in run.ended} == {"Failed", "Succeeded"}


def test_each_run_is_seen_for_itself(target: Any) -> None:
    objects = owned(pod(phase="Running"), "old"), owned(pod(phase="Running"), "new", run=2)
    found = observed(target, *objects, deployment(1))
    assert {number: run.seen() for number, run in found.runs.items()} == {
        1: OfRun(pods=1, deployments=1, scaled_down=False),
        2: OfRun(pods=1),
    }
    assert found.seen(DEPLOYED).last_run == 2


def test_a_pod_that_proves_is_no_pod_of_its_run_and_takes_its_number(target: Any) -> None:
    for phase in ("Running", "Succeeded", "Failed"):
        proof = owned(pod("proof", phase=phase), "scores-proof-2", run=2)
        found = observed(target, proof)
        assert found.of(2).seen() == OfRun()
        assert (found.pods, found.of(2).ended) == ((), ())
        assert found.of(2).proof is not None
        assert found.seen(DEPLOYED).last_run == 2


def test_a_label_that_is_no_number_is_of_no_run(target: Any) -> None:
    odd = owned(pod(phase="Running"), "odd")
    odd["metadata"]["labels"]["modelstream.dev/run"] = "x"
    assert observed(target, odd).seen(DEPLOYED).pods == 1


@pytest.mark.parametrize(
    ("found", "down"),
    [
        pytest.param(deployment(0, observedGeneration=2), True, id="none is left"),
        pytest.param(deployment(1, observedGeneration=2), False, id="one is wanted"),
        pytest.param(deployment(0, observedGeneration=2, replicas=1), False, id="one is counted"),
        pytest.param(deployment(0, observedGeneration=1), False, id="its controller lags behind"),
        pytest.param(deployment(0), False, id="its controller has never seen it"),
    ],
)
def test_a_deployment_is_down_once_its_controller_says_so(
    target: Any, found: dict[str, Any], down: bool
) -> None:
    assert observed(target, found).seen(DEPLOYED).scaled_down is down


def test_without_deployments_nothing_is_up(target: Any) -> None:
    assert observed(target).seen(DEPLOYED).scaled_down


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("scores-taskmanager-1-6d4-x", "scores"),
        ("scores-jobmanager-1", "scores"),
        ("my-jobmanager-taskmanager-1-6d4-x", "my-jobmanager"),
        ("a-taskmanager-1-jobmanager-12", "a-taskmanager-1"),
        ("unrelated", None),
    ],
)
def test_an_event_is_of_the_stream_whose_pods_it_is_about(name: str, stream: str | None) -> None:
    about = {"kind": "Pod", "name": name, "namespace": "fraud"}
    event = {"metadata": {"name": "e", "namespace": "fraud"}, "involvedObject": about}
    assert owner_of_event(event) == (Key("fraud", stream) if stream else None)
