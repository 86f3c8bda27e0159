"""A plain Python function as a model."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import cloudpickle
import numpy as np
import pytest

from modelstream.convert import RaggedValue, TensorValue
from modelstream.errors import BrokenModelError, ConversionError, SignatureMismatchError
from modelstream.models import (
    CallableModel,
    Layout,
    Predict,
    Regress,
    Signature,
    TensorSpec,
    warm_up,
)
from modelstream.models.signature import PREDICT, REGRESS
from modelstream.recurrent.definition import RecurrentModel
from modelstream.recurrent.step import Step
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.rows import Given
from modelstream.scoring.scorer import Scorer
from modelstream.scoring.session import ModelHandle, Session

NUMBER = TensorSpec("float32", (None,))
X, Y = {"x": NUMBER}, {"y": NUMBER}


def test_a_function_is_called_with_arrays_by_name():
    model = CallableModel(lambda a, b: {"y": a + 2 * b}, {"a": NUMBER, "b": NUMBER}, Y)
    with model.open() as opened:
        assert opened.predict(a=[1.0, 2.0], b=[3.0, 4.0])["y"].tolist() == [7, 10]


def test_a_single_output_may_come_alone_and_takes_its_dtype():
    model = CallableModel(lambda x: [int(value) for value in x], X, Y)
    with model.open() as opened:
        given = opened.predict(x=[1.0])["y"]
    assert given.dtype == np.float32


def test_it_is_scored_like_any_model():
    model = CallableModel(lambda x: 0.5 * x + 2, X, {"outputs": NUMBER}, REGRESS, name="half")
    bound = Regress().bind(model)
    with model.open() as opened:
        warm_up(opened, "serving_default", (1, 4))
        rows = Given.of({"x": np.array([0, 1, 2], np.float32)}, 3)
        outcome = Scorer(bound, opened).score(rows)
    assert list(outcome.columns["value"]) == [2, 2.5, 3]
    assert bound.model == "half"


def test_strings_go_in_as_bytes_and_come_out():
    text = {"text": TensorSpec("string", (None,))}
    model = CallableModel(
        lambda text: [each.upper() for each in text], text, {"loud": text["text"]}
    )
    bound = Predict().bind(model)
    with model.open() as opened:
        tensors = bound.run(opened, bound.encode({"text": ["a", "b"]}))
    assert bound.read(tensors, 2)["loud"] == ["A", "B"]


def test_several_signatures_each_have_their_function():
    signatures = [Signature("double", PREDICT, X, Y), Signature("half", PREDICT, X, Y)]
    functions = {"double": lambda x: x * 2, "half": lambda x: x / 2}
    with CallableModel(functions, signatures=signatures).open() as opened:
        assert opened.predict("double", x=[2.0])["y"] == 4
        assert opened.predict("half", x=[2.0])["y"] == 1


def test_what_is_loaded_is_loaded_once_shared_and_closed_after_its_last_user():
    events, barrier = [], Barrier(4)

    def load():
        events.append("load")
        return 3

    model = CallableModel(lambda state, x: x * state, X, Y, load=load, close=events.append)
    copies = [cloudpickle.loads(cloudpickle.dumps(model)) for _ in range(2)]
    assert copies[0] == copies[1] == model

    def use(each):
        with each.open() as opened:
            barrier.wait(timeout=120)
            return opened.predict(x=[2.0])["y"].tolist()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, [model] * 4)) == [[6.0]] * 4
    assert events == ["load", 3]


def test_two_models_of_one_function_are_two():
    def same(x):
        return x

    assert CallableModel(same, X, Y) != CallableModel(same, X, Y)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        pytest.param(lambda x: {"z": x}, "returned 'z' .* gives 'y'; missing: 'y'", id="other"),
        pytest.param(lambda x: {}, "returned none", id="none"),
    ],
)
def test_an_output_that_does_not_come_is_named(function, words):
    refused = pytest.raises(BrokenModelError, match=words)
    with CallableModel(function, X, Y).open() as opened, refused:
        opened.predict(x=[1.0])


@pytest.mark.parametrize(
    ("value", "dtype", "given"),
    [
        pytest.param([3.0], "int32", [3], id="a whole float"),
        pytest.param(np.array([True]), "int8", [1], id="a boolean"),
        pytest.param([2**64 - 1, 1], "uint64", [2**64 - 1, 1], id="beyond int64"),
        pytest.param([], "int64", [], id="no record"),
    ],
)
def test_whole_numbers_are_integers(value, dtype, given):
    model = CallableModel(lambda x: value, X, {"y": TensorSpec(dtype, (None,))})
    with model.open() as opened:
        assert opened.predict(x=[1.0] * len(value))["y"].tolist() == given


@pytest.mark.parametrize(
    ("value", "dtype", "why"),
    [
        pytest.param([1.7], "int32", "1.7 is not a whole number", id="fraction"),
        pytest.param(np.array([np.nan]), "int64", "null or NaN", id="nan"),
        pytest.param([2**40], "int32", "overflows int32", id="too large"),
        pytest.param([1e300], "float32", "1e.300 overflows float32", id="too large a float"),
    ],
)
def test_what_the_dtype_of_the_output_does_not_hold_is_refused(value, dtype, why):
    model = CallableModel(lambda x: value, X, {"y": TensorSpec(dtype, (None,))})
    refused = pytest.raises(ConversionError, match=f"the model gave for 'y'.*{why}")
    with model.open() as opened, refused:
        opened.predict(x=[1.0])


@pytest.mark.parametrize(
    "given",
    [
        lambda rows: rows,
        lambda rows: [np.array(row) for row in rows],
        lambda rows: RaggedValue(TensorValue(np.concatenate(rows)), [0, 1, 3, 3]),
    ],
    ids=["lists", "arrays", "a RaggedValue"],
)
def test_a_ragged_output_is_one_call_of_lists(given):
    calls, rows = [], [[1.5], [2.5, 3.5], []]
    ragged = {"y": TensorSpec("float64", (None, None), layout=Layout.RAGGED)}
    model = CallableModel(lambda x: calls.append(len(x)) or given(rows), X, ragged)
    with model.open() as opened:
        scored = Scorer(Predict().bind(model), opened).score(Given.of({"x": [1.0, 2.0, 3.0]}, 3))
    assert (scored.columns["y"], scored.failures, calls) == (rows, {}, [3])


def test_a_function_that_lacks_a_name_or_a_module_is_no_fault_of_a_record():
    def forgotten(x):
        return nowhere(x)  # noqa: F821  # that is the point

    def uninstalled(x):
        import modelstream.nowhere  # type: ignore[import-not-found]

        return modelstream.nowhere.scored(x)

    for function, said in ((forgotten, "NameError: .*nowhere"), (uninstalled, "No module named")):
        refused = pytest.raises(BrokenModelError, match=f"cannot work, whatever .*{said}")
        with CallableModel(function, X, Y).open() as opened, refused:
            opened.predict(x=[1.0])


def test_several_outputs_need_names():
    refused = pytest.raises(BrokenModelError, match="return a dictionary with 'y', 'z'")
    with CallableModel(lambda x: x, X, {**Y, "z": NUMBER}).open() as opened, refused:
        opened.predict(x=[1.0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"inputs": X}, "give inputs and outputs", id="no-outputs"),
        pytest.param(
            {"signatures": [Signature("other", PREDICT, X, Y)]},
            "functions for 'one' and signatures 'other'",
            id="names",
        ),
    ],
)
def test_what_it_takes_and_gives_must_be_said(arguments, words):
    with pytest.raises(SignatureMismatchError, match=words):
        CallableModel({"one": abs}, **arguments)


def test_a_ragged_input_comes_as_flat_values_and_splits():
    def summed(x):
        return np.add.reduceat(np.append(x.values.numpy(), 0), x.splits[0][:-1])

    ragged = TensorSpec("float32", (None, None), layout=Layout.RAGGED)
    model = CallableModel(summed, {"x": ragged}, {"y": TensorSpec("float32", (None,))})
    assert model.signatures["serving_default"].inputs["x"] == replace(ragged, name="x")
    with model.open() as opened:
        warm_up(opened, "serving_default", [1, 4])
        assert opened.predict(x=[[1, 2], [3]])["y"].tolist() == [3, 3]
        found = opened.call("serving_default", {"x": RaggedValue.of([[1.0], [2.0, 3.0]])})
        assert found["y"].tolist() == [1, 5]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (TensorSpec("int64", (None, None), layout=Layout.RAGGED), [[0], [0]]),
        (TensorSpec("string", None, layout=Layout.RAGGED, ragged_rank=2), [[[b""]], [[b""]]]),
        (TensorSpec("int64", (None, None, 2), layout=Layout.RAGGED), [[[0, 0]], [[0, 0]]]),
        (
            TensorSpec("int64", (None, 2, None), layout=Layout.RAGGED, ragged_rank=2),
            [[[0], [0]], [[0], [0]]],
        ),
        (TensorSpec("int64", (3, None), layout=Layout.RAGGED), [[0], [0], [0]]),
    ],
    ids=str,
)
def test_the_warm_up_of_a_ragged_input_has_no_empty_rows(spec, expected):
    given = []

    def noted(x):
        given.append(x.tolist())
        return np.zeros(len(x), np.float32)

    with CallableModel(noted, {"x": spec}, {"y": TensorSpec("float32", (None,))}).open() as opened:
        warm_up(opened, "serving_default", [2])
    assert given == [expected]


@pytest.mark.parametrize("shape", [(), (2,), (1, 2), (2, 1, 2)])
def test_a_result_is_of_pythons_own_types_however_deep_it_nests(shape):
    values = np.full((2, *shape), np.nan, np.float32)
    model = CallableModel(
        lambda x: values[: len(x)], X, {"y": TensorSpec("float32", (None, *shape))}
    )
    recurrent = RecurrentModel(
        CallableModel(
            lambda x, h: {"n": h, "y": values[:1]},
            {**X, "h": NUMBER},
            {"n": NUMBER, **model.signatures["serving_default"].outputs},
        ),
        {"h": "n"},
    )
    session = Session(model, ModelMetrics(None, "m"))
    found = [each["y"] for each in ModelHandle(session).score_all([{"x": 1.0}, {"x": 2.0}])]
    session.close()
    with model.open() as opened, recurrent.model.open() as other:
        found.append(opened.score({"x": 1.0})["y"])
        outputs, _ = Step(recurrent, other)({"x": 1.0}, {"h": np.zeros(1, np.float32)})
    assert [repr(each) for each in [*found, *outputs]] == [repr(values[0].tolist())] * 4
