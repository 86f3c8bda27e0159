"""Records written beside the model; what Flink writes is asked in the integration tests."""

import json
from typing import Any

import numpy as np
import pytest

from modelstream.job.encode import JsonEncoder, encoder
from modelstream.job.tables import TablePlan
from modelstream.models import ColumnType


def written(kind: str, values: Any) -> list[str]:
    """The values of one column, as they stand in their records."""
    records = JsonEncoder((ColumnType("x", kind),)).encode({"x": values})
    assert all(record.startswith(b'{"x":') and record.endswith(b"}") for record in records)
    return [record[5:-1].decode() for record in records]


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        pytest.param("BIGINT", [1, None, -(2**63)], ["1", "null", str(-(2**63))], id="integers"),
        pytest.param("INT", np.array([1, 2]), ["1", "2"], id="an array of integers"),
        pytest.param("BOOLEAN", [True, None, False], ["true", "null", "false"], id="booleans"),
        pytest.param("BOOLEAN", np.array([True]), ["true"], id="an array of booleans"),
        pytest.param("FLOAT", [0.1, 1.0, -0.0], ["0.1", "1.0", "-0.0"], id="floats of a record"),
        pytest.param("FLOAT", np.array([0.1], np.float64), ["0.1"], id="a float has its digits"),
        pytest.param("DOUBLE", np.array([0.1], np.float32), ["0.10000000149011612"], id="a double"),
        pytest.param("FLOAT", [None, 2.5], ["null", "2.5"], id="no float"),
        pytest.param(
            "FLOAT", [0.001, 9e-4, 9999999.0, 1e7], ["0.001", "9.0E-4", "9999999.0", "1.0E7"],
            id="exponents begin where Java's do",
        ),
        pytest.param(
            "DOUBLE",
            [1.5e-5, -123456789.5, 5e-324, 1e23, 1e16],
            ["1.5E-5", "-1.234567895E8", "5.0E-324", "1.0E23", "1.0E16"],
            id="digits with an exponent",
        ),
        pytest.param(
            "FLOAT",
            [float("nan"), float("inf"), float("-inf"), 1e300],
            ['"NaN"', '"Infinity"', '"-Infinity"', '"Infinity"'],
            id="what is not finite",
        ),
        pytest.param("STRING", ["a", "b,", ""], ['"a"', '"b,"', '""'], id="text"),
        pytest.param("STRING", [",", '","', ","], ['","', '"\\",\\""', '","'], id="separators"),
        pytest.param("STRING", [None, "a"], ["null", '"a"'], id="no text"),
        pytest.param(
            "STRING", ["\x1f\n\\u001f", "ü😀"], ['"\\u001F\\n\\\\u001f"', '"ü😀"'], id="escapes"
        ),
        pytest.param(
            "ARRAY<FLOAT>", np.array([[0.5, 1e-5], [1, 2]]), ["[0.5,1.0E-5]", "[1.0,2.0]"],
            id="a matrix",
        ),
        pytest.param(
            "ARRAY<FLOAT>", [np.array([0.5]), np.array([])], ["[0.5]", "[]"], id="arrays"
        ),
        pytest.param(
            "ARRAY<STRING>", [["a", None], None, []], ['["a",null]', "null", "[]"], id="lists"
        ),
        pytest.param("ARRAY<BIGINT>", [None], ["null"], id="no list at all"),
        pytest.param("FLOAT", [], [], id="no record"),
        pytest.param("STRING", [], [], id="no record with text"),
        pytest.param("BIGINT", [], [], id="no record with a number"),
    ],
)  # fmt: skip
def test_values_are_written_as_flink_writes_them(kind: str, values: Any, texts: list[str]) -> None:
    assert written(kind, values) == texts


def test_any_name_of_a_column_is_one_of_json() -> None:
    names = ["a%b", 'a"b', "%s", "ü"]
    made = JsonEncoder(tuple(ColumnType(name, "INT") for name in names))
    (record,) = made.encode({name: [at] for at, name in enumerate(names)})
    assert json.loads(record) == {name: at for at, name in enumerate(names)}
    assert list(json.loads(record)) == names


def sink(connector: str = "filesystem", form: str = "json", **options: str) -> TablePlan:
    return TablePlan(connector, form, {name.replace("__", "."): v for name, v in options.items()})


ID = ColumnType("id", "BIGINT")


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(sink(path="/x", **{"sink.rolling-policy.file-size": "1 MB"}), id="files"),
        pytest.param(
            sink("kafka", topic="t", **{"properties.bootstrap.servers": "b", "sink.x": "y"}),
            id="a topic",
        ),
    ],
)
def test_plain_json_is_written_beside_the_model(plan: TablePlan) -> None:
    assert encoder(plan, [ID, ColumnType("x", "ARRAY<FLOAT>")]) is not None


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        pytest.param(sink(form="csv", path="/x"), "INT", id="another format"),
        pytest.param(sink("print"), "INT", id="another connector"),
        pytest.param(sink("upsert-kafka", topic="t"), "INT", id="a sink with keys"),
        pytest.param(sink("kafka", topic="t", key__format="json"), "INT", id="a key"),
        pytest.param(sink(path="/x", json__timestamp_format="SQL"), "INT", id="an option of json"),
        pytest.param(sink(path="/x", **{"auto-compaction": "true"}), "INT", id="files read again"),
        pytest.param(sink(path="/x"), "DECIMAL(6, 2)", id="a decimal"),
        pytest.param(sink(path="/x"), "TIMESTAMP_LTZ(3)", id="a time"),
        pytest.param(sink(path="/x"), "ARRAY<ARRAY<FLOAT>>", id="lists of lists"),
        pytest.param(sink(path="/x"), "VARCHAR(3)", id="a length"),
        pytest.param(sink(path="/x"), "INT NOT NULL", id="not null"),
    ],
)
def test_what_asks_for_more_than_plain_json_is_written_by_flink(plan: TablePlan, kind: str) -> None:
    assert encoder(plan, [ID, ColumnType("x", kind)]) is None
