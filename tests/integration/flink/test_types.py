"""TensorValues and images through real Flink tables and streams."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import models
from tests.support.flink import (
    HUNG_UP,
    collected,
    environment,
    in_processes,
    numbers,
    table,
)
from tests.support.jobs import lines

import modelstream as ms
from modelstream.convert import to_tensor

pytestmark = [pytest.mark.flink, HUNG_UP]


def test_packed_tensors_feed_a_model_as_bytes_and_as_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    vectors = [np.full(16, at, np.float16) for at in range(4)]
    packed = [ms.TensorValue(vector).to_bytes() for vector in vectors]
    packed[2] = packed[2][:-1]
    rows = [
        (at, data, {"dtype": "float16", "shape": [16], "data": vector.tobytes()})
        for at, (data, vector) in enumerate(zip(packed, vectors, strict=True))
    ]
    t_env = environment()
    source = table(t_env, f"id INT, packed BYTES, unpacked {ms.TensorValue.SQL_TYPE}", rows)
    model = ms.SavedModel(models.mlp())
    for column, good in {"packed": [0, 1, 3], "unpacked": [0, 1, 2, 3]}.items():
        inputs = {"x": ms.TensorColumn(column)}
        result = ms.infer(source, model, inputs=inputs, keep=["id"], on_error=ms.Drop())
        scored = dict(collected(result.scored))
        with model.open() as opened:
            expected = opened.predict(x=vectors)["y"]
        assert scored == {at: pytest.approx(expected[at].tolist(), rel=1e-3) for at in good}


def special(x: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    y = np.choose(x.astype(int), [np.nan, np.inf, -np.inf]).astype(np.float32)
    return {"y": y, "d": y.astype(np.float64), "v": np.stack([y, x], axis=1)}


def test_nan_and_infinity_are_what_flinks_formats_write_of_them(tmp_path: Path) -> None:
    outputs = {
        "y": ms.TensorSpec("float32", (None,)),
        "d": ms.TensorSpec("float64", (None,)),
        "v": ms.TensorSpec("float32", (None, 2)),
    }
    model = ms.CallableModel(special, {"x": ms.TensorSpec("float32", (None,))}, outputs)
    t_env = environment()
    scored = ms.infer(numbers(t_env, [0.0, 1.0, 2.0]), model, keep=["id"]).scored
    inserts = t_env.create_statement_set()
    for name in ("json", "csv"):
        t_env.execute_sql(
            f"CREATE TEMPORARY TABLE {name} (id BIGINT, y FLOAT, d DOUBLE, v ARRAY<FLOAT>) WITH ("
            f"'connector' = 'filesystem', 'format' = '{name}', 'path' = '{tmp_path / name}')"
        )
        inserts.add_insert(name, scored)
    inserts.execute().wait()
    words = ["NaN", "Infinity", "-Infinity"]
    assert lines(tmp_path / "json") == [
        f'{{"id":{at},"y":"{word}","d":"{word}","v":["{word}",{at}.0]}}'
        for at, word in enumerate(words)
    ]
    assert lines(tmp_path / "csv") == [
        f"{at},{word},{word},{word};{at}.0" for at, word in enumerate(words)
    ]


def test_a_tensor_is_the_element_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    from pyflink.datastream import StreamExecutionEnvironment

    values = [
        ms.TensorValue([[1.5, 2.5]], "bfloat16"),
        ms.TensorValue("text"),
        ms.TensorValue(np.zeros((0, 3), np.uint8)),
    ]

    def doubled(value: ms.TensorValue) -> ms.TensorValue:
        return value if value.dtype == "string" else ms.TensorValue(value.numpy() + value.numpy())

    env = StreamExecutionEnvironment.get_execution_environment()
    env.set_parallelism(1)
    env.set_python_executable(sys.executable)
    stream = env.from_collection(values)
    rows = (
        stream.map(doubled, ms.TensorValue.type_information())
        .map(lambda value: value.to_row(), ms.TensorValue.row_type_information())
        .map(ms.TensorValue.from_row, ms.TensorValue.type_information())
    )
    with rows.execute_and_collect() as found:
        assert list(found) == [ms.TensorValue([[3, 5]], "bfloat16"), *values[1:]]


def test_every_dtype_of_a_model_takes_tensor_values_and_gives_them() -> None:
    from modelstream.convert import to_values
    from modelstream.convert.dtypes import DTYPES

    given: dict[str, Any] = {
        name: [ms.TensorValue(["a", "b"] if name == "string" else [1, 0], name)]
        for name in DTYPES
        if name != "bool"
    }
    given["bool"] = [ms.TensorValue([True, False])]
    model = ms.SavedModel(models.dtypes())
    inputs = model.signatures["serving_default"].inputs
    with model.open() as opened:
        tensors = {name: to_tensor(values, inputs[name]) for name, values in given.items()}
        outputs = opened.call("serving_default", tensors)
    for name, values in given.items():
        assert to_values(outputs[f"{name}_out"], ms.TensorValue) == values
