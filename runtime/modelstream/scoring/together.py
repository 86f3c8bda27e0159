"""Single records that are awaited, gathered into batches: as many as fit, or as came in time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from modelstream.errors import ModelStreamError
from modelstream.failure import Failure
from modelstream.models import Method, Model, Signature
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import count
from modelstream.scoring.session import ModelHandle, Scored, unscorable

R = TypeVar("R")
S = TypeVar("S")


class MicroBatcher(Generic[R, S]):
    """Answers each record with its own result, though the work is done many at a time.

    While one batch is worked on, in a thread, the next one gathers. Batches are worked on one
    after the other, in the order in which they began.

    Args:
        work: many records to as many results, in their order. It runs in a thread of its own.
        size: a batch of this many records is not waited with.
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


_LATENCY_SHARE = 3


class AsyncModelHandle:
    """A model that is open, for functions that await it.

    Args:
        handle: the open model.
        batch: how many records a call takes, and how long the first of them waits.
    """

    def __init__(self, handle: ModelHandle, batch: Batch) -> None:
        self._handle = handle
        self._batch = batch
        self._batchers: list[tuple[Method | None, MicroBatcher[Any, Scored | Failure]]] = []

    @property
    def name(self) -> str:
        """What metrics and messages call the model."""
        return self._handle.name

    @property
    def model(self) -> Model:
        """The model that is open."""
        return self._handle.model

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that the model offers, by name."""
        return self._handle.signatures

    async def score(self, record: Any, method: Method | None = None) -> Scored:
        """One record through a method, together with others that are awaited meanwhile.

        Args:
            record: a Row, a dict, a tuple (fields ``f0``, ``f1``, …), or the value of the only
                input.
            method: how the model is called; what its exporter meant if None. Make it once, not
                for each record: records of different methods do not share a batch.

        Returns:
            Output column → value.

        Raises:
            UnscorableError: the record does not fit, or the model refuses it.
            BrokenModelError: the model refuses every record of the batch.
        """
        result = await self.attempt(record, method)
        if isinstance(result, Failure):
            raise unscorable(self.name, record, result)
        return result

    async def attempt(self, record: Any, method: Method | None = None) -> Scored | Failure:
        """The same, with a failure as a value."""
        count(self.name)  # the batch is counted in a thread, which knows nothing of this record
        return await self._batcher(method).add(record)

    def failed(self, records: int, failures: int, dead_letters: int) -> None:
        """Count what the model itself did not: records, failures and dead letters."""
        self._handle.failed(records, failures, dead_letters)

    def close(self) -> None:
        """End the threads that the model is called in."""
        for _, batcher in self._batchers:
            batcher.close()

    def _batcher(self, method: Method | None) -> MicroBatcher[Any, Scored | Failure]:
        for known, batcher in self._batchers:
            if known is method or known == method:
                return batcher
        added: MicroBatcher[Any, Scored | Failure] = gathered(
            lambda records: self._handle.score_all(records, method), self._batch
        )
        self._batchers.append((method, added))
        return added


def gathered(work: Callable[[Sequence[R]], Sequence[S]], batch: Batch) -> MicroBatcher[R, S]:
    """Gathers records into such batches.

    The first record of a batch waits a part of the latency: Flink hands results on when a bundle
    ends, which takes the rest.
    """
    return MicroBatcher(work, batch.max_size, batch.max_latency.total_seconds() / _LATENCY_SHARE)
