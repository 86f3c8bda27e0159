import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.job.test_whole_files import SOON
from tests.support import models
from tests.support.flink import until
from tests.support.jobs import model, place, rows, running

pytestmark = pytest.mark.flink

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128,)


def spec(source: Path, scored: Path, dead: Path, state: str) -> dict[str, Any]:
    def sink(path: Path) -> dict[str, Any]:
        options = {"path": str(path), **SOON}
        return {"connector": "filesystem", "format": "json", "options": options}

    columns = [
        {"name": "content", "type": "BYTES"},
        {"name": "name", "type": "STRING", "metadata": "file.name"},
    ]
    return {
        "models": [model("colours")],
        "state": {"storage": state, "checkpointInterval": "500ms"},
        "pipeline": {
            "source": {
                "connector": "filesystem",
                "format": "file",
                "schema": columns,
                "options": {"path": str(source), "source.monitor-interval": "200 ms"},
            },
            "inference": {
                "model": "colours",
                "inputs": {"image": "content"},
                "images": {"image": {"fit": "Crop", "std": [255]}},
                "keep": ["name"],
                "onError": "DeadLetter",
            },
            "sink": sink(scored),
            "deadLetter": sink(dead),
        },
    }


def picture(colour: tuple[int, ...], height: int, width: int) -> Any:
    return np.full((height, width, len(colour)), colour, np.uint8)


def test_images_are_decoded_beside_the_model_and_a_bad_one_is_one_dead_letter(
    tmp_path: Path,
) -> None:
    import tensorflow as tf

    files, scored, dead = tmp_path / "in", tmp_path / "scored", tmp_path / "dead"
    files.mkdir()
    jpeg = tf.io.encode_jpeg(picture(BLUE, 40, 60)).numpy()
    (files / "red.png").write_bytes(tf.io.encode_png(picture(RED, 5, 9)).numpy())
    (files / "blue.jpg").write_bytes(jpeg)
    (files / "grey.png").write_bytes(tf.io.encode_png(picture(GREY, 8, 8)).numpy())
    (files / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (files / "text.png").write_text("no picture")
    job = spec(files, scored, dead, "pvc://state/x")
    where = {"colours": models.mean_colour()}
    with running(job, where, mounts={"state": tmp_path}):
        until(lambda: len(rows(scored)) == 3 and len(rows(dead)) == 2, "the images that are there")
        place(files / "late.png", tf.io.encode_png(picture(GREEN, 8, 8)).numpy())
        until(lambda: len(rows(scored)) == 4, "the image that came later")
    found = {row["name"]: pytest.approx(row["colour"], abs=0.02) for row in rows(scored)}
    grey = 128 / 255
    assert found == {
        "red.png": [1, 0, 0],
        "blue.jpg": [0, 0, 1],
        "grey.png": [grey, grey, grey],
        "late.png": [0, 1, 0],
    }
    letters = {Path(base64.b64decode(row["key"]).decode()).name: row for row in rows(dead)}
    assert letters.keys() == {"cut.jpg", "text.png"}
    assert {row["stage"] for row in letters.values()} == {"encode"}
    assert "JPEG" in letters["cut.jpg"]["message"]
    assert "neither a JPEG nor a PNG" in letters["text.png"]["message"]
