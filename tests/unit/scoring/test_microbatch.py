"""Single records, many at a time."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from modelstream.errors import ModelStreamError
from modelstream.scoring.together import MicroBatcher

LONG = 60.0


def run(records: Sequence[int], size: int, seconds: float, work=None) -> tuple[list, list]:
    """The results, or errors, of records that come at once; and the batches that they made."""
    batches: list[list[int]] = []

    def double(batch: Sequence[int]) -> list[int]:
        batches.append(list(batch))
        return [2 * each for each in batch]

    async def all_of_them() -> list:
        batcher = MicroBatcher(work or double, size, seconds)
        try:
            added = (batcher.add(each) for each in records)
            return await asyncio.gather(*added, return_exceptions=True)
        finally:
            batcher.close()

    return asyncio.run(all_of_them()), batches


def test_a_full_batch_does_not_wait() -> None:
    start = time.monotonic()
    results, batches = run(range(6), 3, LONG)
    assert results == [0, 2, 4, 6, 8, 10]
    assert batches == [[0, 1, 2], [3, 4, 5]]
    assert time.monotonic() - start < LONG


def test_a_batch_that_does_not_fill_goes_when_time_is_up() -> None:
    results, batches = run(range(5), 3, 0.01)
    assert results == [0, 2, 4, 6, 8]
    assert batches == [[0, 1, 2], [3, 4]]


def test_an_error_of_a_batch_is_that_of_its_records_only() -> None:
    def odd_batches_fail(batch: Sequence[int]) -> Sequence[int]:
        if batch[0] % 2:
            raise ValueError("odd")
        return batch

    results, _ = run([0, 1, 2], 1, LONG, odd_batches_fail)
    assert [results[0], results[2]] == [0, 2]
    assert str(results[1]) == "odd"


def test_results_that_are_too_few_are_an_error_instead_of_somebody_elses() -> None:
    results, _ = run([1, 2], 2, LONG, lambda batch: batch[:1])
    with pytest.raises(ModelStreamError, match="2 records gave 1 results"):
        raise results[0]


def test_the_next_batch_gathers_while_one_is_worked_on() -> None:
    gathered = threading.Event()

    async def both() -> list[int]:
        def wait(batch: Sequence[int]) -> Sequence[int]:
            assert gathered.wait(LONG) or batch == [2]
            return batch

        batcher = MicroBatcher(wait, 1, LONG)
        first = asyncio.create_task(batcher.add(1))
        second = asyncio.create_task(batcher.add(2))
        await asyncio.sleep(0)  # both are with the batcher, and the first blocks its thread
        assert not first.done()
        gathered.set()
        try:
            return [await first, await second]
        finally:
            batcher.close()

    assert asyncio.run(both()) == [1, 2]
