"""Columns of a table in the payload of its dead letters."""

import pytest

from modelstream.flink.columns import as_json


@pytest.mark.parametrize(
    ("sql_type", "written"),
    [
        ("BIGINT NOT NULL", "`a b`"),
        ("VARCHAR(10)", "`a b`"),
        ("VARBINARY(2147483647)", "`a b`"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "`a b`"),
        ("ARRAY<ROW<`a` DECIMAL(5, 2), `b` MAP<VARCHAR(2), FLOAT>>>", "`a b`"),
        ("DATE", "CAST(`a b` AS STRING)"),
        ("TIME(0)", "CAST(`a b` AS STRING)"),
        ("MAP<INT, VARCHAR(2)>", "CAST(`a b` AS STRING)"),
        ("ROW<`a` ARRAY<DATE>>", "CAST(`a b` AS STRING)"),
        ("INTERVAL DAY(2) TO SECOND(3)", "CAST(`a b` AS STRING)"),
        ("RAW('java.lang.Object', 'AEq')", "CAST(`a b` AS STRING)"),
    ],
)
def test_what_json_object_refuses_goes_as_text(sql_type: str, written: str) -> None:
    assert as_json("a b", sql_type) == written
