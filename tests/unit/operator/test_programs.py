"""A program in a ConfigMap: who hears of a change of it, and what becomes of the run."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.cache import Cache, Child
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.acceptance import accepted
from modelstream_operator.decide.decision import Decision, Rest, Seen
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.status import status_of
from modelstream_operator.evidence import facts_of
from modelstream_operator.observe import now
from modelstream_operator.observed import Observed
from modelstream_operator.planning import plan
from modelstream_operator.programs import Programs
from modelstream_operator.reading import Reading
from modelstream_operator.reconcile import Reconciler
from modelstream_operator.render import Target
from modelstream_operator.render.revision import Revision, read, revision_of
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.session import Session
from modelstream_operator.settings import Settings
from modelstream_operator.watch import Sink, Watch
from modelstream_operator.wish import Wish, wish

TargetMaker = Callable[..., Target]
SCORES, OTHER, STRANGER = Key("fraud", "scores"), Key("fraud", "other"), Key("fraud", "stranger")
PYTHON = {"configMap": {"name": "code"}}
OLD, NEW = {"data": {"job.py": "print(1)"}}, {"data": {"job.py": "print(2)"}}
NEWER = Settings(image_cpu="modelstream/runtime:2")


def config_map(name: str, **data: str) -> Manifest:
    meta = {"name": name, "namespace": "fraud", "uid": "u", "resourceVersion": "1"}
    return {"kind": "ConfigMap", "metadata": meta, "data": data}


def running(test: Coroutine[Any, Any, None]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(run())


@pytest.fixture
def program(target: TargetMaker) -> TargetMaker:
    """Makes a Target whose program is in a ConfigMap."""

    def make(changes: dict[str, Any] | None = None, **fields: Any) -> Target:
        made = target(changes, **fields)
        spec = {key: value for key, value in made.manifest["spec"].items() if key != "pipeline"}
        manifest = {**made.manifest, "spec": {**spec, "python": PYTHON}}
        return replace(made, stream=accepted(manifest), manifest=manifest)

    return make


# Who hears of it


def test_a_change_wakes_the_streams_of_that_program_and_no_other() -> None:
    async def run() -> None:
        woken: list[Key] = []
        programs = Programs(woken.append)
        for key, name in ((SCORES, "code"), (OTHER, "code"), (STRANGER, "else")):
            assert await programs.program(key, name, 1) is None
        programs.put(config_map("code", a="1"))
        assert woken == [SCORES, OTHER]
        programs.put(config_map("code", a="1"))
        assert woken == [SCORES, OTHER], "nothing has changed"
        assert await programs.program(SCORES, "code", 1) == {"data": {"a": "1"}}
        programs.drop(Ref("ConfigMap", "fraud", "code"))
        assert woken == [SCORES, OTHER] * 2

    running(run())


class Followed:
    """The watches that were made."""

    def __init__(self, *, readable: bool = True) -> None:
        self.readable, self.refs = readable, list[Ref]()

    def __call__(self, ref: Ref, sink: Sink) -> Watch:
        self.refs.append(ref)
        watch: Any = Watch(None, sink, ref.resource, ref.namespace)  # type: ignore[arg-type]  # it only waits
        if self.readable:
            watch.synced.set()
        watch.run = asyncio.Event().wait
        return watch  # type: ignore[no-any-return]  # made above


def test_a_config_map_is_watched_once_and_as_long_as_a_stream_uses_it() -> None:
    async def run() -> None:
        follow = Followed()
        programs = Programs(follow=follow)
        for key in (SCORES, OTHER, SCORES):
            await programs.program(key, "code", 1)
        assert [ref.name for ref in follow.refs] == ["code"]
        (task,) = programs.tasks()
        programs.forget(SCORES)
        assert not task.cancelling()
        await programs.program(OTHER, "else", 1)
        assert task.cancelling()
        assert [ref.name for ref in follow.refs] == ["code", "else"]

    running(run())


def test_a_config_map_that_cannot_be_read_is_no_missing_one() -> None:
    async def run() -> None:
        programs = Programs(follow=Followed(readable=False))
        with pytest.raises(ApiError, match="ConfigMap code cannot be read"):
            await programs.program(SCORES, "code", 0.01)

    running(run())


# What becomes of the run


def asked(target: Target, memory: Memory, found: Any, *there: Child) -> Wish:
    manifest = target.manifest
    reading = Reading(1, accepted(manifest), manifest).with_program(found)
    known = {each.ref: each for each in there}
    return wish(reading, manifest, memory, known, target.settings)


def revision(target: Target, text: Any) -> tuple[Revision, Memory, Child]:
    """What a run was made of, with what is remembered and what is kept of it."""
    made = replace(target, program=text)
    found = revision_of(made)
    manifest = json.loads(json.dumps(found.manifest(made)))
    manifest["metadata"]["uid"] = "r"
    child = Child.of(manifest, {})
    assert child is not None
    assert read(child.manifest()) == found
    memory = Memory(Step.DEPLOYED, run=1, job_id="ab" * 16, revision=found.id)
    return found, memory, child


def objects(wished: Wish, memory: Memory) -> dict[str, Manifest]:
    made = plan(wished, Decision(memory), {}).desired
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in made}


def conditions(wished: Wish, memory: Memory) -> dict[str, tuple[str, str, str]]:
    seen = Seen(now=now(), fresh_id="x")
    facts = facts_of(wished, Observed(now=seen.now), Decision(memory), seen, ())
    status = status_of(facts, ModelStreamStatus())
    said = {each["type"]: each for each in status["conditions"]}
    told = {name: (each["status"], each["reason"], each["message"]) for name, each in said.items()}
    return {**told, "phase": (status["phase"], "", "")}


def test_pods_read_the_run_s_own_copy(program: TargetMaker) -> None:
    _, memory, child = revision(program(), OLD)
    made = objects(asked(program(), memory, OLD, child), memory)
    assert made["ConfigMap/scores-program-1"]["data"] == OLD["data"]
    for role in ("jobmanager", "taskmanager"):
        pod = made[f"Deployment/scores-{role}-1"]["spec"]["template"]["spec"]
        (volume,) = [each for each in pod["volumes"] if each["name"] == "python"]
        assert volume["configMap"] == {"name": "scores-program-1"}
        places = {each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        assert "/etc/modelstream/configmaps/code" in places


def test_another_text_restarts_and_the_run_keeps_its_own_until_then(program: TargetMaker) -> None:
    _, memory, child = revision(program(), OLD)
    wished = asked(program(), memory, NEW, child)
    assert wished.wanted.restart
    assert wished.wanted.revision != memory.revision
    assert objects(wished, memory)["ConfigMap/scores-program-1"]["data"] == OLD["data"]
    later = replace(memory, run=2, revision=wished.wanted.revision)
    assert objects(wished, later)["ConfigMap/scores-program-2"]["data"] == NEW["data"]


def test_the_same_text_restarts_nothing_although_the_operator_is_a_newer_one(
    program: TargetMaker,
) -> None:
    _, memory, child = revision(program(), OLD)
    wished = asked(program(settings=NEWER), memory, OLD, child)
    assert not wished.wanted.restart
    assert wished.outdated
    assert not asked(program(), memory, OLD, child).outdated


def test_the_next_start_of_a_stream_without_a_program_waits_for_it(program: TargetMaker) -> None:
    nothing = Memory()
    wished = asked(program(), nothing, None)
    assert not wished.wanted.revision
    assert objects(wished, nothing) == {}
    said = conditions(wished, nothing)
    assert said["phase"][0] == "Pending"
    assert said["Accepted"][0] == "True"
    for kind in (ConditionType.READY, ConditionType.UPDATED):
        status, reason, message = said[kind]
        assert (status, reason) == ("False", "ConfigMapNotFound")
        assert message.startswith("ConfigMap code does not exist: create it")


def test_one_that_cannot_be_read_keeps_nothing_from_being_served(
    program: TargetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch of it may be refused, or may be slow."""

    async def refused(*_: object) -> None:
        raise ApiError(403, "configmaps is forbidden")

    monkeypatch.setattr(Programs, "program", refused)
    cache: Any = Cache()
    reconciler: Any = Reconciler(cache, cache, cache, Settings())
    manifest = {**program().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    reading = asyncio.run(reconciler._reading(Session(SCORES), manifest, Memory()))
    assert "ConfigMap code cannot be read: configmaps is forbidden" in reading.missing.message
    _, memory, child = revision(program(), OLD)
    found = wish(reading, manifest, memory, {child.ref: child}, Settings())
    assert not found.wanted.changes
    assert found.kept is not None


def test_a_key_that_is_not_there_is_named_with_those_that_are(program: TargetMaker) -> None:
    found = {"data": {"a.py": ""}, "binaryData": {"b.bin": ""}}
    said = conditions(asked(program(), Memory(), found), Memory())
    _, reason, message = said[ConditionType.READY]
    assert reason == "ConfigMapNotFound"
    assert message.startswith("ConfigMap code has no key job.py, but a.py, b.bin: correct")


def test_a_run_outlives_its_config_map_and_can_be_scaled_and_suspended(
    program: TargetMaker,
) -> None:
    _, memory, child = revision(program(), OLD)
    wished = asked(program({"spec/flink/taskManager": {"replicas": 3}}), memory, None, child)
    assert not wished.wanted.changes
    made = objects(wished, memory)
    assert made["ConfigMap/scores-program-1"]["data"] == OLD["data"]
    assert made["Deployment/scores-taskmanager-1"]["spec"]["replicas"] == 3
    said = conditions(wished, memory)
    assert said[ConditionType.UPDATED][:2] == ("False", "ConfigMapNotFound")
    assert said[ConditionType.READY][1] != "ConfigMapNotFound"

    resting = asked(program({"spec/suspend": True}), memory, None, child)
    assert resting.wanted.rest is Rest.SUSPENDED


LARGE = {"data": {"job.py": "print('<x>')\n" * 75_000}}


def test_a_program_that_is_too_large_to_be_kept_is_refused_and_what_runs_goes_on(
    program: TargetMaker,
) -> None:
    first = asked(program(), Memory(), LARGE)
    assert not first.wanted.revision
    status, reason, message = conditions(first, Memory())[ConditionType.ACCEPTED]
    assert (status, reason) == ("False", "InvalidSpec")
    assert message.startswith("spec.python.configMap: with it what a run is made of takes")

    _, memory, child = revision(program(), OLD)
    later = asked(program(), memory, LARGE, child)
    assert not later.wanted.changes
    assert objects(later, memory)["ConfigMap/scores-program-1"]["data"] == OLD["data"]
    assert asked(program(), memory, NEW, child).refusal is None


def test_the_field_that_is_too_large_is_named(program: TargetMaker) -> None:
    env = [{"name": "X", "value": "x" * 800_000}]
    template = {"spec": {"containers": [{"name": "main", "env": env}]}}
    large = program({"spec/flink/taskManager": {"podTemplate": template}})
    said = asked(large, Memory(), OLD).refusal
    assert said
    assert said.startswith("spec.flink.taskManager.podTemplate.spec.containers: ")
