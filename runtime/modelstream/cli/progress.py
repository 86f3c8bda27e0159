"""One line that says how far something is: rewritten on a terminal, now and then in a log."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 10.0
_silent = [False]


@contextlib.contextmanager
def silenced(*, when: bool) -> Iterator[None]:
    """Show no progress as long as the context lasts."""
    before, _silent[0] = _silent[0], when
    try:
        yield
    finally:
        _silent[0] = before


def is_silent() -> bool:
    """Whether to show results and errors only."""
    return _silent[0]


class ProgressLine:
    """Shows the newest of many messages, and leaves the last one standing."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._given = stream
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._terminal else _LOG_SECONDS
        self._next = clock() + (0 if self._terminal else self._interval)
        self._shown = 0

    @property
    def _stream(self) -> TextIO:
        """Standard error as it is now: it is another one while native libraries are kept quiet."""
        return self._given or sys.stderr

    def update(self, message: str) -> None:
        """Show ``message``, unless another was shown a moment ago."""
        if self._clock() >= self._next:
            self._show(message)

    def finish(self, message: str | None = None) -> None:
        """Show ``message`` for good; None takes the line away."""
        if message is not None:
            self._show(message)
        if self._terminal and self._shown:
            self._stream.write("\n" if message is not None else f"\r{' ' * self._shown}\r")
            self._stream.flush()
        self._shown = 0

    def _show(self, message: str) -> None:
        if is_silent():
            return
        if self._terminal:
            self._stream.write(f"\r{message.ljust(self._shown)}")
        else:
            self._stream.write(f"{message}\n")
        self._stream.flush()
        self._shown = len(message)
        self._next = self._clock() + self._interval


class Download:
    """Progress of a download on a line of its own: bytes, share, rate."""

    def __init__(self, what: str, line: ProgressLine) -> None:
        self._what = what
        self._line = line
        self._start = time.monotonic()

    def __call__(self, done: int, total: int | None) -> None:
        """Take the bytes that are here, and those that will be where that is known."""
        share = f" of {size(total)}" if total and total >= done else ""
        rate = done / max(time.monotonic() - self._start, 1e-3)
        self._line.update(f"{self._what}: {size(done)}{share}, {size(int(rate))}/s")


def size(count: int) -> str:
    """Bytes as people read them: ``2.9 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
