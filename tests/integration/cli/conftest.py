"""The command as a user has it: a process of its own, its output, its exit code."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import models

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata:
  name: roots
spec:
  models:
  - name: picky
    uri: pvc://models/picky
  pipeline:
    source:
      connector: filesystem
      format: json
      schema:
      - {name: id, type: BIGINT}
      - {name: x, type: FLOAT}
      options: {path: in}
    inference:
      model: picky
      inputs: {x: x}
      outputs: {root: root}
      keep: [id]
      onError: DeadLetter
    sink:
      connector: filesystem
      format: json
      options: {path: out}
    deadLetter:
      connector: filesystem
      format: json
      options: {path: dead}
  flink:
    runtimeMode: Batch
"""


@dataclass(frozen=True)
class Ended:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Workplace:
    """A working directory with a manifest in it."""

    directory: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "modelstream", *arguments]

    def modelstream(self, *arguments: str, timeout: float = 500) -> Ended:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def records(self, *lines: str) -> None:
        (self.directory / "in").mkdir(exist_ok=True)
        (self.directory / "in" / "records.json").write_text("".join(f"{line}\n" for line in lines))

    def lines(self, name: str) -> list[str]:
        """What Flink published below a directory, sorted."""
        parts = (self.directory / name).rglob("part-*")
        return sorted(line for part in parts for line in part.read_text().splitlines())


Edit = Callable[[str, str], None]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    (tmp_path / "job.yaml").write_text(MANIFEST)
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def picky() -> str:
    return str(models.picky())


@pytest.fixture(scope="session")
def shout() -> str:
    return str(models.shout())
