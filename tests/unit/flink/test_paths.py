"""What becomes of a record is the same by each path: the functions as Flink calls them, without it.

That Flink hands records over, and results and letters on, is in tests/integration/flink.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from unittest.mock import Mock

import pyarrow as pa
import pytest
from tests.support.handed import handed
from tests.support.numpymodel import NumpyModel
from tests.support.online import Context

from modelstream import Batch, DeadLetter, Drop, Fail
from modelstream.errors import BrokenModelError, RecordFailedError
from modelstream.failure import OnError
from modelstream.scoring.plan import Plan

pytestmark = pytest.mark.usefixtures("without_flink")

Found: TypeAlias = tuple[list[float], list[dict[str, Any]]]
"""What the model gave, and what dead letters, or the errors of a table, tell."""


def by_table(plan: Plan, values: Sequence[float]) -> Found:
    from modelstream.flink.udf import Arguments, ModelFunction

    function = ModelFunction(plan, Arguments(("x",), key=True))
    function.open(Mock(get_metric_group=Mock(side_effect=RuntimeError)))
    keys = [str(at) for at in range(len(values))]
    try:
        found = function.eval(*handed(pa.array(values, pa.float32()), pa.array(keys)))
    finally:
        function.close()
    told = found.columns.get("error", [None] * len(values))
    scored = [y for y, error in zip(found["y"].tolist(), told, strict=True) if error is None]
    return scored, [json.loads(each) for each in told if each is not None]


def rows(values: Sequence[float]) -> list[Any]:
    from pyflink.common import Row

    return [Row(id=at, x=x) for at, x in enumerate(values)]


def maker() -> Any:
    from modelstream.flink.operators import RowMaker

    return RowMaker(("id",), ("y",), None)


def parted(given: Sequence[Any], letters: Sequence[Any]) -> Found:
    """Rows without names are of the kept fields and the outputs."""
    return [row[1] for row in given], [each.as_dict() for each in letters]


def by_record(plan: Plan, values: Sequence[float]) -> Found:
    from modelstream.flink.operators import ScoreRecord

    function = ScoreRecord(plan, maker())
    function.open(Context())
    try:
        found = [out for row in rows(values) for out in function.process_element(row, None)]
    finally:
        function.close()
    aside = [out for out in found if isinstance(out, tuple)]  # by the tag of dead letters
    return parted([out for out in found if out not in aside], [letter for _, letter in aside])


def by_async(plan: Plan, values: Sequence[float]) -> Found:
    from modelstream.flink.operators import ScoreAsync

    function = ScoreAsync(plan, maker())
    function.open(Context())

    async def together() -> list[Any]:
        return await asyncio.gather(*map(function.async_invoke, rows(values)))

    try:
        found = [out for outs in asyncio.run(together()) for out in outs]
    finally:
        function.close()
    if not isinstance(plan.on_error, DeadLetter):
        return parted(found, [])
    return parted([each[0] for each in found if each[1] is None], [e[1] for e in found if e[1]])


PATHS = [
    pytest.param(by_table, id="table"),
    pytest.param(by_record, id="record"),
    pytest.param(by_async, id="async"),
]
Path: TypeAlias = Callable[[Plan, Sequence[float]], Found]


def plan(on_error: OnError, model: NumpyModel = NumpyModel()) -> Plan:  # noqa: B008  # frozen
    return Plan.of(model, on_error=on_error, key="id", batch=Batch(16), keep=["id"])


@pytest.mark.parametrize("path", PATHS)
def test_a_record_that_fails_costs_one_dead_letter(path: Path) -> None:
    scored, letters = path(plan(DeadLetter()), [1, -1, -2, 3])
    assert scored == [2, 6]
    told = [(e["stage"], e["error_type"], e["message"], e["model"]) for e in letters]
    assert told == [("inference", "ValueError", "x is negative", "double")] * 2


@pytest.mark.parametrize("path", PATHS)
def test_a_record_that_is_dropped_leaves_the_others(path: Path) -> None:
    scored, _ = path(plan(Drop()), [1, -1, -2, 3])
    assert scored == [2, 6]


@pytest.mark.parametrize("path", PATHS)
def test_a_record_that_fails_the_job_is_named_with_its_key(path: Path) -> None:
    with pytest.raises(RecordFailedError, match=r"-5(\.0)?\W+of key '?2'?: .*x is negative"):
        path(plan(Fail()), [1, 2, -5])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("on_error", [Fail(), Drop(), DeadLetter()], ids=["Fail", "Drop", "letter"])
def test_a_broken_model_ends_the_job_whatever_is_said_of_records(
    path: Path, on_error: OnError
) -> None:
    broken = plan(on_error, NumpyModel(cannot_work=True))
    with pytest.raises(BrokenModelError, match="w has no value"):
        path(broken, [1] * 4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("on_error", [Drop(), DeadLetter()], ids=["Drop", "letter"])
def test_so_does_one_that_refuses_record_after_record(path: Path, on_error: OnError) -> None:
    broken = plan(on_error, NumpyModel(broken=True))
    with pytest.raises(BrokenModelError, match=r"\d+ records in a row, and answers neither"):
        path(broken, [1] * 40)
