"""Prometheus metrics of the operator."""

import time
from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from modelstream_operator.resources import Key, Manifest

STREAM = ("namespace", "name")
OBJECTS = Gauge("modelstream_objects", "ModelStream resources by phase.", ["phase"])
READY = Gauge("modelstream_ready", "1 for a ModelStream that is Ready, else 0.", STREAM)
STEP_SECONDS = Gauge(
    "modelstream_step_seconds",
    "Time since a ModelStream has come to the step of its life that it is at.",
    [*STREAM, "step"],
)
PASSES = Counter("modelstream_reconcile_passes", "Reconcile passes by result.", ["result"])
PASS_SECONDS = Histogram(
    "modelstream_reconcile_seconds",
    "Duration of one reconcile pass.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUEUE_SECONDS = Histogram(
    "modelstream_queue_seconds",
    "Time from what woke an object to the start of its pass.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60),
)
API_CALLS = Counter(
    "modelstream_api_calls", "Requests to the API server.", ["verb", "kind", "status"]
)
API_SECONDS = Histogram(
    "modelstream_api_seconds",
    "Time until the API server answered.",
    ["verb"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30),
)
WATCH_RESTARTS = Counter(
    "modelstream_watch_restarts", "Watches that broke and were begun again.", ["kind"]
)
FLINK_CALLS = Counter("modelstream_flink_calls", "Requests to Flink's REST.", ["result"])


def api_call(verb: str, kind: str, status: int, seconds: float) -> None:
    """Count one request; status 0 is a server that did not answer."""
    API_CALLS.labels(verb, kind, str(status)).inc()
    API_SECONDS.labels(verb).observe(seconds)


def tell(key: Key, status: Manifest) -> None:
    """Show whether a ModelStream is Ready, and for how long it has been at its step."""
    forget(key)
    conditions = status.get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    READY.labels(*key).set(ready)
    if (step := status.get("step", {})) and step.get("since"):
        since = datetime.fromisoformat(step["since"]).timestamp()
        STEP_SECONDS.labels(*key, step["name"]).set_function(lambda: time.time() - since)
        _STEPS[key] = step["name"]


def forget(key: Key) -> None:
    """A ModelStream is no longer served here."""
    READY.remove(*key)
    if (step := _STEPS.pop(key, None)) is not None:
        STEP_SECONDS.remove(*key, step)


_STEPS: dict[Key, str] = {}
"""Of each stream, the step that is shown."""


def count_phases(phases: Iterable[str], known: Iterable[str]) -> None:
    """Set the number of objects in each phase."""
    counts = dict.fromkeys(known, 0)
    for phase in phases:
        counts[phase] = counts.get(phase, 0) + 1
    for phase, count in counts.items():
        OBJECTS.labels(phase).set(count)
