"""CPU seconds of a process and of all that it starts, those that outlive their parents too."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_EVERY = 0.2
_TICK = os.sysconf("SC_CLK_TCK")


class Cpu:
    """Looks at a process and its descendants until it is asked for the sum.

    What a process spends after the last look is not counted: a fifth of a second at most.
    """

    def __init__(self, pid: int) -> None:
        self._spent: dict[int, float] = {pid: 0.0}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def seconds(self) -> float:
        """What all of them spent."""
        self._ended.set()
        self._thread.join()
        return sum(self._spent.values())

    def _watch(self) -> None:
        while True:
            self._look()
            if self._ended.wait(_EVERY):
                return

    def _look(self) -> None:
        found = {pid: (parent, spent) for pid, parent, spent in _processes()}
        for pid in sorted(found):  # parents first: they have the lower numbers
            parent, spent = found[pid]
            if pid in self._spent or parent in self._spent:
                self._spent[pid] = spent


def _processes() -> Iterator[tuple[int, int, float]]:
    """Number, parent and CPU seconds of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it is gone
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                spent = (int(fields[11]) + int(fields[12])) / _TICK
                yield int(entry.name), int(fields[1]), spent
