"""What is shared by many streams wakes those that it concerns."""

from typing import Any

import pytest

from modelstream_operator.cache import Cache
from modelstream_operator.resources import Key, Manifest, Ref

KEYS = [Key("fraud", f"scores-{number}") for number in range(50)]
Woken = list[Key]


def claim(name: str, namespace: str = "fraud", phase: str = "Bound") -> Manifest:
    meta = {"name": name, "namespace": namespace, "uid": name}
    spec = {"accessModes": ["ReadWriteMany"]}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": phase},
    }


def node(cpu: str) -> Manifest:
    status = {"allocatable": {"cpu": cpu}, "conditions": []}
    return {"kind": "Node", "metadata": {"name": "n", "labels": {}}, "spec": {}, "status": status}


def pod(key: Key, **changes: Any) -> Manifest:
    labels = {"modelstream.dev/name": key.name, "modelstream.dev/run": "1"}
    meta = {"name": f"{key.name}-x", "namespace": key.namespace, "uid": key.name, "labels": labels}
    made = {"kind": "Pod", "metadata": meta, "spec": {"nodeName": "n"}, "status": {}}
    return {**made, **changes, "metadata": {**meta, **changes.get("metadata", {})}}


@pytest.fixture
def woken() -> Woken:
    return []


@pytest.fixture
def cache(woken: Woken) -> Cache:
    """Of many streams; the first alone names a claim of its own."""
    made = Cache(woken.append)
    for number, key in enumerate(KEYS):
        made.claims(key, ["models", *(["state"] if number == 0 else [])])
    return made


def test_a_claim_wakes_those_that_name_it_and_no_stranger(cache: Cache, woken: Woken) -> None:
    cache.put(claim("somebody-s"))
    cache.put(claim("state", namespace="churn"))
    assert woken == []
    cache.put(claim("state"))
    assert woken == KEYS[:1]
    cache.put(claim("state"))
    assert woken == KEYS[:1], "nothing has changed"
    cache.drop(Ref("PersistentVolumeClaim", "fraud", "state"))
    assert woken == KEYS[:1] * 2
    cache.put(claim("models", phase="Pending"))
    assert woken[2:] == KEYS


def test_a_stream_that_is_gone_is_woken_by_nothing(cache: Cache, woken: Woken) -> None:
    cache.forget(KEYS[0])
    cache.put(claim("state"))
    assert woken == []


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        pytest.param({}, False, id="it has a node"),
        pytest.param({"spec": {}}, True, id="it has none yet"),
        pytest.param({"metadata": {"deletionTimestamp": "x"}}, True, id="it does not end"),
        pytest.param({"spec": {}, "status": {"phase": "Failed"}}, False, id="it has ended"),
    ],
)
def test_a_node_wakes_those_with_a_pod_that_waits_for_one(
    cache: Cache, woken: Woken, changes: dict[str, Any], concerned: bool
) -> None:
    cache.put(pod(KEYS[3], **changes))
    woken.clear()
    cache.put(node("4"))
    cache.put(node("8"))
    assert woken == (KEYS[3:4] * 2 if concerned else [])


def test_an_object_comes_back_as_it_was_whatever_of_its_kind_came_before(cache: Cache) -> None:
    texts = ["", "a" * 40_000, "ü\n" * 3, "a" * 39_000 + "b"]
    made = [config_map(f"scores-{number}", text) for number, text in enumerate(texts)]
    for each in made:
        cache.put(each)
    found = [cache.children(key).values() for key in KEYS[: len(texts)]]
    assert [[child.manifest() for child in children] for children in found] == [
        [each] for each in made
    ]


def config_map(stream: str, text: str) -> Manifest:
    labels = {"modelstream.dev/name": stream}
    meta = {"name": f"{stream}-job", "namespace": "fraud", "uid": stream, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"job": text}}
