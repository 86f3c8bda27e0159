"""Single records gathered into batches: as many as fit, or as have come when time is up.

Knows neither Flink nor models: it runs in the event loop of whoever adds records.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from modelstream.errors import ModelStreamError

R = TypeVar("R")
S = TypeVar("S")


class MicroBatcher(Generic[R, S]):
    """Answers each record with its own result, though the work is done many at a time.

    While one batch is worked on, in a thread, the next one gathers. Batches are worked on one
    after the other, in the order in which they began.

    Args:
        work: many records to as many results, in their order. It runs in a thread of its own.
        size: a batch of so many goes at once.
        seconds: a batch goes when its first record has waited so long.
    """

    def __init__(
        self, work: Callable[[Sequence[R]], Sequence[S]], size: int, seconds: float
    ) -> None:
        self._work = work
        self._size = size
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, "modelstream-batch")
        self._waiting: list[tuple[R, asyncio.Future[S]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def add(self, record: R) -> S:
        """The result of one record; an error of its batch is the error of each record in it."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[S] = loop.create_future()
        self._waiting.append((record, result))
        if len(self._waiting) >= self._size:
            self._start()
        elif self._timer is None:
            self._timer = loop.call_later(self._seconds, self._start)
        return await result

    def close(self) -> None:
        """End the thread, after the batch that it works on."""
        self._thread.shutdown()

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._answer(batch))
        self._running.add(task)  # a loop holds its tasks weakly
        task.add_done_callback(self._running.discard)

    async def _answer(self, batch: Sequence[tuple[R, "asyncio.Future[S]"]]) -> None:
        loop = asyncio.get_running_loop()
        records = [record for record, _ in batch]
        try:
            results = await loop.run_in_executor(self._thread, self._work, records)
            if len(results) != len(records):
                raise ModelStreamError(f"{len(records)} records gave {len(results)} results")
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
