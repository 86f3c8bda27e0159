"""Why records failed, told of the files that a sink of dead letters writes."""

import base64
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelstream.cli import main
from modelstream.cli.exits import Exit

PART = "part-0c4e-task-0-file-0"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def letter(record: bytes, message: str = "it is null", **more: Any) -> str:
    fields = {
        "key": None,
        "payload": base64.b64encode(record).decode(),
        "stage": "encode",
        "error_type": "ConversionError",
        "message": message,
        "model": "fraud",
        "time": "2026-12-01 02:00:00.000Z",
        "model_digest": None,
        "source": None,
        "text": None,
        **more,
    }
    return json.dumps(fields) + "\n"


def wrote(name: str, *letters: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(letters))


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: Exit = Exit.DONE) -> Any:
    assert main(["dead-letters", *arguments]) == code
    return capsys.readouterr()


def test_reasons_are_counted_by_stage_with_an_example_of_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrote(
        f"dead/{PART}",
        letter(b"this is no JSON", "line 1 column 4", stage="format", source="tx.jsonl:7"),
        letter(b'{"age": 1}', "column 'amt': it is null", source="tx.jsonl:8"),
        letter(b'{"age": 2}', "column 'amt': it is null", source="tx.jsonl:9"),
    )
    assert told(capsys, "dead").out == (
        "dead: 3 dead letters of fraud in 1 file\n\n"
        "STAGE   COUNT  REASON\n"
        "encode  2      column 'amt': it is null\n"
        '                 such as tx.jsonl:8 {"age": 1}\n'
        "format  1      line 1 column 4\n"
        "                 such as tx.jsonl:7 this is no JSON\n"
    )


def test_the_records_are_written_as_they_came(capsys: pytest.CaptureFixture[str]) -> None:
    wrote(f"dead/2026-12-01/{PART}", letter(b'{"a":1.50}'), letter(b"\xff\xfe"))
    wrote(f"dead/2026-12-02/{PART}", letter(b'{\n  "a": "x y"\n}'))
    said = told(capsys, "dead", "--out", "again.jsonl")
    assert Path("again.jsonl").read_bytes() == b'{"a":1.50}\n\xff\xfe\n{ "a": "x y" }\n'
    assert "  wrote 3 records to again.jsonl\n" in said.err
    assert "3 dead letters of fraud in 2 files" in said.out


def test_the_standard_output_has_the_records_alone(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    wrote("dead/a", letter(b'{"a":1}'))
    assert main(["dead-letters", "dead", "--out", "-"]) == Exit.DONE
    said = capfdbinary.readouterr()
    assert said.out == b'{"a":1}\n'
    assert b"1 dead letter of fraud" in said.err


def test_files_that_are_not_published_are_read_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrote(f"dead/{PART}", letter(b"1"))
    wrote(f"dead/.{PART}.inprogress.1f", letter(b"2"), letter(b"3"), letter(b"4")[:20])
    wrote("dead/.staging_1/cp-0/task-0", letter(b"5"))
    wrote("dead/_SUCCESS")
    said = told(capsys, "dead")
    assert said.out.startswith(
        "dead: 4 dead letters of fraud in 3 files; 3 in files that are not published\n"
    )
    assert said.err == "  1 line of unpublished files without an end left out\n"


def test_lines_of_another_kind_are_left_out_and_the_command_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrote("dead/a", letter(b"1"), '{"score": 0.1}\n', "no JSON\n", letter(b"2").replace("Mg", "!"))
    said = told(capsys, "dead", code=Exit.FAILED)
    assert "1 dead letter of fraud" in said.out
    assert (
        said.err == "  3 lines left out that are not dead letters: dead/a:2, dead/a:3, dead/a:4\n"
    )


def test_results_are_no_dead_letters(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("out/a", '{"score": 0.1}\n')
    said = told(capsys, "out", code=Exit.REFUSED)
    assert said.err.startswith(
        "modelstream: out/a:1 is not a dead letter in JSON: give what a sink"
    )


def test_nothing_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    Path("dead").mkdir()
    assert told(capsys, "dead").out == "dead: no dead letters\n"


def test_a_path_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, "ded", code=Exit.REFUSED)
    assert f"there is no file and no directory {Path.cwd()}/ded: give the path" in said.err


def test_a_file_that_is_there_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("dead/a", letter(b"1"))
    Path("again").write_text("mine")
    said = told(capsys, "dead", "--out", "again", code=Exit.REFUSED)
    assert "--out again: it is there already: name a new file" in said.err
    assert Path("again").read_text() == "mine"
    assert "cannot be written: " in told(capsys, "dead", "--out", "no/x", code=Exit.REFUSED).err


def test_whole_files_are_known_by_their_paths(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("dead/a", letter(b"in/x.png", source="in/x.png:1"), letter(b'"a\nb",1'))
    said = told(capsys, "dead", "--out", "again")
    assert "such as in/x.png:1\n" in said.out
    assert "  1 record of them whole files: their paths were written\n" in said.err
    assert "  1 record of them with line breaks inside, as only quoted CSV may have\n" in said.err


def test_a_file_and_the_standard_input_are_read_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote("dead/a", letter(b"1"))
    assert "1 dead letter of fraud" in told(capsys, "dead/a").out
    piped = io.BytesIO(letter(b"1").encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=piped))
    assert told(capsys, "-").out.startswith("-: 1 dead letter of fraud in 1 file\n")


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("dead/a", letter(b"1"), letter(b"2"))
    found = json.loads(told(capsys, "dead", "--json").out)
    assert (found["letters"], found["files"], found["models"]) == (2, 1, ["fraud"])
    assert found["reasons"] == [
        {"stage": "encode", "count": 2, "message": "it is null", "example": "1"}
    ]
