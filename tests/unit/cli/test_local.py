"""What stands in modelstream.local.yaml counts as if it were typed, and what is typed wins."""

from pathlib import Path

import pytest
from tests.support.numpymodel import NumpyModel

from modelstream.cli import main, precheck
from modelstream.cli.local import beside
from modelstream.cli.request import Request, context_of, loaded

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: double}
spec:
  models: [{name: double, uri: "pvc://models/double"}]
  pipeline:
    source: {connector: datagen, schema: [{name: x, type: FLOAT}]}
    inference: {model: double}
    sink:
      connector: print
      secretOptions: {password: {name: kafka, key: password}}
  state: {storage: pvc://state/double}
"""
LOCAL = """\
models:
  double: model
  another: elsewhere
mounts: {state: state, others: none}
secrets:
  kafka/password: password.txt
set:
  spec.flink.runtimeMode: Streaming
  spec.state.checkpointInterval: 5s
"""


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precheck, "model_at", lambda path, spec: NumpyModel())
    jobs = tmp_path / "jobs"
    (jobs / "state").mkdir(parents=True)
    (jobs / "model").mkdir()
    (jobs / "password.txt").write_text("hunter22")
    (jobs / "job.yaml").write_text(MANIFEST)
    (jobs / "modelstream.local.yaml").write_text(LOCAL)
    return jobs


def test_what_a_run_needs_stands_beside_the_manifest(jobs: Path) -> None:
    request, manifest = loaded(Request(Path("jobs/job.yaml")))
    context = context_of(request, manifest)
    assert context.model_paths == {"double": Path("jobs/model")}
    assert context.mount("state").resolve() == jobs / "state"
    assert context.secret("kafka", "password").read_text() == "hunter22"
    assert manifest.spec.state is not None
    assert manifest.spec.state.checkpoint_interval == "5s"


def test_the_command_line_wins(jobs: Path, tmp_path: Path) -> None:
    for name in ("mine", "yours"):
        (tmp_path / name).mkdir()
    request, manifest = loaded(
        Request(
            Path("jobs/job.yaml"),
            models={"double": "mine"},
            overrides={"spec.state.checkpointInterval": "7s"},
            mounts={"state": Path("yours")},
        )
    )
    context = context_of(request, manifest)
    assert context.model_paths == {"double": Path("mine")}
    assert context.mount("state") == Path("yours")
    assert manifest.spec.state is not None
    assert manifest.spec.state.checkpoint_interval == "7s"


def test_validate_looks_at_it_too(jobs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "jobs/job.yaml"]) == 0
    assert capsys.readouterr().out == "jobs/job.yaml: double is valid\n"
    (jobs / "modelstream.local.yaml").unlink()
    assert main(["validate", "jobs/job.yaml"]) == 0
    assert capsys.readouterr().out.count("give --") == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "set: {}\nmodel: {a: b}", ":2: model: unknown key (did you mean 'models'?)", id="key"
        ),
        pytest.param("models: [a]", ":1: models: must be a mapping, such as models: {", id="list"),
        pytest.param("mounts:\n  a: 3", ":2: mounts.a: must be a path, such as ", id="number"),
        pytest.param(
            "secrets: {a: b}", ":1: secrets.a: is not a NAME/KEY: write secrets: {", id="no key"
        ),
        pytest.param(
            "models", ":1: holds no mapping: write models, mounts, secrets, set", id="no mapping"
        ),
        pytest.param("a: {", ":1: is not YAML: ", id="no YAML"),
        pytest.param("set: {}\n---\nset: {}", ":3: a second document: write one", id="two"),
    ],
)
@pytest.mark.parametrize("command", ["run", "validate"])
def test_what_is_no_option_is_refused_with_its_line(
    command: str, text: str, said: str, jobs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (jobs / "modelstream.local.yaml").write_text(text)
    assert main([command, "jobs/job.yaml"]) == 2
    assert f"jobs/modelstream.local.yaml{said}" in capsys.readouterr().err


def test_addresses_stay_as_they_are(jobs: Path) -> None:
    file = jobs / "modelstream.local.yaml"
    file.write_text("models: {a: 'https://models.example/a.zip', b: /b, c: ./c}")
    assert beside(jobs / "job.yaml").models == {
        "a": "https://models.example/a.zip",
        "b": "/b",
        "c": str(jobs / "c"),
    }


@pytest.mark.parametrize("text", ["", "set:\nmodels:\n"])
def test_a_file_that_says_nothing_is_fine(text: str, jobs: Path) -> None:
    (jobs / "modelstream.local.yaml").write_text(text)
    assert not beside(jobs / "job.yaml").models
