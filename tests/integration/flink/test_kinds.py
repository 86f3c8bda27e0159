"""Models of every kind through one Flink job."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tests.support import models
from tests.support.flink import HUNG_UP, MODES, environment, in_processes, rows, run, table
from tests.support.jobs import run as run_manifest

from modelstream.flink.entry import infer
from modelstream.flink.sql import register
from modelstream.models import CallableModel, GraphDefModel, KerasModel, Model, TensorSpec

pytestmark = [pytest.mark.flink, HUNG_UP]

A = {"a": TensorSpec("float32", (None, 4)), "b": TensorSpec("int32", (None, 2))}
SUM = {"sum": TensorSpec("float32", (None,))}
ROWS = [(0, [1.0, 2.0, 3.0, 4.0], [1, 2]), (1, [0.5, 0.0, -1.0, 2.0], [0, 7])]


def kinds() -> dict[str, Model]:
    """A graph that is built here and a function, both shipped with the job, and a file."""
    weight = tf.Variable(2.0)

    def total(a: Any, b: Any) -> dict[str, Any]:
        return {"sum": weight * tf.reduce_sum(a, 1) + tf.cast(tf.reduce_sum(b, 1), tf.float32)}

    return {
        "graph": GraphDefModel.from_function(total, A),
        "plain": CallableModel(lambda a, b: a.sum(1) * 2 + b.sum(1), A, SUM, name="plain"),
        "keras": KerasModel(models.keras_files() / "net.keras"),
    }


@pytest.mark.parametrize("processes", MODES)
def test_every_kind_of_model_scores_the_same_records_in_one_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: bool
) -> None:
    if processes:
        in_processes(monkeypatch)
    t_env = environment()
    source = table(t_env, "id INT, a ARRAY<FLOAT>, b ARRAY<INT>", ROWS)
    found = kinds()
    tables = {name: infer(source, model, keep=["id"]).scored for name, model in found.items()}
    t_env.create_temporary_view("origin", source)
    register(t_env, "plain", found["plain"])
    tables["sql"] = t_env.sql_query("SELECT id, plain(a, b).`sum` AS s FROM origin")
    run(t_env, tables, tmp_path)
    expected = [2 * sum(a) + sum(b) for _, a, b in ROWS]
    for name, column in (("graph", "sum"), ("plain", "sum"), ("sql", "s")):
        scored = sorted(rows(tmp_path / name), key=lambda row: row["id"])
        assert [row[column] for row in scored] == pytest.approx(expected), name
    with found["keras"].open() as opened:
        scores = opened.predict(a=[row[1] for row in ROWS], b=[row[2] for row in ROWS])["score"]
    scored = sorted(rows(tmp_path / "keras"), key=lambda row: row["id"])
    np.testing.assert_allclose([row["score"] for row in scored], scores, rtol=1e-5)


def test_a_manifest_classifies_pictures_by_a_frozen_graph_and_its_label_file(
    tmp_path: Path,
) -> None:
    place = tmp_path / "model"
    place.mkdir()
    (place / "graph.pb").write_bytes(_means())
    (place / "labels.txt").write_text("dark\nbright\n")
    origin = tmp_path / "in"
    origin.mkdir()
    pictures = [{"id": n, "pixels": [[n / 5] * 3] * 3} for n in range(5)]
    (origin / "part").write_text("".join(f"{json.dumps(picture)}\n" for picture in pictures))
    run_manifest(_job(origin, tmp_path), {"pictures": place})
    labels = {row["id"]: row["label"] for row in rows(tmp_path / "out")}
    assert labels == {0: "dark", 1: "dark", 2: "dark", 3: "bright", 4: "bright"}


def _means() -> bytes:
    """``image`` float32[1, 3, 3] → ``scores`` [1, 2]: how dark and how bright it is."""
    from modelstream.models.freeze import frozen_function

    def scores(image: Any) -> Any:
        bright = tf.reduce_mean(image, [1, 2])
        return tf.stack([1.0 - bright, bright], axis=1, name="scores")

    return frozen_function(scores, {"image": TensorSpec("float32", (1, 3, 3))})[0]


def _job(origin: Path, out: Path) -> dict[str, Any]:
    files = {"connector": "filesystem", "format": "json"}
    picture = {"name": "image", "tensor": "image", "shape": [-1, 3, 3]}
    schema = [
        {"name": "id", "type": "BIGINT"},
        {"name": "pixels", "type": "ARRAY<ARRAY<FLOAT>>"},
    ]
    return {
        "models": [
            {
                "name": "pictures",
                "uri": "pvc://models/pictures",
                "format": "GraphDef",
                "signatures": [
                    {"inputs": [picture], "outputs": [{"name": "scores", "tensor": "scores:0"}]}
                ],
            }
        ],
        "pipeline": {
            "source": {**files, "schema": schema, "options": {"path": str(origin)}},
            "inference": {
                "model": "pictures",
                "method": "Classify",
                "classify": {"labels": "labels.txt"},
                "inputs": {"image": "pixels"},
                "outputs": {"label": "label"},
                "keep": ["id"],
            },
            "sink": {**files, "options": {"path": str(out / "out")}},
        },
    }
