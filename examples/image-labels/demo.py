"""Draw pictures, label them with modelstream.yaml, show the answers: ``python demo.py``.

Trains the network when it is not there yet, and adds a picture that is cut off in the middle.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from shapes import SHAPES, Picture, draw

sys.path.append(str(Path(__file__).resolve().parents[1]))
from contactsheet import Shown, write

from modelstream.cli import reported
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MODEL = REPOSITORY / ".build" / "models" / "shapes"
PICTURES = REPOSITORY / ".build" / "image-labels"
OUT = REPOSITORY / "out" / "image-labels"
EACH = 4
RIGHT, WRONG = "#3d9c86", "#c82828"


def main() -> int:
    """Train, draw, run, show."""
    if not (MODEL / "graph" / "labels.txt").exists():
        print("Training the network (once, some seconds) ...")
        subprocess.run([sys.executable, HERE / "train.py", MODEL], check=True)
    pictures = stage(np.random.default_rng(2017))
    shutil.rmtree(OUT, ignore_errors=True)
    path = "spec.pipeline.{}.options.path".format
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"shapes": str(MODEL / "graph")},
            overrides={
                path("source"): str(PICTURES),
                path("sink"): str(OUT / "labels"),
                path("deadLetter"): str(OUT / "unreadable"),
            },
        )
    )
    scored, dead = list(records(OUT / "labels")), list(records(OUT / "unreadable"))
    show(scored, dead)
    sheet(scored, dead, pictures)
    print(f"\n{(OUT / 'sheet.svg').relative_to(REPOSITORY)}: a row for each label")
    return 0


def stage(random: np.random.Generator) -> dict[str, Picture]:
    """JPEG and PNG files of many sizes, one of them cut off; file name → what was drawn."""
    import tensorflow as tf

    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    drawn = {}
    for label in SHAPES:
        for number in range(EACH):
            height, width = random.integers(60, 240, 2)
            encode, suffix = [(tf.io.encode_png, "png"), (tf.io.encode_jpeg, "jpg")][number % 2]
            name = f"{label}-{number}.{suffix}"
            drawn[name] = draw(label, int(height), int(width), random)
            (PICTURES / name).write_bytes(encode(drawn[name]).numpy())
    whole = (PICTURES / "circle-1.jpg").read_bytes()
    (PICTURES / "cut-off.jpg").write_bytes(whole[: len(whole) // 2])
    return drawn


def records(directory: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines that Flink wrote below ``directory``."""
    for part in sorted(directory.rglob("part-*")):
        for line in part.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def show(scored: list[dict[str, Any]], dead: list[dict[str, Any]]) -> None:
    """A line a picture with the best three, then what could not be read."""
    rows = []
    for record in sorted(scored, key=lambda record: record["name"]):
        ranked = sorted(record["top3"].items(), key=lambda pair: -pair[1])
        right = record["name"].startswith(record["label"])
        rows.append(
            (record["name"], *(f"{n} {s:.3f}" for n, s in ranked), "" if right else "wrong")
        )
    print(aligned(("PICTURE", "FIRST", "SECOND", "THIRD", ""), rows))
    for letter in dead:
        print(f"\ndead letter: {letter['stage']} {letter['error_type']}: {letter['message']}")
    right = sum(record["name"].startswith(record["label"]) for record in scored)
    print(f"\n{len(scored)} pictures, {right} labelled right, {len(dead)} unreadable")


def sheet(
    scored: list[dict[str, Any]], dead: list[dict[str, Any]], pictures: dict[str, Picture]
) -> None:
    """All pictures in a row for each label that they got; those that got a wrong one are framed."""
    import tensorflow as tf

    rows = []
    for label in SHAPES:
        found = sorted((r for r in scored if r["label"] == label), key=lambda r: -r["score"])
        rows.append((label, [_shown(record, pictures[record["name"]]) for record in found]))
    rows.append(("unreadable", [Shown(None, letter["error_type"], WRONG) for letter in dead]))
    title = "The label that each picture got, and its score; red: it is something else"
    write(OUT / "sheet.svg", title, rows, lambda pixels: bytes(tf.io.encode_png(pixels).numpy()))


def _shown(record: dict[str, Any], pixels: Picture) -> Shown:
    right = record["name"].startswith(record["label"])
    caption = f"{record['score']:.2f}" if right else f"{record['score']:.2f}, {record['name']}"
    return Shown(pixels, caption, RIGHT if right else WRONG)


if __name__ == "__main__":
    sys.exit(reported(main))
