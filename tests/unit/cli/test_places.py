"""Errors of a run, with file and line."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelstream.cli.places import Places, at
from modelstream.errors import ModelFormatError, OptionError

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: other}
---
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: fraud}
spec:
  models:
  - name: a
    uri: file:///a
  pipeline:
    source:
      options:
        scan.startup.mode: latest
  sql:
    statements: |
      -- a comment
      INSERT INTO a SELECT 1;
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.chdir(tmp_path)
    Path("job.yaml").write_text(MANIFEST)
    return Places(Path("job.yaml"), "fraud")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("spec.models[0].uri: no", "job.yaml:11: spec.models[0].uri: no"),
        ("models[0].uri: no: more", "job.yaml:11: spec.models[0].uri: no: more"),
        (
            "pipeline.source.options[scan.startup.mode]: no",
            "job.yaml:15: spec.pipeline.source.options[scan.startup.mode]: no",
        ),
        ("pipeline.sink.format: no", "job.yaml:12: spec.pipeline.sink.format: no"),
        (
            "sql.statements, statement 1 (line 2: INSERT INTO a): no\nat all",
            "job.yaml:19: spec.sql.statements: statement 1 (INSERT INTO a): no\nat all",
        ),
        ("the pipeline: no", "the pipeline: no"),
        ("pipelines: no", "pipelines: no"),
        ("no", "no"),
    ],
)
def test_a_message_that_begins_with_a_field_gets_its_line(
    places: Places, message: str, told: str
) -> None:
    assert places.of(message) == told
    with pytest.raises(OptionError) as caught, places.told():
        raise OptionError(message)
    assert str(caught.value) == told


def test_what_the_command_line_gave_has_no_line(places: Places) -> None:
    given = replace(places, overrides={"spec.pipeline.source.options.path": "x"})
    told = given.of("pipeline.source.options.path: no")
    assert told.startswith("--set spec.pipeline.source.options.path: ")


def test_an_error_without_a_field_gets_that_of_the_block() -> None:
    with (
        pytest.raises(ModelFormatError, match=r"^spec\.models\[0\]\.uri: corrupt$"),
        at("spec.models[0].uri"),
    ):
        raise ModelFormatError("corrupt")
    with pytest.raises(OptionError, match=r"^pipeline\.sink: no$"), at("spec.pipeline"):
        raise OptionError("pipeline.sink: no")
