"""What `validate` finds on this machine, and what it says that it has not looked at."""

import json
from pathlib import Path

import pytest
from tests.support.numpymodel import NumpyModel

from modelstream.cli import main, precheck
from modelstream.errors import ModelFormatError

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: double}
spec:
  models:
  - name: double
    uri: file://HERE/model
  pipeline:
    source:
      connector: filesystem
      format: json
      schema: [{name: x, type: FLOAT}]
      options: {path: in}
    inference:
      model: double
      inputs: {x: x}
      onError: Drop
    sink:
      connector: filesystem
      format: json
      options: {path: out}
"""
SQL = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: double}
spec:
  models: [{name: double, uri: "file:///nowhere"}]
  sql:
    statements: |
      CREATE TABLE t (x INT) WITH ('connector' = 'datagen');

      SELECT x FROM t;
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precheck, "model_at", lambda path, spec: NumpyModel())
    for name in ("model", "in"):
        (tmp_path / name).mkdir()
    return tmp_path


def validated(
    capsys: pytest.CaptureFixture[str], *edits: tuple[str, str], text: str = MANIFEST
) -> tuple[int, str, str]:
    text = text.replace("HERE", str(Path.cwd()))
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    Path("job.yaml").write_text(text)
    code = main(["validate", "job.yaml"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_all_here_and_fits_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert validated(capsys) == (0, "job.yaml: double is valid\n", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "filesystem\n      format: json\n      schema",
            "filesytem\n      format: json\n      schema",
            "job.yaml:10: spec.pipeline.source.connector: there is no connector 'filesytem' "
            "(did you mean 'filesystem'?)",
            id="a connector",
        ),
        pytest.param(
            "{path: out}",
            "{pth: out}",
            "job.yaml:21: spec.pipeline.sink.options: the connector filesystem needs the option "
            "path (is it 'pth'?); add it under pipeline.sink.options",
            id="an option",
        ),
        pytest.param(
            "inputs: {x: x}",
            "inputs: {y: x}",
            "job.yaml:16: spec.pipeline.inference.inputs: inputs names the tensor 'y'",
            id="a tensor",
        ),
        pytest.param(
            "type: FLOAT",
            "type: STRING",
            "job.yaml:14: spec.pipeline.inference: ",
            id="a type",
        ),
        pytest.param(
            "type: FLOAT}",
            "type: FLOAT}, {name: at, type: TIMESTAMP(10)}",
            "job.yaml:12: spec.pipeline.source.schema[1].type: TIMESTAMP(10): TIMESTAMP has at "
            "most 9 digits",
            id="a type that Flink has not",
        ),
        pytest.param(
            "type: FLOAT}",
            "type: FLOAT}, {name: at, type: MULTISET<INT>}",
            "job.yaml:12: spec.pipeline.source.schema: MULTISET is not a type that JSON can hold",
            id="a type that the format has not",
        ),
        pytest.param(
            "{path: out}", "{path: ''}", "job.yaml:21: spec.pipeline.sink.options: ", id="no path"
        ),
        pytest.param(
            "{path: out}",
            "{path: in/results}",
            "job.yaml:21: spec.pipeline.sink.options.path: in/results is in in, of which the "
            "source reads all files",
            id="results among the records",
        ),
        pytest.param(
            "onError: Drop\n",
            "onError: DeadLetter\n    deadLetter:\n      {connector: filesystem, format: json, "
            "options: {path: out}}\n",
            "job.yaml:19: spec.pipeline.deadLetter.options.path: the sink writes there too",
            id="letters among the results",
        ),
    ],
)
def test_what_no_run_can_do_with_is_wrong_and_has_its_line(
    old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = validated(capsys, (old, new))
    assert (code, out) == (2, "")
    assert err.startswith(said)
    assert err.count("job.yaml:") == 1


def test_a_model_that_cannot_be_read_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def corrupt(path: Path, spec: object) -> NumpyModel:
        raise ModelFormatError(f"{path}/saved_model.pb is corrupt")

    monkeypatch.setattr(precheck, "model_at", corrupt)
    code, out, err = validated(capsys)
    assert code == 2
    assert err == f"job.yaml:7: spec.models[0].uri: {Path.cwd()}/model/saved_model.pb is corrupt\n"
    assert "spec.pipeline.inference: whether columns and model fit" in out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "/model\n", "/modle\n", "modle on this machine: give --model double=PATH", id="a model"
        ),
        pytest.param(
            "{path: in}", "{path: /data/in}", "no file and no directory /data/in", id="records"
        ),
        pytest.param("{path: out}", "{path: file}", "a sink makes a directory of", id="a file"),
        pytest.param(
            "{path: out}", "{path: file/out}", "a sink makes a directory of", id="below a file"
        ),
        pytest.param(
            "connector: filesystem\n      format: json\n      options: {path: out}",
            "connector: mongodb",
            "'mongodb' is not a connector that ModelStream brings",
            id="a connector",
        ),
        pytest.param(
            "onError: Drop\n    sink:\n      connector: filesystem",
            "onError: Drop\n    sink:\n      secretOptions: {k: {name: s, key: t}}\n"
            "      connector: filesystem",
            "give --secret s/t=FILE",
            id="a Secret",
        ),
    ],
)
def test_what_is_not_here_is_listed_with_what_to_give_and_the_manifest_is_valid(
    old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    code, out, err = validated(capsys, (old, new))
    assert (code, err) == (0, "")
    first, title, *listed = out.splitlines()
    assert first == "job.yaml: double is valid"
    assert title == "  to run it on this machine:"
    assert said in listed[0]


def test_a_model_that_is_given_is_looked_at_instead(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = MANIFEST.replace("file://HERE/model", "pvc://models/double")
    code, out, _ = validated(capsys, text=text)
    assert code == 0
    assert "give --model double=DIR" in out
    assert main(["validate", "job.yaml", "--model", "double=model"]) == 0
    assert capsys.readouterr().out == "job.yaml: double is valid\n"
    assert main(["validate", "job.yaml", "--model", "duoble=model"]) == 2
    assert "--model duoble=…" in capsys.readouterr().err


def test_what_run_fetches_is_told_as_not_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = validated(
        capsys,
        ("file://HERE/model".replace("HERE", str(Path.cwd())), "https://models.example/m.zip"),
    )
    assert code == 0
    assert "  not looked at:\n  - spec.models[0].uri: the model at https://models.example" in out


def test_a_statement_is_told_with_its_line_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = validated(capsys, text=SQL)
    assert code == 2
    assert err.startswith(
        "job.yaml:10: spec.sql.statements: statement 2 (SELECT x FROM t): SELECT is not run: "
    )
    assert "what Flink makes of them" in out


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        pytest.param(None, 0, "there is no file ", id="none"),
        pytest.param("x = 1\ndef f(:\n", 2, "job.yaml:6: spec.python.script: ", id="no Python"),
        pytest.param("x = 1\n", 0, "is valid", id="a program"),
    ],
)
def test_a_program_is_there_and_is_python(
    program: str | None, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if program is not None:
        Path("job.py").write_text(program)
    text = SQL[: SQL.index("  models:")] + "  python:\n    script: job.py\n"
    found, out, err = validated(capsys, text=text)
    assert found == code
    assert said in (err if code else out)
    assert ("line 2: " in err) is (code == 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("{path: out}", "{path: in/_results}", id="hidden from the source"),
        pytest.param("{path: out}", "{path: in-results}", id="beside it"),
        pytest.param(
            "{path: in}\n", "{path: ., source.path.regex-pattern: '.*/in/.*'}\n", id="left out"
        ),
    ],
)
def test_results_that_the_source_does_not_read_may_stand_below_it(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validated(capsys, (old, new))[0] == 0


def test_an_address_that_is_meant_to_be_relative_is_told_with_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = validated(capsys, text=MANIFEST.replace("file://HERE", "file://models"))
    assert code == 2
    assert err.startswith("job.yaml:7: spec.models[0].uri: file://models/model: 'models' is read")


def events(capsys: pytest.CaptureFixture[str], code: int) -> list[dict[str, object]]:
    assert main(["validate", "job.yaml", "--json"]) == code
    said = capsys.readouterr()
    assert said.err == ""
    return [json.loads(line) for line in said.out.splitlines()]


def test_programs_get_an_object_for_each_thing_that_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = MANIFEST.replace("HERE", str(Path.cwd()))
    Path("job.yaml").write_text(text.replace("{path: in}", "{path: gone}"))
    valid, absent = events(capsys, 0)
    assert valid == {"event": "valid", "file": "job.yaml", "name": "double"}
    assert (absent["event"], absent["line"]) == ("absent", 13)
    Path("job.yaml").write_text(text.replace("inputs: {x: x}", "inputs: {y: x}"))
    problem, refused = events(capsys, 2)
    assert problem["path"] == "spec.pipeline.inference.inputs"
    assert (problem["file"], problem["line"]) == ("job.yaml", 16)
    assert refused == {"event": "refused", "file": "job.yaml", "name": "double"}
    Path("job.yaml").write_text("kind: ModelStream\n  x: 1\n")
    (broken,) = events(capsys, 2)
    assert (broken["event"], broken["line"]) == ("problem", 2)
