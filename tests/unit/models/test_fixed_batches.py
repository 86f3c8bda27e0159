"""Signatures that were exported for one number of records, on every way to call them."""

from typing import Any

import numpy as np
import pytest

from modelstream import CallableModel, Constant, Predict, TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.failure import Failure
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import ModelHandle, Session

RECORDS = [[float(at), 1.0] for at in range(7)]


def model(size: int, calls: list[int] | None = None, **inputs: TensorSpec) -> CallableModel:
    """``x`` float32[size, 2] → ``y`` its sum; refuses another size, and negative numbers."""

    def summed(x: Any, **others: Any) -> Any:
        if calls is not None:
            calls.append(len(x))
        if len(x) != size or (x < 0).any():
            raise ValueError(f"{x}")
        return x.sum(axis=1)

    specs = {"x": TensorSpec("float32", (size, 2)), **inputs}
    return CallableModel(summed, specs, {"y": TensorSpec("float32", (size,))})


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_any_number_of_records_is_predicted(size: int, count: int) -> None:
    with model(size).open() as opened:
        found = opened.predict(x=RECORDS[:count])["y"]
        assert found.tolist() == [at + 1 for at in range(count)]
        assert opened.score({"x": RECORDS[2]}) == {"y": 3.0}


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("batch", [Batch(), Batch(3), Batch(8, allowed_sizes=(2, 8))], ids=str)
def test_a_bad_record_costs_only_itself(size: int, batch: Batch) -> None:
    calls: list[int] = []
    session = Session(model(size, calls), ModelMetrics(None, "m"), batch)
    handle = ModelHandle(session)
    handle.warm_up()
    session.warm_up_signature()
    records = [{"x": each} for each in RECORDS]
    records[2] = {"x": [-1.0, 0.0]}
    found = handle.score_all(records)
    session.close()
    assert [at for at, each in enumerate(found) if isinstance(each, Failure)] == [2]
    assert [each["y"] for each in found if not isinstance(each, Failure)] == [1, 2, 4, 5, 6, 7]
    assert set(calls) == {size}


def test_inputs_of_different_batches_are_refused_as_columns_and_one_may_be_a_constant() -> None:
    """Else one tensor would hold the values of some records for all of them."""
    for limits, message in (
        (TensorSpec("float32", (3,)), r"limits float32\[3\].*inputs={'limits': Constant"),
        (TensorSpec("float32", (2, 2)), r"limits float32\[2, 2\].*the first dimension counts"),
    ):
        x = TensorSpec("float32", (None, 2) if limits.rank == 1 else (4, 2))
        clip = CallableModel(lambda x, limits: x, {"limits": limits, "x": x}, {"y": x})
        with pytest.raises(SignatureMismatchError, match=message):
            Predict().bind(clip)
    clip = CallableModel(
        lambda x, limits: (x * limits[:2]).sum(axis=1),
        {"x": TensorSpec("float32", (None, 2)), "limits": TensorSpec("float32", (3,))},
        {"y": TensorSpec("float32", (None,))},
    )
    bound = Predict(inputs={"limits": Constant([1, 2, 3])}).bind(clip)
    with clip.open() as opened:
        for n in (1, 3, 5):
            found = bound.run(opened, bound.encode({"x": RECORDS[:n]}))
            assert found["y"].tolist() == [at + 2 for at in range(n)]
            called = opened.predict(x=RECORDS[:n], limits=[1, 2, 3])
            assert called["y"].tolist() == [at + 2 for at in range(n)]


def test_a_batch_of_one_goes_with_inputs_of_any_number() -> None:
    bound = Predict().bind(model(1, k=TensorSpec("float32", (None,))))
    with model(1, k=TensorSpec("float32", (None,))).open() as opened:
        found = bound.run(opened, bound.encode({"x": RECORDS[:3], "k": [1.0, 2.0, 3.0]}))
        assert found["y"].tolist() == [1, 2, 3]
        assert opened.predict(x=RECORDS[:3], k=[1, 2, 3])["y"].tolist() == [1, 2, 3]


def test_a_scalar_beside_a_fixed_batch_goes_into_each_call() -> None:
    given = model(4, s=TensorSpec("float32", ()))
    bound = Predict(inputs={"s": Constant(1.0)}).bind(given)
    with given.open() as opened:
        assert opened.predict(x=RECORDS, s=1.0)["y"].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert bound.run(opened, bound.encode({"x": RECORDS}))["y"].shape == (7,)
        with pytest.raises(SignatureMismatchError, match="exported for 4 records at a time"):
            opened.predict(x=np.zeros((0, 2)), s=1.0)


def test_lengths_that_differ_are_refused_in_words() -> None:
    given = model(4, k=TensorSpec("float32", (4,)))
    with (
        given.open() as opened,
        pytest.raises(SignatureMismatchError, match="exported for 4 records at a time"),
    ):
        opened.predict(x=RECORDS[:3], k=[1.0, 2.0])
    assert Predict().bind(given).inputs.keys() == {"x", "k"}


def test_what_has_no_row_a_record_is_not_put_together_of_several_calls() -> None:
    """The rows of a mask over the batch would stand beside other records than their own."""
    number = TensorSpec("float32", (4,))
    some = CallableModel(
        lambda x: x[x > 1], {"x": number}, {"positive": TensorSpec("float32", (None,))}
    )
    with some.open() as opened:
        assert opened.predict(x=[0, 1, 2, 3])["positive"].tolist() == [2, 3]
        with pytest.raises(SignatureMismatchError, match="'positive' has no row a record"):
            opened.predict(x=[0, 1, 2, 3, 4, 5])
