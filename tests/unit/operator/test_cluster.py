"""The client in front of a server that says what the test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from modelstream_operator.cluster import ApiError, KubernetesCluster
from modelstream_operator.resources import POD, Ref

DONE = web.AppKey("done", asyncio.Event)
Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


async def answered(request: web.Request) -> web.StreamResponse:
    """A pod at once; a watch for as long as somebody listens."""
    if "watch" not in request.query:
        return web.json_response({"kind": "Pod", "metadata": {"name": "x"}})
    stream = web.StreamResponse()
    await stream.prepare(request)
    await stream.write(b"{}\n")
    await request.app[DONE].wait()
    return stream


def kubeconfig(directory: Path, port: int) -> Path:
    one = {"name": "one"}
    file = directory / "kubeconfig"
    cluster = {**one, "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {**one, "context": {"cluster": "one", "user": "one"}}
    found = {"clusters": [cluster], "contexts": [context], "users": [{**one, "user": {}}]}
    file.write_text(yaml.safe_dump({**found, "current-context": "one"}))
    return file


@asynccontextmanager
async def client(
    handler: Handler, place: Path, monkeypatch: pytest.MonkeyPatch, patience: float = 30
) -> AsyncIterator[tuple[KubernetesCluster, web.Application]]:
    """A client of a server that answers by a handler."""
    application = web.Application()
    application[DONE] = asyncio.Event()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    default = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(default, str(kubeconfig(place, runner.addresses[0][1])))
    cluster = await KubernetesCluster.connect(connections=1, request_timeout=patience)
    try:
        async with asyncio.timeout(60):
            yield cluster, application
    finally:
        application[DONE].set()
        await cluster.close()
        await runner.cleanup()


def test_watches_take_no_connection_from_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with client(answered, tmp_path, monkeypatch) as (cluster, application):
            watching = [cluster.watch(POD, "fraud", {}, None) for _ in range(3)]
            try:
                for watch in watching:
                    lines = await watch.__aenter__()
                    assert await anext(lines) == b"{}\n"
                assert await cluster.get(Ref(POD.kind, "fraud", "x")) is not None
            finally:
                application[DONE].set()
                for watch in watching:
                    await watch.__aexit__(None, None, None)

    asyncio.run(run())


def test_a_status_is_written_over_the_version_that_was_read_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []

    async def newer(request: web.Request) -> web.Response:
        written.append(await request.json())
        refusal = {"kind": "Status", "message": "it has been modified", "reason": "Conflict"}
        return web.json_response(refusal, status=409)

    meta = {"name": "scores", "namespace": "fraud", "uid": "u", "resourceVersion": "7"}
    known = {"kind": "ModelStream", "metadata": {**meta, "generation": 3}}

    async def run() -> None:
        async with client(newer, tmp_path, monkeypatch) as (cluster, _):
            with pytest.raises(ApiError, match="modified") as caught:
                await cluster.apply_status(known, {"phase": "Running"})
            assert caught.value.status == 409
            assert written[0]["metadata"] == meta

    asyncio.run(run())


@pytest.mark.parametrize(("status", "said"), [(200, "TimeoutError"), (503, "HTTP 503")])
def test_an_answer_that_never_comes_whole_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    async def begun(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(status=status)
        await stream.prepare(request)
        await stream.write(b"{")
        await request.app[DONE].wait()
        return stream

    async def run() -> None:
        async with client(begun, tmp_path, monkeypatch, patience=0.3) as (cluster, _):
            with pytest.raises(ApiError, match=said):
                await cluster.get(Ref(POD.kind, "fraud", "x"))

    asyncio.run(run())


def test_who_holds_no_lease_makes_nothing_but_a_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_served(namespace: str) -> None:
        raise ApiError(0, f"{namespace} is not served")

    def made(kind: str, version: str) -> dict[str, Any]:
        meta = {"name": "x", "namespace": "fraud"}
        return {"apiVersion": version, "kind": kind, "metadata": meta}

    async def run() -> None:
        async with client(answered, tmp_path, monkeypatch) as (cluster, _):
            cluster.check = not_served
            with pytest.raises(ApiError, match="not served"):
                await cluster.create(made("Pod", "v1"))
            await cluster.create(made("Lease", "coordination.k8s.io/v1"))

    asyncio.run(run())
