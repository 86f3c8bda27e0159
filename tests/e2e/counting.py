"""The stream that counts each number of a topic, and what its results must be."""

import json

COUNTED = "counted"


def counts(kafka, numbers):
    """How often each number was counted, once all of the topic are, and the counts of the tens."""
    rows = [json.loads(value) for value in kafka.wait("counted", numbers, timeout=240)]
    tens = [sorted(row["nth"] for row in rows if row["id"] % 10 == ten) for ten in range(10)]
    return sorted(row["id"] for row in rows), tens


def once(numbers):
    return list(range(numbers)), [list(range(1, numbers // 10 + 1))] * 10


def send(kafka, *numbers):
    kafka.send("numbers", *(json.dumps({"id": number}).encode() for number in numbers))


def another(namespace, before):
    """Whether another job runs than before."""
    ready = namespace.condition(COUNTED, "Ready").get("status") == "True"
    return ready and namespace.status(COUNTED)["job"]["id"] != before
