"""Train the model, show pictures to five doors, and see which of them open: ``demo.py``."""

import base64
import json
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.cli import reported
from modelstream.cli.quiet import quiet
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import contactsheet as sheet  # noqa: E402  # a neighbour, wherever this runs
from train import picture, train  # noqa: E402  # a neighbour, wherever this runs

REPOSITORY = HERE.parent.parent
WORK = REPOSITORY / ".build" / "johnny"
OUT = REPOSITORY / "out" / "johnny"
NOON = datetime(2026, 5, 1, 12)
BURGER, BUG, LLAMA, NOTHING = "cheeseburger", "ladybug", "llama", "nothing"
# What each door is shown, and at which second.
DOORS = {
    "front": ((0, BURGER), (20, BUG), (45, LLAMA)),
    "cellar": ((3, BURGER), (9, NOTHING), (21, BUG), (33, NOTHING), (62, LLAMA)),
    "side": ((5, BURGER), (15, LLAMA), (25, BUG)),
    "garden": ((8, BURGER), (38, BUG), (68, LLAMA)),
    "back": ((10, NOTHING), (30, LLAMA), (50, NOTHING)),
}
COLOURS = {"AccessGranted": "#28a03c", "AccessDenied": "#c82828", "": "#969696"}


def main() -> int:
    """Train, run, show."""
    for directory in (WORK, OUT):
        shutil.rmtree(directory, ignore_errors=True)
    with quiet():
        train(WORK / "model")
        shots = write(WORK / "pictures")
    places = [str(WORK / "pictures"), str(OUT / "labels"), str(OUT / "verdicts")]
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"things": str(WORK / "model")},
            overrides={"spec.python.args": json.dumps(places)},
            mounts={"johnny": HERE},
        )
    )
    verdicts = {record["door"]: record["verdict"] for record in records("verdicts")}
    show(verdicts)
    draw(shots, verdicts)
    print(f"\nThe pictures: {(OUT / 'doors.svg').relative_to(REPOSITORY)}")
    return 0


def write(directory: Path) -> dict[str, list[npt.NDArray[Any]]]:
    """The pictures as JPEG, in the order in which they arrive: some up to three seconds late."""
    import tensorflow as tf

    directory.mkdir(parents=True)
    rng = np.random.default_rng(7)
    shots: dict[str, list[npt.NDArray[Any]]] = {door: [] for door in DOORS}
    arriving = []
    for door, shown in DOORS.items():
        for second, label in shown:
            shots[door].append(picture(label, rng))
            jpeg = tf.io.encode_jpeg(shots[door][-1], quality=90).numpy()
            seen = NOON + timedelta(seconds=second)
            record = {
                "door": door,
                "seen": f"{seen:%Y-%m-%d %H:%M:%S}",
                "picture": base64.b64encode(jpeg).decode(),
            }
            arriving.append((second + rng.uniform(0, 3), json.dumps(record)))
    lines = [line for _, line in sorted(arriving)]
    (directory / "pictures.json").write_text("".join(f"{line}\n" for line in lines))
    return shots


def records(name: str) -> list[dict[str, Any]]:
    """The JSON lines of a sink."""
    parts = (OUT / name).rglob("part-*")
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def show(verdicts: dict[str, str]) -> None:
    """What the model saw at each door, and what came of it."""
    rows = []
    for door in DOORS:
        seen = sorted((r for r in records("labels") if r["door"] == door), key=lambda r: r["seen"])
        what = ", ".join(f"{r['seen'][14:19]} {r['label']} {r['score']:.2f}" for r in seen)
        rows.append((door, verdicts.get(door, "-"), what))
    print(aligned(("DOOR", "VERDICT", "PICTURES"), rows))


def draw(shots: dict[str, list[npt.NDArray[Any]]], verdicts: dict[str, str]) -> None:
    """A row of pictures for each door, with time, label and score, as ``doors.svg``."""
    import tensorflow as tf

    rows = []
    for door, pictures in shots.items():
        seen = sorted((r for r in records("labels") if r["door"] == door), key=lambda r: r["seen"])
        shown = [
            sheet.Shown(
                pixels, f"{r['seen'][14:19]} {r['label']} {r['score']:.2f}", colour(verdicts, door)
            )
            for pixels, r in zip(pictures, seen, strict=True)
        ]
        rows.append((f"{door}: {verdicts.get(door, 'no verdict').removeprefix('Access')}", shown))
    title = "What each door was shown, when, and what the model took it for"
    sheet.write(OUT / "doors.svg", title, rows, lambda each: bytes(tf.io.encode_png(each).numpy()))


def colour(verdicts: dict[str, str], door: str) -> str:
    """Green for a door that opens, red for one that stays closed, grey where nothing is decided."""
    return COLOURS[verdicts.get(door, "")]


if __name__ == "__main__":
    sys.exit(reported(main))
