"""What is remembered although status is lost, and what goes on although the spec is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from modelstream_operator.cache import Cache
from modelstream_operator.decide.decision import Decision, Rest
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.planning import plan
from modelstream_operator.reading import Reading
from modelstream_operator.recall import recalled, remembered
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Key, Manifest
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish, wish

KEY = Key("fraud", "scores")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATE = {"spec/state": {"storage": "s3://bucket/x"}}


def resource(target: Any, changes: dict[str, Any] | None = None) -> Manifest:
    found: Manifest = target({**STATE, **(changes or {})}).manifest
    return {**found, "apiVersion": "modelstream.dev/v1alpha1"}


def deployed(target: Any, **known: Any) -> tuple[Cache, Memory]:
    """What a run of the resource has left in the cluster, and what was remembered of it."""
    cache, manifest = Cache(), resource(target)
    revision = revision_of(target({**STATE}))
    bare = Memory(Step.DEPLOYED, since=NOW, run=3, job_id="a" * 32, revision=revision.id)
    memory = replace(bare, **known)
    reading = Reading(1, target({**STATE}).stream, manifest)
    asked = wish(reading, manifest, memory, {}, Settings())
    for each in plan(asked, Decision(memory), {}).desired:
        meta = {**each["metadata"], "uid": "u", "resourceVersion": "1", "generation": 1}
        cache.put({**each, "metadata": meta})
    return cache, memory


def test_a_lost_status_is_remembered_by_what_the_run_is_made_of(target: Any) -> None:
    cache, memory = deployed(target)
    uid = resource(target)["metadata"]["uid"]
    assert recalled(cache.children(KEY), uid) == memory
    assert recalled(cache.children(KEY), "somebody else's") == Memory()
    assert recalled({}, uid) == Memory()


def test_what_was_taken_out_of_a_status_is_put_back_and_what_it_says_stays(target: Any) -> None:
    left = Stored("s3://state/sp-1", Kind.SAVEPOINT, "b" * 32)
    cache, memory = deployed(
        target,
        started="2026-01-01T00:00:00Z",
        parallelism=2,
        restored_from=left,
        previous=replace(left, path="s3://state/sp-0"),
        took_less=True,
        ended=Ended(2, "b" * 32, How.STOPPED, NOW, left),
        ready=("0123456789",),
        restore_nonce=2,
        savepoint_nonce=3,
    )
    there, uid = cache.children(KEY), resource(target)["metadata"]["uid"]
    rest = Memory(Step.DEPLOYED, since=NOW, run=3)
    assert remembered(rest, there, uid) == memory
    assert remembered(replace(rest, revision=memory.revision), there, uid) == memory
    assert remembered(replace(rest, run=2), there, uid) == memory, "an earlier run"
    assert remembered(replace(memory, run=4), there, uid).run == 4, "a later one"
    assert memory.ended is not None
    mended = replace(memory, ended=replace(memory.ended, left=None), restore_nonce=9)
    assert remembered(mended, there, uid) == mended
    rests = replace(memory, step=Step.SUSPENDED, started=None)
    assert remembered(rests, there, uid) == rests
    other = Memory(step=Step.UNKNOWN)
    assert remembered(other, there, uid) == other


def refused(target: Any, changes: dict[str, Any]) -> tuple[Wish, Memory, Cache]:
    """A restarted operator that knows no spec which can be worked with."""
    cache, memory = deployed(target)
    manifest = resource(target, changes)
    there = cache.children(KEY)
    reading = Reading(2, None, {}, "it is wrong")
    return wish(reading, manifest, memory, there, Settings()), memory, cache


def test_what_runs_is_healed_although_a_restarted_operator_finds_the_spec_refused(
    target: Any,
) -> None:
    replicas = {"spec/flink/taskManager/replicas": 3}
    asked, memory, cache = refused(target, replicas)
    assert (asked.wanted.revision, asked.wanted.restart) == (memory.revision, False)
    made = plan(asked, Decision(memory), cache.children(KEY)).desired
    asks = {each["metadata"]["name"]: each["spec"] for each in made if each["kind"] == "Deployment"}
    assert asks["scores-taskmanager-3"]["replicas"] == 3


def test_a_refused_spec_that_suspends_still_does(target: Any) -> None:
    asked, _, _ = refused(target, {"spec/suspend": True})
    assert asked.wanted.rest is Rest.SUSPENDED


def test_a_run_that_nobody_knows_how_to_make_can_still_be_ended(target: Any) -> None:
    _, memory = deployed(target)
    manifest = resource(target, {"spec/restartNonce": 2})
    reading = Reading(2, target({**STATE, "spec/restartNonce": 2}).stream, manifest)
    asked = wish(reading, manifest, memory, {}, Settings())
    ending = Decision(replace(memory, step=Step.TEARING_DOWN))
    made = plan(asked, ending, {})
    assert made.whole
    assert not any(each["kind"] == "Deployment" for each in made.desired)
    assert not plan(asked, Decision(memory), {}).whole
