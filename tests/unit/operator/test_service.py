"""The loop of an object, its wait for the caches, and the liveness that notices a stuck one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from modelstream_operator.asking import FlinkAnswers
from modelstream_operator.cache import Cache
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.decision import Answer, Decision, ForgetHighAvailability
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.flink import Flink
from modelstream_operator.observe import now
from modelstream_operator.observed import Observed, RunObserved
from modelstream_operator.reconcile import BOUNDED, SOON, Reconciler, Transition
from modelstream_operator.resources import CLAIM, NODE, POD, Key, Manifest, Ref, Resource
from modelstream_operator.service import Service
from modelstream_operator.session import Session
from modelstream_operator.settings import Settings
from modelstream_operator.wakeups import Wakeups
from modelstream_operator.watch import Watch

SCORES = Key("fraud", "scores")
SETTINGS = Settings(namespaces=("fraud", "gone"), request_timeout=0.05, stuck_after=600)


class Server:
    """A cluster in memory that refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.objects: dict[Ref, Manifest] = {}
        self.refuses: dict[str, ApiError] = {}
        self.statuses: list[Mapping[str, Any]] = []

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        if error := self.refuses.get(manifest["kind"]):
            raise error
        meta = {**manifest["metadata"], "uid": "u", "resourceVersion": "1"}
        self.objects[Ref.of(manifest)] = {**manifest, "metadata": meta}
        return self.objects[Ref.of(manifest)]

    def check(self, namespace: str) -> None:
        """It may act everywhere."""

    async def apply_status(self, known: Manifest, status: Mapping[str, Any]) -> Manifest:
        self.statuses.append(status)
        version = int(known["metadata"].get("resourceVersion", 0)) + 1
        meta = {**known["metadata"], "resourceVersion": str(version)}
        return {**known, "metadata": meta, "status": dict(status)}

    async def get(self, ref: Ref) -> Manifest | None:
        return self.objects.get(ref)

    async def delete(self, ref: Ref) -> None:
        self.objects.pop(ref, None)


def service(*watches: Watch) -> Service:
    cache, flink, server = Cache(), Flink(), Server()
    reconciler = Reconciler(server, cache, flink, SETTINGS)
    found: Any = Service(SETTINGS, server, cache, flink, Wakeups(), reconciler)  # type: ignore[arg-type]  # a fake
    found.watches = list(watches)
    return found  # type: ignore[no-any-return]  # built above


def watch(resource: Resource, namespace: str | None, *, known: bool = True) -> Watch:
    made = Watch(None, Cache(), resource, namespace)  # type: ignore[arg-type]  # it is never run
    if known:
        made.synced.set()
    return made


class Flag(asyncio.Event):
    """Kopf's flag that a daemon has to end."""

    def __bool__(self) -> bool:
        return self.is_set()


def test_a_namespace_that_cannot_be_read_holds_up_no_other() -> None:
    async def run() -> None:
        gone = watch(POD, "gone", known=False)
        one = service(watch(POD, "fraud"), gone, watch(NODE, None))
        async with asyncio.timeout(60):
            await one.synced("fraud")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.synced("gone")

    asyncio.run(run())


def test_an_object_whose_namespace_cannot_be_read_can_still_be_deleted() -> None:
    async def run() -> None:
        one, stopped = service(watch(CLAIM, "fraud", known=False)), Flag()
        body = {"metadata": {"name": "scores", "namespace": "fraud"}}
        told: list[Transition] = []
        loop = asyncio.create_task(one.serve(SCORES, body, stopped, told.append))
        with pytest.raises(TimeoutError):
            await one.clean_up(SCORES, body, told.append)
        stopped.set()
        async with asyncio.timeout(60):
            await loop

    asyncio.run(run())


def test_the_operator_is_well_while_passes_end() -> None:
    one = service()
    one.since[SCORES] = time.monotonic() - SETTINGS.stuck_after + 300
    assert one.sickness() is None


def test_a_pass_that_does_not_end_is_a_sickness_that_names_its_object() -> None:
    one = service()
    one.since[SCORES] = time.monotonic() - SETTINGS.stuck_after - 1
    assert "fraud/scores" in str(one.sickness())


def test_a_watch_that_has_ended_is_a_sickness() -> None:
    async def fails() -> None:
        raise RuntimeError("boom")

    async def run() -> None:
        one = service()
        one.tasks = [asyncio.create_task(fails())]
        await asyncio.gather(*one.tasks, return_exceptions=True)
        assert "boom" in str(one.sickness())

    asyncio.run(run())


def test_a_child_that_is_refused_is_tried_again_until_it_is_not(target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}

    async def run() -> None:
        server, session = Server(), Session(SCORES)
        server.refuses["Service"] = ApiError(403, "exceeded quota: small")
        one = Reconciler(server, Cache(), Flink(), Settings(retry_refused=7))
        for _ in range(4):
            outcome = await one.once(session, manifest)
        assert outcome.delay == 7
        assert "exceeded quota: small" in str(server.statuses[-1])
        server.refuses.clear()
        await one.once(session, manifest)
        assert not session.children.refused
        assert {ref.name for ref in server.objects if ref.kind == "Service"} == {
            "scores-jobmanager-1",
            "scores-rest",
        }

    asyncio.run(run())


def test_a_refusal_that_is_worded_anew_each_time_is_no_reason_to_hurry(target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}

    async def run() -> None:
        server, session = Server(), Session(SCORES)
        one = Reconciler(server, Cache(), Flink(), Settings(retry_refused=7))
        for number in range(4):
            server.refuses["Service"] = ApiError(403, f"denied by a webhook, request {number}")
            outcome = await one.once(session, manifest)
        assert outcome.delay == 7
        assert "request 2" in str(server.statuses[-1])

    asyncio.run(run())


def test_a_server_that_does_not_answer_is_no_refusal(target: Any) -> None:
    async def run() -> None:
        server, session = Server(), Session(SCORES)
        server.refuses["Service"] = ApiError(0, "connection refused")
        one = Reconciler(server, Cache(), Flink(), Settings())
        with pytest.raises(ApiError):
            await one.once(session, {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"})
        assert not session.children.refused

    asyncio.run(run())


def test_in_a_namespace_that_is_being_deleted_nothing_is_made_and_nothing_is_an_error(
    target: Any,
) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    why = "unable to create new content in namespace fraud because it is being terminated"

    async def run() -> None:
        server, session = Server(), Session(SCORES)
        one = Reconciler(server, Cache(), Flink(), Settings(retry_refused=7))
        for kind in ("Service", "ConfigMap", "Deployment", "ControllerRevision"):
            server.refuses[kind] = ApiError(403, f"{kind} x is forbidden: {why}")
        for _ in range(4):
            outcome = await one.once(session, manifest)
        assert outcome.delay == 7
        said = server.statuses[-1]
        ready = next(each for each in said["conditions"] if each["type"] == "Ready")
        assert (said["phase"], ready["reason"]) == ("Deleting", "NamespaceTerminating")
        assert len(server.statuses) == 2, "then all is said"

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ApiError(500, "etcdserver: request is too large"), id="etcd"),
        pytest.param(ApiError(413, "Request entity too large"), id="the API server"),
    ],
)
def test_an_object_that_is_too_large_to_be_stored_is_refused(error: ApiError) -> None:
    assert error.refused
    assert not ApiError(500, "etcdserver: leader changed").refused


def test_nothing_is_remembered_of_an_object_that_is_gone(target: Any) -> None:
    leaving = target({"metadata/deletionTimestamp": "2026-01-01T00:00:00Z"}).manifest
    woken: list[Key] = []

    async def run() -> None:
        one = service()
        served: Any = one.leases
        served.check = one.cluster.check
        body = {**leaving, "apiVersion": "modelstream.dev/v1alpha1"}
        assert await one.clean_up(SCORES, body, lambda transition: None)
        one.cache.changed = woken.append
        claim = {"name": "models", "namespace": "fraud", "uid": "c"}
        parts = {"spec": {"accessModes": []}, "status": {}}
        one.cache.put({"kind": CLAIM.kind, "metadata": claim, **parts})

    asyncio.run(run())
    assert woken == []


def test_an_act_is_followed_by_a_pass_soon_whatever_watches_tell() -> None:
    one = Reconciler(Server(), Cache(), Flink(), SETTINGS)
    memory, seen = Memory(Step.TEARING_DOWN, run=1), Observed(now=now())
    assert one._delay({}, Decision(memory, ForgetHighAvailability()), seen) <= SOON
    assert one._delay({}, Decision(memory), seen) == SETTINGS.resync


@pytest.mark.parametrize(
    ("parallelism", "finished", "seconds"),
    [(2, 0, SETTINGS.flink_poll_stable), (2, 1, BOUNDED), (0, 0, BOUNDED)],
    ids=["a stream", "a part of its input is read", "a batch job"],
)
def test_the_end_of_a_job_that_reads_to_one_is_seen_soon(
    parallelism: int, finished: int, seconds: float
) -> None:
    one = Reconciler(Server(), Cache(), Flink(), SETTINGS)
    labels = {"app.kubernetes.io/component": "jobmanager"}
    pod = {
        "metadata": {"name": "jobmanager", "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    job = Job("RUNNING", running=2 - finished, finished=finished, total=2)
    run = RunObserved(pods=(pod,), flink=FlinkAnswers(Answer.JOB, job=job))
    memory = Memory(Step.DEPLOYED, run=1, parallelism=parallelism)
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    seen = Observed(now=now(), runs={1: run})
    assert one._delay(status, Decision(memory), seen) == seconds
