"""Who may act: Leases that are got, kept, lost, given back, and those of others."""

import asyncio
import copy
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from modelstream_operator.cluster import ApiError
from modelstream_operator.lease import (
    NAMESPACE,
    Holder,
    Lease,
    Leases,
    NamespaceLeases,
    NotServedError,
    holder,
)
from modelstream_operator.resources import Manifest, Ref
from modelstream_operator.settings import Settings

REF = Ref("Lease", "fraud", NAMESPACE)
ME, OTHER = "system/mine/u1", Holder("system", "other", "u2")
LASTS = 15.0


@dataclass
class Server:
    """One Lease and the pods of operators; a clock that stands until it is moved."""

    lease: Manifest | None = None
    pods: dict[str, Manifest | ApiError] = field(default_factory=dict)
    away: ApiError | None = None
    now: float = 1000.0
    lost: list[str] = field(default_factory=list)

    async def get(self, ref: Ref) -> Manifest | None:
        if ref.kind == "Lease":
            if self.away:
                raise self.away
            return copy.deepcopy(self.lease)
        found = self.pods.get(ref.name)
        if isinstance(found, ApiError):
            raise found
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        if self.lease:
            raise ApiError(409, "it exists")
        return self._write(manifest, 1)

    async def replace(self, manifest: Manifest) -> Manifest:
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if manifest["metadata"]["resourceVersion"] != version:
            raise ApiError(409, "it has changed")
        return self._write(manifest, int(version) + 1)

    def _write(self, manifest: Manifest, version: int) -> Manifest:
        meta = {**manifest["metadata"], "resourceVersion": str(version)}
        self.lease = {**copy.deepcopy(manifest), "metadata": meta}
        return self.lease

    def of(self, me: str, **more: Any) -> Lease:
        """A Lease that somebody wants of it."""
        found = Lease(self, REF, me, LASTS, self.lost.append, **more)  # type: ignore[arg-type]  # three methods
        found.clock = lambda: self.now
        return found

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"].get("holderIdentity", ""))


def run(course: Coroutine[Any, Any, None]) -> None:
    asyncio.run(course)


async def turned(lease: Lease) -> bool:
    """Whether its holder may act after one more try, and what the loop does at once."""
    await lease.turn()
    await asyncio.sleep(0)
    return lease.in_force


def held_by_another(**pods: Manifest | ApiError) -> Server:
    server = Server(pods=dict(pods))
    run(server.of(str(OTHER)).turn())
    assert server.holder == str(OTHER)
    return server


def test_a_lease_that_nobody_holds_is_got_and_kept() -> None:
    async def course() -> None:
        server = Server()
        mine = server.of(ME)
        for _ in range(5):
            assert await turned(mine)
            server.now += LASTS / 3
        assert server.holder == ME
        assert server.lease is not None
        assert server.lease["spec"]["leaseTransitions"] == 0

    run(course())


def test_the_holder_of_a_namespace_acts_only_when_others_have_noticed() -> None:
    async def course() -> None:
        mine = Server().of(ME, settles=3600)
        assert not await turned(mine)
        assert not mine.acts.is_set()

    run(course())


RUNS: Manifest = {"metadata": {"uid": "u2"}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("pod", "at_once"),
    [
        pytest.param({"other": RUNS}, False, id="its pod runs"),
        pytest.param({}, True, id="its pod is gone"),
        pytest.param({"other": {**RUNS, "metadata": {"uid": "u3"}}}, True, id="it is another one"),
        pytest.param({"other": {**RUNS, "status": {"phase": "Failed"}}}, True, id="it has ended"),
        pytest.param({"other": ApiError(403, "forbidden")}, False, id="it may not be read"),
    ],
)
def test_what_another_holds_is_taken_at_once_from_a_pod_that_is_gone_else_after_its_time(
    pod: dict[str, Any], at_once: bool
) -> None:
    async def course(server: Server) -> None:
        mine = server.of(ME)
        assert await turned(mine) is at_once
        server.now += LASTS + 1
        assert await turned(mine)
        assert server.holder == ME

    run(course(held_by_another(**pod)))


def test_one_that_is_renewed_is_waited_for_as_long_as_that_goes_on() -> None:
    async def course() -> None:
        server = Server(pods={"other": RUNS})
        other, mine = server.of(str(OTHER)), server.of(ME)
        for _ in range(9):
            await other.turn()
            assert not await turned(mine)
            server.now += LASTS / 3

    run(course())


def test_who_is_no_pod_is_waited_for_until_its_time_is_over() -> None:
    async def course() -> None:
        server = Server()
        await server.of("laptop-1-ab").turn()
        mine = server.of(ME)
        assert not await turned(mine)
        server.now += LASTS + 1
        assert await turned(mine)

    run(course())


def test_who_cannot_renew_acts_no_more_before_others_may_begin_and_goes_on_after() -> None:
    async def course() -> None:
        server = Server()
        mine = server.of(ME)
        assert await turned(mine)
        server.away = ApiError(0, "connection refused")
        server.now += LASTS / 2
        assert await turned(mine)
        server.now += LASTS / 3
        assert not await turned(mine)
        server.away = None
        assert await turned(mine)
        assert server.lost == []

    run(course())


def test_who_finds_another_name_in_its_lease_acts_no_more_and_says_so() -> None:
    async def course() -> None:
        server = Server()
        mine, other = server.of(ME), server.of(str(OTHER))
        assert await turned(mine)
        await other.turn()  # the pod "mine" is not there
        assert server.holder == str(OTHER)
        assert not await turned(mine)
        assert "taken by system/other/u2" in server.lost[0]

    run(course())


def test_of_two_that_write_at_the_same_time_one_gets_it() -> None:
    async def course() -> None:
        server = Server()
        await asyncio.gather(*(server.of(each).turn() for each in (ME, str(OTHER))))
        found = server.of(ME), server.of(str(OTHER))
        server.pods = {"mine": {**RUNS, "metadata": {"uid": "u1"}}, "other": RUNS}
        assert sorted([await turned(each) for each in found]) == [False, True]

    run(course())


def test_a_lease_that_somebody_deleted_is_made_again() -> None:
    async def course() -> None:
        server = Server()
        mine = server.of(ME)
        assert await turned(mine)
        server.lease = None
        assert await turned(mine)
        assert server.holder == ME

    run(course())


def test_in_a_namespace_that_ends_its_holder_goes_on() -> None:
    async def course() -> None:
        server = Server()
        mine = server.of(ME)
        server.away = ApiError(403, "unable to create: it is being terminated")
        assert not await turned(mine), "what was never held is not held now"
        server.away = None
        assert await turned(mine)
        server.away = ApiError(403, "unable to create: it is being terminated")
        server.now += LASTS * 2
        assert await turned(mine)

    run(course())


def test_what_is_given_back_can_be_taken_at_once() -> None:
    async def course() -> None:
        server = Server(pods={"mine": {**RUNS, "metadata": {"uid": "u1"}}})
        mine = asyncio.create_task((lease := server.of(ME)).run())
        async with asyncio.timeout(60):
            await lease.acts.wait()
        mine.cancel()
        await asyncio.gather(mine, return_exceptions=True)
        assert server.holder == ""
        assert await turned(server.of(str(OTHER)))
        assert server.lease is not None
        assert server.lease["spec"]["leaseTransitions"] == 1

    run(course())


def lease_of(namespace: str, version: int, by: str = str(OTHER)) -> Manifest:
    meta = {"name": NAMESPACE, "namespace": namespace, "resourceVersion": str(version)}
    return {
        "kind": "Lease",
        "metadata": meta,
        "spec": {"holderIdentity": by, "leaseDurationSeconds": LASTS},
    }


def test_the_operator_of_the_cluster_leaves_out_what_others_hold_and_takes_it_up_again() -> None:
    async def course() -> None:
        server = Server()
        whole = server.of(ME)
        others = NamespaceLeases(clock=lambda: server.now)
        found = Leases({None: whole}, others)
        assert not found.serves("fraud"), "before it holds its own"
        assert await turned(whole)
        assert found.serves("fraud")
        others.put(lease_of("fraud", 1))
        assert found.serves("churn")
        with pytest.raises(NotServedError, match="fraud"):
            found.check("fraud")
        server.now += LASTS - 1
        others.put(lease_of("fraud", 2))  # renewed
        server.now += LASTS - 1
        await whole.turn()
        assert not found.serves("fraud")
        others.put(lease_of("fraud", 3, by=""))  # given back
        assert found.serves("fraud")
        others.put(lease_of("fraud", 4))
        server.now += LASTS + 1  # never renewed
        await whole.turn()
        assert found.serves("fraud")
        others.put(lease_of("fraud", 5))
        others.drop(REF)
        assert found.serves("fraud")

    run(course())


def test_a_list_of_namespaces_has_a_lease_in_each() -> None:
    settings = Settings(namespaces=("a", "b"), pod="p", pod_uid="u")
    found = Leases.of(settings, None, print)  # type: ignore[arg-type]  # it is not asked
    assert [(each.ref.namespace, each.settles) for each in found.own.values()] == [
        ("a", settings.lease_duration),
        ("b", settings.lease_duration),
    ]
    whole = Leases.of(replace(settings, namespaces=()), None, print)  # type: ignore[arg-type]  # as above
    assert [str(each.ref) for each in whole.own.values()] == ["Lease modelstream-cluster"]


def test_an_operator_calls_itself_by_its_pod_or_by_words_that_name_none() -> None:
    found = Holder.of(holder(Settings(namespace="system", pod="p", pod_uid="u")))
    assert found == Holder("system", "p", "u")
    assert Holder.of(holder(Settings())) is None
    assert holder(Settings()) != holder(Settings())
