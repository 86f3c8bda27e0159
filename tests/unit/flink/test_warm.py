"""Every function that has a model calls it once with zeros before the first record comes."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.jvm import import_noisy
from tests.support.numpymodel import NumpyModel, called
from tests.support.online import Context

import modelstream as ms
from modelstream.errors import BrokenModelError
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

ONE = Batch(1)


def of_infer(model: NumpyModel, *, warm_up: bool) -> Any:
    from modelstream.flink.operators import ScoreRecord

    nothing: Any = None
    return ScoreRecord(Plan.of(model, batch=ONE, warm_up=warm_up), nothing)


def of_a_class(model: NumpyModel, *, warm_up: bool) -> Any:
    class Same(ms.ModelMapFunction):
        def map(self, value: Any) -> Any:
            return value

    return Same(model, warm_up=warm_up)


def of_a_closure(model: NumpyModel, *, warm_up: bool) -> Any:
    from modelstream.flink import closures

    closed = closures._Closed((model,), str, closures._one, ms.Fail(), warm_up)
    return closures._ModelClosure(closed, ONE)


def of_a_coroutine(model: NumpyModel, *, warm_up: bool) -> Any:
    from modelstream.flink.awaiting import _AsyncClosure

    return _AsyncClosure((model,), str, ms.Fail(), ONE, warm_up=warm_up)  # type: ignore[arg-type]  # never called


def of_batches(model: NumpyModel, *, warm_up: bool) -> Any:
    from modelstream.flink.awaiting import _BatchClosure

    return _BatchClosure((model,), str, ms.Fail(), ONE, warm_up=warm_up)


def of_a_state(model: NumpyModel, *, warm_up: bool) -> Any:
    from modelstream.recurrent.function import RecurrentFunction

    nothing: Any = None
    definition = ms.RecurrentModel(model, {"x": "y"}, warm_up=warm_up)
    return RecurrentFunction(definition, (), (), nothing)


EVERY = [of_infer, of_a_class, of_a_closure, of_a_coroutine, of_batches, of_a_state]


@pytest.mark.parametrize("made", EVERY)
@pytest.mark.parametrize("warm_up", [True, False])
def test_a_model_is_warm_before_the_first_record(made: Any, warm_up: bool, tmp_path: Path) -> None:
    import_noisy()
    model = NumpyModel(tmp_path / "calls")
    function = made(model, warm_up=warm_up)
    function.open(Context())
    function.close()
    assert (called(tmp_path / "calls") if (tmp_path / "calls").exists() else []) == [1] * warm_up


@pytest.mark.parametrize("made", EVERY)
def test_a_model_that_cannot_work_fails_before_the_first_record(made: Any) -> None:
    import_noisy()
    with pytest.raises(BrokenModelError):
        made(NumpyModel(cannot_work=True), warm_up=True).open(Context())


@pytest.mark.parametrize("made", EVERY)
def test_a_model_that_refuses_zeros_waits_for_records(made: Any) -> None:
    import_noisy()
    function = made(NumpyModel(broken=True), warm_up=True)
    function.open(Context())
    function.close()
