"""The payload of a dead letter of a table, whatever columns the table has."""

import base64
import json

import pytest
from tests.support.flink import HUNG_UP, environment, numbers, rows, run
from tests.support.numpymodel import NumpyModel

from modelstream.failure import DeadLetter
from modelstream.flink.entry import infer

pytestmark = [pytest.mark.flink, HUNG_UP]

COLUMNS = {
    "x": ("x", None),
    "nan": ("CAST(IF(id < 0, '', 'NaN') AS DOUBLE)", "NaN"),
    "endless": ("ARRAY[CAST(IF(id < 0, '', 'Infinity') AS FLOAT)]", ["Infinity"]),
    "raw": ("x'ff01'", "/wE="),
    "price": ("CAST(1.10 AS DECIMAL(5, 2))", 1.10),
    "moment": ("TIMESTAMP '2024-01-02 03:04:05'", "2024-01-02T03:04:05"),
    "day": ("DATE '2024-01-02'", "2024-01-02"),
    "hour": ("TIME '03:04:05'", "03:04:05"),
    "while": ("INTERVAL '1' DAY", "+1 00:00:00.000"),
    "days": ("ARRAY[DATE '2024-01-02']", "[2024-01-02]"),
    "names": ("MAP['a', 1]", {"a": 1}),
    "numbers": ("MAP[1, 'a']", "{1=a}"),
    "inner": ("CAST(ROW(1, DATE '2024-01-02') AS ROW<n INT, d DATE>)", "(1, 2024-01-02)"),
}


def test_a_column_of_every_type_has_its_place_in_the_payload(tmp_path) -> None:
    t_env = environment()
    t_env.create_temporary_view("numbers", numbers(t_env, [1.0, None]))
    selected = ", ".join(f"{value} AS `{name}`" for name, (value, _) in COLUMNS.items())
    source = t_env.sql_query(f"SELECT {selected} FROM numbers")
    result = infer(source, NumpyModel(), keep=[], on_error=DeadLetter())
    run(t_env, {"scored": result.scored, "dead": result.dead_letters}, tmp_path)
    (letter,) = rows(tmp_path / "dead")
    expected = {name: written for name, (_, written) in COLUMNS.items()}
    assert json.loads(base64.b64decode(letter["payload"])) == expected
