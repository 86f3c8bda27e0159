"""What ended runs left in the store goes by a pod, once a later run needs none of it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.lifecycle import (
    DOWN,
    EDIT_KEPT,
    NOW,
    ORIGIN,
    RUNNING,
    SAME_KEPT,
    seen,
    started,
    torn,
)
from tests.support.notingcluster import NotingCluster

from modelstream_crds.v1alpha1 import Condition, ConditionType, ModelStreamStatus
from modelstream_operator.asking import FlinkAnswers
from modelstream_operator.cache import Child
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.cause import Cause
from modelstream_operator.decide.checkpoints import Health
from modelstream_operator.decide.decision import Decision, Seen, Swept
from modelstream_operator.decide.failed import Rollback
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.remains import MOST, Remains, with_one
from modelstream_operator.decide.removing import removable, sent
from modelstream_operator.decide.stored import Kind, Stored, newest
from modelstream_operator.evidence import outlives
from modelstream_operator.names import LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGER
from modelstream_operator.observed import Observed, RunObserved
from modelstream_operator.reading import Reading
from modelstream_operator.render import Target
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Manifest
from modelstream_operator.settings import Settings
from modelstream_operator.spared import spared
from modelstream_operator.sweeps import AGAIN, end_sweeps, make_sweep, swept_of
from modelstream_operator.wish import Wish, wish

TargetMaker = Callable[..., Target]
ROOT = "s3://state"
B, C = "b" * 32, "c" * 32
LEFT = (Remains(2, B, ROOT), Remains(1, C, ROOT))
RUNS = replace(started, remains=LEFT)


def there(**values: object) -> Seen:
    made: Seen = seen(job=RUNNING, outlives=True, spared=frozenset(), **values)
    return made


# What is remembered


def test_the_run_that_a_later_one_follows_is_remembered_by_its_directories() -> None:
    after = decide(replace(torn, remains=LEFT[1:]), EDIT_KEPT, DOWN).memory
    assert after.remains == (Remains(3, "a", ROOT), LEFT[1])
    assert after.remains[0].directories == ("s3://state/checkpoints/a", "s3://state/ha/a")
    told = replace(after, ended=None)
    assert Memory.of(ModelStreamStatus.model_validate(told.written())) == told


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param(Ended(3, "a", How.NOT_STARTED, NOW), id="its job never was"),
        pytest.param(Ended(2, "b", How.STOPPED, NOW), id="an end before it"),
        pytest.param(None, id="it has not ended"),
    ],
)
def test_nothing_is_remembered_of_a_run_that_left_nothing(ended: Ended | None) -> None:
    after = decide(replace(torn, ended=ended), EDIT_KEPT, DOWN).memory
    assert after.remains == ()


def test_as_many_are_remembered_as_fit_into_status() -> None:
    known: tuple[Remains, ...] = ()
    for number in range(MOST + 3):
        known = with_one(known, Remains(number, f"{number:032x}", ROOT))
    assert (len(known), known[0].run) == (MOST, MOST + 2)


# When it goes


def test_it_goes_once_the_run_has_been_ready_and_has_completed_a_checkpoint_since() -> None:
    assert sent(RUNS, there()) == LEFT
    assert sent(RUNS, replace(there(), outlives=False)) == ()
    assert sent(replace(RUNS, step=Step.SUSPENDED), there()) == ()
    assert sent(RUNS, replace(there(), spared=None)) == (), "nobody knows what others need"
    assert sent(RUNS, replace(there(), spared=frozenset({B}))) == LEFT[1:]


CHECKPOINT = Stored(f"{ROOT}/checkpoints/{B}/chk-7", Kind.CHECKPOINT, B)
BACK = Rollback("new", "old", 2, B, NOW, NOW, Cause("JobFailed", "boom"), previous=CHECKPOINT)


@pytest.mark.parametrize(
    ("changes", "goes"),
    [
        pytest.param({"restored_from": CHECKPOINT}, LEFT, id="what it began with"),
        pytest.param({"previous": CHECKPOINT}, LEFT[1:], id="not what it left aside"),
        pytest.param(
            {"previous": newest(f"{ROOT}/checkpoints", B)}, LEFT[1:], id="not the newest of it"
        ),
        pytest.param({"rollback": BACK}, LEFT[1:], id="not what a way back began with"),
        pytest.param({"job_id": B}, LEFT[1:], id="not its own"),
        pytest.param({"previous": ORIGIN}, LEFT, id="a savepoint lies elsewhere"),
    ],
)
def test_what_a_person_could_go_back_to_stays(
    changes: dict[str, Any], goes: tuple[Remains, ...]
) -> None:
    assert removable(replace(RUNS, **changes), there()) == goes


@pytest.mark.parametrize(
    "stream",
    [
        {"spec": {"state": {"restoreFrom": {"path": CHECKPOINT.path}}}},
        {"spec": {"state": {"restoreFrom": {"path": f"{ROOT}/checkpoints/{B}/"}}}},
        {"status": {"restoredFrom": {"path": CHECKPOINT.path}}},
    ],
    ids=["its path", "its directory", "it has begun with it"],
)
def test_what_another_stream_names_stays(stream: Manifest) -> None:
    assert spared(LEFT, [stream], "s3://state") == {B}


def ready(since: str, status: str = "True", run: int = 3) -> ModelStreamStatus:
    said = Condition(
        type=ConditionType.READY, status=status, reason="Ready", last_transition_time=since
    )
    return ModelStreamStatus(run=run, conditions=(said,))


def test_a_checkpoint_counts_that_was_completed_after_the_run_had_become_ready() -> None:
    flink = FlinkAnswers(health=Health(completed=NOW))
    observed = Observed(NOW, runs={3: RunObserved(flink=flink)})
    assert outlives(ready("2025-12-31T23:59:00Z"), observed, RUNS)
    assert not outlives(ready("2026-01-01T00:00:00Z"), observed, RUNS)
    assert not outlives(ready("2025-12-31T23:59:00Z", "False"), observed, RUNS)
    assert not outlives(ready("2025-12-31T23:59:00Z", run=2), observed, RUNS)
    unknown = Observed(NOW, runs={3: RunObserved()})
    assert not outlives(ready("2025-12-31T23:59:00Z"), unknown, RUNS)


# What the pod has done


def test_what_was_removed_is_forgotten() -> None:
    after = decide(RUNS, SAME_KEPT, there(swept=Swept(frozenset({B})))).memory
    assert after.remains == LEFT[1:]
    both = Swept(frozenset({B, C}))
    assert decide(RUNS, SAME_KEPT, there(swept=both)).memory.remains == ()


def test_what_could_not_be_removed_is_told_once() -> None:
    failed = there(swept=Swept(frozenset({B, C}), "NotRemoved: no right"))
    decision = decide(RUNS, SAME_KEPT, failed)
    assert [each.error for each in decision.memory.remains] == ["NotRemoved: no right"] * 2
    assert [(each.reason, each.warns) for each in decision.news] == [("RemainsNotRemoved", True)]
    assert decide(decision.memory, SAME_KEPT, failed) == Decision(decision.memory)


# The pod


@pytest.fixture
def running(target: TargetMaker) -> Callable[..., tuple[Wish, Memory]]:
    """A stream whose run 3 goes on."""

    def make(storage: str = "s3://state", **changes: Any) -> tuple[Wish, Memory]:
        models = [{"name": "fraud", "uri": "https://x/y.tar.gz"}]
        there = target(
            {"spec/state": {"storage": storage}, "spec/models": models, **changes}, run=3
        )
        kept = revision_of(there).manifest(there)
        child = Child.of(
            json.loads(json.dumps({**kept, "metadata": {**kept["metadata"], "uid": "u"}})), {}
        )
        assert child is not None
        memory = replace(RUNS, job_id="a" * 32, revision=revision_of(there).id)
        reading = Reading(1, there.stream, there.manifest)
        return wish(reading, there.manifest, memory, {child.ref: child}, Settings()), memory

    return make


def made(
    asked: Wish, memory: Memory, there: Manifest | None = None, error: ApiError | None = None
) -> list[Manifest]:
    cluster: Any = NotingCluster(error)
    observed = Observed(NOW, runs={3: RunObserved(sweep=there)})
    asyncio.run(make_sweep(cluster, asked, observed, memory, memory.remains))
    found: list[Manifest] = cluster.made
    return found


def pod(phase: str, jobs: str = f"{B} {C}", run: int = 3, **status: Any) -> Manifest:
    meta = {
        "name": f"scores-sweep-{run}",
        "namespace": "fraud",
        "labels": {LABEL_COMPONENT: "sweep"},
        "annotations": {"modelstream.dev/remains": jobs},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": meta, "spec": {"nodeName": "n"}, "status": {"phase": phase, **status}}


@pytest.mark.parametrize("storage", ["s3://state", "pvc://state"])
def test_it_is_the_jobmanager_s_with_the_store_s_rights_and_names_each_directory(
    running: Any, storage: str
) -> None:
    (sweep,) = made(*running(storage))
    meta, spec = sweep["metadata"], sweep["spec"]
    (main,) = spec["containers"]
    assert meta["name"] == "scores-sweep-3"
    assert meta["labels"][LABEL_COMPONENT] == "sweep"
    assert meta["labels"][LABEL_MANAGED_BY] == MANAGER, "else no watch tells of it"
    assert meta["annotations"]["modelstream.dev/remains"] == f"{B} {C}"
    assert main["command"] == ["modelstream-pod", "sweep"]
    assert not main.keys() & {"ports", "readinessProbe", "livenessProbe"}
    assert "initContainers" not in spec, "no model is fetched"
    assert (spec["restartPolicy"], spec["serviceAccountName"]) == ("Never", "scores-flink")
    environment = {each["name"]: each.get("value") for each in main["env"]}
    assert json.loads(environment["MODELSTREAM_REMOVE"]) == [
        *(f"s3://state/{kind}/{B}" for kind in ("checkpoints", "ha")),
        *(f"s3://state/{kind}/{C}" for kind in ("checkpoints", "ha")),
    ]
    mounted = [each["name"] for each in main["volumeMounts"]]
    assert ("state" in mounted) is storage.startswith("pvc")
    (owner,) = meta["ownerReferences"]
    assert owner["kind"] == "ModelStream"


def test_there_is_one_at_a_time_and_none_for_nothing(running: Any) -> None:
    asked, memory = running()
    assert made(asked, memory, pod("Running")) == []
    assert made(asked, replace(memory, remains=())) == []


@pytest.mark.parametrize(
    ("error", "raises"),
    [
        (ApiError(403, "exceeded quota", "Forbidden"), False),
        (ApiError(409, "it is there"), False),
        (ApiError(500, "etcd"), True),
    ],
    ids=["quota", "no watch has told of it", "the server"],
)
def test_a_pod_that_is_refused_concerns_nobody(running: Any, error: ApiError, raises: bool) -> None:
    if raises:
        with pytest.raises(ApiError):
            made(*running(), error=error)
    else:
        assert made(*running(), error=error) == []


def swept(sweep: Manifest | None) -> Swept | None:
    return swept_of(Observed(NOW, runs={3: RunObserved(sweep=sweep)}), RUNS)


def test_it_is_read_by_its_end() -> None:
    assert swept(None) is None
    assert swept(pod("Running")) is None
    assert swept(pod("Succeeded")) == Swept(frozenset({B, C}))
    words = "NotRemoved: s3://state/ha/b: Access denied"
    state = {"terminated": {"exitCode": 1, "message": words}}
    main = {"name": "main", "image": "r", "ready": False, "restartCount": 0, "state": state}
    failed = swept(pod("Failed", containerStatuses=[main]))
    assert failed is not None
    assert failed.error == words


def deleted(sweep: Manifest, memory: Memory = RUNS, after: timedelta = timedelta()) -> bool:
    cluster: Any = NotingCluster()
    run = int(sweep["metadata"]["name"].rpartition("-")[2])
    observed = Observed(NOW + after, runs={run: RunObserved(sweep=sweep)})
    asyncio.run(end_sweeps(cluster, observed, memory, {}))
    return bool(cluster.deleted)


def test_it_goes_with_what_it_was_made_for_and_one_that_failed_makes_way_for_another() -> None:
    assert not deleted(pod("Running"))
    assert not deleted(pod("Failed"))
    assert deleted(pod("Failed"), after=AGAIN)
    assert deleted(pod("Succeeded"), replace(RUNS, remains=()))
    assert deleted(pod("Running", run=2)), "of a run that is over"
    assert deleted(pod("Running"), replace(RUNS, step=Step.TEARING_DOWN))
