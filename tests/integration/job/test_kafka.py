import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import until
from tests.support.jobs import model
from tests.support.kafka import Kafka
from tests.support.run_job import go_on, hold, kill, last_checkpoint, process

pytestmark = pytest.mark.flink

POISON = [b"\x00\xff not json", b'{"id": "x"}', b"[1, 2"]


def exactly_once(kafka: Kafka, topic: str) -> dict[str, Any]:
    return {
        "connector": "kafka",
        "format": "json",
        "options": {
            "topic": topic,
            "properties.bootstrap.servers": kafka.address,
            "sink.delivery-guarantee": "exactly-once",
        },
    }


def spec(kafka: Kafka) -> dict[str, Any]:
    source = {
        "connector": "kafka",
        "format": "json",
        "schema": [
            {"name": "id", "type": "BIGINT"},
            {"name": "x", "type": "FLOAT"},
            {"name": "key", "type": "STRING"},
            {"name": "partition", "type": "INT", "metadata": "partition"},
        ],
        "options": {
            "topic": "in",
            "properties.bootstrap.servers": kafka.address,
            "properties.group.id": "test",
            "scan.startup.mode": "earliest-offset",
            "key.format": "raw",
            "key.fields": "key",
            "value.fields-include": "EXCEPT_KEY",
        },
    }
    inference = {"model": "picky", "outputs": {"y": "root"}, "onError": "DeadLetter"}
    return {
        "models": [model("picky")],
        "pipeline": {
            "source": source,
            "inference": inference,
            "sink": exactly_once(kafka, "out"),
            "deadLetter": exactly_once(kafka, "dead"),
        },
        "state": {"storage": "pvc://state/test", "checkpointInterval": "6s"},
    }


def records(start: int, end: int) -> list[tuple[bytes, bytes]]:
    numbers = range(start, end)
    return [(f"k{n}".encode(), json.dumps({"id": n, "x": n * n}).encode()) for n in numbers]


def ids(values: list[bytes]) -> list[int]:
    return [json.loads(value)["id"] for value in values]


def held_with_some_uncommitted(
    job: "subprocess.Popen[bytes]", kafka: Kafka, state: Path, sent: int
) -> int:
    """Send 200 at a time, until the job is held with 200 that it wrote after its last checkpoint.

    Whether one comes between is known once the job is held, not before.
    """
    while True:
        begun = last_checkpoint(state)
        until(lambda begun=begun: last_checkpoint(state) != begun)  # a whole interval is ahead
        before = last_checkpoint(state)
        kafka.send("in", *records(sent, sent + 200))
        sent += 200
        kafka.wait("out", sent, "read_uncommitted")
        hold(job)
        if last_checkpoint(state) == before:
            return sent
        go_on(job)


def test_exactly_once_over_a_kill_and_a_restore_with_poison_pills_as_dead_letters(
    kafka: Kafka, tmp_path: Path, picky: dict[str, Path]
) -> None:
    kafka.create("in", "out", "dead")
    pills = [(b"bad", pill) for pill in POISON]
    kafka.send("in", *records(0, 400), *pills, (b"tombstone", None))
    with process(tmp_path, spec(kafka), picky, {"state": tmp_path}) as first:
        kafka.wait("out", 400)  # the first checkpoint has committed
        kafka.send("in", *pills)
        sent = held_with_some_uncommitted(first, kafka, tmp_path / "test", 400)
        kill(first)
    committed = len(kafka.read("out"))
    kafka.send("in", *records(sent, sent + 200))
    restored = last_checkpoint(tmp_path / "test")
    with process(tmp_path, spec(kafka), picky, {"state": tmp_path}, restored):
        scored = kafka.wait("out", sent + 200)
        letters = kafka.wait("dead", 2 * len(POISON))
    assert committed < sent, "the kill came after the commit: the test has no power"
    assert len(kafka.read("out", "read_uncommitted")) > sent + 200, "nothing was written twice"
    assert sorted(ids(scored)) == list(range(sent + 200))
    one = json.loads(scored[ids(scored).index(3)])
    assert one == {"id": 3, "x": 9.0, "key": "k3", "partition": 0, "y": 3.0}
    assert_dead(letters)


def assert_dead(letters: list[bytes]) -> None:
    import base64

    rows = [json.loads(letter) for letter in letters]
    payloads = sorted(base64.b64decode(row["payload"]) for row in rows)
    assert payloads == sorted(2 * POISON)
    assert {base64.b64decode(row["key"]) for row in rows} == {b"bad"}
    assert {row["stage"] for row in rows} == {"format"}
