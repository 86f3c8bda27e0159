from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from tests.support.jvm import import_noisy

import modelstream as ms
from modelstream import (
    CallableModel,
    HiddenState,
    RecurrentModel,
    Signature,
    TensorFlowOptions,
    TensorSpec,
)
from modelstream.convert import Layout
from modelstream.errors import (
    BrokenModelError,
    OptionError,
    SignatureMismatchError,
    StateError,
)
from modelstream.failure import Failure, Stage
from modelstream.models.signature import PREDICT
from modelstream.recurrent.step import Step
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import Session


class Leaky:
    """h / 2 + x; refuses x < 0, and is infinite from 100 on."""

    name = "leaky"
    key: Hashable = "leaky"
    signatures: Mapping[str, Signature] = {
        "serving_default": Signature(
            "serving_default",
            "tensorflow/serving/predict",
            {"x": TensorSpec("float32", (None,)), "h": TensorSpec("float32", (None, 1))},
            {"y": TensorSpec("float32", (None,)), "h_next": TensorSpec("float32", (None, 1))},
        )
    }

    @contextmanager
    def open(self, options: TensorFlowOptions = TensorFlowOptions()) -> Iterator["Leaky"]:  # noqa: B008  # frozen
        yield self

    def call(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if (inputs["x"] < 0).any():
            raise ValueError("x is negative")
        after = inputs["h"] / 2 + inputs["x"][:, None]
        after[after >= 100] = np.inf
        return {"y": after[:, 0], "h_next": after}

    def predict(self, signature: str = "serving_default", /, **tensors: object) -> dict[str, Any]:
        return self.call(signature, {name: np.asarray(each) for name, each in tensors.items()})


def step(x: Any, h: float) -> Any:
    definition = RecurrentModel(Leaky(), {"h": "h_next"}, inputs={"x": "amount"})
    return Step(definition, Leaky())({"amount": x}, {"h": np.full((1, 1), h, np.float32)})


def test_one_record_gives_its_outputs_and_the_state_for_the_next() -> None:
    outputs, after = step(3.0, 4.0)
    assert outputs == [5.0]
    assert after == {"h": np.float32([[5]])}


@pytest.mark.parametrize(
    ("x", "stage"),
    [
        pytest.param(None, Stage.ENCODE, id="null"),
        pytest.param(-1.0, Stage.INFERENCE, id="the model refuses it"),
        pytest.param(500.0, Stage.INFERENCE, id="the state would be infinite"),
    ],
)
def test_a_record_that_cannot_be_scored_is_a_failure(x: Any, stage: Stage) -> None:
    failure = step(x, 0.0)
    assert isinstance(failure, Failure)
    assert failure.stage is stage


def test_a_failure_is_about_the_record_of_a_stream_that_has_no_places() -> None:
    failure = step("text", 0.0)
    assert isinstance(failure, Failure)
    assert failure.message.startswith("column 'amount': the record does not fit ")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        pytest.param({"hidden": "h_next"}, "'hidden'", id="no such input"),
        pytest.param({"h": "next"}, "'next'", id="no such output"),
        pytest.param({"h": "y"}, "cannot be what 'y'", id="another shape"),
    ],
)
def test_a_state_that_the_signature_does_not_have_is_refused(state: Any, message: str) -> None:
    with pytest.raises(SignatureMismatchError, match=message):
        RecurrentModel(Leaky(), state)


def test_a_record_may_be_a_row_of_any_length_but_a_state_may_not() -> None:
    ragged = TensorSpec("float32", (None, None), layout=Layout.RAGGED)
    number = TensorSpec("float32", (None,))
    model = CallableModel(
        lambda x, h: {"y": h + x.values.numpy().sum(), "h_next": h + len(x.values.numpy())},
        {"x": ragged, "h": number},
        {"y": number, "h_next": number},
    )
    definition = RecurrentModel(model, {"h": "h_next"})
    with model.open() as opened:
        step = Step(definition, opened)
        outputs, after = step({"x": [1.0, 2.0]}, {"h": np.zeros(1, np.float32)})
        assert outputs == [3.0]
        assert step({"x": []}, after)[0] == [2.0]
    model = CallableModel(lambda h: h, {"h": ragged}, {"h_next": ragged})
    with pytest.raises(SignatureMismatchError, match="is ragged: a state is a dense tensor"):
        RecurrentModel(model, {"h": "h_next"})


NUMBER, VECTOR = TensorSpec("float32", (None,)), TensorSpec("float32", (None, 3))


def cell(
    inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec], y: Any = None
) -> CallableModel:
    """h + x · keep, and outputs of any value."""

    def called(x: Any, h: Any, **others: Any) -> dict[str, Any]:
        after = h + x * others.get("keep", 1)
        return {"h_next": after, **dict.fromkeys(outputs, after if y is None else y)}

    specs = {"x": NUMBER, "h": NUMBER, **inputs}
    return CallableModel(called, specs, {"h_next": NUMBER, **outputs})


@pytest.mark.parametrize("spec", [TensorSpec("float32", ()), NUMBER, TensorSpec("float32", None)])
def test_an_input_may_be_a_constant(spec: TensorSpec) -> None:
    model = cell({"keep": spec}, {"y": NUMBER})
    definition = RecurrentModel(model, {"h": "h_next"}, inputs={"keep": ms.Constant(0.5)})
    assert definition.feeds == {"x": "x"}
    with model.open() as opened:
        step = Step(definition, opened)
        outputs, after = step({"x": 4.0}, {"h": np.zeros(1, np.float32)})
        assert outputs == [2.0]
        assert step({"x": 4.0}, after)[0] == [4.0]


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ({"x": TensorSpec("float32", (4,))}, {}, r"input 'x' \(float32\[4\]\) does not take one"),
        ({"h": TensorSpec("float32", (4,))}, {}, "input 'h' .* does not take one record"),
        ({"keep": TensorSpec("float32", ())}, {}, r"'keep' .*inputs={'keep': Constant\(…\)}"),
        ({"keep": TensorSpec("float32", None)}, {}, "does not state the rank of input 'keep'"),
        ({}, {"y": TensorSpec("string", (3,))}, "'y' .*its first dimension is 3 for any number"),
        ({}, {"y": TensorSpec("float32", ())}, "'y' .*has no dense row for each record"),
    ],
)
def test_what_does_not_go_record_by_record_is_refused(
    inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec], message: str
) -> None:
    chosen = dict.fromkeys(outputs, "y") or None
    with pytest.raises(SignatureMismatchError, match=message):
        RecurrentModel(cell(inputs, outputs), {"h": "h_next"}, outputs=chosen)


def test_outputs_without_a_row_a_record_are_left_out() -> None:
    model = cell({}, {"names": TensorSpec("string", (3,)), "y": NUMBER})
    assert RecurrentModel(model, {"h": "h_next"}).columns == {"y": "y"}


def test_a_row_that_is_not_the_record_s_is_the_model_s_fault() -> None:
    model = cell({}, {"y": VECTOR}, np.zeros((2, 3), np.float32))
    with model.open() as opened:
        step = Step(RecurrentModel(model, {"h": "h_next"}), opened)
        with pytest.raises(BrokenModelError, match=r"shape \[2, 3\] for one record"):
            step({"x": 1.0}, {"h": np.zeros(1, np.float32)})


def test_variables_beside_the_state_of_the_key_are_told(caplog: pytest.LogCaptureFixture) -> None:
    number = {"x": NUMBER, "h": NUMBER}
    counts = Signature("counts", PREDICT, number, {"h_next": NUMBER}, stateful=True)
    model = CallableModel(lambda x, h: h + x, signatures=[counts])
    RecurrentModel(model, {"h": "h_next"}, signature="counts")
    assert "'counts' changes variables of the model: each worker has its own" in caplog.text


def test_a_model_that_cannot_work_is_no_fault_of_its_first_record() -> None:
    number = {"x": NUMBER, "h": NUMBER}
    empty = CallableModel(lambda **inputs: {}, number, {"h_next": NUMBER})
    with empty.open() as opened:
        step = Step(RecurrentModel(empty, {"h": "h_next"}), opened)
        with pytest.raises(BrokenModelError, match="returned none for signature"):
            step({"x": 1.0}, {"h": np.zeros(1, np.float32)})


def test_a_model_is_tried_with_its_constants_before_it_is_called_broken() -> None:
    def called(x: Any, h: Any, k: Any) -> dict[str, Any]:
        if k < 1 or (x < 0).any():
            raise ValueError("k must be 1 or more, and x too")
        return {"h_next": h + x}

    specs = {"x": NUMBER, "h": NUMBER, "k": TensorSpec("int32", ())}
    model = CallableModel(called, specs, {"h_next": NUMBER})
    definition = RecurrentModel(model, {"h": "h_next"}, inputs={"k": ms.Constant(3)})
    with model.open() as opened:
        step = Step(definition, opened)
        for _ in range(40):
            failure = step({"x": -1.0}, {"h": np.zeros(1, np.float32)})
            assert isinstance(failure, Failure)


def test_it_is_warmed_with_its_constants() -> None:
    seen: list[int] = []

    def called(x: Any, h: Any, k: Any) -> dict[str, Any]:
        seen.append(int(k))
        return {"h_next": h + x}

    specs = {"x": NUMBER, "h": NUMBER, "k": TensorSpec("int32", ())}
    model = CallableModel(called, specs, {"h_next": NUMBER})
    definition = RecurrentModel(model, {"h": "h_next"}, inputs={"k": ms.Constant(3)})
    session = Session(model, ModelMetrics(None, "m"))
    session.warm_up_signature(definition.signature, definition.fixed)
    session.close()
    assert seen == [3]


def test_a_stream_without_keys_has_nothing_to_remember_by() -> None:
    import_noisy()
    from pyflink.datastream import DataStream

    unkeyed: Any = DataStream(None)
    with pytest.raises(OptionError, match=r"'recurrent' takes a keyed stream, .*\.key_by\("):
        ms.infer_with_state(unkeyed, RecurrentModel(Leaky(), {"h": "h_next"}))


class Cell:
    """A ValueState of one key."""

    held: Any = None

    def value(self) -> Any:
        return self.held

    def update(self, value: Any) -> None:
        self.held = value

    def clear(self) -> None:
        self.held = None


SPECS = {"h": TensorSpec("float32", (None, 2)), "n": TensorSpec("int64", (None,))}


def hidden(cell: Cell, specs: Mapping[str, TensorSpec] = SPECS) -> HiddenState:
    state = HiddenState(specs)
    state._state = cell
    return state


def test_a_hidden_state_begins_with_zeros_and_can_be_forgotten() -> None:
    state = hidden(Cell())
    assert {name: array.tolist() for name, array in state.get().items()} == {
        "h": [[0, 0]],
        "n": [0],
    }
    state.set({"n": np.array([3]), "h": np.ones((1, 2), np.float32)})
    assert state.get()["n"] == [3]
    state.clear()
    assert state.get()["n"] == [0]


def restored(cell: Cell) -> Cell:
    """What another process finds: bytes."""
    kind, (data,) = cell.held.__reduce__()
    assert kind is bytes
    other = Cell()
    other.held = data
    return other


def test_a_hidden_state_is_restored_from_bytes() -> None:
    cell = Cell()
    hidden(cell).set({"n": np.array([3]), "h": np.ones((1, 2), np.float32)})
    assert hidden(restored(cell)).get()["h"].tolist() == [[1, 1]]


def test_what_get_gives_cannot_change_the_state() -> None:
    empty, held = Cell(), Cell()
    hidden(held).set({"n": np.array([3]), "h": np.ones((1, 2), np.float32)})
    for cell in (empty, held, restored(held)):
        with pytest.raises(ValueError, match="read-only"):
            hidden(cell).get()["h"] += 1


def test_what_set_was_given_can_change_without_the_state() -> None:
    cell, given = Cell(), np.ones((1, 2), np.float32)
    hidden(cell).set({"n": np.array([3]), "h": given})
    given += 1
    assert hidden(cell).get()["h"].tolist() == [[1, 1]]


LSTM = {name: TensorSpec("float32", (None, 1)) for name in ("h", "c")}


def test_restored_tensors_are_found_by_name() -> None:
    cell = Cell()
    hidden(cell, LSTM).set({"h": np.float32([[1]]), "c": np.float32([[2]])})
    turned = {name: LSTM[name] for name in ("c", "h")}
    assert hidden(restored(cell), turned).get() == {"h": 1, "c": 2}
    others = {"h": LSTM["h"], "cell": LSTM["c"]}
    with pytest.raises(StateError, match=r"other names than cell, h\. .*another name.*unclaimed"):
        hidden(restored(cell), others).get()


def test_strings_of_a_hidden_state_are_bytes() -> None:
    state = hidden(Cell(), {"word": TensorSpec("string", (None,))})
    state.set({"word": np.array([b"ab"], object)})
    assert state.get()["word"].tolist() == [b"ab"]
    with pytest.raises(StateError, match="'word' holds strings, as bytes"):
        state.set({"word": np.array(["ab"], object)})


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        pytest.param({"n": np.array([3])}, "lacks h", id="missing"),
        pytest.param({"n": np.array([3]), "h": np.ones((1, 3), np.float32)}, "'h' is", id="shape"),
        pytest.param(
            {"n": np.array([3.0]), "h": np.ones((1, 2), np.float32)}, "'n' is", id="dtype"
        ),
    ],
)
def test_a_hidden_state_of_another_kind_is_refused(tensors: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        hidden(Cell()).set(tensors)


def test_an_on_error_that_is_none_of_the_three_is_refused() -> None:
    with pytest.raises(OptionError, match="on_error is 'Drop'"):
        RecurrentModel(Leaky(), {"h": "h_next"}, on_error="Drop")
