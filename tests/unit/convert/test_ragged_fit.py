"""Which columns feed a ragged tensor, and which column a ragged output becomes."""

import pytest
from tests.unit.convert.test_ragged import DEEP, POINTS, WORDS, X, ragged

from modelstream.convert import Layout, TensorSpec, fits, misfit, sql_type


@pytest.mark.parametrize(
    ("column_type", "spec"),
    [
        ("ARRAY<FLOAT>", X),
        ("ARRAY<BIGINT>", X),
        ("ARRAY<ARRAY<INT>>", DEEP),
        ("ARRAY<STRING>", WORDS),
        ("ARRAY<BYTES>", WORDS),
        ("ARRAY<ARRAY<DOUBLE>>", POINTS),
        ("ARRAY<FLOAT>", ragged("float32", None, 1)),
        ("ARRAY<INT>", TensorSpec("int32", None, "x", Layout.RAGGED)),
    ],
    ids=str,
)
def test_arrays_fit(column_type, spec):
    assert fits(column_type, spec), misfit(column_type, spec)


@pytest.mark.parametrize(
    ("column_type", "spec", "words"),
    [
        ("FLOAT", X, "it is a scalar per record, the tensor takes an array of rank 1"),
        ("ARRAY<ARRAY<FLOAT>>", X, "an array of rank 2 per record, the tensor takes an array of"),
        ("ARRAY<BIGINT>", DEEP, "rank 1 per record, the tensor takes an array of rank 2"),
        ("ARRAY<DOUBLE>", ragged("int64", None), "a fraction would be lost"),
        ("ARRAY<BIGINT>", WORDS, "BIGINT values do not fit string"),
        ("INT", TensorSpec("int32", None, "x", Layout.RAGGED), "takes an array of rank 1"),
        ("BYTES", WORDS, "it is a scalar per record"),
    ],
    ids=str,
)
def test_columns_of_another_rank_or_dtype_say_why(column_type, spec, words):
    assert words in (misfit(column_type, spec) or "it fits")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (X, "ARRAY<FLOAT>"),
        (DEEP, "ARRAY<ARRAY<BIGINT>>"),
        (TensorSpec("string", None, "x", Layout.RAGGED, 2), "ARRAY<ARRAY<STRING>>"),
    ],
    ids=str,
)
def test_the_column_type_of_a_ragged_tensor(spec, expected):
    assert sql_type(spec) == expected
