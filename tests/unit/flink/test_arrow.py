"""What a model's function reads of PyFlink's batches, and what PyFlink makes of its results."""

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pytest
from pyflink.table import DataTypes
from pyflink.table.utils import pandas_to_arrow
from tests.support.handed import handed
from tests.support.jvm import import_noisy
from tests.support.numpymodel import NumpyModel

from modelstream import Batch, CallableModel, DeadLetter, Drop, Predict
from modelstream.convert import ColumnType, TensorSpec, parse_example
from modelstream.errors import RecordError
from modelstream.flink import arrow
from modelstream.flink.udf import Arguments, ModelFunction
from modelstream.scoring.plan import Plan

BIG = 2**53 + 1  # float64 does not have it
INTS, FLOATS = pa.list_(pa.int64()), pa.list_(pa.float32())


@pytest.fixture(autouse=True)
def _flink() -> None:
    """Beam warns when it is imported, which is an error in a test and at its collection."""
    import_noisy()


def listed(values: Any) -> Any:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, dict):
        return {name: listed(each) for name, each in values.items()}
    return [listed(each) for each in values] if isinstance(values, list) else values


ROW = pa.struct(
    [
        ("n", pa.int64()),
        ("ok", pa.bool_()),
        ("ns", INTS),
        ("inner", pa.struct([("n", pa.int32())])),
        ("many", pa.list_(pa.struct([("n", pa.int32())]))),
    ]
)
FULL = {"n": BIG, "ok": True, "ns": [BIG, 1], "inner": {"n": 1}, "many": [{"n": 2}]}
GAPS = {"n": None, "ok": None, "ns": [None, BIG], "inner": {"n": None}, "many": [{"n": None}]}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param([FULL, GAPS], ROW, id="NULL in fields of a ROW"),
        pytest.param([FULL, {**FULL, "inner": None, "many": None, "ns": []}], ROW, id="inner NULL"),
        pytest.param([FULL, None], ROW, id="NULL for a ROW"),
        pytest.param([[FULL], [GAPS, None], None], pa.list_(ROW), id="ARRAY of ROW"),
        pytest.param([[BIG], [1, None]], INTS, id="NULL in an ARRAY of integers"),
        pytest.param([[1.5], [None]], FLOATS, id="NULL in an ARRAY of floats"),
        pytest.param([[[BIG], []], [[None]]], pa.list_(INTS), id="NULL in nested ARRAYs"),
        pytest.param([[True], [None]], pa.list_(pa.bool_()), id="NULL in an ARRAY of BOOLEAN"),
        pytest.param([True, None], pa.bool_(), id="NULL BOOLEAN"),
        pytest.param(["a", None], pa.string(), id="NULL STRING"),
        pytest.param([b"a", None, b""], pa.binary(), id="NULL BYTES"),
    ],
)
def test_nulls_leave_the_values_beside_them_what_they_are(values: list[Any], kind: Any) -> None:
    (argument,) = arrow.arguments(handed(pa.array(values, kind)))
    assert listed(argument.values) == values
    assert [listed(argument[at]) for at in range(len(values))] == values


@pytest.mark.parametrize(
    ("values", "kind", "nulls"),
    [
        pytest.param([BIG, None, 3], pa.int64(), [False, True, False], id="BIGINT"),
        pytest.param([1, None], pa.int8(), [False, True], id="TINYINT"),
        pytest.param([1.5, None], pa.float32(), [False, True], id="FLOAT"),
    ],
)
def test_null_numbers_are_told_apart(values: list[Any], kind: Any, nulls: list[bool]) -> None:
    (argument,) = arrow.arguments(handed(pa.array(values, kind)))
    assert argument.nulls is not None
    assert argument.nulls.tolist() == nulls
    assert [argument[at] for at in range(len(values))] == values


def test_nan_is_no_null() -> None:
    (argument,) = arrow.arguments(handed(pa.array([float("nan")], pa.float32())))
    assert argument.nulls is None


def test_numbers_without_nulls_stay_views_on_arrows_memory() -> None:
    (argument,) = arrow.arguments(handed(pa.array([[1.5], [2.5]], FLOATS)))
    assert not argument.values[0].flags.owndata


CONSTANTS: list[tuple[Any, Any]] = [
    ("eng", "eng"),
    (7, 7),
    (0.5, 0.5),
    (Decimal("0.5"), 0.5),
    (Decimal(2**64 - 1), 2**64 - 1),
    (True, True),
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29)),
]


@pytest.mark.parametrize(("constant", "value"), CONSTANTS)
def test_a_constant_counts_for_each_record(constant: Any, value: Any) -> None:
    _, argument = arrow.arguments([*handed(pa.array([1, 2, 3])), constant])
    assert list(argument.values) == [value] * 3
    assert argument.nulls is None


def test_a_null_constant_is_null_in_each_record() -> None:
    argument, _ = arrow.arguments([None, *handed(pa.array([1, 2]))])
    assert argument.nulls is not None
    assert argument.nulls.all()


def test_results_reach_arrow_with_their_nan_and_their_nulls() -> None:
    nan = float("nan")
    kind = pa.struct([("y", pa.float32()), ("v", FLOATS), ("e", pa.string()), ("n", pa.int64())])
    vectors = np.empty(3, object)
    vectors[:] = [np.array([nan, 1], np.float32), None, np.array([], np.float32)]
    result = arrow.Result(
        {
            "y": np.array([nan, np.inf, 1], np.float32),
            "v": vectors,
            "e": np.array([None, "x", ""], object),
            "n": np.array([BIG, None, 1], object),
        }
    )
    row = DataTypes.ROW([DataTypes.FIELD("y", DataTypes.FLOAT())])
    batch = pandas_to_arrow(pa.schema([("r", kind)]), "UTC", [row], [result])
    assert repr(batch.column(0).to_pylist()) == repr(
        [
            {"y": nan, "v": [nan, 1.0], "e": None, "n": BIG},
            {"y": float("inf"), "v": None, "e": "x", "n": None},
            {"y": 1.0, "v": [], "e": "", "n": 1},
        ]
    )


@pytest.mark.parametrize("element", [pa.float32(), pa.float64()])
def test_rows_of_one_array_reach_arrow_as_lists_do(element: Any) -> None:
    rows = np.array([[0.1, -0.0], [1e300, 16777217.0]])
    lists = np.empty(2, object)
    lists[:] = rows.tolist()
    kind = pa.struct([("v", pa.list_(element))])
    made, expected = (pa.array(arrow.Result({"v": values}), type=kind) for values in (rows, lists))
    assert made.equals(expected)
    assert len(arrow.Result({"v": rows})) == 2


def called(model: CallableModel, names: tuple[str, ...], *arguments: Any) -> Any:
    """What the function of a model gives for a batch."""
    plan = Plan.of(model, Predict(), on_error=Drop())
    function = ModelFunction(plan, Arguments(names), readable=True)
    function.open(Mock(get_metric_group=Mock(side_effect=RuntimeError)))
    try:
        return function.eval(*arguments)
    finally:
        function.close()


class Lines:
    """Each payload is a number."""

    columns = (ColumnType("x", "FLOAT"),)

    def decode(self, payloads: Any) -> list[Any]:
        return [{"x": float(each)} if each else RecordError("empty") for each in payloads]


def test_the_payload_comes_back_of_records_that_fail_alone() -> None:
    plan = Plan.of(NumpyModel(), on_error=DeadLetter(), batch=Batch(2))
    plan = replace(plan, decoder=Lines())
    function = ModelFunction(plan, Arguments(("line",)), payload="payload")
    function.open(Mock(get_metric_group=Mock(side_effect=RuntimeError)))
    result = function.eval(*handed(pa.array([b"1", b"", b"2", b"-3", b"4"], pa.binary())))
    assert result["payload"].tolist() == [None, b"", None, b"-3", None]
    assert [error is None for error in result["error"]] == [True, False, True, False, True]


def test_a_null_in_a_row_is_a_feature_that_is_missing_and_leaves_integers_integers() -> None:
    model = CallableModel(
        lambda ex: {"seen": np.array([repr(parse_example(each)) for each in ex], object)},
        {"ex": TensorSpec("string", (None,), "ex")},
        {"seen": TensorSpec("string", (None,), "seen")},
    )
    rows = pa.array(
        [{"n": BIG, "w": None, "a": []}, {"n": None, "w": 1.5, "a": [1.0]}, None],
        pa.struct([("n", pa.int64()), ("w", pa.float32()), ("a", FLOATS)]),
    )
    result = called(model, ("ex",), *handed(rows))
    assert result["seen"].tolist()[:2] == [
        repr({"a": [], "n": [BIG]}),
        repr({"a": [1.0], "w": [1.5]}),
    ]
    assert "null" in result["error"][2]


def test_the_same_column_for_two_tensors_and_constants_feed_the_tensors_that_they_are_for() -> None:
    model = CallableModel(
        lambda a, b, c: {"y": a - b + c},
        {name: TensorSpec("int64", (None,), name) for name in "abc"},
        {"y": TensorSpec("int64", (None,), "y")},
    )
    x, y = handed(pa.array([BIG, None, 5]), pa.array([1, 2, 3]))
    result = called(model, ("a", "b", "c"), x, y, 7)
    assert result["y"].tolist()[::2] == [BIG + 6, 9]
    assert "it is null" in result["error"][1]


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        pytest.param("int64", pa.int64(), id="integers"),
        pytest.param("float32", pa.float32(), id="floats"),
        pytest.param("bool", pa.bool_(), id="booleans"),
    ],
)
def test_a_record_without_a_result_is_null_beside_the_numbers_of_the_others(
    dtype: str, kind: Any
) -> None:
    model = CallableModel(
        lambda x: {"y": x.astype(dtype)},
        {"x": TensorSpec("int64", (None,), "x")},
        {"y": TensorSpec(dtype, (None,), "y")},
    )
    result = called(model, ("x",), *handed(pa.array([1, None, 0, None, 1])))
    made = pa.array(result, type=pa.struct([("y", kind)]))
    assert [row["y"] for row in made.to_pylist()] == [1, None, 0, None, 1]
