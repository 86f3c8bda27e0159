from datetime import timedelta
from typing import Any

import pytest
from tests.support.jvm import import_noisy

import modelstream as ms
from modelstream import HiddenState, OnlineModel, TensorSpec
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.online import definition

SCALAR = TensorSpec("float32", (None,))


def model(**changed: Any) -> OnlineModel:
    given = {"loss": "mse", "inputs": {"x": SCALAR}, "labels": {"y": SCALAR}, **changed}
    return OnlineModel(build=lambda: None, **given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"update_every": 0}, "update_every is 0", id="update_every"),
        pytest.param({"publish_every": -1}, "publish_every is -1", id="publish_every"),
        pytest.param({"max_latency": timedelta(0)}, "max_latency is 0:00:00", id="max_latency"),
        pytest.param({"max_latency": 0.5}, r"write timedelta\(seconds=0.5\)", id="a number"),
        pytest.param({"ttl": timedelta(0)}, "ttl is 0:00:00", id="ttl"),
        pytest.param(
            {"ttl": 60},
            r"ttl must be a timedelta, got 60: write timedelta\(seconds=60\)",
            id="seconds",
        ),
        pytest.param(
            {"ttl": timedelta(seconds=1), "max_latency": timedelta(seconds=1)},
            "ttl must be longer",
            id="no longer than max_latency",
        ),
        pytest.param(
            {"labels": {"y": SCALAR, "z": SCALAR}}, "one label and one output", id="two labels"
        ),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(changed: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        model(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"inputs": {}}, "inputs is empty", id="no input"),
        pytest.param({"inputs": {"x": TensorSpec("float32", None)}}, "'x' is", id="no shape"),
        pytest.param({"inputs": {"x": TensorSpec("float32", (8,))}}, "'x' is", id="fixed batch"),
        pytest.param({"labels": {"y": TensorSpec("float32", (None, None))}}, "'y' is", id="ragged"),
        pytest.param({"outputs": {"s": TensorSpec("complex64", (None,))}}, "complex64", id="dtype"),
        pytest.param({"outputs": {"loss": SCALAR}}, "'loss' is a column that", id="loss"),
        pytest.param({"outputs": {"updates": SCALAR}}, "'updates' is a column", id="updates"),
    ],
)
def test_tensors_that_records_cannot_become_are_refused(changed: Any, message: str) -> None:
    with pytest.raises(SignatureMismatchError, match=message):
        model(**changed)


@pytest.mark.parametrize(
    ("made", "names", "given"),
    [
        (1, "s", [1]),
        ([1], "s", [1]),
        ({"s": 1}, "s", [1]),
        ({"a": 1, "b": 2, "c": 3}, "ba", [2, 1]),
    ],
)
def test_what_a_model_makes_goes_by_name(made: Any, names: str, given: list[int]) -> None:
    assert definition.ordered(made, dict.fromkeys(names, SCALAR), "m") == given


@pytest.mark.parametrize(
    ("made", "names", "message"),
    [
        pytest.param([1, 2], "ab", "gives 2 tensors without names, .*'a', 'b'.* dict", id="list"),
        pytest.param((1, 2), "a", "gives 2 tensors without names, and outputs names 'a'", id="few"),
        pytest.param(1, "ab", "gives 1 tensor without names", id="one"),
        pytest.param({"y": 1}, "s", "gives 'y', and outputs names 's'", id="other names"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(made: Any, names: str, message: str) -> None:
    with pytest.raises(SignatureMismatchError, match=message):
        definition.ordered(made, dict.fromkeys(names, SCALAR), "m")


def test_a_hidden_state_ends_after_a_millisecond_at_least() -> None:
    with pytest.raises(OptionError, match="ttl is 0:00:00"):
        HiddenState({"h": SCALAR}, ttl=timedelta(0))


def test_a_hidden_state_has_known_dimensions() -> None:
    with pytest.raises(OptionError, match="must be known"):
        HiddenState({"h": TensorSpec("float32", (None, None))})


@pytest.mark.parametrize("kind", ["DataStream", "Table"])
def test_a_stream_without_keys_teaches_nothing(kind: str) -> None:
    with pytest.raises(OptionError, match=rf"'online' takes a keyed .* a {kind}: .*\.key_by\("):
        ms.learn(unkeyed(kind), model())


def test_what_learns_and_what_does_not_have_one_shape_of_result() -> None:
    import_noisy()
    scored, dead, choice, weights = object(), object(), object(), object()
    learned = ms.Learned(scored, dead, choice, weights)  # type: ignore[arg-type]  # only carried
    assert isinstance(learned, ms.Inferred)
    assert (learned.scored, learned.dead_letters, learned.choice) == (scored, dead, choice)


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        pytest.param(lambda it: ms.learn(it, it), "learn takes an OnlineModel, got", id="learn"),
        pytest.param(
            lambda it: ms.infer_with_weights(it, it, it, key=str),
            "infer_with_weights takes an OnlineModel, got",
            id="infer_with_weights",
        ),
        pytest.param(
            lambda it: ms.infer_with_state(it, it),
            "infer_with_state takes a RecurrentModel, got",
            id="infer_with_state",
        ),
        pytest.param(lambda it: ms.detect(it, it), "detect takes a Pattern, got", id="detect"),
    ],
)
def test_a_verb_says_what_it_takes(verb: Any, message: str) -> None:
    import_noisy()
    with pytest.raises(OptionError, match=message):
        verb(ms.CallableModel(lambda x: x, {"x": SCALAR}, {"y": SCALAR}))


def unkeyed(kind: str) -> Any:
    import_noisy()
    from pyflink.datastream import DataStream
    from pyflink.table import Table

    return DataStream(None) if kind == "DataStream" else Table(None, None)


def test_weights_that_nobody_publishes_are_refused() -> None:
    import_noisy()
    nothing: Any = None
    with pytest.raises(OptionError, match=r"'online' .* weights that are None: set publish_every"):
        ms.infer_with_weights(unkeyed("DataStream"), model(), nothing, key=str)
