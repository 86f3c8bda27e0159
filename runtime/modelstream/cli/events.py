"""What a run does, for programs: a JSON object a line on standard output."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from modelstream.embedded import Tally

_SECONDS = 1.0


class Events:
    """Writes what has happened: each state when it begins, numbers once a second.

    Args:
        stream: where to; standard output as it is when something happens, if None.
        clock: tells seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._state = ""
        self._numbers = Tally()
        self._due = clock()

    def happened(self, event: str, **more: object) -> None:
        """Write one event."""
        stream = self._stream or sys.stdout
        line = json.dumps({"event": event, "time": time.time(), **more}, ensure_ascii=False)
        stream.write(f"{line}\n")
        stream.flush()

    def seen(self, state: str, numbers: Tally, checkpoint: float | None) -> None:
        """Take where the job is; what is new about that is written.

        Args:
            state: in words.
            numbers: what was done so far.
            checkpoint: when the last one ended, in seconds of the epoch; None where none has.
        """
        if state != self._state:
            self._state = state
            self.happened("state", state=state)
        if numbers != self._numbers and self._clock() >= self._due:
            self._numbers, self._due = numbers, self._clock() + _SECONDS
            self.happened("progress", **counted(numbers), checkpoint=checkpoint)


def counted(numbers: Tally) -> Mapping[str, int]:
    """The numbers by name."""
    return {
        "read": numbers.records,
        "scored": numbers.scored,
        "deadLettered": numbers.dead_letters,
        "notScored": numbers.failures,
    }
