"""Prometheus metrics of the operator."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

OBJECTS = Gauge("modelstream_objects", "ModelStream resources by phase.", ["phase"])
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


def count_phases(phases: Iterable[str], known: Iterable[str]) -> None:
    """Set the number of objects in each phase."""
    counts = dict.fromkeys(known, 0)
    for phase in phases:
        counts[phase] = counts.get(phase, 0) + 1
    for phase, count in counts.items():
        OBJECTS.labels(phase).set(count)
