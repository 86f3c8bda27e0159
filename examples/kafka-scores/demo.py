"""Start a broker, train a model, score a topic into another one exactly once: ``demo.py``."""

import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

from modelstream.cli import reported
from modelstream.cli.quiet import quiet
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
WORK = REPOSITORY / ".build" / "kafka-scores"
PAYMENTS = 1000
BROKEN = b'{"id": 1000, "age": "unknown", "amount": 12.5}'
SHOWN = 5


def main() -> int:
    """Train, start a broker, send payments, run, show."""
    try:
        import confluent_kafka  # noqa: F401  # is told before anything is begun
    except ImportError:
        print("the demo writes to Kafka: pip install confluent-kafka", file=sys.stderr)
        return 2
    sys.path.insert(0, str(HERE))
    from broker import broker, free_ports

    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "state").mkdir(parents=True)
    with quiet():
        train(WORK / "fraud.keras")
    print("Starting a Kafka broker (its jars are fetched once, 40 MB) ...")
    with broker(*free_ports(), WORK) as address:
        send(address, [*map(as_json, payments(PAYMENTS)), BROKEN])
        servers = "spec.pipeline.{}.options.properties.bootstrap.servers".format
        run(
            Request(
                HERE / "modelstream.yaml",
                models={"fraud": str(WORK / "fraud.keras")},
                mounts={"state": WORK / "state"},
                overrides={
                    **{servers(end): address for end in ("source", "sink", "deadLetter")},
                    # What is there is read, then the demo ends; without this line it goes on.
                    "spec.pipeline.source.options.scan.bounded.mode": "latest-offset",
                },
            )
        )
        show(read(address, "scores"), read(address, "dead"))
    return 0


def payments(count: int) -> list[dict[str, Any]]:
    """Some payments, the same ones each time."""
    rng = random.Random(7)
    return [
        {"id": n, "age": rng.randint(18, 90), "amount": round(rng.expovariate(1 / 60), 2)}
        for n in range(count)
    ]


def train(target: Path) -> None:
    """A model for which large payments are suspicious."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(7)
    known = payments(2000)
    features = np.array([[each["age"], each["amount"]] for each in known], "float32")
    inputs = {name: keras.Input((1,), name=name) for name in ("age", "amount")}
    joined = keras.layers.Rescaling(0.01)(keras.layers.Concatenate()([*inputs.values()]))
    hidden = keras.layers.Dense(8, activation="relu")(joined)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="score")(hidden))
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    given = {"age": features[:, :1], "amount": features[:, 1:]}
    model.fit(given, features[:, 1:] > 150, epochs=10, verbose=0)
    model.save(target)


def as_json(payment: dict[str, Any]) -> bytes:
    """A payment as it stands in the topic."""
    return json.dumps(payment).encode()


def send(address: str, values: list[bytes]) -> None:
    """Append values to the topic payments."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    topics = [NewTopic(topic, 1, 1) for topic in ("payments", "scores", "dead")]
    for made in admin.create_topics(topics).values():
        made.result(timeout=60)
    producer = Producer({"bootstrap.servers": address})
    for value in values:
        producer.produce("payments", value)
    producer.flush()


def read(address: str, topic: str) -> list[dict[str, Any]]:
    """What is committed in a topic."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    settings = {"isolation.level": "read_committed", "enable.partition.eof": True}
    consumer = Consumer({"bootstrap.servers": address, "group.id": "demo", **settings})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[dict[str, Any]] = []
    while (message := consumer.poll(60)) is not None:
        error = message.error()
        if error is None:
            found.append(json.loads(message.value()))
        elif error.code() == KafkaError._PARTITION_EOF:
            break
    consumer.close()
    return found


def show(scores: list[dict[str, Any]], dead: list[dict[str, Any]]) -> None:
    """The most suspicious payments, the dead letter, and that none is there twice."""
    top = sorted(scores, key=lambda each: -each["amount"])[:SHOWN]
    rows = [(str(e["id"]), f"{e['amount']:.2f}", f"{e['score']:.3f}") for e in top]
    print(aligned(("PAYMENT", "AMOUNT", "SCORE"), rows))
    for letter in dead:
        print(f"\ndead letter: {letter['source']}: {letter['message']}")
    once = len({each["id"] for each in scores})
    print(f"\n{len(scores)} scores committed of {once} payments, {len(dead)} dead letter")


if __name__ == "__main__":
    sys.exit(reported(main))
