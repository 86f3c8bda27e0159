from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.resource_cases import BASE, edited

from modelstream_crds.documents import documents
from modelstream_crds.manifest import (
    ManifestError,
    check,
    cluster_only,
    dump,
    load,
    load_all,
    read,
)
from modelstream_crds.v1alpha1 import ModelStream, UpgradeMode

TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: job}
data: {anything: goes}
---
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata:
  name: fraud-scores
spec:
  models:
  - name: fraud
    uri: file:///models/fraud
  pipeline:
    source:
      connector: kafka
      format: json
      schema: [{name: id, type: BIGINT}]
      options:
        topic: payments
        scan.parallelism: 2
        json.ignore-parse-errors: true
        rate: 0.5
        start: 2026-01-01
        time: 12:30:45
    inference:
      model: fraud
    sink:
      connector: print
"""


def refusal(text: str, **overrides: str) -> str:
    with pytest.raises(ManifestError) as caught:
        load(text, overrides)
    return str(caught.value)


def test_a_manifest_is_read_with_its_defaults() -> None:
    spec = load(TEXT).spec
    assert spec.pipeline is not None
    assert spec.pipeline.inference.batch.max_size == 256
    assert spec.flink.task_manager.replicas == 1
    assert (spec.slots, spec.parallelism, spec.upgrade_mode) == (1, 1, UpgradeMode.STATELESS)


def test_option_values_become_the_strings_that_were_written() -> None:
    pipeline = load(TEXT).spec.pipeline
    assert pipeline is not None
    assert pipeline.source.options == {
        "topic": "payments",
        "scan.parallelism": "2",
        "json.ignore-parse-errors": "true",
        "rate": "0.5",
        "start": "2026-01-01",
        "time": "12:30:45",
    }


def test_a_file_is_named_with_the_line_of_the_problem(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(TEXT.replace("model: fraud", "model: froud"))
    with pytest.raises(ManifestError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:27: spec.pipeline.inference.model: names no model")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("", ""),
        ("model: fraud", "model: froud"),
        ("model: fraud", "model: fraud\n      on_error: Drop"),
        ("kind: ModelStream", ""),
        ("rate: 0.5", "rate: [0.5]"),
    ],
)
def test_an_object_is_answered_as_the_text_of_it_is_but_for_file_and_line(
    was: str, now: str
) -> None:
    text = TEXT.replace(was, now)
    value = list(documents(text, "job.yaml"))[1].value

    def answer(ask: Callable[[], ModelStream]) -> ModelStream | list[tuple[str, str]]:
        try:
            return ask()
        except ManifestError as error:
            return [(each.path, each.message) for each in error.problems]

    of_text = answer(lambda: load(text))
    assert answer(lambda: read(value)) == of_text
    assert isinstance(of_text, ModelStream) == (was == "")


def test_an_unknown_field_is_refused_with_what_was_meant() -> None:
    said = refusal(TEXT.replace("      model: fraud", "      model: fraud\n      on_error: Drop"))
    assert said == (
        "<manifest>:28: spec.pipeline.inference.on_error: is an unknown field: did you mean"
        " onError?"
    )


def test_an_unknown_field_with_no_likeness_is_told_what_there_is() -> None:
    said = refusal(TEXT.replace("connector: print", "connector: print\n      zzz: 1"))
    assert "known here are connector, format, options, secretOptions" in said


def test_unknown_fields_of_every_document_and_place_come_at_once() -> None:
    said = refusal(
        TEXT.replace("  name: fraud-scores", "  nmae: x")
        + "---\n"
        + TEXT.split("---\n")[1].replace("spec:", "spec:\n  gpus: 1")
    )
    assert "metadata.nmae" in said
    assert "spec.gpus: is an unknown field: did you mean gpu?" in said


def test_a_field_that_says_nothing_is_refused() -> None:
    assert "spec.pipeline.sink: says nothing" in refusal(
        TEXT.replace("    sink:\n      connector: print", "    sink:")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [\n", "is not YAML", id="malformed"),
        pytest.param(
            "kind: ModelStream\nkind: x\n", "the key 'kind' is there twice", id="key twice"
        ),
        pytest.param("- a\n", "is not a manifest", id="a list"),
        pytest.param("kind: ConfigMap\n", "holds no ModelStream", id="another kind"),
        pytest.param("spec: {}\n", "kind: is missing: write kind: ModelStream", id="no kind"),
        pytest.param("a: &x [*x]\n", "recursive", id="recursive"),
        pytest.param("? [a]\n: b\n", "a key must be a string", id="a list as key"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_file_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no such file"):
        load(tmp_path / "none.yaml")


def test_another_version_is_refused() -> None:
    assert "apiVersion: must be 'modelstream.dev/v1alpha1'" in refusal(
        TEXT.replace("v1alpha1", "v2")
    )


def test_one_of_several_is_chosen_by_name() -> None:
    two = TEXT + "---\n" + TEXT.split("---\n")[1].replace("fraud-scores", "other")
    assert load(two, name="other").metadata.name == "other"
    assert len(load_all(two)) == 2
    assert "say which one" in refusal(two)


def test_set_exchanges_values_and_makes_the_way() -> None:
    stream = load(
        TEXT,
        {
            "spec.models[fraud].uri": "s3://b/fraud",
            "spec.pipeline.inference.batch.maxSize": "8",
            "spec.pipeline.source.options[properties.bootstrap.servers]": "kafka:9092",
            "spec.pipeline.source.schema[0].type": "INT",
        },
    )
    pipeline = stream.spec.pipeline
    assert pipeline is not None
    assert stream.spec.models[0].uri == "s3://b/fraud"
    assert pipeline.inference.batch.max_size == 8
    assert pipeline.source.options["properties.bootstrap.servers"] == "kafka:9092"
    assert pipeline.source.schema_[0].type == "INT"


@pytest.mark.parametrize(
    "path",
    [
        "spec.pipeline.source.options.properties.bootstrap.servers",
        "spec.pipeline.source.options[properties.bootstrap.servers]",
        "spec.pipeline.source.options['properties.bootstrap.servers']",
        "spec.flink.configuration.state.backend.type",
    ],
)
def test_a_set_takes_options_with_dots_as_they_are_spelled(path: str) -> None:
    stream = load(TEXT, {path: "hashmap"})
    assert stream.spec.pipeline is not None
    found = {**stream.spec.pipeline.source.options, **stream.spec.flink.configuration}
    assert [key for key, value in found.items() if value == "hashmap"] == [
        "state.backend.type" if "flink" in path else "properties.bootstrap.servers"
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("spec.models[churn].uri", "the list has no churn; it has fraud", id="no item"),
        pytest.param("spec..models", "is not a path", id="no path"),
        pytest.param("spec.models[0].name.first", "has no first below it", id="below a value"),
        pytest.param("spec.pipeline.inference.batch.size", "unknown field", id="unknown"),
    ],
)
def test_a_set_that_leads_nowhere_is_refused(path: str, said: str) -> None:
    with pytest.raises(ManifestError, match="--set") as caught:
        load(TEXT, {path: "1"})
    assert said in str(caught.value)


def test_a_dumped_manifest_reads_as_the_same_resource() -> None:
    stream = load(TEXT)
    assert load(dump(stream)) == stream


def test_an_older_reader_ignores_what_a_newer_api_server_stored() -> None:
    newer = edited({"spec.later": 1, "spec.pipeline.source.watermark": {"column": "id"}})
    assert ModelStream.model_validate(newer).spec.models[0].name == "fraud"


def test_the_operator_can_check_a_stored_resource() -> None:
    stream = ModelStream.model_validate(edited({"spec.pipeline.sink.options": {"format": "json"}}))
    (problem,) = check(stream)
    assert problem.path == "spec.pipeline.sink.options"


def test_what_exists_only_in_a_cluster_is_listed_with_its_replacement() -> None:
    secret = {"name": "kafka", "key": "password"}
    stream = ModelStream.model_validate(
        edited(
            {
                "spec.state": {"storage": "pvc://state/x"},
                "spec.pipeline.source.secretOptions": {"password": secret},
                "spec.flink": {"secretConfiguration": {"s3.secret-key": secret}},
            }
        )
    )
    assert [(thing.path, thing.flag) for thing in cluster_only(stream.spec)] == [
        ("spec.models[0].uri", "--model fraud=DIR"),
        ("spec.state.storage", "--mount state=DIR"),
        ("spec.pipeline.source.secretOptions[password]", "--secret kafka/password=FILE"),
        ("spec.flink.secretConfiguration[s3.secret-key]", "--secret kafka/password=FILE"),
    ]


def test_the_base_of_the_cases_is_itself_accepted() -> None:
    assert not check(ModelStream.model_validate(BASE))
