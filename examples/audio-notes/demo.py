"""Play a tune, let modelstream.yaml hear which notes it has, and write them down: ``demo.py``."""

import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.cli import reported
from modelstream.cli.run import Request, run
from modelstream.fetch import fetch

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUILD = REPOSITORY / ".build"
WORK = BUILD / "audio-notes"
OUT = REPOSITORY / "out" / "audio-notes"
PACKAGE = "basic-pitch==0.4.0"
INSIDE = "basic_pitch/saved_models/icassp_2022/nmp"

RATE, WINDOW, FRAME = 22050, 43844, 256
EDGE = 15  # frames at both ends of a window that the model sees too little around
HOP = WINDOW - 2 * EDGE * FRAME
GAP = 20  # frames that a note may fade for and still be the same
LOWEST = 21  # the MIDI number of the lowest key of a piano
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# Frère Jacques, and a bass: MIDI number, beginning and end in beats.
TUNE = [
    *((note, beat, beat + 1) for beat, note in enumerate((60, 62, 64, 60, 60, 62, 64, 60))),
    *((64, 8, 9), (65, 9, 10), (67, 10, 12), (48, 0, 4), (43, 4, 8), (48, 8, 12)),
]
BEAT = 0.6  # seconds
Array = npt.NDArray[Any]
Note = tuple[int, float, float]


def main() -> int:
    """Play, listen, write down."""
    for directory in (WORK, OUT):
        shutil.rmtree(directory, ignore_errors=True)
    model, sound = basic_pitch(), played()
    save(sound, OUT / "tune.wav")
    write(sound, WORK / "sound")
    path = "spec.pipeline.{}.options.path".format
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"basicpitch": str(model)},
            overrides={path("source"): str(WORK / "sound"), path("sink"): str(OUT / "notes")},
        )
    )
    show(heard())
    print(f"\nThe sound and JSON lines: {OUT.relative_to(REPOSITORY)}/")
    return 0


def basic_pitch() -> Path:
    """The SavedModel in the package basic-pitch, without the rest of it."""
    wheels = BUILD / "wheels"
    if not list(wheels.glob("basic_pitch-*.whl")):
        print(f"Fetching {PACKAGE} from PyPI (a few MB, once) ...")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--dest", wheels, PACKAGE], check=True)
    (wheel,) = wheels.glob("basic_pitch-*.whl")
    return fetch(f"{wheel}#subdirectory={INSIDE}", BUILD / "models" / "basic-pitch").path


def played() -> Array:
    """The tune: each note a string that is plucked, with overtones."""
    sound = np.zeros(round((max(end for _, _, end in TUNE) * BEAT + 0.5) * RATE))
    for note, begin, end in TUNE:
        seconds = np.arange(round((end - begin) * BEAT * RATE)) / RATE
        pitch = 440 * 2 ** ((note - 69) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * n * seconds) / n**2 for n in range(1, 6))
        fade = np.minimum(1, (seconds[-1] - seconds) / 0.05) * np.minimum(1, seconds / 0.005)
        start = round(begin * BEAT * RATE)
        sound[start : start + len(tone)] += 0.25 * tone * fade * np.exp(-1.5 * seconds)
    return sound.astype(np.float32)


def save(sound: Array, file: Path) -> None:
    """The sound, to listen to."""
    file.parent.mkdir(parents=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((sound * 32767).astype("<i2").tobytes())


def write(sound: Array, directory: Path) -> None:
    """The sound in windows that overlap, one record each."""
    directory.mkdir(parents=True)
    begin = -EDGE * FRAME
    padded = np.concatenate([np.zeros(-begin), sound, np.zeros(WINDOW)])
    with (directory / "windows.json").open("w") as file:
        for at in range(0, len(sound) - begin, HOP):
            samples = [round(float(sample), 4) for sample in padded[at : at + WINDOW]]
            file.write(json.dumps({"at": at + begin, "samples": samples}) + "\n")


def heard() -> list[Note]:
    """Piano keys that the model hears for a tenth of a second or more, from when to when."""
    lines = [line for part in OUT.rglob("part-*") for line in part.read_text().splitlines()]
    windows = sorted(map(json.loads, lines), key=lambda window: int(window["at"]))
    frames = np.arange(EDGE, len(windows[0]["notes"]) - EDGE)
    time = np.concatenate([window["at"] + frames * FRAME for window in windows]) / RATE
    sounding, struck = (
        np.concatenate([np.asarray(window[name])[frames] for window in windows]).T
        for name in ("notes", "onsets")
    )
    found = [
        (key + LOWEST, float(time[first]), float(time[last]))
        for key in range(len(sounding))
        for first, last in spans(sounding[key] > 0.5, struck[key] > 0.5)
    ]
    return sorted((note for note in found if note[2] - note[1] > 0.1), key=lambda note: note[1])


def spans(sounding: Array, struck: Array) -> list[tuple[int, int]]:
    """The first and the last frame of each note of a key; a key struck again begins another."""
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(sounding).tolist():
        first, last = found[-1] if found else (-GAP, -GAP - 1)
        again = struck[at] and not struck[at - 1] and at - first > GAP
        if again or at - last > GAP:
            found.append((at, at))
        else:
            found[-1] = (first, at)
    return found


def show(notes: list[Note]) -> None:
    """A roll as in a mechanical piano: a line for each key, ten signs a second."""
    for key in sorted({note for note, _, _ in notes}, reverse=True):
        line = [" "] * round(max(end for _, _, end in notes) * 10 + 1)
        for _, begin, end in (note for note in notes if note[0] == key):
            first, last = round(begin * 10), round(end * 10)
            line[first:last] = "#" + "=" * (last - first - 1)
        print(f"{name(key):>3} |{''.join(line).rstrip()}")
    right = sum(
        any(note == key and abs(begin - at * BEAT) < 0.1 for key, begin, _ in notes)
        for note, at, _ in TUNE
    )
    print(f"\n{right} of {len(TUNE)} notes heard where they were played, {len(notes) - right} more")


def name(note: int) -> str:
    """``C4`` for 60."""
    return f"{NAMES[note % 12]}{note // 12 - 1}"


if __name__ == "__main__":
    sys.exit(reported(main))
