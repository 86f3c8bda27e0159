"""What a model function tells Flink about itself.

All metrics are in the group ``modelstream.model.<name of the model>`` of the operator.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias

from modelstream import embedded
from modelstream.failure import Stage

GROUP = ("modelstream", "model")
RECORDS = "records"
BATCHES = "batches"
FAILURES = "failures"
DEAD_LETTERS = "dead_letters"
BATCH_SIZE = "batch_size"
MODEL_LOAD_MS = "model_load_ms"
MODEL_LOADED = "model_loaded"
STAGE_TIMES = {
    Stage.ENCODE: "encode_us",
    Stage.INFERENCE: "inference_us",
    Stage.OUTPUT: "output_us",
}


class Meter(Protocol):
    """What the scoring of a batch reports while it runs."""

    def called(self, records: int, microseconds: dict[Stage, int]) -> None:
        """Note one call of the model: how many records it had, and the time of each stage."""


class NoMeter:
    """Reports nowhere."""

    def called(self, records: int, microseconds: dict[Stage, int]) -> None:
        """Do nothing."""


class ModelMetrics:
    """The metrics of one model in one subtask.

    Args:
        group: the metric group of the operator; None where metrics are switched off.
        model: the model's name.
    """

    def __init__(self, group: Any, model: str) -> None:
        self._load_ms = 0
        self._loaded = 0
        self._counters: dict[str, Any] = {}
        self._distributions: dict[str, Any] = {}
        if group is None:
            return
        group = group.add_group(GROUP[0]).add_group(GROUP[1]).add_group(model)
        for name in (RECORDS, BATCHES, FAILURES, DEAD_LETTERS):
            self._counters[name] = group.counter(name)
        for name in (BATCH_SIZE, *STAGE_TIMES.values()):
            self._distributions[name] = group.distribution(name)
        group.gauge(MODEL_LOAD_MS, lambda: self._load_ms)
        group.gauge(MODEL_LOADED, self._is_loaded)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Times the load of the model; it counts as loaded after that."""
        start = time.perf_counter()
        yield
        self._load_ms = round((time.perf_counter() - start) * 1000)
        self._loaded = 1

    def unloaded(self) -> None:
        """The model is closed."""
        self._loaded = 0

    def scored(self, records: int, failures: int, dead_letters: int) -> None:
        """One batch from Flink is done."""
        embedded.add(records, failures, dead_letters)
        self._count(RECORDS, records)
        self._count(FAILURES, failures)
        self._count(DEAD_LETTERS, dead_letters)

    def called(self, records: int, microseconds: dict[Stage, int]) -> None:
        """Note one call of the model: how many records it had, and the time of each stage."""
        if not self._distributions:
            return
        self._count(BATCHES, 1)
        self._observe(BATCH_SIZE, records)
        for stage, spent in microseconds.items():
            self._observe(STAGE_TIMES[stage], spent)

    def _count(self, name: str, by: int) -> None:
        if by and self._counters:
            self._counters[name].inc(by)

    def _observe(self, name: str, value: int) -> None:
        self._distributions[name].update(value)

    def _is_loaded(self) -> int:
        return self._loaded


class DeferredMetrics(ModelMetrics):
    """The metrics of a function that scores in a thread of its own.

    Flink takes counts only from the thread that runs the operator. That thread reads the gauges
    when a bundle ends, and with them come the counts that have gathered since.
    """

    def __init__(self, group: Any, model: str) -> None:
        self._waiting: deque[tuple[Callable[[str, int], None], str, int]] = deque()
        super().__init__(group, model)

    def _count(self, name: str, by: int) -> None:
        if by and self._counters:
            self._waiting.append((super()._count, name, by))

    def _observe(self, name: str, value: int) -> None:
        self._waiting.append((super()._observe, name, value))

    def _is_loaded(self) -> int:
        while self._waiting:
            report, name, value = self._waiting.popleft()
            report(name, value)
        return super()._is_loaded()


Counted: TypeAlias = list[str]
"""Which models have counted the record that a function of the user works on: it may raise before it
calls a model, or after, and only then is the record among those that came to the model."""

_current: ContextVar[Counted | None] = ContextVar("modelstream_counted", default=None)


@contextmanager
def counting() -> Iterator[Counted]:
    """The names of the models that count a record while the context lasts, also awaited ones."""
    names: Counted = []
    token = _current.set(names)
    try:
        yield names
    finally:
        _current.reset(token)


def count(model: str) -> None:
    """The model has counted the record, whichever it is."""
    if (names := _current.get()) is not None:
        names.append(model)
