import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = (
    "import os\n\n\ndef main() -> None:\n    for name in os.listdir('.'):\n        print(name)\n"
)
GO = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("hello")\n}\n'


@pytest.mark.flink
def test_the_demo_classifies_a_directory_and_shows_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "list.py").write_text(PYTHON * 5)
    (tmp_path / "main.go").write_text(GO * 5)
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "source-languages" / "demo.py", tmp_path],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 files, 2 languages, 1 dead letter" in done.stdout
    assert "ConversionError" in done.stdout
    parts = (ROOT / "out" / "source-languages" / "languages").rglob("part-*")
    found = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    assert {Path(record["path"]).name: record["language"] for record in found} == {
        "list.py": "py",
        "main.go": "go",
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("absent", "there is no such directory", id="nothing"),
        pytest.param("list.py", "is a file: name a directory", id="a file"),
    ],
)
def test_the_demo_says_when_it_is_given_no_directory(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "list.py").write_text(PYTHON)
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "source-languages" / "demo.py", tmp_path / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / name}: {message}\n"
