import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.integration.cli.conftest import Workplace

EXAMPLE = Path(__file__).parents[3] / "examples" / "online-learning"


def program(name: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLE / name, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.flink
def test_the_example_learns_what_last_night_s_model_does_not_know(workplace: Workplace) -> None:
    directory = workplace.directory
    program("train.py", "model", cwd=directory)
    ended = workplace.modelstream(
        "run",
        str(EXAMPLE / "modelstream.yaml"),
        "--model",
        "clicks=model",
        "--mount",
        f"online-learning={EXAMPLE}",
        "--set",
        f"spec.python.args=[{directory}/clicks, '6000']",
    )
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in workplace.lines("clicks")]
    assert sorted(row["id"] for row in rows) == list(range(6000))
    assert {row["country"]: row["updates"] for row in sorted(rows, key=lambda row: row["id"])} == {
        "CH": 124,
        "JP": 124,
        "PE": 124,
    }
    said = program("plot.py", "clicks", "loss.png", cwd=directory)
    losses = re.findall(r"loss ([\d.]+) in the morning, ([\d.]+) in the evening", said)
    (morning_frozen, evening_frozen), (morning, evening) = [tuple(map(float, x)) for x in losses]
    assert abs(morning_frozen - morning) < 0.1
    assert evening < 0.6 < 1 < evening_frozen
    with Image.open(directory / "loss.png") as picture:
        colours = {colour for _, colour in picture.getcolors(100_000) or []}
        assert picture.size == (960, 480)
    assert {(0xC0, 0x39, 0x2B), (0x1F, 0x61, 0x8D)} <= colours
