"""An open model that is awaited: records share calls, each gets its own answer."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import UnscorableError
from modelstream.failure import Failure, Stage
from modelstream.models import Predict
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import ModelHandle, Session
from modelstream.scoring.together import AsyncModelHandle

BATCH = Batch(4, timedelta(milliseconds=30))
OTHER = Predict(outputs={"double": "y"})


def awaited(model: NumpyModel, *calls) -> list:
    async def all_of_them(handle: AsyncModelHandle) -> list:
        return await asyncio.gather(*(call(handle) for call in calls), return_exceptions=True)

    session = Session(model, ModelMetrics(None, model.name), BATCH)
    handle = AsyncModelHandle(ModelHandle(session), BATCH)
    try:
        return asyncio.run(all_of_them(handle))
    finally:
        handle.close()
        session.close()


def test_records_that_are_awaited_together_share_a_call(tmp_path: Path) -> None:
    model = NumpyModel(tmp_path / "calls")
    numbers = [float(each) for each in range(6)]
    results = awaited(model, *(lambda m, x=x: m.score(x) for x in numbers))
    assert results == [{"y": 2 * x} for x in numbers]
    assert called(tmp_path / "calls") == [4, 2]


def test_records_of_different_methods_do_not(tmp_path: Path) -> None:
    model = NumpyModel(tmp_path / "calls")
    results = awaited(model, lambda m: m.score(1.0), lambda m: m.score(2.0, OTHER))
    assert results == [{"y": 2.0}, {"double": 4.0}]
    assert called(tmp_path / "calls") == [1, 1]


def test_a_record_that_fails_leaves_the_others_of_its_batch() -> None:
    good, bad, value = awaited(
        NumpyModel(),
        lambda m: m.score(1.0),
        lambda m: m.score(-1.0),
        lambda m: m.attempt({"z": 1.0}),
    )
    assert good == {"y": 2.0}
    assert isinstance(bad, UnscorableError)
    assert bad.failure.stage is Stage.INFERENCE
    assert isinstance(value, Failure)
    with pytest.raises(UnscorableError, match="x is negative"):
        raise bad
