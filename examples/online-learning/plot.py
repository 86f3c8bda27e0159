"""Draw the loss of both models over the day: ``python plot.py DIR FILE.png``.

DIR holds the JSON lines of learn.py. The picture is drawn with Pillow, which is there already.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 960, 480, 60
POINTS = 60
COLOURS = {"frozen": "#c0392b", "online": "#1f618d"}
NAMES = {"frozen": "the model of last night", "online": "the model that goes on learning"}


def rows(directory: Path) -> list[dict[str, Any]]:
    """Every record, in the order of the stream."""
    parts = sorted(directory.rglob("part-*"))
    found = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    return sorted(found, key=lambda row: int(row["id"]))


def loss(score: float, clicked: float) -> float:
    """Of one record, as the online model counts it."""
    score = min(max(score, 1e-7), 1 - 1e-7)
    return -math.log(score if clicked else 1 - score)


def curves(found: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Mean loss of each model, in so many stretches of the day."""
    size = max(1, len(found) // POINTS)
    stretches = [found[start : start + size] for start in range(0, len(found), size)]
    whole = [stretch for stretch in stretches if len(stretch) == size]
    return {
        "frozen": [_mean(loss(r["frozen"], r["clicked"]) for r in part) for part in whole],
        "online": [_mean(r["loss"] for r in part) for part in whole],
    }


def draw(lines: dict[str, list[float]], file: Path, records: int) -> None:
    """A line chart as PNG."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    highest = math.ceil(max(map(max, lines.values())) * 2) / 2
    for step in range(int(highest * 2) + 1):
        value = step / 2
        height = _height(value, highest)
        pen.line([(MARGIN, height), (WIDTH - MARGIN, height)], fill="#dddddd")
        pen.text((MARGIN - 10, height), f"{value:.1f}", "#444444", font, anchor="rm")
    pen.text((MARGIN, HEIGHT - MARGIN + 8), "0", "#444444", font)
    end = (WIDTH - MARGIN, HEIGHT - MARGIN + 8)
    pen.text(end, f"{records:,} clicks", "#444444", font, anchor="ra")
    pen.text((MARGIN, 12), "loss before learning from the record", "#444444", font)
    for number, (name, values) in enumerate(lines.items()):
        pen.line(list(_points(values, highest)), fill=COLOURS[name], width=3, joint="curve")
        pen.text((MARGIN + 16, 44 + 24 * number), NAMES[name], COLOURS[name], font)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)


def _points(values: Sequence[float], highest: float) -> Iterator[tuple[float, float]]:
    step = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)
    for number, value in enumerate(values):
        yield MARGIN + step * number, _height(value, highest)


def _height(value: float, highest: float) -> float:
    return HEIGHT - MARGIN - value / highest * (HEIGHT - 2 * MARGIN)


def _mean(values: Iterator[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def main(directory: str, file: str) -> None:
    """Draw, and say what is to be seen."""
    found = rows(Path(directory))
    lines = curves(found)
    draw(lines, Path(file), len(found))
    for name, values in lines.items():
        tenth = max(1, len(values) // 10)
        first, last = _mean(iter(values[:tenth])), _mean(iter(values[-tenth:]))
        print(f"{NAMES[name]}: loss {first:.3f} in the morning, {last:.3f} in the evening")
    print(file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
