"""What a local run shows while its job works, and what it says at the end."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modelstream import embedded
from modelstream.cli.events import Events
from modelstream.cli.progress import ProgressLine
from modelstream.embedded import Tally
from modelstream.flink.jvm.jobstate import JobState
from modelstream.job.failures import summary

_POLL_SECONDS = 0.1
_RATE_SECONDS = 5.0
_PATIENCE_SECONDS = 5.0
"""A job that runs and has no record for so long is asked why."""
_LONGEST = 120


class Watch:
    """What the line says of one job: its phase, Flink's state, its numbers.

    Args:
        line: where it is shown.
        clock: tells seconds.
        count: what was done in this process so far.
        loading: which model is being loaded.
        source: what records come from, as people call it.
        warning: what Flink has warned of last.
        redact: takes secrets out of what Flink says.
        events: is told too; None where nobody asked.

    Attributes:
        phase: what the command does, until Flink tells the job's state.
        redact: as given.
    """

    def __init__(
        self,
        line: ProgressLine,
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[], Tally] = embedded.total,
        *,
        loading: Callable[[], str] = embedded.being_loaded,
        source: str = "",
        warning: Callable[[], str] = str,
        redact: Callable[[str], str] = str,
        events: Events | None = None,
    ) -> None:
        self._line = line
        self._clock = clock
        self._count = count
        self._loading = loading
        self._source = source
        self._warning = warning
        self.redact = redact
        self._events = events
        self._before = count()
        self._start = self._since = clock()
        self.phase = "starting"
        self._state: JobState | None = None
        self._past: deque[tuple[float, int]] = deque()

    def now(self, phase: str) -> None:
        """The command does something else now."""
        if phase.partition(":")[0] != self.phase.partition(":")[0]:
            self._since = self._clock()
        self.phase = phase

    def told(self, state: JobState | None) -> None:
        """Flink has told its state; of a job that ends there is none any more."""
        if state is None:
            return
        if self._state is None or state.status != self._state.status:
            self._since = self._clock()
        self._state = state

    def update(self) -> None:
        """Show where the job is."""
        now = self.numbers()
        self._past.append((self._clock(), now.records))
        while self._past[0][0] < self._clock() - _RATE_SECONDS and len(self._past) > 2:
            self._past.popleft()
        self._line.update(self.says(now))
        if self._events is not None:
            checkpoint = self._state.checkpoint if self._state is not None else None
            self._events.seen(self.standing(now), now, checkpoint)

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Show it from a thread, as long as the context lasts."""
        ended = threading.Event()

        def show() -> None:
            while not ended.wait(_POLL_SECONDS):
                self.update()

        self.update()
        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._line.finish()

    def numbers(self) -> Tally:
        """What the job has done so far."""
        return self._count() - self._before

    def summary(self, name: str, how: str) -> str:
        """The last line: ``fraud finished in 12.1 s: 1,000 read, …``."""
        took = self._clock() - self._start
        said = [*_counts(self.numbers())]
        if self._state is not None and self._state.restarts:
            said.append(self._restarts(self._state))
        return f"{name} {how} after {took:.1f} s: {', '.join(said)}"

    def standing(self, now: Tally) -> str:
        """Where the job is, in words that stay the same as long as it is there."""
        state = self._state
        if model := self._loading():
            return f"loading {model}"
        if self.phase.startswith("stopping"):
            return "stopping"
        if state is None:
            return self.phase.partition(":")[0]
        if state.is_restarting:
            return "restarting"
        if now.records:
            return "running"
        return "waiting for records" if state.status == "RUNNING" else "starting the job"

    def says(self, now: Tally) -> str:
        """The line."""
        waited = f"{self._clock() - self._since:.0f} s"
        state = self._state
        if model := self._loading():
            return f"loading {model}, {waited}"
        if state is not None and state.is_restarting:
            return f"{self._restarts(state, 1)}, {waited}"
        if state is not None and not now.records and not self.phase.startswith("stopping"):
            return self._waiting(state, waited)
        if not now.records or self.phase.startswith("stopping"):
            return f"{self.phase}, {waited}"
        return ", ".join([*_counts(now), *self._rate(), *self._checkpoint()])

    def _waiting(self, state: JobState, waited: str) -> str:
        if state.status != "RUNNING":
            return f"starting the job, {waited}"
        of = f" of {self._source}" if self._source else ""
        parts = [f"running, waiting for records{of}, {waited}"]
        if state.restarts:
            parts.append(self._restarts(state))
        elif self._clock() - self._since > _PATIENCE_SECONDS and (said := self._warning()):
            parts.append(f"Flink warns: {_cut(self.redact(said))}")
        return "; ".join(parts)

    def _restarts(self, state: JobState, more: int = 0) -> str:
        """How often, and why."""
        times = state.restarts + more
        word = "restarting" if more else "restarted"
        count = "once" if times == 1 else f"{times} times"
        how = f"{word} (time {times})" if more else f"{word} {count}"
        cause = _cut(self.redact(summary(state.cause))) if state.cause else ""
        return f"{how}: {cause}" if cause else how

    def _rate(self) -> list[str]:
        """Records a second of the last seconds."""
        if len(self._past) < 2:
            return []
        (then, before), (now, records) = self._past[0], self._past[-1]
        return [f"{(records - before) / (now - then):,.0f}/s"] if now - then > 0.5 else []

    def _checkpoint(self) -> list[str]:
        state = self._state
        if state is None:
            return []
        said = [self._restarts(state)] if state.restarts else []
        if state.checkpoint is not None:
            said.append(f"checkpoint {max(0, time.time() - state.checkpoint):.0f} s ago")
        return said


def _counts(now: Tally) -> Iterator[str]:
    yield f"{now.records:,} read"
    yield f"{now.scored:,} scored"
    if now.dead_letters or not now.failures:
        yield f"{now.dead_letters:,} dead-lettered"
    if dropped := now.failures - now.dead_letters:
        yield f"{dropped:,} not scored"


def _cut(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
