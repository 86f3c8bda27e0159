import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from modelstream_operator import watch as watching
from modelstream_operator.cache import Cache
from modelstream_operator.cluster import ApiError
from modelstream_operator.resources import POD, Key, Ref
from modelstream_operator.watch import Watch

SCORES = Key("fraud", "scores")


def pod(name: str, version: str = "1", owner: str = "scores", **status: Any) -> dict[str, Any]:
    labels = {"modelstream.dev/name": owner}
    meta = {"name": name, "namespace": "fraud", "uid": name, "resourceVersion": version}
    return {"kind": "Pod", "metadata": {**meta, "labels": labels}, "status": status}


def event(type_: str, body: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": type_, "object": body}).encode() + b"\n"


@dataclass
class Server:
    """Answers lists and watches from two scripts, then waits for ever."""

    lists: list[list[dict[str, Any]] | Exception]
    watches: list[list[bytes | Exception]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    one_page: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self, resource: Any, namespace: Any, query: Mapping[str, str]) -> dict[str, Any]:
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer, "metadata": {"resourceVersion": "10"}}

    @asynccontextmanager
    async def watch(
        self, resource: Any, namespace: Any, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        self.versions.append(query["resourceVersion"])
        yield self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        if not self.watches:
            self.done.set()
            await asyncio.Event().wait()
        for line in self.watches.pop(0):
            if isinstance(line, Exception):
                raise line
            yield line


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "backoff", lambda failures: 0.0)


def follow(server: Server, cache: Cache) -> None:
    async def run() -> None:
        watch = Watch(server, cache, POD, None)  # type: ignore[arg-type]  # a fake of two methods
        task = asyncio.create_task(watch.run())
        async with asyncio.timeout(60):
            await server.done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def names(cache: Cache) -> list[str]:
    return sorted(each["metadata"]["name"] for each in cache.pods(SCORES))


def test_a_list_and_the_events_after_it_make_the_cache() -> None:
    cache = Cache()
    events: list[bytes | Exception] = [
        event("ADDED", pod("b", "11")),
        event("MODIFIED", pod("a", "12", phase="Running")),
        event("DELETED", pod("b", "13")),
    ]
    follow(Server([[pod("a")], [pod("a", phase="Running")]], [events]), cache)
    assert names(cache) == ["a"]
    assert cache.pods(SCORES)[0]["status"] == {"phase": "Running"}


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(event("ERROR", {"code": 410, "message": "expired"}), id="expired"),
        pytest.param(event("ERROR", {"code": 500, "message": "boom"}), id="server error"),
        pytest.param(b"no json\n", id="garbage"),
    ],
)
def test_a_watch_that_cannot_go_on_lists_again_and_misses_nothing(
    trouble: bytes | Exception,
) -> None:
    cache = Cache()
    follow(Server([[pod("a")], [pod("c")]], [[trouble]]), cache)
    assert names(cache) == ["c"]


def test_a_server_that_is_away_is_asked_again() -> None:
    cache = Cache()
    follow(Server([ApiError(0, "refused"), ApiError(503, "busy"), [pod("a")]]), cache)
    assert names(cache) == ["a"]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([], id="its time is over"),
        pytest.param([aiohttp.SocketTimeoutError("silent")], id="it is silent for long"),
        pytest.param([aiohttp.ClientPayloadError("cut")], id="the connection breaks"),
        pytest.param([ApiError(503, "busy")], id="the server is busy"),
    ],
)
def test_a_watch_that_ends_goes_on_where_it_was_without_a_list(
    end: list[bytes | Exception],
) -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "42"}})
    server = Server([[pod("a")]], [[bookmark, *end], [event("ADDED", pod("b", "43"))]])
    cache = Cache()
    follow(server, cache)
    assert server.versions == ["10", "42", "43"]
    assert names(cache) == ["a", "b"]


def test_a_watch_that_ends_at_once_time_and_again_is_begun_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[int] = []
    monkeypatch.setattr(watching, "backoff", lambda count: failures.append(count) or 0.0)
    follow(Server([[pod("a")]], [[], [], []]), Cache())
    assert failures == [1, 2, 3]


def test_every_change_wakes_its_resource_and_no_other() -> None:
    cache = Cache()
    found: list[Key] = []
    cache.changed = found.append
    cache.put(pod("a"))
    cache.put(pod("a"))
    cache.put(pod("x", owner="other"))
    cache.drop(Ref("Pod", "fraud", "a"))
    cache.drop(Ref("Pod", "fraud", "never seen"))
    assert found == [SCORES, Key("fraud", "other"), SCORES]


def test_a_child_that_changes_hands_leaves_its_old_owner() -> None:
    cache = Cache()
    cache.put(pod("a"))
    cache.put(pod("a", owner="other"))
    assert names(cache) == []
    assert len(cache.pods(Key("fraud", "other"))) == 1


def test_a_warning_is_filed_under_the_resource_of_its_pod() -> None:
    cache = Cache()
    about = {"kind": "Pod", "name": "scores-taskmanager-1-5d8-x", "namespace": "fraud"}
    meta = {"name": "e", "namespace": "fraud"}
    cache.put({"kind": "Event", "metadata": meta, "involvedObject": about, "reason": "FailedMount"})
    stranger = {"kind": "Pod", "name": "nginx", "namespace": "fraud"}
    cache.put({"kind": "Event", "metadata": {**meta, "name": "f"}, "involvedObject": stranger})
    assert [each["reason"] for each in cache.events(SCORES)] == ["FailedMount"]


def claim(name: str, phase: str = "Bound") -> dict[str, Any]:
    meta = {"name": name, "namespace": "fraud"}
    return {"kind": "PersistentVolumeClaim", "metadata": meta, "status": {"phase": phase}}


def woken(cache: Cache, *changes: dict[str, Any]) -> list[str]:
    """Names of the streams that these changes wake, in their order."""
    found: list[Key] = []
    cache.changed = found.append
    for change in changes:
        cache.put(change)
    return [key.name for key in found]


def test_a_claim_wakes_those_that_use_it_and_no_stranger() -> None:
    cache = Cache()
    for index in range(50):
        cache.claims(Key("fraud", f"stranger-{index}"), ["other"])
    cache.claims(Key("elsewhere", "scores"), ["models"])
    assert cache.claims(SCORES, ["models"]) == {"models": None}
    assert woken(cache, claim("models"), claim("models"), claim("data")) == ["scores"]
    found = cache.claims(SCORES, ["models"])["models"]
    assert found is not None
    assert found["status"] == {"phase": "Bound"}
    cache.claims(SCORES, ["data"])
    assert woken(cache, claim("models", "Lost")) == []
    cache.forget(SCORES)
    assert woken(cache, claim("data", "Lost")) == []


def test_a_claim_that_is_deleted_wakes_those_that_use_it() -> None:
    cache = Cache()
    cache.claims(SCORES, ["models"])
    cache.put(claim("models"))
    found: list[Key] = []
    cache.changed = found.append
    cache.drop(Ref("PersistentVolumeClaim", "fraud", "models"))
    assert found == [SCORES]
    assert cache.claims(SCORES, ["models"]) == {"models": None}


def test_a_node_wakes_those_that_have_a_pod_without_one_or_one_that_does_not_end() -> None:
    cache = Cache()
    placed, evicted, leaving = pod("b", owner="placed"), pod("c", owner="b"), pod("d", owner="left")
    placed["spec"] = leaving["spec"] = {"nodeName": "n"}
    evicted["status"]["phase"] = "Failed"
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    for each in (pod("a"), placed, evicted, leaving):
        cache.put(each)
    node = {"kind": "Node", "metadata": {"name": "n"}, "status": {}}
    assert woken(cache, node, node) == ["scores", "left"]


def test_a_heartbeat_of_a_node_is_no_change() -> None:
    def beat(second: int, status: str) -> dict[str, Any]:
        ready = {"type": "Ready", "status": status, "lastTransitionTime": "t"}
        conditions = [{**ready, "lastHeartbeatTime": f"12:00:{second:02}"}]
        return {"kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": conditions}}

    cache = Cache()
    cache.put(pod("a"))
    assert woken(cache, beat(1, "True"), beat(2, "True"), beat(3, "False")) == ["scores"] * 2
