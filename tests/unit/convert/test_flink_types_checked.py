import pytest

from modelstream.convert.flinktypes import check_type
from modelstream.errors import OptionError


@pytest.mark.parametrize(
    "text",
    [
        "bigint",
        "VARCHAR(10)",
        "DECIMAL(38, 38)",
        "TIMESTAMP(9) WITH LOCAL TIME ZONE",
        "ROW<`DECIMAL(99)` INT NOT NULL, `a b` ARRAY<FLOAT>>",
        "MAP<STRING, TIMESTAMP_LTZ(0)>",
        "DOUBLE PRECISION",
    ],
)
def test_what_flink_has_is_a_type(text: str) -> None:
    check_type(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "FLOOT", "FLOOT is not a type of Flink SQL .did you mean 'FLOAT'", id="a slip"
        ),
        pytest.param(
            "ROW<a INT, b TEXT>",
            "TEXT is not a type of Flink SQL: write STRING",
            id="inside of a row",
        ),
        pytest.param("ARRAY<FLOAT", "not a Flink SQL type", id="not closed"),
        pytest.param("DECIMAL(39, 0)", "DECIMAL has 1 to 38 digits", id="digits"),
        pytest.param("ARRAY<DECIMAL(5, 9)>", "at most as many after the point", id="scale"),
        pytest.param("timestamp(10)", "timestamp has at most 9 digits", id="fraction"),
    ],
)
def test_what_flink_has_not_is_told(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        check_type(text)
