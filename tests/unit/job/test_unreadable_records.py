"""Records that Python's own readers stop at: none of them may stop the batch that it is in."""

from decimal import Decimal
from typing import Any

import pytest

from modelstream.errors import ConversionError
from modelstream.job.decode import CsvDecoder, JsonDecoder
from modelstream.models import ColumnType

MANY = b"1" * 5000


def of_json(sql_type: str, payload: bytes) -> Any:
    (record,) = JsonDecoder.of((ColumnType("a", sql_type),), {}).decode([payload])
    return record["a"] if isinstance(record, dict) else record


def of_csv(sql_type: str, payload: bytes) -> Any:
    (record,) = CsvDecoder.of((ColumnType("a", sql_type),), {}).decode([payload])
    return record["a"] if isinstance(record, dict) else record


@pytest.mark.parametrize(
    ("sql_type", "payload"),
    [
        pytest.param("BIGINT", b'{"a": %s}' % MANY, id="number"),
        pytest.param("BIGINT", b'{"a": "%s"}' % MANY, id="number as text"),
        pytest.param("BYTES", '{"a": "é"}'.encode(), id="Base64 outside of ASCII"),
        pytest.param("DECIMAL(6, 2)", b'{"a": "NaN"}', id="decimal that is none"),
        pytest.param("DECIMAL(6, 2)", b'{"a": "1_0"}', id="decimal as Python spells it"),
    ],
)
def test_json_that_python_cannot_read_is_one_bad_record(sql_type: str, payload: bytes) -> None:
    assert isinstance(of_json(sql_type, payload), ConversionError)


def test_a_number_of_thousands_of_digits_is_told_as_one() -> None:
    assert "more than 4,300 digits" in str(of_json("BIGINT", b'{"a": %s}' % MANY))


def test_a_number_of_thousands_of_digits_in_csv_is_one_bad_record() -> None:
    assert isinstance(of_csv("BIGINT", MANY), ConversionError)


def test_half_of_a_surrogate_pair_is_a_question_mark_as_in_java() -> None:
    assert of_json("STRING", b'{"a": "x\\ud800"}') == "x?"
    assert of_json("MAP<STRING, INT>", b'{"a": {"\\ud800": 1}}') == {"?": 1}


def test_a_decimal_has_all_of_its_38_digits() -> None:
    assert of_json("DECIMAL(38, 0)", b'{"a": "%s"}' % (b"1" * 38)) == Decimal("1" * 38)


@pytest.mark.parametrize("digits", [39, 200])
def test_a_decimal_with_too_many_digits_is_null(digits: int) -> None:
    assert of_json("DECIMAL(38, 0)", b'{"a": "%s"}' % (b"1" * digits)) is None


def test_a_long_csv_field_is_read() -> None:
    assert of_csv("STRING", b"x" * 200_000) == "x" * 200_000
