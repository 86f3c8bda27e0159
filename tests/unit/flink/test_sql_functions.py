"""What the functions of models in SQL are called with, and what their results are called."""

import pytest

from modelstream import CallableModel, Predict
from modelstream.convert import TensorSpec
from modelstream.flink.sql import error_field


@pytest.mark.parametrize(
    ("outputs", "field"),
    [
        pytest.param(["y"], "error", id="free"),
        pytest.param(["error"], "modelstream_error", id="an output has it"),
        pytest.param(["error", "modelstream_error"], "modelstream_error_", id="both"),
    ],
)
def test_the_field_that_says_why_a_row_was_not_scored_has_a_name_of_its_own(
    outputs: list[str], field: str
) -> None:
    given = {name: TensorSpec("float32", (None,), name) for name in outputs}
    model = CallableModel(lambda x: x, {"x": TensorSpec("float32", (None,), "x")}, given)
    assert error_field(Predict().bind(model)) == field
