"""Metrics of a function that scores in a thread which Flink takes no counts from."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from modelstream.failure import Stage
from modelstream.scoring.metrics import DeferredMetrics


class OneThreadGroup:
    """A metric group that, like Flink's, forgets what another thread reports."""

    def __init__(self) -> None:
        self.owner = threading.get_ident()
        self.values: dict[str, list[int]] = {}
        self.gauges: dict[str, Callable[[], int]] = {}

    def add_group(self, name: str) -> "OneThreadGroup":
        return self

    def counter(self, name: str) -> Any:
        return _Reported(self, name)

    distribution = counter

    def gauge(self, name: str, value: Callable[[], int]) -> None:
        self.gauges[name] = value

    def end_bundle(self) -> dict[str, int]:
        return {name: value() for name, value in self.gauges.items()}


class _Reported:
    def __init__(self, group: OneThreadGroup, name: str) -> None:
        self._group, self._name = group, name

    def inc(self, value: int) -> None:
        if threading.get_ident() == self._group.owner:
            self._group.values.setdefault(self._name, []).append(value)

    update = inc


@pytest.fixture
def group() -> OneThreadGroup:
    return OneThreadGroup()


def in_another_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_counts_of_another_thread_come_with_the_end_of_the_bundle(group: OneThreadGroup) -> None:
    metrics = DeferredMetrics(group, "fraud")

    def score() -> None:
        metrics.called(3, {Stage.INFERENCE: 70})
        metrics.scored(3, 1, 0)

    in_another_thread(score)
    assert group.values == {}
    group.end_bundle()
    assert group.values == {
        "batches": [1],
        "batch_size": [3],
        "inference_us": [70],
        "records": [3],
        "failures": [1],
    }
    group.end_bundle()
    assert group.values["records"] == [3]


def test_the_model_counts_as_loaded_while_it_is(group: OneThreadGroup) -> None:
    metrics = DeferredMetrics(group, "fraud")
    with metrics.loading():
        assert group.end_bundle()["model_loaded"] == 0
    assert group.end_bundle()["model_loaded"] == 1
    metrics.unloaded()
    assert group.end_bundle()["model_loaded"] == 0


def test_nothing_gathers_where_metrics_are_switched_off() -> None:
    metrics = DeferredMetrics(None, "fraud")
    metrics.scored(3, 1, 1)
    metrics.called(3, {Stage.INFERENCE: 70})
    assert not metrics._waiting
