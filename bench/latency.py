"""Time from a record's arrival in a topic to its score in another, at rates that are held.

python -m bench.latency [--seconds 20] [--waits 5,20,50]; see docs/bench.md

The main job over a broker of its own: JSON, 16 floats, DeadLetter, at-least-once. The peak is what
the job carries of a topic that is full already; then a tenth and half of it are sent for a while,
each record with the time when it was sent.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.support import kafka

from bench import decode, mlp

ROOT = Path(__file__).parents[1]
SHAPE = decode.SHAPES[0]
SHARES = (0.1, 0.5)
WARM = 100_000
"""Records before anything counts: the JVM compiles while they pass."""
FULL = 400_000
"""Records that are in the topic when the peak is taken."""
TICK = 0.002
"""Seconds between two handfuls of records that are sent."""
START_S, DRAIN_S = 300, 120


@dataclass(frozen=True)
class Latency:
    """What records waited at one rate.

    Attributes:
        wait: ``maxLatency`` of the job, in ms.
        sent: records a second that were sent.
        received: scores a second that came.
        p50: milliseconds.
        p99: milliseconds.
    """

    wait: int
    sent: float
    received: float
    p50: float
    p99: float

    @property
    def held(self) -> bool:
        """Whether scores came as fast as records."""
        return self.received >= 0.98 * self.sent


def manifest(model: Path, address: str, wait: int) -> dict[str, Any]:
    """The main job between two topics."""
    schema = [{"name": name, "type": kind} for name, kind in SHAPE.types.items()]
    start = {"scan.startup.mode": "earliest-offset", "properties.group.id": "bench"}
    return {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": f"latency-{wait}"},
        "spec": {
            "models": [{"name": "scorer", "uri": f"file://{model}"}],
            "pipeline": {
                "source": _topic(address, f"in-{wait}", **start) | {"schema": schema},
                "inference": {
                    "model": "scorer",
                    "inputs": {"x": "x"},
                    "outputs": {"y": "y"},
                    "keep": list(SHAPE.keep),
                    "batch": {"maxSize": 4096, "maxLatency": f"{wait}ms"},
                    "onError": "DeadLetter",
                },
                "sink": _topic(address, f"out-{wait}"),
                "deadLetter": _topic(address, f"dead-{wait}"),
            },
            "flink": {"parallelism": 1},
        },
    }


def _topic(address: str, name: str, **more: str) -> dict[str, Any]:
    options = {"topic": name, "properties.bootstrap.servers": address, **more}
    return {"connector": "kafka", "format": "json", "options": options}


def handfuls(rate: float, seconds: float) -> Iterator[tuple[float, int]]:
    """When, in seconds from the start, how many records are due: the rate, without a drift."""
    done = 0
    for tick in range(1, round(seconds / TICK) + 1):
        due = round(rate * tick * TICK)
        yield tick * TICK, due - done
        done = due


@dataclass
class Scores:
    """The scores that came: when, and when their records were sent, in ns of the clock."""

    came: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def take(self, values: Sequence[bytes], now: int) -> None:
        """Note some that came together."""
        self.came += [now] * len(values)
        self.sent += [int(value[6 : value.index(b",")]) for value in values]  # {"id":N,

    def latency(self, wait: int, rate: float, seconds: float) -> Latency:
        """Of the scores of one rate, without the first quarter."""
        came, sent = np.array(self.came), np.array(self.sent)
        fresh = sent >= sent.min() + seconds * 0.25e9
        waited = (came[fresh] - sent[fresh]) / 1e6
        span = (came[fresh].max() - came[fresh].min()) / 1e9
        p50, p99 = np.quantile(waited, [0.5, 0.99]).tolist()
        return Latency(wait, rate, len(waited) / span, p50, p99)


class Ends:
    """Both ends of the job: what is sent, and what comes."""

    def __init__(self, address: str, wait: int) -> None:
        self._topic = f"in-{wait}"
        self._producer = Producer(
            {"bootstrap.servers": address, "linger.ms": 1, "queue.buffering.max.messages": 10**6}
        )
        self._consumer = Consumer(
            {"bootstrap.servers": address, "group.id": "scores", "enable.auto.commit": False}
        )
        self._consumer.assign([TopicPartition(f"out-{wait}", 0, 0)])
        lines = [line.partition(b",")[2] for line in decode.lines_of(SHAPE, "json", 0.0)]
        self._rests = [b"," + line for line in lines]
        self.scores = Scores()

    def send(self, count: int) -> None:
        """So many records, with the time as their number."""
        now, rests = b'{"id":%d' % time.time_ns(), self._rests
        for at in range(count):
            self._producer.produce(self._topic, now + rests[at % len(rests)])
        self._producer.poll(0)

    def fill(self, count: int) -> None:
        """The same, all of them in the topic when it returns."""
        for _ in range(count // 1000):
            self.send(1000)
        self._producer.flush()

    def receive(self, count: int, within: float) -> None:
        """Wait for so many scores.

        Raises:
            RuntimeError: they do not come.
        """
        deadline = time.monotonic() + within
        while count > 0:
            found = self._consumer.consume(10_000, 0.01)
            values = [message.value() for message in found if message.error() is None]
            self.scores.take(values, time.time_ns())
            count -= len(values)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count} scores did not come within {within:.0f} s")

    def pace(self, rate: float, seconds: float) -> None:
        """Send at this rate, and receive all that comes of it."""
        self.scores = Scores()
        total = sum(count for _, count in handfuls(rate, seconds))
        receiving = threading.Thread(target=self.receive, args=(total, seconds + DRAIN_S))
        receiving.start()
        start = time.monotonic()
        for due, count in handfuls(rate, seconds):
            time.sleep(max(0.0, start + due - time.monotonic()))
            self.send(count)
        receiving.join()


@contextmanager
def running(document: dict[str, Any], directory: Path) -> Iterator[None]:
    """`modelstream run` of a manifest, with Python in a process of its own, as on a cluster."""
    file = directory / f"{document['metadata']['name']}.yaml"
    file.write_text(yaml.safe_dump(document))
    with file.with_suffix(".log").open("wb") as log:
        job = subprocess.Popen(
            [sys.executable, "-m", "modelstream", "run", str(file)],
            cwd=ROOT,
            env={**os.environ, "_python_worker_execution_mode": "process"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        job.terminate()
        job.wait()


def measured(
    broker: kafka.Kafka, model: Path, wait: int, seconds: float, directory: Path
) -> tuple[float, list[Latency]]:
    """The peak of a job, in records a second, and what records waited at shares of it."""
    broker.create(*(f"{end}-{wait}" for end in ("in", "out", "dead")))
    ends = Ends(broker.address, wait)
    with running(manifest(model, broker.address, wait), directory):
        ends.fill(1000)
        ends.receive(1000, START_S)
        ends.fill(WARM)
        ends.receive(WARM, START_S)
        ends.fill(FULL)
        ends.receive(FULL, START_S)
        peak = at_peak(ends.scores.came[-FULL:])
        found = []
        for share in SHARES:
            ends.pace(peak * share, seconds)
            found.append(ends.scores.latency(wait, peak * share, seconds))
    return peak, found


def at_peak(came: Sequence[int]) -> float:
    """Scores a second, of the last half of those that came."""
    half = came[len(came) // 2 :]
    return (len(half) - 1) / max(half[-1] - half[0], 1) * 1e9


def table(peaks: dict[int, float], found: Sequence[Latency]) -> str:
    """Markdown: a line for each rate."""
    lines = [
        "| maxLatency | peak, records/s | sent, records/s | held | p50 | p99 |",
        "| ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for each in found:
        rates = f"{peaks[each.wait]:,.0f} | {each.sent:,.0f} | {'yes' if each.held else 'no'}"
        lines.append(f"| {each.wait} ms | {rates} | {each.p50:.1f} ms | {each.p99:.1f} ms |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--waits", default="5,20,50", help="maxLatency in ms")
    options = parser.parse_args()
    peaks, found = {}, []
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        model = mlp.export(base / "mlp")
        with kafka.broker(base) as broker:
            for wait in map(int, options.waits.split(",")):
                peaks[wait], latencies = measured(broker, model, wait, options.seconds, base)
                found += latencies
    print(table(peaks, found))


if __name__ == "__main__":
    main()
