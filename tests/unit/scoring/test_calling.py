"""The arguments of a call in SQL, as a worker gets them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.support.handed import named
from tests.support.jvm import import_noisy

from modelstream import CallableModel, Predict
from modelstream.convert import TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.flink.sqlarguments import Caller, sql_type

BIG = 2**53 + 1  # float64 does not have it


@pytest.fixture(autouse=True)
def _flink() -> None:
    """Beam warns when it is imported, which is an error in a test and at its collection."""
    import_noisy()


def caller(checked: bool = False, **inputs: str) -> Caller:
    specs = {name: TensorSpec(dtype, (None,), name) for name, dtype in inputs.items()}
    model = CallableModel(lambda **_: None, specs, {"y": TensorSpec("int64", (None,))})
    return Caller("f", Predict().bind(model), checked)


def read(caller: Caller, *arguments: Any) -> tuple[dict[str, list[Any]], dict[int, str]]:
    """The values of each tensor, and what is wrong with the records that are not among them."""
    _, given = caller.given(arguments)
    columns = {
        name: values.tolist() if isinstance(values, np.ndarray) else list(values)
        for name, values in given.rows.columns.items()
    }
    return columns, {at: failure.message for at, failure in given.failures.items()}


def test_a_map_is_refused() -> None:
    maps = pa.array([[("a", 1), ("b", 2)]], pa.map_(pa.string(), pa.int64()))
    for inputs in ({"a": "int64", "b": "int64"}, {"a": "int64"}):
        with pytest.raises(SignatureMismatchError, match=r"the first batch alone. Write f\(CAST"):
            caller(**inputs).given(named({"m": maps}))


def test_a_row_feeds_the_tensors_by_its_fields() -> None:
    fields = [("s", pa.string()), ("n", pa.int64()), ("ok", pa.bool_()), ("x", pa.float32())]
    rows = [
        {"s": "p", "n": BIG, "ok": True, "x": 0.5},
        {"s": "q", "n": None, "ok": True, "x": 1.5},
        {"s": None, "n": 3, "ok": False, "x": float("nan")},
        None,
    ]
    inputs = {"n": "int64", "ok": "bool", "s": "string", "x": "float32"}
    columns, failures = read(caller(**inputs), *named({"r": pa.array(rows, pa.struct(fields))}))
    assert columns["n"] == [BIG, 3]
    assert columns["s"] == ["p", None]
    assert columns["ok"] == [True, False]
    assert columns["x"][0] == 0.5
    assert np.isnan(columns["x"][1])
    assert failures[1] == "column 'n': the record does not fit n (int64[?]): it is null"
    assert "is null" in failures[3]


LONGS = pa.array([1, 2])


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"p": LONGS, "q": LONGS}, id="columns of other names"),
        pytest.param({"b": LONGS, "a": LONGS}, id="names in another order"),
    ],
)
def test_arguments_that_could_change_places_are_refused(arguments: Mapping[str, Any]) -> None:
    with pytest.raises(SignatureMismatchError, match=r"Write f\(CAST\(ROW\("):
        caller(a="int64", b="int64").given(named(arguments))


def test_what_flink_calls_an_expression_is_no_name_to_write() -> None:
    with pytest.raises(SignatureMismatchError, match=r"Write f\(CAST\(ROW\(`p`, `b`\) AS "):
        caller(a="int64", b="int64").given(named({"p": LONGS, "f0": LONGS}))


def test_nobody_asks_again_where_the_calls_have_been_seen() -> None:
    found = caller(checked=True, a="int64", b="int64")
    assert read(found, *named({"p": LONGS, "q": LONGS}))[0] == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    "constant",
    [7, Decimal("7"), pytest.param("x", id="text"), None, True, b"x", 0.5, Decimal("0.5")],
)
def test_what_is_left_beside_columns_with_names_is_the_constant(constant: Any) -> None:
    kinds = {str: "string", bytes: "string", bool: "bool", float: "float32"}
    kind = "float32" if constant == Decimal("0.5") else kinds.get(type(constant), "int64")
    (column,) = named({"a": LONGS})
    columns, failures = read(caller(a="int64", b=kind), column, constant)
    assert failures.keys() == (set() if constant is not None else {0, 1})
    assert columns["b"] == ([] if constant is None else [constant] * 2)


def test_types_are_those_of_flink() -> None:
    kind = pa.struct(
        [
            ("a`b", pa.list_(pa.int16())),
            ("m", pa.map_(pa.string(), pa.float64())),
            ("d", pa.decimal128(20, 0)),
            ("t", pa.timestamp("us")),
            ("h", pa.time32("ms")),
            ("c", pa.binary()),
        ]
    )
    assert sql_type(kind) == (
        "ROW<`a``b` ARRAY<SMALLINT>, `m` MAP<STRING, DOUBLE>, `d` DECIMAL(20, 0), `t` TIMESTAMP, "
        "`h` TIME, `c` BYTES>"
    )
