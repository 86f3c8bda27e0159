"""What an embedded worker tells its own process: the first error, and how many records it saw.

Flink tells of one failure of a job, the first that reached the JobManager. When a source's event
for the failed task overtakes the failure itself, that is «TaskNotRunningException», which says
nothing. An embedded Flink runs Python functions in the process that waits for the job, so the
cause can be looked up here, and `modelstream run` reads exact numbers here at any moment. A
cluster has the error in the log of its TaskManager, and the numbers as Flink metrics.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import mmap

_lock = threading.Lock()
_first: BaseException | None = None


def note(error: BaseException) -> None:
    """Keep the error, unless one is kept already: what follows is a consequence."""
    global _first
    with _lock:
        _first = _first or error


@contextmanager
def noted() -> Iterator[None]:
    """Keep an error that ends what is done inside of it."""
    try:
        yield
    except Exception as error:
        note(error)
        raise


def forget() -> None:
    """A new job begins."""
    global _first
    with _lock:
        _first = None


def first() -> BaseException | None:
    """The first error since the job began."""
    return _first


@dataclass(frozen=True)
class Tally:
    """Records that came to models, that failed, and that became dead letters."""

    records: int = 0
    failures: int = 0
    dead_letters: int = 0

    @property
    def scored(self) -> int:
        """Records with a result."""
        return self.records - self.failures

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.records + other.records,
            self.failures + other.failures,
            self.dead_letters + other.dead_letters,
        )

    def __sub__(self, other: "Tally") -> "Tally":
        return self + Tally(-other.records, -other.failures, -other.dead_letters)


_total = Tally()


def add(records: int, failures: int, dead_letters: int) -> None:
    """Count one batch. Called by several threads."""
    global _total
    with _lock:
        _total += Tally(records, failures, dead_letters)


def total() -> Tally:
    """All that was counted since this process began."""
    return _total


_loading: list[str] = []


@contextmanager
def loading(model: str) -> Iterator[None]:
    """The model is loaded while the context lasts."""
    with _lock:
        _loading.append(model)
    try:
        yield
    finally:
        with _lock:
            _loading.remove(model)


def being_loaded() -> str:
    """The name of a model that is being loaded; empty where none is."""
    return next(iter(_loading), "")


LONGEST_NAME = 256
"""Bytes of a model's name that are told."""

_note: mmap | None = None


def share(note: mmap) -> None:
    """Tell in this memory which model is at work: who shares it reads that after a crash."""
    global _note
    _note = note


@contextmanager
def at_work(model: str) -> Iterator[None]:
    """The model is loaded or called while the context lasts."""
    if _note is None:
        yield
        return
    name = model.encode()[:LONGEST_NAME].ljust(LONGEST_NAME, b"\0")
    _note[:] = name
    try:
        yield
    finally:
        if _note[:] == name:
            _note[:] = bytes(LONGEST_NAME)
