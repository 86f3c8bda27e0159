"""Rows of different length through real Flink: tables, streams and SQL."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support import ragged
from tests.support.flink import (
    HUNG_UP,
    collected,
    environment,
    in_processes,
    rows,
    run,
    stream_environment,
    streamed,
    table,
)

import modelstream as ms
from modelstream.convert import RaggedValue
from modelstream.errors import SignatureMismatchError
from modelstream.flink.route import Route
from modelstream.scoring.batch import Batch

pytestmark = [pytest.mark.flink, HUNG_UP]
ROUTES = [Route.ARROW, Route.ASYNC, Route.RECORD]


def test_a_column_of_arrays_of_any_length_feeds_a_model_from_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    values = [[1.5] * (at % 4) for at in range(50)]
    source = table(t_env, "id INT, x ARRAY<FLOAT>", list(enumerate(values)))
    batch = Batch(16, allowed_sizes=(4, 16))
    model = ms.SavedModel(ragged.bags())
    result = ms.infer(source, model, ms.Predict("sum"), keep=["id"], batch=batch)
    assert sorted(collected(result.scored)) == [
        (at, [2 * each for each in row], sum(row)) for at, row in enumerate(values)
    ]


def test_each_kind_of_column_feeds_the_tensor_that_it_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    schema = (
        "id INT, ids ARRAY<ARRAY<BIGINT>>, words ARRAY<STRING>, points ARRAY<ARRAY<DOUBLE>>, "
        "weight FLOAT"
    )
    source = table(
        t_env,
        schema,
        [
            (0, [[1], [2, 3]], ["to", "bé"], [[1, 2, 3], [4, 5, 6]], 2.0),
            (1, [], [], [], 1.0),
            (2, [[], [4]], ["or"], [[1, 1, 1]], 3.0),
        ],
    )
    model = ms.SavedModel(ragged.bags())
    expected = {
        "deep": [(0, 6), (1, 0), (2, 4)],
        "join": [(0, 2, "tobé"), (1, 0, ""), (2, 1, "or")],
        "points": [(0, 42.0), (1, 0.0), (2, 9.0)],
    }
    inferred = {
        signature: ms.infer(source, model, ms.Predict(signature), keep=["id"]).scored
        for signature in expected
    }
    run(t_env, inferred, tmp_path)
    for signature, scored in expected.items():
        found = sorted(tuple(row.values()) for row in rows(tmp_path / signature))
        assert found == scored, signature


def test_one_bad_record_is_one_dead_letter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    words = [["a"], None, ["b", None], [], ["too", "many", "letters"], ["c", "d"]]
    source = table(t_env, "id INT, words ARRAY<STRING>", list(enumerate(words)))
    model = ms.SavedModel(ragged.methods(), name="lengths")
    result = ms.infer(source, model, ms.Regress("regress"), on_error=ms.DeadLetter(), key="id")
    run(t_env, {"scored": result.scored, "dead": result.dead_letters}, tmp_path)
    scored = {row["id"]: row["value"] for row in rows(tmp_path / "scored")}
    assert scored == {0: 1, 3: 0, 5: 2}
    letters = {base64.b64decode(row["key"]).decode(): row for row in rows(tmp_path / "dead")}
    assert {key: row["stage"] for key, row in letters.items()} == {
        "1": "encode",
        "2": "encode",
        "4": "inference",
    }
    assert (
        "column 'words': the record does not fit words (ragged string[?, ?]): it is null"
        in (letters["1"]["message"])
    )
    assert "it has a null" in letters["2"]["message"]
    assert json.loads(base64.b64decode(letters["4"]["payload"])) == {"id": 4, "words": words[4]}


def test_packed_tensors_of_any_length_feed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    packed = [ms.TensorValue([1.0, 2.0]).to_bytes(), ms.TensorValue([], "float32").to_bytes()]
    source = table(t_env, "id INT, packed BYTES", list(enumerate(packed)))
    method = ms.Predict("sum", inputs={"x": ms.TensorColumn("packed")}, outputs={"sum": "sum"})
    result = ms.infer(source, ms.SavedModel(ragged.bags()), method, keep=["id"])
    assert sorted(collected(result.scored)) == [(0, 3.0), (1, 0.0)]


def test_what_does_not_fit_is_told_before_the_job_is_submitted() -> None:
    t_env = environment()
    source = table(t_env, "x ARRAY<ARRAY<FLOAT>>, ids ARRAY<BIGINT>, words ARRAY<INT>", [])
    model = ms.SavedModel(ragged.bags())
    for signature, words in {
        "sum": "'x' (ARRAY<ARRAY<FLOAT>>) cannot feed input 'x' (ragged float32[?, ?]): it is an "
        "array of rank 2 per record, the tensor takes an array of rank 1",
        "deep": "(ragged int64[?, ?, ?]): it is an array of rank 1 per record",
        "join": "INT values do not fit string, which takes BYTES/STRING",
    }.items():
        with pytest.raises(SignatureMismatchError, match=re.escape(words)):
            ms.infer(source, model, ms.Predict(signature))


def test_rows_of_a_stream_feed_it_by_each_path(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyflink.common import Row, Types

    in_processes(monkeypatch)
    env = stream_environment()
    kind = Types.ROW_NAMED(["id", "x"], [Types.INT(), Types.BASIC_ARRAY(Types.FLOAT())])
    values = [[1.0, 2.0], [], [4.0], [1.0] * 5]
    source = env.from_collection([Row(*each) for each in enumerate(values)], kind)
    outputs = {"total": "sum"}
    streams = []
    for route in ROUTES:
        model = ms.SavedModel(ragged.bags(), name=f"bags-{route}")
        method = ms.Predict("sum", outputs=outputs)
        result = ms.infer(source, model, method, keep=["id"], path=route)
        streams.append(result.scored.map(lambda row: str(list(row)), Types.STRING()))
    first, *rest = streams
    expected = [str([at, float(sum(row))]) for at, row in enumerate(values)]
    assert sorted(streamed(first.union(*rest))) == sorted(expected * len(ROUTES))


def test_python_objects_of_a_stream_feed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyflink.common import Types

    in_processes(monkeypatch)
    env = stream_environment()
    records: list[Any] = [
        {"ids": [[1], [2, 3]]},
        {"ids": RaggedValue.of([[4], []])},
        {"ids": None},
        {"ids": ms.TensorValue([[5, 6], [7, 8]])},
    ]
    source = env.from_collection(records)
    model, method = ms.SavedModel(ragged.bags()), ms.Predict("deep")
    result = ms.infer(source, model, method, keep=[], on_error=ms.DeadLetter())
    good = result.scored.map(lambda row: str(row[0]), Types.STRING())
    assert result.dead_letters is not None
    bad = result.dead_letters.map(lambda letter: letter.message, Types.STRING())
    *sums, message = sorted(streamed(good.union(bad)))
    assert sums == ["26", "4", "6"]
    assert message.startswith("column 'ids': the record does not fit ids")


def test_a_function_of_sql_takes_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    ms.register(t_env, "join_words", ms.SavedModel(ragged.bags()), ms.Predict("join"))
    source = table(t_env, "id INT, words ARRAY<STRING>", [(0, ["a", "b"]), (1, []), (2, None)])
    t_env.create_temporary_view("texts", source)
    good, empty, missing = sorted(
        collected(
            t_env.sql_query(
                "SELECT id, join_words(words).joined, join_words(words).`count`, "
                "join_words(words).error FROM texts"
            )
        )
    )
    assert good == (0, "ab", 2, None)
    assert empty == (1, "", 0, None)
    assert missing[:3] == (2, None, None)
    assert missing[3].endswith("it is null")


def test_classify_gives_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    source = table(t_env, "id INT, words ARRAY<STRING>", [(0, ["a", "b"]), (1, [])])
    method = ms.Classify(labels=("long", "short"))
    result = ms.infer(source, ms.SavedModel(ragged.methods()), method, keep=["id"])
    assert sorted(collected(result.scored)) == [(0, "long", 0.5), (1, "short", 1.5)]
