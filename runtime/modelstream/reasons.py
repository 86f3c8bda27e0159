"""Why records were not scored: how often each reason came, and an example of it.

An embedded Flink runs Python functions in the process that waits for the job, so that what they
note here is what `modelstream run` tells at the end. A cluster has its dead letters for that.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from modelstream.messages import text

MOST = 5
_KNOWN = 100
_OTHERS = "other reasons"
_LONGEST = 200
_VALUE = re.compile(r"(?<!column )(?<!field )(?<!input )('[^']*'|\"[^\"]*\")|[-+]?\d[\d.,:e+-]*")


@dataclass
class Reason:
    """One reason.

    Attributes:
        count: how many records it stopped.
        message: what the first of them was told.
        example: where that one stands, or what it is.
    """

    count: int
    message: str
    example: str = ""

    def __str__(self) -> str:
        such = f"; such as {_cut(self.example)}" if self.example else ""
        return f"{_times(self.count)}: {_cut(self.message)}{such}"


@dataclass
class Reasons:
    """Reasons by what they have in common: the values in a message do not make it another one."""

    found: dict[str, Reason] = field(default_factory=dict)

    def add(self, message: str, example: Callable[[], str] = str, count: int = 1) -> None:
        """Count one more record, or several; the example is made of the first of its kind."""
        kind = _VALUE.sub("…", message)
        if kind not in self.found:
            if len(self.found) >= _KNOWN:
                kind = message = _OTHERS
            self.found.setdefault(kind, Reason(0, message, example()))
        self.found[kind].count += count

    def lines(self, most: int = MOST) -> list[str]:
        """The most frequent ones, a line each, and how many others there were."""
        ordered = sorted(self.found.values(), key=lambda reason: -reason.count)
        others = ordered[most:]
        if len(others) < 2:  # it takes no more room than its number
            return [*map(str, ordered)]
        count = sum(reason.count for reason in others)
        return [*map(str, ordered[:most]), f"{_times(count)}: {len(others)} other reasons"]


_lock = threading.Lock()
_noted = Reasons()


def note(message: str, example: Callable[[], str] = str) -> None:
    """Count a record of this process. Called by several threads."""
    with _lock:
        _noted.add(message, example)


def noted() -> Reasons:
    """All that was noted in this process."""
    return _noted


def forget() -> None:
    """A new job begins."""
    global _noted
    with _lock:
        _noted = Reasons()


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _cut(said: str) -> str:
    line = " ".join(text(said).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
