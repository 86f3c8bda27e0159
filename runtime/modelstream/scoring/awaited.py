"""An open model for asynchronous functions: records awaited one by one, scored many at a time."""

from collections.abc import Mapping
from typing import Any

from modelstream.failure import Failure
from modelstream.models import Method, Signature
from modelstream.scoring.batch import Batch
from modelstream.scoring.counted import count
from modelstream.scoring.session import ModelHandle, Scored, unscorable
from modelstream.scoring.together import MicroBatcher

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
        added: MicroBatcher[Any, Scored | Failure] = MicroBatcher(
            lambda records: self._handle.score_all(records, method),
            self._batch.max_size,
            patience(self._batch),
        )
        self._batchers.append((method, added))
        return added


def patience(batch: Batch) -> float:
    """Seconds that the first record of a batch waits for others.

    A part of the latency: Flink hands results on when a bundle ends, which takes the rest.
    """
    return batch.max_latency.total_seconds() / _LATENCY_SHARE
