"""Spark, installed beside the project and run in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from modelstream.cli.java import PREFERRED, find_java

VERSION = "4.1.4"
"""Takes the pyarrow of the project, 16; later ones ask for a newer one."""
ROOT = Path(__file__).parents[1]


def installed() -> Path:
    """The directory with pyspark, and nothing else: the rest is the project's environment.

    It is no part of the project's requirements; the first call fetches it from PyPI.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "modelstream" / "bench" / f"pyspark-{VERSION}"
    if not directory.is_dir():
        print(f"  Installing pyspark into {directory} (once, 450 MB, minutes) ...", flush=True)
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            whole = Path(scratch) / "whole"
            subprocess.run([*pip, "--target", whole, f"pyspark=={VERSION}"], check=True)
            whole.rename(directory)
    return directory


def environment() -> dict[str, str]:
    """Variables of a process that has pyspark.

    Raises:
        RuntimeError: there is no Java that Spark runs on.
    """
    java = find_java()
    if java.version not in PREFERRED:
        raise RuntimeError(f"Spark needs Java 17 or 21, and {java.found} has {java.version}")
    return {
        "JAVA_HOME": str(java.home),
        "PYTHONPATH": os.pathsep.join([str(installed()), str(ROOT)]),
        "PYSPARK_PYTHON": sys.executable,
    }


class Spark:
    """A Spark that stays, so that its start is in no run, as Flink's JVM stays."""

    def __init__(self, model: Path, log: Path) -> None:
        self._model, self._log = model, log
        self._process: subprocess.Popen[str] | None = None

    def run(self, rows: int) -> list[float]:
        """How many results there are, and the first of them.

        Raises:
            RuntimeError: Spark ended; its last words are in the message.
        """
        if self._process is None:
            self._process = self._start()
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        with suppress(BrokenPipeError):  # it has ended: no answer says so as well
            print(rows, file=asked, flush=True)
        answer = answered.readline()
        if not answer:
            self._process.communicate()
            raise RuntimeError(f"Spark ended:\n{self._log.read_text()[-3000:]}")
        figures: list[float] = json.loads(answer)
        return figures

    def _start(self) -> "subprocess.Popen[str]":
        """The process; it ends when this one does, and its input with it."""
        variables = {**os.environ, **environment()}
        with self._log.open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bench.spark_job", str(self._model)],
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
