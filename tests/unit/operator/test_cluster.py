"""The client in front of a server that says what the test wants."""

import asyncio
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from modelstream_operator.cluster import KubernetesCluster
from modelstream_operator.resources import POD, Ref

DONE = web.AppKey("done", asyncio.Event)


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


def test_watches_take_no_connection_from_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        application = web.Application()
        application[DONE] = asyncio.Event()
        application.router.add_get("/{path:.*}", answered)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        default = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
        monkeypatch.setattr(default, str(kubeconfig(tmp_path, port)))
        cluster = await KubernetesCluster.connect(connections=1, request_timeout=30)
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
            await cluster.close()
            await runner.cleanup()

    async def in_time() -> None:
        async with asyncio.timeout(60):
            await run()

    asyncio.run(in_time())
