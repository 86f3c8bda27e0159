"""Bad input ends in one clear message, an exit code that says who must act, and nothing lost."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.cli.conftest import Workplace

from modelstream.cli import main
from modelstream.cli.exits import Exit

Change = Callable[[Path], None]


def edited(old: str, new: str) -> Change:
    def change(directory: Path) -> None:
        manifest = directory / "job.yaml"
        assert old in manifest.read_text()
        manifest.write_text(manifest.read_text().replace(old, new, 1))

    return change


def corrupt(directory: Path) -> None:
    (directory / "picky" / "saved_model.pb").write_bytes(b"\x08\x01\x12\xff\xff")


def without_graph(directory: Path) -> None:
    (directory / "picky" / "saved_model.pb").unlink()


TWO_JOBS = ("  flink:", "  sql: {statements: SELECT 1}\n  flink:")
REFUSED = [
    pytest.param(without_graph, "saved_model.pb", id="no model at the path"),
    pytest.param(corrupt, "corrupt", id="corrupt protobuf"),
    pytest.param(edited("    uri: pvc", "    tags: [gpu]\n    uri: pvc"), "serve", id="wrong tag"),
    pytest.param(
        edited("      inputs:", "      signature: score\n      inputs:"),
        "no signature 'score'",
        id="wrong signature",
    ),
    pytest.param(edited("{x: x}", "{y: x}"), "'y'", id="wrong tensor"),
    pytest.param(edited("{x: x}", "{x: z}"), "(missing: z; there are: id, x)", id="wrong column"),
    pytest.param(edited("{root: root}", "{root: rooot}"), "'root'", id="wrong output tensor"),
    pytest.param(edited("type: FLOAT", "type: STRING"), "float32", id="wrong dtype"),
    pytest.param(edited("type: FLOAT", "type: ARRAY<FLOAT>"), "ARRAY<FLOAT>", id="wrong rank"),
    pytest.param(edited("type: FLOAT", "type: FLOOT"), "FLOOT", id="no such type"),
    pytest.param(
        edited("kind: Model", "kind: [Model"), "job.yaml:3: is not YAML", id="malformed YAML"
    ),
    pytest.param(edited("onError", "onErorr"), "did you mean onError", id="unknown field"),
    pytest.param(edited(*TWO_JOBS), "(there are: pipeline, sql)", id="two job kinds"),
    pytest.param(edited("connector: filesystem", "connector: kafak"), "kafak", id="no connector"),
    pytest.param(
        edited("format: json", "format: jsno"), "the format json, csv, raw or file", id="no format"
    ),
    pytest.param(edited("      options: {path: in}\n", ""), "path", id="a missing option"),
    pytest.param(
        edited("{path: in}", "{path: inn}"), "no file and no directory", id="no source directory"
    ),
    pytest.param(lambda directory: (directory / "job.yaml").unlink(), "no such file", id="no file"),
]


@pytest.fixture
def directory(workplace: Workplace, picky: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(picky, workplace.directory / "picky")
    workplace.records('{"id": 1, "x": 4}')
    monkeypatch.chdir(workplace.directory)
    return workplace.directory


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_cannot_work_is_refused_before_flink_starts(
    directory: Path,
    change: Change,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_flink(*, verbose: bool) -> None:
        pytest.fail("Flink was started")

    monkeypatch.setattr("modelstream.cli.flink.embedded", no_flink)
    change(directory)
    assert main(["run", "job.yaml", "--model", "picky=picky"]) == Exit.REFUSED
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (directory / "out").exists()
    assert (directory / "in" / "records.json").read_text() == '{"id": 1, "x": 4}\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "give --model picky=PATH", id="a claim without a directory"),
        pytest.param(["--model", "pikcy=picky"], "it has picky", id="a model that is not there"),
        pytest.param(["--mount", "models=nowhere"], "no such directory", id="no such mount"),
        pytest.param(["--model", "picky=nowhere"], "nowhere", id="no such model"),
        pytest.param(["--model", "picky=file://models/x"], "file:///models/x", id="a host"),
        pytest.param(["--name", "squares"], "there is roots", id="no such name"),
        pytest.param(["--set", "spec.pipline.x=1"], "did you mean pipeline", id="a wrong path"),
        pytest.param(
            ["--model", "picky=picky", "--restore", "latest"],
            "a Batch job has no checkpoints",
            id="a batch job restored",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    directory: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["run", "job.yaml", *arguments])
    said = capsys.readouterr().err
    assert message in said
    assert code in (Exit.REFUSED, Exit.FAILED)
    assert "Traceback" not in said


@pytest.mark.flink
def test_each_bad_record_is_one_dead_letter_and_paths_begin_at_the_working_directory(
    workplace: Workplace, picky: str
) -> None:
    bad = ['{"id": 2, "x": null}', '{"id": 3}', "no json", '{"id": 4, "x": "four"}']
    workplace.records('{"id": 1, "x": 4}', *bad, '{"id": 5, "x": -1}', '{"id": 6, "x": 9}')
    for name in ("manifests", "models"):
        (workplace.directory / name).mkdir()
    (workplace.directory / "job.yaml").rename(workplace.directory / "manifests" / "job.yaml")
    (workplace.directory / "models" / "picky").symlink_to(picky)
    elsewhere = "spec.pipeline.sink.options.path=elsewhere"
    ended = workplace.modelstream(
        *("run", "manifests/job.yaml", "--mount", "models=models", "--set", elsewhere)
    )
    assert ended.code == 0, ended.err
    assert workplace.lines("elsewhere") == ['{"id":1,"root":2.0}', '{"id":6,"root":3.0}']
    assert len(workplace.lines("dead")) == 5
    assert ended.out == ""
    lines = ended.err.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("roots finished after"))
    assert "7 read, 2 scored, 5 dead-lettered" in lines[at]
    assert lines[at + 1] == "  results: elsewhere, 1 new file of 2 records"
    assert lines[at + 2] == "  dead letters: dead, 1 new file of 5 records"
    assert sorted(lines[at + 3 :])[0].startswith("  not scored")
    assert "inference: InvalidArgumentError" in ended.err
    assert '; such as {"id": 5, "x": -1}' in ended.err
    phase = r"(starting|reading|building|loading|running)\b.*, \d+ s(; Flink warns: .*)?$"
    known = rf"{phase}|\d read, \d scored, "
    assert [line for line in lines[:at] if not re.match(known, line)] == []
    told = workplace.modelstream("dead-letters", "dead", "--out", "again.jsonl")
    assert told.out.startswith("dead: 5 dead letters of picky in 1 file\n")
    again = (workplace.directory / "again.jsonl").read_text().splitlines()
    assert sorted(again) == sorted([*bad, '{"id": 5, "x": -1}'])


@pytest.mark.flink
def test_a_job_that_fails_is_one_message_with_the_cause(workplace: Workplace, picky: str) -> None:
    edited("onError: DeadLetter", "onError: Fail")(workplace.directory)
    edited(
        "    deadLetter:\n      connector: filesystem\n      format: json\n"
        "      options: {path: dead}\n",
        "",
    )(workplace.directory)
    workplace.records('{"id": 0, "x": 1}', '{"id": 1, "x": four}')
    ended = workplace.modelstream("run", "job.yaml", "--model", f"picky={picky}")
    assert ended.code == Exit.FAILED, ended.err
    cause = 'in/records.json, line 2: the record {"id": 1, "x": four} cannot be decoded: '
    assert cause in ended.err
    assert "Traceback" not in ended.err
    assert "\tat " not in ended.err
