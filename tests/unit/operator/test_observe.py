"""What one pass sees of the watched objects: which of them count."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.pods import pod

from modelstream_operator.asking import Heard
from modelstream_operator.cache import Cache
from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.flink import Flink
from modelstream_operator.observe import Observed, Observer
from modelstream_operator.resources import Key
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish

SCORES = Key("fraud", "scores")


def observed(target: Any, *objects: dict[str, Any]) -> Observed:
    """What a pass over a stream that has no JobManager to ask sees."""
    cache = Cache()
    for each in objects:
        cache.put(each)
    observer = Observer(None, cache, Flink(), Settings())  # type: ignore[arg-type]  # not asked
    asked = Wish(target().manifest, Wanted("x"), target())
    memory = Memory(Step.DEPLOYED, job_id="a")
    return asyncio.run(observer.observe(SCORES, asked, memory, Heard()))


def owned(manifest: dict[str, Any], name: str = "") -> dict[str, Any]:
    meta = manifest["metadata"]
    labels = {**meta.get("labels", {}), "modelstream.dev/name": "scores"}
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


def seen(deployment: dict[str, Any]) -> Seen:
    cache = Cache()
    cache.put(deployment)
    return Observed(now=datetime.now(UTC), children=cache.children(SCORES)).seen(Memory())


def test_pods_that_have_ended_are_kept_apart_and_not_counted(target: Any) -> None:
    phases = ("Running", "Failed", "Succeeded", "Pending")
    pods = [owned(pod(phase=phase), phase) for phase in phases]
    found = observed(target, *pods)
    assert found.seen(Memory()).pods == 2
    assert [each["status"]["phase"] for each in found.of_role("taskmanager")] == [
        "Running",
        "Pending",
    ]
    assert {each["status"]["phase"] for each in found.ended} == {"Failed", "Succeeded"}


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
    found: dict[str, Any], down: bool
) -> None:
    assert seen(found).scaled_down is down


def test_without_deployments_nothing_is_up() -> None:
    assert Observed(now=datetime.now(UTC)).seen(Memory()).scaled_down
