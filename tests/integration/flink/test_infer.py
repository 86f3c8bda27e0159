"""infer over real Flink tables."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support import models
from tests.support.flink import (
    HUNG_UP,
    collected,
    columns,
    environment,
    in_processes,
    numbers,
    rows,
    run,
    table,
)
from tests.support.numpymodel import NumpyModel, called

from modelstream.convert import parse_type
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.failure import DeadLetter, Drop
from modelstream.flink.entry import infer
from modelstream.models import Predict, SavedModel
from modelstream.scoring.batch import Batch
from modelstream.scoring.letter import DEAD_LETTER_COLUMNS

pytestmark = [pytest.mark.flink, HUNG_UP]


def test_a_bad_record_is_one_dead_letter_and_the_others_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    source = numbers(t_env, [4.0, -1.0, 9.0, None])
    result = infer(source, SavedModel(models.picky()), on_error=DeadLetter(), key="id")
    run(t_env, {"scored": result.scored, "dead": result.dead_letters}, tmp_path)
    assert rows(tmp_path / "scored") == [
        {"id": 0, "x": 4.0, "root": 2.0},
        {"id": 2, "x": 9.0, "root": 3.0},
    ]
    letters = {base64.b64decode(each["key"]): each for each in rows(tmp_path / "dead")}
    assert letters.keys() == {b"1", b"3"}
    assert letters[b"1"]["stage"] == "inference"
    assert letters[b"1"]["model"] == "picky"
    assert "x is negative" in letters[b"1"]["message"]
    assert json.loads(base64.b64decode(letters[b"1"]["payload"])) == {"id": 1, "x": -1.0}
    assert letters[b"3"]["stage"] == "encode"


def test_dead_letters_have_the_documented_columns() -> None:
    source = numbers(environment(), [1.0])
    result = infer(source, NumpyModel(), on_error=DeadLetter())
    wanted = [(column.name, parse_type(column.type)) for column in DEAD_LETTER_COLUMNS]
    given = [(column.name, parse_type(column.type)) for column in columns(result.dead_letters)]
    assert [name for name, _ in given] == [name for name, _ in wanted]
    written = {column.name: column.type for column in columns(result.dead_letters)}
    assert written["time"].startswith("TIMESTAMP(3) WITH LOCAL TIME ZONE")
    assert [kind for name, kind in given if name != "time"] == [
        kind for name, kind in wanted if name != "time"
    ]


@dataclass(frozen=True)
class Verified(NumpyModel):
    digest: str = "sha256:7e1f"


def test_a_letter_tells_of_the_model_s_files_and_of_the_record_as_text() -> None:
    t_env = environment()
    from pyflink.table.expressions import col

    source = numbers(t_env, [1.0, -1.0, -2.0])
    result = infer(source, Verified(), on_error=DeadLetter(), key="id")
    kept = result.dead_letters.select(*map(col, ("model_digest", "source", "text")))
    assert collected(kept) == [
        ("sha256:7e1f", None, '{"id":1,"x":-1.0}'),
        ("sha256:7e1f", None, '{"id":2,"x":-2.0}'),
    ], "two bad records that meet are two letters of a healthy model"


@pytest.mark.parametrize("batch", [False, True], ids=["streaming", "batch"])
def test_the_model_runs_once_for_both_sinks(tmp_path: Path, batch: bool) -> None:
    t_env = environment(batch=batch)
    calls = tmp_path / "calls"
    source = numbers(t_env, [float(index) for index in range(50)])
    result = infer(source, NumpyModel(calls), keep=["id"], on_error=DeadLetter(), warm_up=False)
    run(t_env, {"scored": result.scored, "dead": result.dead_letters}, tmp_path)
    assert sum(called(calls)) == 50
    assert len(rows(tmp_path / "scored")) == 50


def test_kept_columns_keep_their_order_types_and_values(tmp_path: Path) -> None:
    t_env = environment()
    schema = (
        "id BIGINT, x FLOAT, at TIMESTAMP_LTZ(3), price DECIMAL(10, 2), tags ARRAY<STRING>, "
        "b BYTES, m MAP<STRING, INT>"
    )
    values = (2**60 + 1, 2.0, "2026-01-02 03:04:05.678Z", 1.25, ["a", "b"], b"\xff\x00", {"k": 1})
    source = table(t_env, schema, [values])
    keep = ["tags", "b", "price", "at", "m", "id"]
    result = infer(source, NumpyModel(), keep=keep, on_error=DeadLetter())
    before = {column.name: column.type for column in columns(source)}
    after = {column.name: column.type for column in columns(result.scored)}
    assert list(after) == [*keep, "y"]
    assert all(after[name] == before[name] for name in keep)
    run(t_env, {"source": source, "scored": result.scored}, tmp_path)
    (given,) = rows(tmp_path / "source")
    assert rows(tmp_path / "scored") == [{**{name: given[name] for name in keep}, "y": 4.0}]


def test_a_null_beside_large_integers_is_dropped_alone_and_so_is_a_refused_record() -> None:
    values = [(0, 2**24), (1, None), (2, 2**62), (3, -1)]
    result = infer(table(environment(), "id INT, x BIGINT", values), NumpyModel(), on_error=Drop())
    assert result.dead_letters is None
    scored = collected(result.scored)
    assert [row[:2] for row in scored] == [(0, 2**24), (2, 2**62)]
    assert [row[2] for row in scored] == pytest.approx([2.0**25, 2.0**63], rel=1e-6)


def test_tensorflow_gives_what_it_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    model = SavedModel(models.mlp())
    vectors = [[(at * 16 + i) / 1000 for i in range(16)] for at in range(20)]
    source = table(environment(), "id INT, x ARRAY<FLOAT>", list(enumerate(vectors)))
    batch = Batch(8, timedelta(milliseconds=50), allowed_sizes=(4, 8))
    scored = collected(infer(source, model, keep=["id"], batch=batch).scored)
    with model.open() as opened:
        expected = opened.predict(x=vectors)["y"]
    assert [row[0] for row in scored] == list(range(20))
    assert [row[1] for row in scored] == [
        pytest.approx(value.tolist(), rel=1e-5) for value in expected
    ]


def test_a_missing_column_is_named_with_what_exists() -> None:
    source = numbers(environment(), [1.0])
    with pytest.raises(SignatureMismatchError, match=r"'features'.*it has 'id', 'x'"):
        infer(source, NumpyModel(), Predict(inputs={"x": "features"}))


def test_a_column_of_another_type_is_told_as_one_writes_it() -> None:
    source = table(environment(), "id INT, x STRING", [(1, "one")])
    with pytest.raises(SignatureMismatchError, match=r"STRING") as refused:
        infer(source, NumpyModel())
    assert "VARCHAR" not in str(refused.value)


def test_an_output_with_the_name_of_a_kept_column_is_refused() -> None:
    source = numbers(environment(), [1.0])
    with pytest.raises(SignatureMismatchError, match="'id' comes from the stream and from model"):
        infer(source, NumpyModel(), outputs={"id": "y"})


def test_two_batch_settings_in_one_job_are_refused() -> None:
    source = numbers(environment(), [1.0])
    infer(source, NumpyModel(), batch=Batch(8))
    with pytest.raises(OptionError, match="one batch setting"):
        infer(source, NumpyModel(), batch=Batch(16))


def test_a_default_or_a_call_that_failed_binds_no_other_model() -> None:
    source = numbers(environment(), [1.0])
    once = infer(source, NumpyModel(), keep=["id", "x"], outputs={"twice": "y"})
    with pytest.raises(SignatureMismatchError):
        infer(once.scored, NumpyModel(), batch=Batch(4), keep=["nope"])
    assert infer(once.scored, NumpyModel(), batch=Batch(8), keep=["id"]).scored is not None


def test_a_key_that_is_not_there_is_refused_with_what_is() -> None:
    source = numbers(environment(), [1.0])
    with pytest.raises(SignatureMismatchError, match=r"key names the column 'idd'.*mean 'id'"):
        infer(source, NumpyModel(), key="idd", on_error=DeadLetter())


def test_a_model_without_a_batch_setting_takes_that_of_the_job(tmp_path: Path) -> None:
    source = numbers(environment(), [float(index) for index in range(20)])
    together = Batch(8, timedelta(minutes=1))
    once = infer(source, NumpyModel(), keep=["id", "x"], outputs={"twice": "y"}, batch=together)
    again = infer(once.scored, NumpyModel(tmp_path / "calls"), keep=["id"], warm_up=False)
    assert len(collected(again.scored)) == 20
    assert called(tmp_path / "calls") == [8, 8, 4]


def test_thread_mode_is_refused_with_the_reason() -> None:
    source = numbers(environment({"python.execution-mode": "thread"}), [1.0])
    with pytest.raises(OptionError, match="TensorFlow can deadlock"):
        infer(source, NumpyModel())
