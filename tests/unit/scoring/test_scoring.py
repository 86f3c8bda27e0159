"""One batch through a model: each record is scored, or fails by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import BrokenModelError, ConversionError
from modelstream.failure import Stage
from modelstream.models import Predict, Signature, TensorSpec
from modelstream.models.warmup import try_to_warm_up
from modelstream.scoring import doubt
from modelstream.scoring.batch import Batch
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Outcome, Scorer

GOOD, BAD_VALUE, BAD_INPUT, NULL = "good", "bad value", "bad input", "null"
DEFAULT = Batch()
KINDS = st.lists(st.sampled_from([GOOD, GOOD, GOOD, BAD_VALUE, BAD_INPUT, NULL]), max_size=40)
BATCHES = st.sampled_from([Batch(256), Batch(7), Batch(1), Batch(16, allowed_sizes=(1, 4, 16))])


def scorer(model: NumpyModel, batch: Batch) -> Scorer:
    return Scorer(Predict().bind(model), model, batch)


def score(values: list[object], batch: Batch = DEFAULT, model: NumpyModel | None = None) -> Outcome:
    series = pd.Series(values, dtype=object)
    return scorer(model or NumpyModel(), batch).score(Given.of({"x": series}, len(values)))


def value(kind: str, index: int) -> object:
    return {GOOD: float(index), BAD_VALUE: -1.0 - index, BAD_INPUT: "text", NULL: None}[kind]


@settings(max_examples=200)
@given(kinds=KINDS, batch=BATCHES)
def test_every_record_is_scored_or_fails_and_none_is_both(kinds: list[str], batch: Batch) -> None:
    outcome = score([value(kind, index) for index, kind in enumerate(kinds)], batch)
    scored = outcome.columns["y"]
    assert len(scored) == len(kinds)
    for index, kind in enumerate(kinds):
        failure = outcome.failures.get(index)
        if kind == GOOD:
            assert failure is None
            assert scored[index] == 2 * index
        else:
            assert failure is not None
            assert scored[index] is None or scored[index] is np.ma.masked
            assert failure.stage is (Stage.INFERENCE if kind == BAD_VALUE else Stage.ENCODE)


def test_a_batch_without_failures_is_one_call(tmp_path: Path) -> None:
    score([1.0] * 100, model=NumpyModel(tmp_path / "calls"))
    assert called(tmp_path / "calls") == [100]


def test_records_that_do_not_fit_the_tensor_leave_one_call_for_the_others(tmp_path: Path) -> None:
    values = ["text" if index % 3 else float(index) for index in range(60)]
    outcome = score(values, model=NumpyModel(tmp_path / "calls"))
    assert len(outcome.failures) == 40
    assert called(tmp_path / "calls") == [20]


def test_one_bad_record_in_1024_costs_itself_and_few_calls(tmp_path: Path) -> None:
    values: list[object] = [1.0] * 1024
    values[700] = -1.0
    outcome = score(values, Batch(1024), NumpyModel(tmp_path / "calls"))
    assert list(outcome.failures) == [700]
    assert len(called(tmp_path / "calls")) <= 21


def test_a_batch_is_padded_to_the_next_allowed_size(tmp_path: Path) -> None:
    batch = Batch(16, allowed_sizes=(1, 4, 16))
    outcome = score([1.0, 2.0, 3.0], batch, NumpyModel(tmp_path / "calls"))
    assert called(tmp_path / "calls") == [4]
    assert list(outcome.columns["y"]) == [2.0, 4.0, 6.0]


def test_more_records_than_one_call_takes_are_split(tmp_path: Path) -> None:
    batch = Batch(8, allowed_sizes=(4, 8))
    outcome = score([float(i) for i in range(19)], batch, NumpyModel(tmp_path / "calls"))
    assert called(tmp_path / "calls") == [8, 8, 4]
    assert list(outcome.columns["y"]) == [2.0 * i for i in range(19)]


def test_an_empty_batch_is_no_call(tmp_path: Path) -> None:
    outcome = score([], model=NumpyModel(tmp_path / "calls"))
    assert outcome == Outcome({"y": []}, {})
    assert called(tmp_path / "calls") == []


def test_a_model_that_refuses_its_warm_up_batch_too_is_broken() -> None:
    with pytest.raises(BrokenModelError, match=r"'double' refuses 32 records in a row.*no such"):
        score([1.0] * 32, model=NumpyModel(broken=True))


@pytest.mark.parametrize("size", [2, 31, 32, 100])
def test_bad_records_that_meet_alone_are_never_the_model_s_fault(size: int) -> None:
    assert len(score([-1.0] * size).failures) == size


@pytest.mark.parametrize("records", [1, 8])
def test_a_model_that_cannot_work_is_asked_once(tmp_path: Path, records: int) -> None:
    model = NumpyModel(tmp_path / "calls", cannot_work=True)
    with pytest.raises(BrokenModelError, match="w has no value"):
        score([1.0] * records, model=model)
    assert called(tmp_path / "calls") == [records]


def test_a_model_that_cannot_work_fails_before_the_first_record() -> None:
    with pytest.raises(BrokenModelError, match="w has no value"):
        try_to_warm_up(NumpyModel(cannot_work=True), Predict().bind(NumpyModel()), [1])
    try_to_warm_up(NumpyModel(broken=True), Predict().bind(NumpyModel()), [1])


def test_a_single_record_that_fails_tells_nothing_about_the_model() -> None:
    outcome = score([-1.0])
    assert outcome.failures[0].error_type == "ValueError"


def test_a_failure_is_about_its_record_not_about_a_place_in_a_batch() -> None:
    failures = score([1.0, None, 2.0, "text"]).failures
    assert sorted(failures) == [1, 3]
    for failure in failures.values():
        assert failure.message.startswith("column 'x': the record does not fit x (float32")


class Worn(NumpyModel):
    """Refuses zeros, and everything once it is worn out."""

    worn: ClassVar[bool] = False

    def call(self, signature, inputs):
        if self.worn or (inputs["x"] <= 0).any():
            raise ValueError("x is not positive")
        return super().call(signature, inputs)


def one_by_one(model: NumpyModel) -> Callable[[object], Outcome]:
    each = scorer(model, Batch())
    return lambda x: each.score(Given.of({"x": [x]}, 1))


def test_what_was_scored_last_speaks_for_a_model_that_refuses_zeros() -> None:
    one = one_by_one(Worn())
    assert not one(1.0).failures
    for _ in range(100):
        assert one(-1.0).failures


def test_a_model_that_has_scored_nothing_and_refuses_zeros_is_broken_after_32_records() -> None:
    one = one_by_one(Worn())
    for _ in range(31):
        assert one(-1.0).failures
        assert one("text").failures, "what never came to the model tells nothing"
    with pytest.raises(BrokenModelError, match=r"refuses 32 records in a row.*x is not positive"):
        one(-1.0)


def test_a_model_that_stops_working_is_broken_whatever_it_scored_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = one_by_one(Worn())
    one(1.0)
    monkeypatch.setattr(Worn, "worn", True)
    for _ in range(31):
        one(1.0)
    with pytest.raises(BrokenModelError):
        one(1.0)


def test_each_record_that_is_scored_gives_the_model_32_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doubt, "_passes", lambda trial: False)
    one = one_by_one(NumpyModel())
    for _ in range(3):
        for _ in range(31):
            one(-1.0)
        one(1.0)
    each = scorer(NumpyModel(), Batch())
    for values in ([-1.0] * 40 + [1.0], [1.0] + [-1.0] * 31):
        each.score(Given.of({"x": values}, len(values)))
    with pytest.raises(BrokenModelError):
        each.score(Given.of({"x": [-1.0]}, 1))


def test_results_that_no_column_takes_are_not_the_model_s_fault() -> None:
    bound = Predict().bind(NumpyModel())
    each = Scorer(replace(bound, reader=Unreadable()), NumpyModel())
    outcome = each.score(Given.of({"x": [1.0] * 64}, 64))
    assert {failure.stage for failure in outcome.failures.values()} == {Stage.OUTPUT}


class Unreadable:
    tensors = ("y",)

    def read(self, tensors):
        raise ConversionError("no column takes it", 0)


def test_records_that_do_not_fit_are_never_the_model_s_fault() -> None:
    assert len(score(["a", "b", None]).failures) == 3


class Summing(NumpyModel):
    """Takes any number of values a record, the same for all records of a call."""

    @property
    def signatures(self):
        specs = {"x": TensorSpec("float32", (None, None), "x")}
        return {"serving_default": Signature("serving_default", "", specs, {"y": Y})}

    def call(self, signature, inputs):
        return {"y": inputs["x"].sum(axis=1)}


Y = TensorSpec("float32", (None,), "y")


def test_records_of_different_shapes_are_grouped_and_keep_their_order() -> None:
    arrays = [np.ones(length, np.float32) for length in (2, 3, 2, 1, 3)]
    outcome = score(list(arrays), model=Summing())
    assert list(outcome.columns["y"]) == [2, 3, 2, 1, 3]
    assert not outcome.failures


def test_more_records_than_a_batch_takes_are_one_column_of_numbers(tmp_path: Path) -> None:
    model = NumpyModel(tmp_path / "calls")
    outcome = score([float(at) for at in range(10)], Batch(4), model)
    assert called(tmp_path / "calls") == [4, 4, 2]
    assert outcome.columns["y"].dtype == np.float32
    assert outcome.columns["y"].tolist() == [2.0 * at for at in range(10)]
