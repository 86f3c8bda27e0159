"""What cannot be done holds nothing else up, and is told where it is waited for."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.clusterinmemory import KEY, ClusterInMemory
from tests.support.steered import Clock, Spec
from tests.support.streamworld import World
from tests.support.wholeoperator import Whole

from modelstream_operator.acts import each_of
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.memory import Step
from modelstream_operator.flink import FlinkError
from modelstream_operator.resources import CONTROLLER_REVISION, DEPLOYMENT, Ref
from modelstream_operator.session import Session

OWNERS = "ownerReferences"
FORBIDDEN = ApiError(403, "configmaps is forbidden: no such right")


@pytest.fixture
def whole(target: Any) -> Iterator[Whole]:
    """The operator as it is, with a job that runs."""
    loop = asyncio.new_event_loop()
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    made = Whole(World(), Clock(), loop, manifest)
    goes_on(made, Spec())
    yield made
    loop.close()


def goes_on(whole: Whole, spec: Spec, times: int = 9) -> None:
    for _ in range(times):
        whole.world.tick()
        whole.clock.pass_by(5)
        whole.step(spec, None)


def told(whole: Whole) -> str:
    return json.dumps(whole.cluster.status["conditions"])


async def forbidden(*_: object) -> None:
    raise FORBIDDEN


async def broken(*_: object) -> None:
    raise ApiError(500, "etcd is away")


@pytest.mark.parametrize("error", [forbidden, broken])
def test_children_are_put_right_whatever_else_cannot_be_done(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, error: Callable[..., Any]
) -> None:
    monkeypatch.setattr(ClusterInMemory, "adopt", error)
    (lost, *_) = [ref for ref in whole.children if ref.kind == DEPLOYMENT.kind]
    whole.meddled(lost, deleted=True)
    if error is broken:
        with pytest.raises(ApiError, match="etcd is away"):
            whole.step(Spec(), None)
    else:
        goes_on(whole, Spec())
        assert "no such right" not in told(whole), "what is not in the way of the job"
    assert lost in whole.cluster.objects


def test_what_a_run_leaves_and_may_not_be_deleted_is_told_while_it_is_waited_for(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ClusterInMemory, "delete", forbidden)
        stopped = Spec(suspend=True, stateless=True)
        goes_on(whole, stopped)
        assert whole.memory.step is Step.TEARING_DOWN
        assert "no such right" in told(whole)
    goes_on(whole, stopped)
    assert whole.memory.step is Step.SUSPENDED
    assert "no such right" not in told(whole)


def test_a_stream_that_rests_because_its_spec_is_refused_says_so(whole: Whole) -> None:
    goes_on(whole, Spec(suspend=True, stateless=True))
    assert whole.memory.step is Step.SUSPENDED
    assert "spec.suspend is true" in told(whole)
    goes_on(whole, Spec(suspend=False, stateless=True, refused=True))
    assert whole.memory.step is Step.SUSPENDED
    assert "spec.suspend is true" not in told(whole)
    assert "goes on once its spec can be worked with: spec.flink" in told(whole)


@pytest.mark.parametrize("end", ["FINISHED", "FAILED", "CANCELED"])
def test_a_job_that_has_ended_stays_so_where_nobody_knows_what_it_was_made_of(
    whole: Whole, end: str
) -> None:
    (run,) = whole.world.runs.values()
    whole.world.end(run, end)
    goes_on(whole, Spec())
    whole.upgraded()
    forgotten(whole, CONTROLLER_REVISION.kind)
    goes_on(whole, Spec())
    assert (whole.memory.step, list(whole.world.runs)) == (Step.ENDED, [1])
    whole.world.touches += 1
    goes_on(whole, Spec(nonce=1))
    assert list(whole.world.runs) == [1, 2]


def test_an_edit_keeps_state_where_nobody_knows_what_the_run_was_made_of(whole: Whole) -> None:
    """It is presumed where the newest spec has it."""
    (run,) = whole.world.runs.values()
    run.value = 5
    whole.upgraded()
    forgotten(whole, CONTROLLER_REVISION.kind, "ConfigMap")
    goes_on(whole, Spec(nonce=1))
    whole.world.stop_succeeds(run)
    goes_on(whole, Spec(nonce=1))
    assert whole.world.runs[whole.memory.run].value == 5


def forgotten(whole: Whole, *kinds: str) -> None:
    """Somebody deletes what a run was made of."""
    for ref in [each for each in whole.cluster.objects if each.kind in kinds]:
        whole.cluster.somebody_deletes(ref)


def test_nothing_is_done_in_a_step_of_a_newer_operator(whole: Whole) -> None:
    """It may need what seems to be over here."""
    before = whole.named("RollingBack")
    whole.world.prove(9, 0)
    there = dict(whole.cluster.objects)
    goes_on(whole, Spec())
    assert 9 in whole.world.proofs
    assert whole.cluster.objects == there
    assert whole.named(before) == "RollingBack"


def test_who_has_lost_its_lease_in_the_midst_of_a_pass_asks_flink_for_nothing(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is written, and then another operator may act."""
    (run,) = whole.world.runs.values()
    with monkeypatch.context() as patch:
        patch.setattr(ClusterInMemory, "check", lost)
        for _ in range(3):
            with pytest.raises(ApiError, match="its Lease is taken"):
                whole.step(Spec(suspend=True), None)
        assert whole.memory.step is Step.SAVEPOINTING
        assert run.stop is None
    whole.step(Spec(suspend=True), None)
    assert run.stop is not None


def lost(*_: object) -> None:
    raise ApiError(0, "its Lease is taken")


def test_what_nobody_owns_any_more_makes_room_for_a_stream_of_its_name(whole: Whole) -> None:
    """A stream was deleted without its objects, and made again."""
    (run,) = whole.world.runs.values()
    for ref, each in list(whole.cluster.objects.items()):
        meta = {name: value for name, value in each["metadata"].items() if name != OWNERS}
        whole.cluster.objects[ref] = {**each, "metadata": meta}
        whole.cache.put(whole.cluster.objects[ref])
    whole.lose_status()
    whole.world.forgiving = True
    goes_on(whole, Spec())
    assert (run.pod, whole.memory.run, whole.memory.step) == ("", 2, Step.DEPLOYED)
    assert not any(OWNERS not in each["metadata"] for each in whole.cluster.objects.values())


def test_a_deployment_of_somebody_else_is_no_part_of_a_deletion(whole: Whole) -> None:
    """One that was deleted late has the name of another one by now."""
    theirs = Ref(DEPLOYMENT.kind, KEY.namespace, "scores-taskmanager-1")
    other = whole.cluster.objects[theirs]
    owners = [{**other["metadata"][OWNERS][0], "uid": "of another one"}]
    whole.cluster.objects[theirs] = {**other, "metadata": {**other["metadata"], OWNERS: owners}}
    whole.cache.put(whole.cluster.objects[theirs])
    goes_on(whole, Spec(deleted=True), times=20)
    assert whole.gone
    assert [ref for ref in whole.cluster.objects if ref.kind == DEPLOYMENT.kind] == [theirs]


def test_the_first_of_several_errors_is_raised_and_all_is_tried() -> None:
    done = []

    async def works() -> None:
        done.append(1)

    with pytest.raises(ApiError, match="no such right"):
        asyncio.run(each_of(works, forbidden, works, broken, works))
    assert len(done) == 3


@pytest.mark.parametrize(
    ("error", "own", "remembered"),
    [
        (FlinkError(400, "more than the job can have"), True, True),
        (FlinkError(503, "no healthy upstream", own=False), True, False),
        (FlinkError(403, "denied", own=False), False, True),
        (FlinkError(0, "TimeoutError"), False, False),
    ],
    ids=["Flink refuses to scale", "a proxy is busy", "a mesh lets no stop through", "no answer"],
)
def test_what_is_not_tried_again_is_what_flink_itself_refuses(
    error: FlinkError, own: bool, remembered: bool
) -> None:
    async def refused() -> None:
        raise error

    session = Session(KEY)
    asyncio.run(session.refusable("about", refused(), own=own))
    assert ("about" in session.refusals) is remembered
