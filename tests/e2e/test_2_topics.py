"""Kafka: a stream is Ready on an empty topic, and its first record finds the model in memory."""

import json

import pytest
from tests.e2e import workloads
from tests.e2e.broker import broker
from tests.e2e.cluster import eventually

NAME = "texts"


@pytest.fixture(scope="module")
def kafka(work, images):
    with broker(work, images.kafka) as running:
        yield running


@pytest.fixture(scope="module")
def idle(work, kafka, timed):
    """A stream over a topic in which there has never been a record."""
    kafka.create("sources", "languages")
    work.apply(workloads.topic(NAME, "sources", "languages"))
    timed("apply → Ready on an empty topic", lambda: work.ready(NAME, 360))
    yield work
    work.remove(NAME)


def test_an_empty_topic_becomes_ready(idle, kafka):
    assert idle.condition(NAME, "ModelsLoaded")["status"] == "True"
    assert kafka.read("languages") == []


def test_kubectl_waits_for_it(idle):
    idle.kubectl("wait", f"modelstreams/{NAME}", "--for=condition=Ready", "--timeout=5s")


def test_the_first_record_is_scored_at_once(idle, kafka, timed):
    record = {"id": 1, "content": "def main():\n    import sys\n    print(sys.argv)\n"}
    kafka.send("sources", json.dumps(record).encode())
    timed(
        "first record in → score out",
        lambda: eventually(lambda: kafka.read("languages"), 180, "a score is in the topic"),
    )

    assert json.loads(kafka.read("languages")[0]) == {"id": 1, "language": "py"}
