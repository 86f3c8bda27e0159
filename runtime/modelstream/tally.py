"""How many records the models of this process have seen.

An embedded Flink runs Python functions in the process that started it, so that `modelstream run`
reads exact numbers here at any moment. In a cluster the same numbers are Flink metrics.
"""

import threading
from dataclasses import dataclass


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


_lock = threading.Lock()
_total = Tally()


def add(records: int, failures: int, dead_letters: int) -> None:
    """Count one batch. Called by several threads."""
    global _total
    with _lock:
        _total += Tally(records, failures, dead_letters)


def total() -> Tally:
    """All that was counted since this process began."""
    return _total
