from typing import Any

import pytest

from modelstream.cli.guess import natural, natural_text, type_for, type_for_text
from modelstream.convert import Layout, TensorSpec

ONE = TensorSpec("float32", (None, 1))
MANY = TensorSpec("float32", (None, 4))
RAGGED = TensorSpec("int64", (None, None), layout=Layout.RAGGED, ragged_rank=1)


@pytest.mark.parametrize(
    ("spec", "values", "expected"),
    [
        pytest.param(ONE, [0.5], "FLOAT", id="a number for one"),
        pytest.param(ONE, [[0.5]], "ARRAY<FLOAT>", id="an array of one"),
        pytest.param(ONE, [], "ARRAY<FLOAT>", id="no value"),
        pytest.param(MANY, [[1, 2, 3, 4]], "ARRAY<FLOAT>", id="an array"),
        pytest.param(MANY, [7], "ARRAY<FLOAT>", id="a number where it takes an array"),
        pytest.param(RAGGED, [[1], []], "ARRAY<BIGINT>", id="ragged"),
        pytest.param(TensorSpec("float32", None), [[[1.0]]], "ARRAY<ARRAY<FLOAT>>", id="any rank"),
        pytest.param(TensorSpec("string", (None,)), ["a"], "STRING", id="text"),
        pytest.param(
            TensorSpec("string", (None,)),
            [{"age": 3, "names": ["a"]}],
            "ROW<`age` BIGINT, `names` ARRAY<STRING>>",
            id="an example",
        ),
    ],
)
def test_a_column_has_the_type_of_its_tensor_in_the_form_of_its_values(
    spec: TensorSpec, values: list[Any], expected: str
) -> None:
    assert type_for(spec, values) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (ONE, "FLOAT"),
        (MANY, "ARRAY<FLOAT>"),
        (TensorSpec("int64", (None,)), "BIGINT"),
        (TensorSpec("float32", None), "FLOAT"),
    ],
)
def test_a_field_of_csv_is_a_scalar_where_it_can(spec: TensorSpec, expected: str) -> None:
    assert type_for_text(spec) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], "BOOLEAN"),
        ([1, 2], "BIGINT"),
        ([1 << 63], "STRING"),
        ([1, 2.5], "DOUBLE"),
        ([True, 1], "STRING"),
        (["a", None], "STRING"),
        ([[1], [2.5]], "ARRAY<DOUBLE>"),
        ([], "STRING"),
        ([{}], "STRING"),
    ],
)
def test_json_values_have_a_type_of_their_own(values: list[Any], expected: str) -> None:
    assert natural(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", " 2", ""], "BIGINT"),
        (["1", "2.5e3"], "DOUBLE"),
        (["9" * 19], "DOUBLE"),
        (["true", "FALSE"], "BOOLEAN"),
        (["1", "a"], "STRING"),
        ([""], "STRING"),
    ],
)
def test_fields_of_csv_have_one_too(values: list[str], expected: str) -> None:
    assert natural_text(values) == expected
