import numpy as np
import pytest

from modelstream.convert import example, parse_example
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
    "value",
    [
        pytest.param(["a", 1], id="mixed"),
        pytest.param([None], id="null-inside"),
        pytest.param(2**63, id="overflow"),
        pytest.param(object(), id="unknown"),
    ],
)
def test_what_no_feature_holds_is_refused(value):
    with pytest.raises(ConversionError, match="feature 'x'"):
        example(x=value)


def test_bytes_that_are_no_example_are_refused():
    with pytest.raises(ConversionError, match=r"not a tf\.train\.Example"):
        parse_example(b"\x0a\xff\xff")
