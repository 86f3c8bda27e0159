"""What a model that learns tells Flink about itself, beside what every model tells."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelstream.scoring.metrics import GROUP, ModelMetrics

UPDATES = "updates"
UPDATE_US = "update_us"
LOSS_MILLIONTHS = "loss_millionths"
"""Flink's gauges of Python are whole numbers."""

_SHARE = 0.01


class LearningMetrics(ModelMetrics):
    """The metrics of one online model in one subtask, over all of its keys.

    Args:
        group: the metric group of the operator; None where metrics are switched off.
        model: the model's name.
    """

    def __init__(self, group: Any, model: str) -> None:
        super().__init__(group, model)
        self._loss: float | None = None
        self._updates: Any = None
        if group is not None:
            group = group.add_group(GROUP[0]).add_group(GROUP[1]).add_group(model)
            self._updates = group.counter(UPDATES)
            self._times = group.distribution(UPDATE_US)
            group.gauge(LOSS_MILLIONTHS, lambda: round((self._loss or 0) * 1_000_000))

    def lost(self, loss: float) -> None:
        """A record had this loss; the gauge shows a moving average."""
        self._loss = loss if self._loss is None else self._loss + _SHARE * (loss - self._loss)

    @contextmanager
    def updating(self) -> Iterator[None]:
        """Times an update of the weights."""
        start = time.perf_counter_ns()
        yield
        if self._updates is not None:
            self._updates.inc()
            self._times.update((time.perf_counter_ns() - start) // 1000)
