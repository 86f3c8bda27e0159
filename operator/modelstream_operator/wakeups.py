"""Who has to be looked at: an asyncio event for every ModelStream, and when it was set."""

import asyncio
import time
from contextlib import suppress

from modelstream_operator.resources import Key


class Wakeup:
    """The alarm clock of one object."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._since: float | None = None

    def set(self) -> None:
        """Ask for a pass; more than once before it begins is once."""
        if self._since is None:
            self._since = time.monotonic()
        self._event.set()

    def take(self) -> float:
        """Begin a pass; returns the seconds since it was asked for."""
        since, self._since = self._since, None
        self._event.clear()
        return time.monotonic() - since if since is not None else 0.0

    async def wait(self, seconds: float) -> None:
        """Wait until asked, or until the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class Wakeups:
    """The alarm clocks of all objects that are served."""

    def __init__(self) -> None:
        self._clocks: dict[Key, Wakeup] = {}

    def __copy__(self) -> "Wakeups":
        """Kopf copies what hangs on its memo; everyone must share this one."""
        return self

    def of(self, key: Key) -> Wakeup:
        """A clock for an object that is served from now on."""
        self._clocks[key] = Wakeup()
        return self._clocks[key]

    def wake(self, key: Key) -> None:
        """Wake one object, if it is served."""
        if key in self._clocks:
            self._clocks[key].set()

    def forget(self, key: Key, clock: Wakeup) -> bool:
        """The object is gone; False where a later one of the same name has taken its place."""
        mine = self._clocks.get(key) is clock
        if mine:
            del self._clocks[key]
        return mine
