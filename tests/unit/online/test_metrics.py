import time
from collections.abc import Callable
from typing import Any

from modelstream.online.metrics import LearningMetrics


class Group:
    """A metric group of Flink that keeps what it is told."""

    def __init__(
        self, path: tuple[str, ...] = (), all_of_them: dict[str, Any] | None = None
    ) -> None:
        self.path = path
        self.metrics: dict[str, Any] = {} if all_of_them is None else all_of_them

    def add_group(self, name: str) -> "Group":
        return Group((*self.path, name), self.metrics)

    def counter(self, name: str) -> "Metric":
        return self.metrics.setdefault(".".join((*self.path, name)), Metric())

    distribution = counter

    def gauge(self, name: str, value: Callable[[], int]) -> None:
        self.metrics[".".join((*self.path, name))] = value


class Metric:
    def __init__(self) -> None:
        self.values: list[int] = []

    def inc(self, by: int = 1) -> None:
        self.values.append(by)

    update = inc


def test_updates_their_time_and_the_loss_stand_beside_what_every_model_reports() -> None:
    group = Group()
    metrics = LearningMetrics(group, "clicks")
    loss = group.metrics["modelstream.model.clicks.loss_millionths"]
    assert loss() == 0
    metrics.lost(0.5)
    assert loss() == 500_000
    metrics.lost(1.5)
    assert loss() == 510_000
    start = time.perf_counter_ns()
    with metrics.updating():
        pass
    passed = (time.perf_counter_ns() - start) // 1000
    assert group.metrics["modelstream.model.clicks.updates"].values == [1]
    (microseconds,) = group.metrics["modelstream.model.clicks.update_us"].values
    assert 0 <= microseconds <= passed
    assert "modelstream.model.clicks.records" in group.metrics


def test_where_metrics_are_switched_off_nothing_is_told() -> None:
    metrics = LearningMetrics(None, "clicks")
    metrics.lost(0.5)
    with metrics.updating():
        pass
