"""The tutorial, command by command as it stands, in an empty directory."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from tests.support.jvm import flink_jvm

from modelstream.cli import main

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
FILE = re.compile(r'^```python title="(\S+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("modelstream run stream.yaml",)
"""Goes on until Ctrl-C; tests/integration/job/test_kafka.py runs such a job."""


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each command, and the lines that the tutorial shows below it."""
    for block in CONSOLE.findall(TEXT):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = step.splitlines()
            yield command, shown


def missing(shown: list[str], printed: str) -> list[str]:
    """The lines that were not printed in this order; … is any text, alone any lines."""
    lines = iter(printed.splitlines())
    patterns = [".*".join(map(re.escape, line.split("…"))) for line in shown if line != "…"]
    return [p for p in patterns if not any(re.fullmatch(p, line.rstrip()) for line in lines)]


@contextmanager
def _this_jvm(*, verbose: bool, meanwhile: Callable[[], object]) -> Iterator[None]:
    meanwhile()
    with flink_jvm():
        yield


@pytest.mark.flink
def test_each_command_does_what_the_tutorial_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("modelstream.cli.flink.embedded", _this_jvm)
    files = dict(FILE.findall(TEXT))
    ran = []
    for command, shown in steps():
        program, *arguments = shlex.split(command)
        if program == "python":
            with redirect_stdout(StringIO()):
                exec(compile(files[arguments[0]], arguments[0], "exec"), {})
        elif program == "modelstream" and command not in ELSEWHERE:
            capfd.readouterr()
            assert main(arguments) == 0, capfd.readouterr().err
            told = capfd.readouterr()
            assert not missing(shown, told.out + told.err), f"$ {command}\n{told.out}{told.err}"
            ran.append(arguments[0])
    assert {"inspect", "predict", "init", "validate", "plan", "run", "dead-letters"} == {*ran}


def test_what_is_not_printed_is_noticed() -> None:
    assert not missing(["a …", "…", "c"], "a 1\nb\nc\n")
    assert missing(["a", "b"], "b\na\n")
