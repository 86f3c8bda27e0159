"""The models that a revision had: a way back to it begins with the same ones, or not at all."""

import json
from dataclasses import replace
from typing import Any

from tests.support.lifecycle import NOW
from tests.unit.operator.conftest import put

from modelstream_operator import names
from modelstream_operator.cache import Cache
from modelstream_operator.decide.cause import Cause
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.failed import Rollback
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.planning import plan
from modelstream_operator.reading import Reading
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.wish import wish

KEY = Key("fraud", "scores")
KNOWN = {"fraud": "sha256:a"}
STATE = {"spec/state": {"storage": "s3://bucket/x"}}


def store(cache: Cache, made: list[Manifest]) -> None:
    for each in made:
        meta = {**each["metadata"], "uid": "u", "resourceVersion": "1", "generation": 1}
        cache.put({**each, "metadata": meta})


def planned(
    cache: Cache, target: Any, memory: Memory, changes: dict[str, Any], digests: Any = None
) -> list[Manifest]:
    made = target({**STATE, **changes})
    manifest = put(made.manifest, "apiVersion", "modelstream.dev/v1alpha1")
    reading = Reading(1, made.stream, manifest)
    there = cache.children(KEY)
    asked = wish(reading, manifest, memory, there, Settings())
    return list(plan(asked, Decision(memory), there, digests).desired)


def failed(target: Any) -> tuple[Cache, Memory]:
    """A revision whose models were known, and the run of another one that gives way to it."""
    cache = Cache()
    old, new = revision_of(target(STATE)), revision_of(target({**STATE, **EDIT}))
    ran = Memory(Step.DEPLOYED, since=NOW, run=3, job_id="a" * 32, revision=old.id)
    store(cache, planned(cache, target, ran, {}, KNOWN))
    store(cache, planned(cache, target, ran, {}))
    back = Rollback(new.id, old.id, 4, "b" * 32, NOW, NOW, Cause("JobFailed", "boom"))
    fails = replace(ran, run=4, revision=new.id, ready=(old.id,), rollback=back)
    return cache, replace(fails, prepared=Prepared(5, old.id, "c" * 32, NOW))


EDIT = {"spec/restartNonce": 1}


def found(made: list[Manifest], kind: str, name: str) -> Manifest | None:
    return next((each for each in made if Ref.of(each) == Ref(kind, KEY.namespace, name)), None)


def test_what_the_models_were_is_kept_with_what_the_run_was_made_of(target: Any) -> None:
    cache, memory = failed(target)
    name = names.revision(KEY.name, memory.ready[0])
    kept = cache.children(KEY)[Ref("ControllerRevision", KEY.namespace, name)].manifest()
    assert json.loads(kept["metadata"]["annotations"][names.ANNOTATION_DIGESTS]) == KNOWN


def test_the_proof_of_the_way_back_is_held_to_them(target: Any) -> None:
    cache, memory = failed(target)
    made = planned(cache, target, memory, EDIT)
    digests = found(made, "ConfigMap", names.digests(KEY.name, 5))
    assert digests is not None
    assert digests["data"] == KNOWN
    config = found(made, "ConfigMap", names.config(KEY.name, 5))
    assert config is not None
    assert "restartNonce" not in config["data"]["modelstream.yaml"]


def test_the_run_that_goes_back_is_held_to_them_without_a_proof_too(target: Any) -> None:
    cache, memory = failed(target)
    back = replace(memory, run=6, revision=memory.ready[0], prepared=None)
    made = planned(cache, target, back, EDIT)
    digests = found(made, "ConfigMap", names.digests(KEY.name, 6))
    assert digests is not None
    assert digests["data"] == KNOWN
    kept = found(made, "ControllerRevision", names.revision(KEY.name, back.revision))
    assert kept is not None
    assert json.loads(kept["metadata"]["annotations"][names.ANNOTATION_DIGESTS]) == KNOWN


def test_a_change_that_is_asked_for_takes_the_models_that_there_are(target: Any) -> None:
    cache, memory = failed(target)
    asked = replace(memory, run=6, revision=memory.ready[0], prepared=None, rollback=None)
    made = planned(cache, target, asked, {})
    assert found(made, "ConfigMap", names.digests(KEY.name, 6)) is None
