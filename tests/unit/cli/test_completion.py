"""What shells are told of the command's words."""

import subprocess
from pathlib import Path

import pytest

from modelstream.cli import main
from modelstream.cli.arguments import parser
from modelstream.cli.completion import SHELLS, script


def completed(*words: str) -> list[str]:
    """What bash offers for the last word."""
    typed = " ".join(f"'{word}'" for word in words)
    ask = (
        f"{script('bash', parser())}\nCOMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        '_modelstream; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_commands_are_finished() -> None:
    assert completed("modelstream", "va") == ["validate"]
    assert {"run", "plan", "predict"} <= {*completed("modelstream", "")}


def test_options_are_those_of_the_command() -> None:
    assert completed("modelstream", "run", "--rest") == ["--restore"]
    assert completed("modelstream", "inspect", "--rest") == []


def test_a_file_is_finished_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fraud.yaml").touch()
    assert completed("modelstream", "run", "fra") == ["fraud.yaml"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert "dead-letters" in printed
    assert "restore" in printed
