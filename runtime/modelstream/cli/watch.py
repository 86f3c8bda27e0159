"""What a local run shows while its job works, and what it says at the end."""

import time
from collections.abc import Callable

from modelstream import embedded
from modelstream.cli.progress import ProgressLine
from modelstream.embedded import Tally


class Watch:
    """Numbers of one job. The rate is over the time since its first record."""

    def __init__(
        self,
        line: ProgressLine,
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[], Tally] = embedded.total,
    ) -> None:
        self._line = line
        self._clock = clock
        self._count = count
        self._before = count()
        self._start = clock()
        self._first: float | None = None

    def update(self) -> None:
        """Show where the job is."""
        now = self.numbers()
        if now.records and self._first is None:
            self._first = self._clock()
        if self._first is None:
            self._line.update(f"starting, {self._clock() - self._start:.0f} s")
        else:
            self._line.update(self._said(now))

    def numbers(self) -> Tally:
        """What the job has done so far."""
        return self._count() - self._before

    def summary(self, name: str, how: str) -> str:
        """The last line: ``fraud finished in 12.1 s: 1,000 read, …``."""
        took = self._clock() - self._start
        return f"{name} {how} after {took:.1f} s: {self._said(self.numbers())}"

    def _said(self, now: Tally) -> str:
        parts = [f"{now.records:,} read", f"{now.scored:,} scored"]
        if now.dead_letters or not now.failures:
            parts.append(f"{now.dead_letters:,} dead-lettered")
        if dropped := now.failures - now.dead_letters:
            parts.append(f"{dropped:,} not scored")
        if self._first is not None and (spent := self._clock() - self._first) > 0.5:
            parts.append(f"{now.records / spent:,.0f}/s")
        return ", ".join(parts)
