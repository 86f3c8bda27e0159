import numpy as np
import pytest

from modelstream.convert import TensorValue, example, parse_example
from modelstream.convert.protos import message
from modelstream.errors import ConversionError


def test_all_three_kinds_of_features():
    serialized = example(x=1.5, ids=[1, 2], ok=True, name="ä", raw=b"\xff", v=np.ones(2, "f4"))
    assert parse_example(serialized) == {
        "x": [1.5],
        "ids": [1, 2],
        "ok": [1],
        "name": ["ä".encode()],
        "raw": [b"\xff"],
        "v": [1.0, 1.0],
    }


def test_a_null_leaves_the_feature_out():
    assert parse_example(example(x=None, y=1)) == {"y": [1]}


def test_whole_numbers_among_floats_are_floats():
    assert parse_example(example(x=[1, 2.5])) == {"x": [1.0, 2.5]}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(np.empty(0, np.float32), "float_list", id="floats"),
        pytest.param(TensorValue([], "int32"), "int64_list", id="integers"),
        pytest.param([], "bytes_list", id="list"),
    ],
)
def test_an_empty_array_keeps_its_kind(value, kind):
    proto = message("Example").FromString(example(x=value))
    assert proto.features.feature["x"].WhichOneof("kind") == kind
    assert parse_example(example(x=value)) == {"x": []}


def test_numpy_scalars_and_tensor_values_are_features():
    given = example(x=[np.float32(1.5)], n=[np.int64(2)], t=TensorValue(["a"]), s=TensorValue(3))
    assert parse_example(given) == {"x": [1.5], "n": [2], "t": [b"a"], "s": [3]}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(["a", 1], id="mixed"),
        pytest.param([None], id="null-inside"),
        pytest.param(2**63, id="overflow"),
        pytest.param(1e300, id="overflow of a float"),
        pytest.param([1.0, -4e38], id="overflow among floats"),
        pytest.param(object(), id="unknown"),
        pytest.param({"y": 1}, id="dict"),
        pytest.param({1, 2}, id="set"),
    ],
)
def test_what_no_feature_holds_is_refused(value):
    with pytest.raises(ConversionError, match="feature 'x'"):
        example(x=value)


def test_floats_are_rounded_and_what_is_not_finite_stays():
    assert parse_example(example(x=[0.1, float("inf")])) == {"x": [float(np.float32(0.1)), np.inf]}


def test_bytes_that_are_no_example_are_refused():
    with pytest.raises(ConversionError, match=r"not a tf\.train\.Example"):
        parse_example(b"\x0a\xff\xff")
