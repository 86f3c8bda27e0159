"""Functions of the user over batches of records, as Flink hands records over, without Flink."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.support.numpymodel import NumpyModel
from tests.support.online import Context

from modelstream.errors import RecordFailedError
from modelstream.failure import DeadLetter, Drop, Fail, OnError
from modelstream.scoring.batch import Batch

pytestmark = pytest.mark.usefixtures("without_flink")


def applied(
    fn: Callable[..., Sequence[Any]],
    records: Sequence[Any],
    on_error: OnError = Fail(),  # noqa: B008  # frozen
) -> list[Any]:
    """All that comes out for records that are on their way together."""
    from modelstream.flink.awaiting import _BatchClosure

    made = _BatchClosure((NumpyModel(),), fn, on_error, Batch(4, timedelta(milliseconds=30)))

    async def together() -> list[Any]:
        return await asyncio.gather(*map(made.async_invoke, records))

    made.open(Context())
    try:
        return [out for outs in asyncio.run(together()) for out in outs]
    finally:
        made.close()


def doubled(records: Sequence[Any], model: Any) -> list[float]:
    return model.predict(x=[float(record) for record in records])["y"].tolist()


def test_a_function_sees_batches_and_gives_each_record_its_result() -> None:
    sizes: list[int] = []

    def fn(records: Sequence[Any], model: Any) -> list[float]:
        sizes.append(len(records))
        return doubled(records, model)

    assert applied(fn, [0, 1, 2, 3, 4, 5]) == [0, 2, 4, 6, 8, 10]
    assert sizes == [4, 2]


def test_a_record_on_which_it_raises_costs_itself_only() -> None:
    assert applied(doubled, [1, "text", 3], Drop()) == [2, 6]
    rows = applied(doubled, [1, "text", 3], DeadLetter())
    assert [row[0] for row in rows] == [2, None, 6]
    letter = rows[1][1]
    assert (letter.stage, letter.error_type) == ("function", "ValueError")
    assert json.loads(letter.text) == {"f0": "text"}


def test_fail_names_the_record() -> None:
    with pytest.raises(RecordFailedError, match="doubled fails on the record 'text': function"):
        applied(doubled, [1, "text"])


def test_results_that_are_not_one_for_each_record_are_refused() -> None:
    with pytest.raises(RecordFailedError, match="returned 0 results for 1 records"):
        applied(lambda records, model: [], [1])
