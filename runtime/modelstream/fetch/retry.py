"""Try again where that can help."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from modelstream.errors import FetchError

Result = TypeVar("Result")


class TransientError(FetchError):
    """The other side may answer differently in a moment."""


@dataclass(frozen=True)
class Retry:
    """How often to try, and how long to wait in between.

    Attributes:
        attempts: the first one included.
        first_delay: seconds after the first; each later wait is twice the one before.
        sleep: waits that many seconds.
    """

    attempts: int = 5
    first_delay: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], Result]) -> Result:
        """The result of the first attempt that does not end in a TransientError."""
        for number in range(1, self.attempts):
            try:
                return attempt()
            except TransientError:
                self.sleep(self.first_delay * 2 ** (number - 1))
        try:
            return attempt()
        except TransientError as error:
            raise FetchError(f"{error} ({self.attempts} attempts)") from error
