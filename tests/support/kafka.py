"""A real Kafka broker for tests: that of an example, and what tests do with it."""

import contextlib
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tests.support.ports import held_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "kafka-scores"


def _example() -> ModuleType:
    """The broker of the example, which the tests use too."""
    spec = importlib.util.spec_from_file_location("kafka_scores_broker", EXAMPLE / "broker.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_BROKER = _example()
JARS: Path = _BROKER.JARS
CLUSTER_ID: str = _BROKER.CLUSTER_ID


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
    with (
        held_port() as port,
        held_port() as controller,
        _BROKER.broker(port, controller, directory, create=False) as address,
    ):
        yield Kafka(address)
