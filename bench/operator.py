"""Time the operator against a real API server: children of new resources, load, cost, restart.

python -m bench.operator [--single 20] [--many 200] [--most 1000]    about 5 minutes on 2 cores

There is no kubelet and no controller manager: no pod starts, so that what is measured is the
operator and the API server, which share this machine's cores. Each resource has ``state``: the
bench plays its JobManager, whose two ConfigMaps of high availability are renewed every five
seconds, and copies its revision twice.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.controlplane import ControlPlane

from bench.leaders import Leaders
from modelstream_crds.crd import custom_resource_definition
from modelstream_crds.names import GROUP, PLURAL, VERSION

CHILDREN = 10
TICKS = os.sysconf("SC_CLK_TCK")
DEADLINE = 600.0
SETTLED = 20.0
METRICS_PORT, LIVENESS_PORT = 19090, 18080
SPEC = {
    "models": [{"name": "fraud", "uri": "file:///opt/models/fraud"}],
    "pipeline": {
        "source": {
            "connector": "datagen",
            "schema": [{"name": "x", "type": "ARRAY<FLOAT>"}],
        },
        "inference": {"model": "fraud", "onError": "Fail"},
        "sink": {"connector": "blackhole"},
    },
    "state": {"storage": "s3://bucket/jobs"},
}


@dataclass
class Operator:
    """The operator's process, outside of the cluster."""

    process: subprocess.Popen[bytes]

    @classmethod
    @contextmanager
    def run(cls, kubeconfig: str, log: str) -> "Iterator[Operator]":
        """Start it, and end it with SIGTERM."""
        environment = {
            **os.environ,
            "KUBECONFIG": kubeconfig,
            "MODELSTREAM_METRICS_PORT": str(METRICS_PORT),
            "MODELSTREAM_LIVENESS_PORT": str(LIVENESS_PORT),
            # As in the image.
            "MALLOC_ARENA_MAX": "1",
            "MALLOC_TRIM_THRESHOLD_": "131072",
            "MODELSTREAM_LOG_LEVEL": os.environ.get("BENCH_LOG_LEVEL", "WARNING"),
        }
        with open(log, "ab") as output:  # noqa: PTH123  # a handle for the child process
            command = [sys.executable, "-m", "modelstream_operator"]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield cls(process)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return cpu_of(self.process.pid)

    def memory(self) -> int:
        """Resident MiB."""
        with open(f"/proc/{self.process.pid}/statm") as file:  # noqa: PTH123  # procfs
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

    def metric(self, name: str) -> float:
        """Sum of all series of one metric; 0 before its server is up."""
        try:
            address = f"http://127.0.0.1:{METRICS_PORT}/metrics"
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return 0.0
        lines = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for value in lines)


def cpu_of(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  # procfs
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def requests(plane: ControlPlane) -> Counter[str]:
    """Requests that the API server has answered, by verb and resource."""
    text = plane._call("GET", "/metrics", None, "text/plain").decode()
    found: Counter[str] = Counter()
    for labels, value in re.findall(
        r"^apiserver_request_total{([^}]*)} (\S+)$", text, re.MULTILINE
    ):
        named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        part = f"/{named['subresource']}" if named.get("subresource") else ""
        found[f"{named['verb']} {named['resource']}{part}"] += int(float(value))
    return found


@dataclass
class Watcher:
    """Knows when a resource has all of its children."""

    times: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def complete(self, name: str) -> None:
        """A resource has all of its children."""
        self.times.setdefault(name, time.perf_counter())
        self.changed.set()

    async def wait(self, names: set[str]) -> None:
        """Wait until all of these have their children."""
        async with asyncio.timeout(DEADLINE):
            while not names <= self.times.keys():
                self.changed.clear()
                await self.changed.wait()


class Bench:
    """One run."""

    def __init__(self, plane: ControlPlane, api: Any, watcher: Watcher, leaders: "Leaders") -> None:
        self.plane, self.api, self.watcher, self.leaders = plane, api, watcher, leaders

    async def create(self, name: str) -> float:
        """Create one resource; returns the time at which the API server had it."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "ModelStream",
            "metadata": {"name": name},
            "spec": SPEC,
        }
        await self.api.create_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, body)
        return time.perf_counter()

    async def one_at_a_time(self, count: int) -> list[float]:
        """Seconds from the create call's return until all children exist."""
        found = []
        for index in range(count):
            created = await self.create(f"single-{index}")
            await self.watcher.wait({f"single-{index}"})
            found.append(max(0.0, self.watcher.times[f"single-{index}"] - created))
            await self.leaders.join([f"single-{index}"])
            await asyncio.sleep(0.2)
        return found

    async def at_once(self, prefix: str, count: int) -> float:
        """Seconds from the first create call until all children of all exist."""
        names = [f"{prefix}-{index}" for index in range(count)]
        limit = asyncio.Semaphore(16)

        async def create(name: str) -> None:
            async with limit:
                await self.create(name)

        started = time.perf_counter()
        await asyncio.gather(*(create(name) for name in names))
        await self.watcher.wait(set(names))
        return time.perf_counter() - started


async def settle(operator: Operator) -> None:
    """Wait until the operator has nothing to do: no new pass for two seconds."""
    before = -1.0
    while (now := operator.metric("modelstream_reconcile_passes_total")) != before:
        before = now
        await asyncio.sleep(2.0)


async def looked_at(operator: Operator, count: int) -> None:
    """Wait until the operator has made so many passes."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if operator.metric("modelstream_reconcile_passes_total") >= count:
                return
            await asyncio.sleep(0.2)


async def steady(plane: ControlPlane, operator: Operator, seconds: float) -> str:
    """What the operator costs while nothing happens."""
    cpu, before = operator.cpu(), requests(plane)
    await asyncio.sleep(seconds)
    found = requests(plane) - before
    ours = {
        k: v
        for k, v in found.items()
        if not re.search(r"leases|metrics| $|events|PATCH configmaps", k)
    }
    text = ", ".join(f"{verb} {count}" for verb, count in sorted(ours.items())) or "none"
    share = (operator.cpu() - cpu) / seconds * 100
    return f"{share:.1f} % of a core, {operator.memory()} MiB; requests in {seconds:.0f} s: {text}"


async def load(bench: Bench, operator: Operator, prefix: str, count: int) -> None:
    """Create many at once and print time, cost and requests."""
    plane, cpu, before = bench.plane, operator.cpu(), requests(bench.plane)
    server = sum(cpu_of(pid) for pid in plane.pids)
    seconds = await bench.at_once(prefix, count)
    await bench.leaders.join(f"{prefix}-{index}" for index in range(count))
    await settle(operator)
    used, serving = operator.cpu() - cpu, sum(cpu_of(pid) for pid in plane.pids) - server
    print(
        f"{count} at once: {seconds:.1f} s; operator {used:.1f} CPU-s ({used / count * 1000:.0f} ms"
        f" each), API server and etcd {serving:.1f} CPU-s, {operator.memory()} MiB"
    )
    made = requests(plane) - before
    kept = {k: v for k, v in made.items() if v >= count // 2}
    print(
        "    requests each: " + ", ".join(f"{k} {v / count:.1f}" for k, v in sorted(kept.items()))
    )
    print(f"    steady: {await steady(plane, operator, SETTLED)}")


async def measure(plane: ControlPlane, arguments: argparse.Namespace) -> None:
    """Everything, with one operator, and then with one that finds all there."""
    from kubernetes.aio import client

    from modelstream_operator.cache import Cache
    from modelstream_operator.cluster import KubernetesCluster
    from modelstream_operator.observe import MANAGED
    from modelstream_operator.resources import CHILDREN as KINDS
    from modelstream_operator.resources import Key
    from modelstream_operator.watch import Watch

    cluster = await KubernetesCluster.connect(connections=64)
    watcher, cache = Watcher(), Cache()

    def changed(key: Key) -> None:
        if len(cache.children(key)) >= CHILDREN:
            watcher.complete(key.name)

    cache.changed = changed
    selector = {"labelSelector": MANAGED}
    watches = [Watch(cluster, cache, kind, None, selector) for kind in KINDS]
    tasks = [asyncio.create_task(watch.run()) for watch in watches]
    await asyncio.gather(*(watch.synced.wait() for watch in watches))
    leaders = Leaders(cluster, cache)
    tasks.append(asyncio.create_task(leaders.renew()))
    bench = Bench(plane, client.CustomObjectsApi(cluster._api), watcher, leaders)
    try:
        await run(bench, plane, arguments)
    finally:
        for task in tasks:
            task.cancel()
        await cluster.close()


async def run(bench: Bench, plane: ControlPlane, arguments: argparse.Namespace) -> None:
    kubeconfig = str(plane.kubeconfig)
    with Operator.run(kubeconfig, arguments.log) as operator:
        first = await bench.create("first")
        await bench.watcher.wait({"first"})
        print(f"first, operator just started: {bench.watcher.times['first'] - first:.2f} s")
        await settle(operator)
        print(f"idle: {await steady(plane, operator, SETTLED)}")
        found = sorted(await bench.one_at_a_time(arguments.single))
        milliseconds = [seconds * 1000 for seconds in found]
        print(
            f"one at a time, {len(found)} times: min {milliseconds[0]:.0f} ms, p50"
            f" {statistics.median(milliseconds):.0f}, p90"
            f" {milliseconds[int(len(found) * 0.9)]:.0f}, max {milliseconds[-1]:.0f}"
        )
        await load(bench, operator, "many", arguments.many)
        await load(bench, operator, "most", arguments.most)
    there = len(bench.watcher.times)
    started, before = time.perf_counter(), requests(plane)
    with Operator.run(kubeconfig, arguments.log) as operator:
        await looked_at(operator, there)
        print(
            f"restart with {there}: every one looked at after {time.perf_counter() - started:.1f} s"
        )
        made = {k: v for k, v in (requests(plane) - before).items() if v >= there // 10}
        print(f"    requests: {made or 'lists and watches only'}; {operator.memory()} MiB")


def main() -> None:
    """Start a control plane, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.operator", description=__doc__)
    parser.add_argument("--single", type=int, default=20)
    parser.add_argument("--many", type=int, default=200)
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--log", default=os.devnull, help="file for the operator's log")
    arguments = parser.parse_args()
    with ControlPlane.start() as plane:
        plane.install_crd(custom_resource_definition())
        # The official client reads this when it is imported, which is why that comes later.
        os.environ["KUBECONFIG"] = str(plane.kubeconfig)
        asyncio.run(measure(plane, arguments))


if __name__ == "__main__":
    main()
