"""ConfigMaps of Flink's high availability: whose they are, who is woken, what is done with them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.support.pods import pod

from modelstream_operator.asking import Heard
from modelstream_operator.cache import Cache
from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.flink import Flink
from modelstream_operator.highavailability import HighAvailability
from modelstream_operator.observe import Observer
from modelstream_operator.observed import Observed
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.tidying import tidy
from modelstream_operator.wish import Wish

SCORES = Key("fraud", "scores")
OURS = "scores-0f1e2d3c"
JOB = "a" * 32
LEADER = "control-plane.alpha.kubernetes.io/leader"


def config_map(name: str, *keys: str, renewed: str = "", owned: bool = False) -> Manifest:
    owners = [{"uid": "x"}] if owned else []
    meta = {"name": f"{name}-config-map", "namespace": "fraud", "uid": name}
    return {
        "kind": "ConfigMap",
        "metadata": {**meta, "annotations": {LEADER: renewed}, "ownerReferences": owners},
        "data": {"org.apache.flink.k8s.leader.dispatcher": renewed, **dict.fromkeys(keys, "x")},
    }


def woken(*changes: Manifest) -> list[Key]:
    found: list[Key] = []
    maps = HighAvailability(found.append)
    for change in changes:
        maps.put(change)
    return found


def test_what_a_run_could_go_on_from_is_read_from_the_names_alone() -> None:
    maps = HighAvailability()
    maps.put(config_map(f"{OURS}-3-cluster", f"executionPlan-{JOB}"))
    maps.put(config_map(f"{OURS}-3-{JOB}", "checkpointID-0000000000000000005", "counter"))
    cluster, job = maps.of(SCORES, "0f1e2d3c-0000")
    assert (cluster.run, cluster.job_id, cluster.plans) == (3, "", {JOB})
    assert (job.run, job.job_id, job.checkpoints) == (3, JOB, {5})


def test_a_key_that_counts_nothing_ends_no_watch() -> None:
    """A ConfigMap of such a name may be anybody's."""
    maps = HighAvailability()
    maps.put(config_map(f"{OURS}-3-{JOB}", "checkpointID-newest", "checkpointID-0000007"))
    assert maps.of(SCORES, "0f1e2d3c-0000")[0].checkpoints == {7}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("scores-cluster", id="a native Flink cluster of the same name"),
        pytest.param(f"scores-{JOB}", id="its job"),
        pytest.param("scores-ffffffff-1-cluster", id="a stream of the same name that is gone"),
        pytest.param("other-0f1e2d3c-1-cluster", id="another stream"),
    ],
)
def test_those_of_others_are_not_ours(name: str) -> None:
    maps = HighAvailability()
    maps.put(config_map(name))
    assert maps.of(SCORES, "0f1e2d3c-0000") == ()


def test_a_leader_that_renews_and_one_more_checkpoint_wake_nobody() -> None:
    job = f"{OURS}-1-{JOB}"
    assert woken(
        config_map(job, renewed="12:00:00"),
        config_map(job, renewed="12:00:05"),
        config_map(job, "checkpointID-01", renewed="12:00:05"),
        config_map(job, "checkpointID-02", renewed="12:00:10"),
    ) == [SCORES, SCORES]


def test_what_a_step_may_wait_for_wakes_the_stream() -> None:
    name, plan = f"{OURS}-1-cluster", f"executionPlan-{JOB}"
    changes = config_map(name), config_map(name, plan), config_map(name, plan, owned=True)
    assert woken(*changes) == [SCORES] * 3
    maps = HighAvailability()
    maps.put(config_map(name))
    found: list[Key] = []
    maps.changed = found.append
    maps.drop(Ref("ConfigMap", "fraud", f"{name}-config-map"))
    maps.drop(Ref("ConfigMap", "fraud", "never-seen"))
    assert found == [SCORES]
    assert maps.of(SCORES, "0f1e2d3c-0000") == ()


def test_a_list_that_lacks_one_is_compared_with_those_of_the_namespace() -> None:
    maps = HighAvailability()
    maps.put(config_map(f"{OURS}-1-cluster"))
    assert [ref.namespace for ref in maps.refs("ConfigMap", None)] == ["fraud"]
    assert list(maps.refs("ConfigMap", "elsewhere")) == []


class Server:
    """Notes what is done to whom."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.adopted: list[tuple[str, str]] = []

    async def delete(self, ref: Ref) -> None:
        self.deleted.append(ref.name.removesuffix("-config-map"))

    async def adopt(self, ref: Ref, uid: str, owner: Manifest) -> None:
        self.adopted.append((ref.name.removesuffix("-config-map"), owner["name"]))


def observed(target: Any, memory: Memory, *objects: Manifest) -> Observed:
    cache = Cache()
    for each in objects:
        (cache.high_availability if each["kind"] == "ConfigMap" else cache).put(each)
    observer = Observer(None, cache, Flink(), Settings())  # type: ignore[arg-type]  # not asked
    asked = Wish(target().manifest, Wanted("x"), target())
    return asyncio.run(observer.observe(SCORES, asked, memory, Heard()))


def tidied(target: Any, memory: Memory, *objects: Manifest) -> Server:
    server, found = Server(), observed(target, memory, *objects)
    asyncio.run(tidy(server, found, target().manifest, {}))  # type: ignore[arg-type]  # two methods
    return server


def pod_of_run(run: int) -> Manifest:
    found = pod(phase="Running")
    labels = {"modelstream.dev/name": "scores", "modelstream.dev/run": str(run)}
    found["metadata"] |= {"uid": "p", "labels": labels}
    return found


DEPLOYED = Memory(Step.DEPLOYED, run=2, job_id=JOB)


def test_those_of_the_present_run_get_an_owner_and_those_of_an_ended_run_go(target: Any) -> None:
    server = tidied(
        target,
        DEPLOYED,
        config_map(f"{OURS}-1-cluster", owned=True),
        config_map(f"{OURS}-2-cluster", f"executionPlan-{JOB}"),
        config_map(f"{OURS}-2-{JOB}", owned=True),
        config_map(f"{OURS}-9-cluster"),
        config_map("scores-ffffffff-1-cluster"),
    )
    assert server.adopted == [(f"{OURS}-2-cluster", "scores")]
    assert server.deleted == [f"{OURS}-1-cluster", f"{OURS}-9-cluster"]


def test_nothing_is_taken_from_a_run_that_has_a_pod(target: Any) -> None:
    server = tidied(target, DEPLOYED, config_map(f"{OURS}-1-cluster"), pod_of_run(1))
    assert server.deleted == []


@pytest.mark.parametrize(("pods", "left"), [([], 1), ([pod_of_run(2)], 0)])
def test_what_a_run_that_is_torn_down_leaves_is_counted_once_its_pods_are_gone(
    target: Any, pods: list[Manifest], left: int
) -> None:
    memory = Memory(Step.TEARING_DOWN, run=2, job_id=JOB)
    kept = config_map(f"{OURS}-2-cluster")
    assert observed(target, memory, kept, *pods).seen(memory).leftovers == left


def seen(target: Any, *objects: Manifest) -> Seen:
    return observed(target, DEPLOYED, *objects).seen(DEPLOYED)


def test_what_the_present_run_has_written_is_told_apart(target: Any) -> None:
    plan, checkpoint = f"executionPlan-{JOB}", "checkpointID-0000000000000000001"
    old = config_map(f"{OURS}-1-cluster", plan), config_map(f"{OURS}-1-{JOB}", checkpoint)
    assert seen(target, *old).planned is None
    assert not seen(target, *old).saved
    assert seen(target, *old, config_map(f"{OURS}-2-cluster")).planned is False
    new = config_map(f"{OURS}-2-cluster", plan), config_map(f"{OURS}-2-{JOB}", checkpoint)
    assert seen(target, *old, *new).planned is True
    assert seen(target, *old, *new).saved


@pytest.mark.parametrize(
    ("restored_from", "pointers", "saved"),
    [
        (None, 1, True),
        (Stored("", Kind.NOTHING, "b"), 1, True),
        (Stored("s3://a/chk-1", Kind.CHECKPOINT, "b"), 1, False),
        (Stored("s3://a/chk-1", Kind.CHECKPOINT, "b"), 2, True),
        (Stored("s3://a", Kind.NEWEST, "b"), 1, False),
    ],
)
def test_what_a_job_was_restored_from_is_no_checkpoint_of_its_own(
    target: Any, restored_from: Stored | None, pointers: int, saved: bool
) -> None:
    memory = replace(DEPLOYED, restored_from=restored_from)
    named = [f"checkpointID-{number:019}" for number in range(pointers)]
    there = observed(target, memory, config_map(f"{OURS}-2-{JOB}", *named))
    assert there.seen(memory).saved is saved


def test_the_first_checkpoint_of_a_restored_job_wakes_and_no_later_one() -> None:
    name, named = f"{OURS}-2-{JOB}", [f"checkpointID-{number:019}" for number in range(4)]
    steps = [config_map(name, *named[:count]) for count in (1, 2, 3)]
    assert len(woken(*steps, config_map(name, *named[1:]))) == 2


def test_a_run_that_only_flink_remembers_keeps_its_number(target: Any) -> None:
    assert seen(target, config_map(f"{OURS}-7-cluster")).last_run == 7
