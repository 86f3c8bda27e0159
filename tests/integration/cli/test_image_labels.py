"""The example image-labels, as its README says."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "image-labels"
MODEL = ROOT / ".build" / "models" / "shapes"
OUT = ROOT / "out" / "image-labels"


@pytest.mark.flink
def test_pictures_get_their_best_three_labels_and_one_that_is_cut_off_is_a_dead_letter() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE / "demo.py"],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [
        json.loads(line)
        for part in (OUT / "labels").rglob("part-*")
        for line in part.read_text().splitlines()
    ]
    right = [record for record in found if record["name"].startswith(record["label"])]
    assert len(found) == 24
    assert len(right) >= 20
    for record in found:
        assert len(record["top3"]) == 3
        assert record["score"] == max(record["top3"].values()) == record["top3"][record["label"]]
    assert f"24 pictures, {len(right)} labelled right, 1 unreadable" in done.stdout
    assert "JPEG" in done.stdout.partition("dead letter: encode ConversionError")[2]
    sheet = (OUT / "sheet.svg").read_text()
    assert sheet.count("<image") == len(found)
    assert sheet.count("#c82828") == len(found) - len(right) + 1  # the one that is cut off
    _the_frozen_graph_gives_the_same_scores()


def _the_frozen_graph_gives_the_same_scores() -> None:
    import tensorflow as tf

    from modelstream.models import SavedModel

    images = np.random.default_rng(1).random((4, 48, 48, 3), np.float32)
    with SavedModel(MODEL / "saved_model").open() as opened:
        expected = opened.predict(image=images)["scores"]
    graph = tf.compat.v1.GraphDef.FromString((MODEL / "graph" / "graph.pb").read_bytes())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        (scores,) = tf.graph_util.import_graph_def(
            graph, {"image:0": tf.constant(images)}, ["scores:0"]
        )
        np.testing.assert_allclose(session.run(scores), expected, atol=1e-5)
    labels = (MODEL / "graph" / "labels.txt").read_text().split()
    assert labels == ["circle", "cross", "ring", "square", "star", "triangle"]
