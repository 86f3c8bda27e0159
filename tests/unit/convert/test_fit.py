import pytest

from modelstream.convert import Layout, TensorSpec, fits, misfit, parse_type, sql_type
from modelstream.errors import OptionError, SignatureMismatchError


def spec(dtype, *record, layout=Layout.DENSE):
    return TensorSpec(dtype, (None, *record), "x", layout)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (spec("float32"), "FLOAT"),
        (spec("float64"), "DOUBLE"),
        (spec("bfloat16"), "FLOAT"),
        (spec("uint8"), "SMALLINT"),
        (spec("int64", 3), "ARRAY<BIGINT>"),
        (spec("string", None, 2), "ARRAY<ARRAY<STRING>>"),
        (spec("bool"), "BOOLEAN"),
        (spec("uint64"), "DECIMAL(20, 0)"),
    ],
    ids=str,
)
def test_the_column_type_of_an_output(tensor, expected):
    assert sql_type(tensor) == expected


def test_strings_may_be_bytes():
    assert sql_type(spec("string", 3), binary=True) == "ARRAY<BYTES>"


def test_a_dtype_that_no_column_carries_is_refused():
    with pytest.raises(SignatureMismatchError, match="complex64 cannot come from or go to"):
        sql_type(spec("complex64"))


@pytest.mark.parametrize(
    ("column", "tensor"),
    [
        ("FLOAT", spec("float32")),
        ("DOUBLE NOT NULL", spec("float32")),
        ("BIGINT", spec("float32")),
        ("INT", spec("int64")),
        ("BIGINT", spec("int32")),
        ("STRING", spec("string")),
        ("VARCHAR(20)", spec("string")),
        ("VARBINARY(9)", spec("string")),
        ("ARRAY<FLOAT>", spec("float32", 16)),
        ("ARRAY<FLOAT NOT NULL> NOT NULL", spec("float32", None)),
        ("FLOAT ARRAY", spec("float32", None)),
        ("FLOAT", spec("float32", 1)),
        ("ARRAY<FLOAT>", spec("float32", 7, 1)),
        ("ARRAY<ARRAY<DOUBLE>>", spec("float32", 7, 1)),
        ("ARRAY<FLOAT>", TensorSpec("float32", None)),
        ("ROW<x FLOAT, `a b` ARRAY<INT>>", spec("string")),
        ("BOOLEAN", spec("bool")),
        ("DECIMAL(20, 0)", spec("uint64")),
    ],
    ids=str,
)
def test_columns_that_fit(column, tensor):
    assert fits(column, tensor), misfit(column, tensor)


@pytest.mark.parametrize(
    ("column", "tensor", "words"),
    [
        ("STRING", spec("float32"), "STRING values do not fit float32"),
        ("DOUBLE", spec("int32"), "a fraction would be lost"),
        ("DECIMAL(10, 2)", spec("float32"), "CAST it AS DOUBLE"),
        ("TIMESTAMP_LTZ(3) *ROWTIME*", spec("int64"), "a point in time is not a number"),
        ("BOOLEAN", spec("int32"), "CAST it AS INT"),
        ("MAP<STRING, FLOAT>", spec("float32", 3), "a map has no order"),
        ("BIGINT", spec("string"), "takes BYTES/STRING; CAST it AS STRING"),
        ("FLOAT", spec("string"), "takes BYTES/STRING; CAST it AS STRING"),
        ("FLOAT", spec("bool"), "takes BOOLEAN; compare it, as in x <> 0"),
        ("DECIMAL(10, 2)", spec("int64"), "CAST it AS BIGINT if that is meant"),
        ("float32", spec("float32"), "FLOAT32 is not a type of Flink SQL: write FLOAT"),
        ("int64", spec("int64"), "INT64 is not a type of Flink SQL: write BIGINT"),
        ("text", spec("string"), "TEXT is not a type of Flink SQL: write STRING"),
        ("FLOAT", spec("float32", 16), "a scalar per record, the tensor takes an array of rank 1"),
        ("ARRAY<ARRAY<FLOAT>>", spec("float32", 16), "an array of rank 2 per record"),
        ("FLOAT", TensorSpec("float32", ()), "without a batch dimension"),
        ("FLOAT", spec("float32", layout=Layout.SPARSE), "sparse tensor"),
        ("BYTES", spec("variant"), "no column can carry the dtype variant"),
        (
            "ROW<r ROW<a INT>>",
            spec("string"),
            "'r' (ROW) is not a feature of a tf.train.Example: sel",
        ),
        ("ROW<r ARRAY<ROW<a INT>>>", spec("string"), "'r' (ROW) is not a feature"),
        ("ARRAY<ROW<m MAP<STRING, INT>>>", spec("string", None), "'m' (MAP) is not a feature"),
        ("ROW<d DECIMAL(5, 2)>", spec("string"), "'d' (DECIMAL) is not a feature"),
        ("ROW<d DATE>", spec("string"), "'d' (DATE) is not a feature"),
        ("ROW<a ARRAY<ARRAY<INT>>>", spec("string"), "'a' (ARRAY of ARRAY) is not a feature"),
    ],
    ids=str,
)
def test_columns_that_do_not_fit_say_why(column, tensor, words):
    assert words in (misfit(column, tensor) or "it fits")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("DOUBLE PRECISION", "DOUBLE"),
        ("INTEGER", "INT"),
        ("CHAR(3) NOT NULL", "STRING"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP"),
        ("ROW(a INT, b STRING)", "ROW"),
        ("ROW<a INT 'the first', b STRING>", "ROW"),
        ("MULTISET<INT>", "MULTISET"),
        ("map<string, array<int>>", "MAP"),
    ],
)
def test_types_as_flink_writes_them(text, name):
    assert parse_type(text).name == name


def test_the_fields_of_a_row_have_names():
    parsed = parse_type("ROW<`a``b` INT, not_null ARRAY<FLOAT> NOT NULL>")
    assert parsed.fields == ("a`b", "not_null")
    assert [child.name for child in parsed.children] == ["INT", "ARRAY"]


@pytest.mark.parametrize("text", ["", "ARRAY<", "ARRAY", "ROW<a>", "INT INT", "1", "A;B", "INT(3"])
def test_what_is_no_type_is_refused(text):
    with pytest.raises(OptionError, match="is not a Flink SQL type"):
        parse_type(text)
