"""Lists of floats as one array, and everything that is none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelstream.job.decode.jsoncolumns import float_block


class Spelled(float):
    pass


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.floats(), min_size=n, max_size=n))))
def test_lists_of_one_length_are_the_array_that_numpy_makes(values: list[list[float]]) -> None:
    block = float_block(values)
    if not values:
        assert block is None
        return
    assert block is not None
    assert block.dtype == np.float64
    assert block.tobytes() == np.array(values).tobytes()


def test_the_same_list_may_come_twice() -> None:
    shared = [0.1, 0.2]
    block = float_block([shared, shared])
    assert block is not None
    assert block.tolist() == [shared, shared]


@pytest.mark.parametrize(
    "other", [1, True, None, "1.5", [1.5], Spelled(1.5), np.float64(1.5), 2**70, object(), b"123"]
)
def test_what_is_no_float_is_not_taken_for_one(other: Any) -> None:
    assert float_block([[0.5, 1.5], [2.5, other]]) is None
    assert float_block([[0.5, other], [2.5, 3.5]]) is None
    assert float_block([[other, 1.5], [2.5, 3.5]]) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([[0.5, 1.5], [2.5]], id="too short"),
        pytest.param([[0.5], [1.5, 2.5]], id="too long"),
        pytest.param([[0.5], [1.5, 2.5], []], id="as many in all"),
        pytest.param([[0.5], None], id="a null"),
        pytest.param([[0.5], (1.5,)], id="a tuple"),
        pytest.param([[], []], id="empty"),
        pytest.param([0.5, 1.5], id="scalars"),
    ],
)
def test_other_lists_are_left_alone(values: list[Any]) -> None:
    assert float_block(values) is None
