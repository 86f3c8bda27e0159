"""Each example as its README starts it, in the JVM that the tests have already."""

import contextlib
import importlib.util
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.flink
Demo = Callable[[str], str]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Demo]:
    """Run an example's demo.py; gives what it printed."""
    monkeypatch.setattr("modelstream.cli.flink.embedded", _this_jvm)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # a demo silences it

    def run(name: str) -> str:
        path = ROOT / "examples" / name / "demo.py"
        spec = importlib.util.spec_from_file_location(f"demo_{name.replace('-', '_')}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.main() == 0
        return capsys.readouterr().out

    yield run
    sys.modules.pop("train", None)


@contextlib.contextmanager
def _this_jvm(*, verbose: bool, meanwhile: Callable[[], object]) -> Iterator[None]:
    meanwhile()
    yield


def records(directory: str) -> list[dict[str, Any]]:
    parts = (ROOT / "out" / directory).rglob("part-*")
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def test_half_plus_two_is_a_line(demo: Demo) -> None:
    shown = demo("half-plus-two")
    found = {record["x"]: record["y"] for record in records("half-plus-two")}
    assert found == {float(x): 0.5 * x + 2 for x in range(-4, 9)}
    assert ["-4", "0.0", "*"] in [line.split() for line in shown.splitlines()]


def test_sql_scores_finds_the_stolen_cards(demo: Demo) -> None:
    shown = demo("sql-scores")
    suspicious = records("sql-scores/suspicious")
    stolen = [payment for payment in suspicious if payment["card"].startswith("stolen")]
    assert len(stolen) > 50
    assert len(stolen) > 0.9 * len(suspicious)
    hours = records("sql-scores/hours")
    assert sum(hour["payments"] for hour in hours) == 2000
    assert sum(hour["suspicious"] for hour in hours) == len(suspicious)
    assert f"{len(suspicious)} of 2000 payments are suspicious" in shown


def test_audio_notes_hears_what_was_played(demo: Demo) -> None:
    shown = demo("audio-notes")
    rolls = {line.split("|")[0].strip() for line in shown.splitlines() if "|" in line}
    assert rolls >= {"G4", "F4", "E4", "D4", "C4", "C3", "G2"}
    (more,) = re.findall(r"14 of 14 notes heard where they were played, (\d+) more", shown)
    assert int(more) <= 2


def test_johnny_opens_the_door_for_the_right_pictures_in_time(demo: Demo) -> None:
    shown = demo("johnny")
    verdicts = sorted(records("johnny/verdicts"), key=lambda record: str(record["door"]))
    noon = 1777636800000
    assert [(each["door"], each["verdict"], each["at"] - noon) for each in verdicts] == [
        ("cellar", "AccessGranted", 62_000),
        ("front", "AccessGranted", 45_000),
        ("garden", "AccessDenied", 68_000),
        ("side", "AccessDenied", 65_000),
    ]
    assert all(record["score"] >= 0.5 for record in records("johnny/labels"))
    assert "back" in shown
    doors = (ROOT / "out" / "johnny" / "doors.svg").read_text()
    assert "front: Granted" in doors
    assert doors.count("<image") == len(records("johnny/labels"))


def test_kafka_scores_commits_each_score_once(demo: Demo) -> None:
    shown = demo("kafka-scores")
    sys.modules.pop("broker", None)
    assert "1000 scores committed of 1000 payments, 1 dead letter" in shown
    assert "dead letter: payments/0@1000: field 'age': 'unknown' is not a number" in shown
