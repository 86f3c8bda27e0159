"""A Kafka broker of one process, until Ctrl-C: ``broker.py [PORT]``.

It is started from its jars, which are fetched once, on the Java that Flink runs on. Topics come to
be as they are written to. What it keeps ends with it.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelstream.cli.java import find_java
from modelstream.job.artifacts import Jar, cache_directory, ensure

JARS = Path(__file__).with_name("broker.jars")
CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ"
PATIENCE_SECONDS = 180
FAST = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable={create}
"""


@contextlib.contextmanager
def broker(port: int, controller: int, directory: Path, *, create: bool = True) -> Iterator[str]:
    """A broker that listens on ``port`` as long as the context lasts; gives its address.

    Args:
        port: for clients.
        controller: another one, for the broker itself.
        directory: what it keeps, and its log.
        create: a topic that is written to comes to be.
    """
    properties, log = directory / "server.properties", directory / "broker.log"
    text = PROPERTIES.format(
        port=port, controller=controller, data=directory / "data", create=str(create).lower()
    )
    properties.write_text(text, encoding="utf-8")
    java = [str(find_java().home / "bin" / "java"), *FAST]
    run = [*java, "-cp", class_path(), "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]
    done = subprocess.run([*run, "-c", properties], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    command = [*java, "-Xms64m", "-Xmx256m", "-cp", class_path(), "kafka.Kafka", properties]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(port, process, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def class_path() -> str:
    """The broker's jars, fetched once."""
    jars = [Jar(*line.split()) for line in JARS.read_text(encoding="utf-8").splitlines()]
    cache = cache_directory() / "kafka-broker"
    with ThreadPoolExecutor(8) as pool:
        return os.pathsep.join(str(path) for path in pool.map(lambda j: ensure(j, cache), jars))


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens on {port}: {log.read_text()}")
        time.sleep(0.05)


def main(arguments: list[str]) -> int:
    """Run a broker until Ctrl-C."""
    port = int(arguments[0]) if arguments else 9092
    with (
        tempfile.TemporaryDirectory(prefix="kafka-") as directory,
        contextlib.suppress(KeyboardInterrupt),
        broker(port, free_ports()[0], Path(directory)) as address,
    ):
        print(f"a Kafka broker listens on {address}, until Ctrl-C", flush=True)
        while True:
            time.sleep(3600)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
