"""What a run is refused for: by the exit code that says so, in the place where it stands."""

from pathlib import Path

import pytest
from tests.support.numpymodel import NumpyModel

from modelstream.cli import main, precheck
from modelstream.cli.exits import Exit

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
      connector: filesystem
      format: json
      options: {path: out}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_flink(*, verbose: bool) -> None:
        pytest.fail("Flink was started")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precheck, "model_at", lambda path, spec: NumpyModel())
    monkeypatch.setattr("modelstream.cli.flink.embedded", no_flink)
    Path("job.yaml").write_text(MANIFEST)
    Path("model").mkdir()


def refused(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["run", "job.yaml", "--model", "double=model", *more]) == Exit.REFUSED
    return capsys.readouterr().err


def test_a_sink_that_is_a_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").touch()
    said = refused(capsys)
    assert f"modelstream: job.yaml:12: spec.pipeline.sink.options.path: {Path.cwd()}/out is" in said


def test_a_sink_that_nobody_may_write_to_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "12: spec.pipeline.sink.options.path: nothing can be written to" in refused(capsys)


def test_a_program_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    text = MANIFEST[: MANIFEST.index("  pipeline:")]
    Path("job.yaml").write_text(f"{text}  python: {{script: gone.py}}\n")
    assert "modelstream: job.yaml:6: spec.python.script: there is no file" in refused(capsys)


def test_a_mount_without_an_effect_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--mount", "data=.")
    assert "--mount data=…: no model, state, program or path of the manifest is in data; it" in said
    assert "names models." in said


def test_a_value_of_the_command_line_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    said = refused(capsys, "--set", "spec.pipeline.sink.options.path=file")
    assert "modelstream: --set spec.pipeline.sink.options.path: spec.pipeline.sink.opt" in said
