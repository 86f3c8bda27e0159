"""A real Kafka broker for tests: one KRaft node, started from its Maven jars."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tests.support.ports import held_port, wait_for_port

from modelstream.cli.java import find_java
from modelstream.job.artifacts import Jar, cache_directory, ensure

JARS = Path(__file__).with_name("kafka-broker.jars")
CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ"
FAST = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


@dataclass(frozen=True)
class Kafka:
    """A running broker and what a test does with it."""

    address: str

    def create(self, *topics: str, partitions: int = 1) -> None:
        new = [NewTopic(topic, partitions, 1) for topic in topics]
        admin = AdminClient({"bootstrap.servers": self.address})
        for future in admin.create_topics(new).values():
            future.result(timeout=60)

    def send(self, topic: str, *values: bytes | tuple[bytes | None, bytes | None]) -> None:
        """Append values, or (key, value) pairs."""
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 5})
        for value in values:
            key, payload = value if isinstance(value, tuple) else (None, value)
            producer.produce(topic, payload, key)
        assert producer.flush(60) == 0

    def read(self, topic: str, isolation: str = "read_committed") -> list[bytes]:
        """Every value that is in the topic now, by the given isolation."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "test",
                "isolation.level": isolation,
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        try:
            return _drain(consumer, topic)
        finally:
            consumer.close()

    def wait(
        self, topic: str, count: int, isolation: str = "read_committed", timeout: float = 300
    ) -> list[bytes]:
        """Read until at least ``count`` values are there."""
        deadline = time.monotonic() + timeout
        while len(values := self.read(topic, isolation)) < count:
            assert time.monotonic() < deadline, f"{len(values)} of {count} values in {topic}"
            time.sleep(0.5)
        return values


def _drain(consumer: Consumer, topic: str) -> list[bytes]:
    partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    values, open_partitions = [], set(partitions)
    while open_partitions:
        message = consumer.poll(60)
        assert message is not None, f"{topic}: the broker does not answer"
        if (error := message.error()) is None:
            values.append(message.value())
        elif error.code() == KafkaError._PARTITION_EOF:
            open_partitions.discard(message.partition())
        else:
            raise AssertionError(error.str())
    return values


@contextlib.contextmanager
def broker(directory: Path) -> Iterator[Kafka]:
    """Start a broker that keeps its data in ``directory``; it ends with the block."""
    with held_port() as port, held_port() as controller:
        properties = directory / "server.properties"
        properties.write_text(
            PROPERTIES.format(port=port, controller=controller, logs=directory / "data")
        )
        with _started(properties, directory / "broker.log") as process:
            wait_for_port(port, process, directory / "broker.log")
            yield Kafka(f"127.0.0.1:{port}")


@contextlib.contextmanager
def _started(properties: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    java = [str(find_java().home / "bin" / "java"), *FAST, "-cp", class_path()]
    _run([*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)])
    command = [*java[:-2], "-Xms64m", "-Xmx256m", *java[-2:], "kafka.Kafka", str(properties)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def class_path() -> str:
    """The broker's jars, fetched once."""
    jars = [Jar(*line.split()) for line in JARS.read_text().splitlines()]
    cache = cache_directory() / "kafka-broker"
    with ThreadPoolExecutor(8) as pool:
        return os.pathsep.join(str(path) for path in pool.map(lambda j: ensure(j, cache), jars))


def _run(command: list[str], env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
