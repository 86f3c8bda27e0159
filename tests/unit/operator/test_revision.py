"""What a run is made of is kept, and a run is rendered from that alone."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from modelstream_operator.cache import Child
from modelstream_operator.decide.acceptance import accepted
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.names import LABEL_RUN
from modelstream_operator.planning import REVISIONS, plan
from modelstream_operator.reading import Reading
from modelstream_operator.render import Target, children, run_of
from modelstream_operator.render.revision import Gap, Revision, read, revision_of
from modelstream_operator.render.run import Run, run_children
from modelstream_operator.resources import Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.wish import wish

TargetMaker = Callable[..., Target]
STATE = {"spec/state": {"storage": "s3://bucket/x"}}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEWER = Settings(image_cpu="modelstream/runtime:2", image_pull_policy="Always")


def kept(target: Target, revision: Revision) -> Child:
    """The object as the cache has it."""
    made = revision.manifest(target)
    made["metadata"]["uid"] = revision.id
    found = Child.of(json.loads(json.dumps(made)), {})
    assert found is not None
    return found


def asked(target: Target, memory: Memory, *there: Child) -> tuple[Any, list[Manifest]]:
    """What is asked of a stream, and the objects that there are to be."""
    manifest = copy.deepcopy(target.manifest)
    reading = Reading(1, accepted(manifest), manifest)
    known = {each.ref: each for each in there}
    found = wish(reading, manifest, memory, known, target.settings)
    return found, list(plan(found, Decision(memory), known).desired)


def deployed(revision: Revision) -> Memory:
    return Memory(Step.DEPLOYED, run=1, job_id="ab" * 16, revision=revision.id)


def images(manifests: list[Manifest]) -> set[str]:
    pods = [each["spec"]["template"]["spec"] for each in manifests if each["kind"] == "Deployment"]
    return {each["image"] for pod in pods for each in pod["containers"]}


def test_what_is_kept_is_read_again(target: TargetMaker) -> None:
    made = target(STATE)
    revision = revision_of(made)
    manifest = json.loads(json.dumps(revision.manifest(made)))
    assert manifest["metadata"]["name"] == f"scores-{revision.id}"
    assert manifest["revision"] == 1
    assert read(manifest) == revision


def test_a_revision_is_of_no_run(target: TargetMaker) -> None:
    first = target(STATE, run=1, job_id="a" * 32, restore_from="s3://x")
    other = target(STATE | {"spec/flink/taskManager": {"replicas": 7}}, run=2, running=False)
    assert revision_of(first) == revision_of(other)


def test_every_gap_is_filled_by_a_run(target: TargetMaker) -> None:
    revision = revision_of(target(STATE))
    text = json.dumps(revision.children)
    assert [gap for gap in Gap if gap not in text] == []
    run = Run(3, "c" * 32, "s3://x/c", 6, 6, restore_newest="Needed", restore_else="s3://x/old")
    filled = json.dumps(run_children(revision, run))
    assert "{{" not in filled
    for part in (f"ha/{'c' * 32}", "s3://x/c", "Needed", "s3://x/old", "scores-0f1e2d3c-3"):
        assert part in filled


def test_a_run_without_a_savepoint_has_no_variable_for_one(target: TargetMaker) -> None:
    made = run_children(revision_of(target()), Run(1, "c" * 32))
    assert "MODELSTREAM_RESTORE_FROM" not in json.dumps(made)


@pytest.mark.parametrize(("running", "pods"), [(True, [1, 4]), (False, [0, 0])])
def test_how_many_pods_there_are_is_the_run_s(
    target: TargetMaker, running: bool, pods: list[int]
) -> None:
    made = run_children(revision_of(target()), Run(1, "c", replicas=4, running=running))
    found = [each["spec"]["replicas"] for each in made if each["kind"] == "Deployment"]
    assert found == pods


def test_a_stated_parallelism_does_not_follow_the_taskmanagers(target: TargetMaker) -> None:
    revision = revision_of(target({"spec/flink/parallelism": 5}))
    options = run_children(revision, Run(1, "c", parallelism=9))[0]["data"]["flink.yaml"]
    assert json.loads(options)["parallelism.default"] == "5"


def test_a_newer_operator_replaces_no_pod_of_a_job_that_runs(target: TargetMaker) -> None:
    old = target(STATE)
    revision = revision_of(old)
    newer = replace(old, settings=NEWER)
    found, made = asked(newer, deployed(revision), kept(old, revision))
    assert not found.wanted.restart
    assert images(made) == {"modelstream/runtime:latest"}
    assert found.outdated
    assert found.wanted.revision != revision.id  # which the next start takes


def test_while_a_change_waits_the_run_is_healed_as_it_was_made(target: TargetMaker) -> None:
    old = target(STATE)
    revision = revision_of(old)
    edited = target(STATE | {"spec/flink/image": "mine:2"})
    found, made = asked(edited, deployed(revision), kept(old, revision))
    assert found.wanted.restart
    assert images(made) == {"modelstream/runtime:latest"}
    assert found.wanted.checkpoints == "s3://bucket/x/fraud/scores/checkpoints"


def test_an_equal_spelling_and_more_taskmanagers_restart_nothing(target: TargetMaker) -> None:
    old = target(STATE)
    revision = revision_of(old)
    edited = target(
        {"spec/state": {"storage": "s3://bucket/x/", "checkpointInterval": "30000ms"}}
        | {"spec/flink/taskManager": {"replicas": 3}}
    )
    found, made = asked(edited, deployed(revision), kept(old, revision))
    assert not found.wanted.restart
    assert not found.outdated
    assert [each["spec"]["replicas"] for each in made if each["kind"] == "Deployment"] == [1, 3]


SAVED = Stored("s3://state/savepoints/x", Kind.SAVEPOINT, "a")
STOPPED = Ended(1, "a", How.STOPPED, NOW, SAVED)
KEEPS: dict[str, dict[str, Any]] = {
    "it runs": {"started": "2026-01-01T00:00:00Z"},
    "it was restored": {"restored_from": SAVED},
    "it stops": {"step": Step.SAVEPOINTING, "started": "2026-01-01T00:00:00Z"},
    "it has stopped": {"step": Step.TEARING_DOWN, "ended": STOPPED},
    "it rests": {"step": Step.SUSPENDED, "ended": STOPPED},
}
HAS_NONE: dict[str, dict[str, Any]] = {
    "it never ran": {},
    "it has read all": {"step": Step.ENDED, "ended": replace(STOPPED, how=How.FINISHED)},
    "it rests without": {"step": Step.SUSPENDED, "ended": replace(STOPPED, left=None)},
}
AWAY: list[Any] = [
    pytest.param({"spec/state": {"storage": "pvc://b"}}, id="another claim"),
    pytest.param({}, id="no state"),
]


@pytest.mark.parametrize("change", AWAY)
@pytest.mark.parametrize("known", KEEPS.values(), ids=KEEPS)
def test_an_edit_that_would_lose_state_is_refused_and_the_run_goes_on_with_it(
    target: TargetMaker, change: dict[str, Any], known: dict[str, Any]
) -> None:
    old = target({"spec/state": {"storage": "pvc://a"}})
    revision = revision_of(old)
    memory = replace(deployed(revision), **known)
    found, made = asked(target(change), memory, kept(old, revision))
    assert found.refusal
    assert "pvc://a" in found.refusal
    assert found.wanted.revision == revision.id
    assert found.wanted.keeps_state
    assert not found.wanted.restart
    assert "claim-models" in json.dumps(made)
    assert '"claimName": "a"' in json.dumps(made)


@pytest.mark.parametrize("change", AWAY)
@pytest.mark.parametrize("known", HAS_NONE.values(), ids=HAS_NONE)
def test_where_there_is_no_state_to_lose_its_place_may_change(
    target: TargetMaker, change: dict[str, Any], known: dict[str, Any]
) -> None:
    old = target({"spec/state": {"storage": "pvc://a"}})
    revision = revision_of(old)
    memory = replace(deployed(revision), **known)
    found, _ = asked(target(change), memory, kept(old, revision))
    assert found.refusal is None
    assert found.wanted.restart


def test_a_run_whose_revision_somebody_deleted_gets_the_same_again(target: TargetMaker) -> None:
    old = target(STATE)
    found, made = asked(old, deployed(revision_of(old)))
    assert not found.wanted.restart
    assert [each["kind"] for each in made].count("ControllerRevision") == 1
    assert {Ref.of(each) for each in made} >= {Ref.of(each) for each in children(old)}


def test_what_nobody_knows_is_replaced_and_not_touched_before(target: TargetMaker) -> None:
    memory = replace(deployed(revision_of(target())), revision="gone")
    found, made = asked(target(STATE), memory)
    assert found.wanted.restart
    assert {each["kind"] for each in made} == {"ServiceAccount", "Service", "NetworkPolicy"}


@pytest.mark.parametrize("mode", ["Streaming", "Batch"])
def test_where_nobody_knows_what_a_run_was_made_from_its_own_options_say_what_it_can(
    target: TargetMaker, mode: str
) -> None:
    old = target(STATE | {"spec/flink/runtimeMode": mode})
    (config,) = [each for each in children(old) if each["kind"] == "ConfigMap"]
    config["metadata"]["uid"] = "u"
    child = Child.of(config, {})
    assert child is not None
    memory = replace(deployed(revision_of(old)), revision="gone")
    found, _ = asked(target({"spec/state": {"storage": "s3://else"}}), memory, child)
    root = "s3://bucket/x/fraud/scores"
    assert found.wanted.checkpoints == f"{root}/checkpoints"
    assert found.wanted.savepoints == (f"{root}/savepoints" if mode == "Streaming" else None)


def test_the_newest_revisions_are_kept(target: TargetMaker) -> None:
    old = [revision_of(target({"spec/restartNonce": n})) for n in range(REVISIONS + 3)]
    there = [kept(target(run=n + 1), each) for n, each in enumerate(old)]
    found, _ = asked(target({"spec/restartNonce": REVISIONS + 2}), deployed(old[-1]), *there)
    stays = plan(found, Decision(deployed(old[-1])), {each.ref: each for each in there}).kept
    assert {ref.name for ref in stays} == {f"scores-{each.id}" for each in old[-REVISIONS:]}


def test_the_objects_of_a_run_carry_its_number(target: TargetMaker) -> None:
    made = run_children(revision_of(target(STATE)), run_of(target(STATE, run=12)))
    assert {each["metadata"]["labels"][LABEL_RUN] for each in made} == {"12"}


def test_what_the_first_pods_found_is_written_once_and_read_by_each_later_pod(
    target: TargetMaker,
) -> None:
    old = target(STATE)
    revision = revision_of(old)
    memory = deployed(revision)
    found, _ = asked(old, memory, kept(old, revision))
    first = plan(found, Decision(memory), {}, {"fraud": "sha256:a"}).desired[-1]
    assert first["metadata"]["name"] == "scores-digests-1"
    assert first["data"] == {"fraud": "sha256:a"}

    first["metadata"]["uid"] = "u"
    child = Child.of(first, {})
    assert child is not None
    later = plan(found, Decision(memory), {child.ref: child}, {"fraud": "sha256:b"})
    assert child.ref in later.kept
    assert child.ref not in {Ref.of(each) for each in later.desired}

    for each in run_children(revision, run_of(target(STATE, run=1))):
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            (volume,) = [v for v in pod["volumes"] if v["name"] == "digests"]
            assert volume["configMap"] == {"name": "scores-digests-1", "optional": True}
            verify = pod["initContainers"][-1]
            assert "/etc/modelstream/digests" in {m["mountPath"] for m in verify["volumeMounts"]}


def test_a_run_has_a_digest_of_its_own(target: TargetMaker) -> None:
    old = target(STATE)
    revision = revision_of(old)
    found, _ = asked(old, deployed(revision), kept(old, revision))
    memory = replace(deployed(revision), run=2)
    made = plan(found, Decision(memory), {}, {"fraud": "sha256:b"}).desired[-1]
    assert made["metadata"]["name"] == "scores-digests-2"
