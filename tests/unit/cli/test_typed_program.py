"""A program of a user passes mypy as strictly as it can be asked."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
from datetime import timedelta
from typing import Any, assert_type

from pyflink.datastream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment, Table

import modelstream as ms


def score(table: Table, stream: DataStream, t_env: StreamTableEnvironment) -> None:
    listed = ms.model("fraud")
    model = ms.SavedModel("/models/fraud", name="fraud")
    batch = ms.Batch(64, timedelta(milliseconds=20))
    found = ms.infer(
        table, model, ms.Classify(top_k=3), keep=["id"], batch=batch, on_error=ms.DeadLetter()
    )
    assert_type(found, ms.Inferred)
    print(found.scored, found.dead_letters, found.choice.route is ms.Route.ARROW)
    print(ms.infer(stream, listed, outputs={"score": "y"}).choice.reason)
    ms.register(t_env, "fraud", model, ms.Predict(inputs={"x": "amount"}), on_error=ms.Null())
    ms.configure(t_env, batch)


def functions(stream: DataStream, model: ms.SavedModel) -> None:
    def label(text: str, opened: ms.ModelHandle) -> object:
        return opened.score(text)["label"]

    def labels(texts: list[str], opened: ms.ModelHandle) -> list[object]:
        return [
            each.message if isinstance(each, ms.Failure) else each["label"]
            for each in opened.score_all(texts)
        ]

    mapped = ms.map_with_model(stream, model, label, on_error=ms.DeadLetter())
    ms.dead_letters(mapped)
    ms.map_batches_with_model(stream, [model], labels, batch=ms.Batch(8))


class Label(ms.ModelMapFunction):
    def map(self, value: str) -> str:
        return str(self.model.score(value)["label"])


def learners(stream: KeyedStream, views: DataStream, lstm: ms.KerasModel) -> None:
    spec = ms.TensorSpec("float32", (None,))
    clicks = ms.OnlineModel(
        lambda: None, "binary_crossentropy", inputs={"x": spec}, labels={"y": spec}, publish_every=1
    )
    learned = ms.learn(stream, clicks, keep=["id"])
    assert_type(learned, ms.Learned)
    scored = ms.infer_with_weights(views, clicks, learned.weights, key=lambda row: row.id)
    remembered = ms.infer_with_state(stream, ms.RecurrentModel(lstm, {"h": "h_next"}))
    same: list[ms.Inferred] = [learned, scored, remembered]
    print(same, ms.detect(stream, ms.Pattern("a", bool).followed_by("b", bool)).matched)


def notebook(record: dict[str, Any]) -> object:
    model = ms.CallableModel(
        lambda x: {"y": x}, {"x": ms.TensorSpec((None,), "float32")},
        {"y": ms.TensorSpec("float32", (None,))},
    )
    try:
        with model.open() as opened:
            return opened.predict(x=[1.0])["y"][0], opened.score(record)["y"]
    except ms.errors.ModelError as error:
        return error
"""

CONFIG = """
[mypy]
strict = True
follow_imports = silent
[mypy-pyflink.*,tensorflow.*,keras.*,numpy.*,pandas.*,pyarrow.*,google.*]
ignore_missing_imports = True
follow_imports = skip
"""
"""The library's own errors are lint's; what others bring is Any, as mypy is quick then."""


def test_a_program_over_the_public_names_is_typed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "mypy.ini").write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": f"{ROOT / 'runtime'}:{ROOT / 'crds'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "Success: no issues found in 1 source file", done.stdout
