"""What a manifest comes to, told before anything is started."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

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
    source:
      connector: kafka
      format: json
      schema: [{name: id, type: BIGINT}, {name: amount, type: FLOAT}]
      options: {topic: payments, properties.bootstrap.servers: "kafka:9092"}
    inference:
      model: double
      inputs: {x: amount}
      outputs: {twice: y}
      keep: [id]
      batch: {maxSize: 8, maxLatency: 20ms}
      onError: DeadLetter
    sink:
      connector: kafka
      format: json
      options:
        topic: scores
        properties.bootstrap.servers: kafka:9092
        sink.delivery-guarantee: exactly-once
      secretOptions: {properties.sasl.jaas.config: {name: kafka, key: jaas}}
    deadLetter: {connector: print}
  state: {storage: pvc://state/double, checkpointInterval: 5s}
"""
GIVEN = ("--model", "double=model", "--mount", "state=state", "--secret", "kafka/jaas=secret")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precheck, "model_at", lambda path, spec: NumpyModel())
    for name in ("model", "state"):
        Path(name).mkdir()
    Path("secret").write_text("hunter22")
    Path("job.yaml").write_text(MANIFEST)


def planned(capsys: pytest.CaptureFixture[str], *more: str, code: Exit = Exit.DONE) -> Any:
    assert main(["plan", "job.yaml", *more]) == code
    return capsys.readouterr()


def test_a_pipeline_is_shown_from_the_source_to_the_sinks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = planned(capsys, "--offline", *GIVEN).out
    assert said.startswith(
        "double: pipeline, Streaming\n\n"
        "source  kafka json payments\n"
        "  id      BIGINT\n"
        "  amount  FLOAT\n"
        "  properties.bootstrap.servers: kafka:9092\n\n"
        "model  double (serving_default, Predict) at model\n"
        "  amount FLOAT  →  x float32[?]\n"
        "  y             →  twice FLOAT\n"
        "  batches of up to 8 records, which wait 20 ms at most\n"
        "  a record that cannot be scored: onError DeadLetter\n\n"
        "sink  kafka json scores\n"
        "  id     BIGINT\n"
        "  twice  FLOAT\n"
    )
    for line in (
        "  sink.transactional-id-prefix: double.sink",
        "  properties.sasl.jaas.config: (Secret kafka/jaas)",
        "  source        exactly-once: its offsets are part of every checkpoint",
        "  dead letters  none: nothing is kept",
        "Flink was not asked (--offline), and nothing was started.",
    ):
        assert f"{line}\n" in said
    assert "execution.checkpointing.interval" in said
    assert "flink-sql-connector-kafka-" in said
    assert "hunter22" not in said


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(planned(capsys, "--offline", "--json", *GIVEN).out)
    (model,) = found["models"]
    assert model["feeds"] == [
        {"tensor": "x", "takes": "float32[?]", "column": "amount", "type": "FLOAT"}
        | {"constant": None}
    ]
    assert model["gives"] == [{"column": "twice", "type": "FLOAT", "tensors": ["y"]}]
    assert [end["field"] for end in found["ends"]] == ["source", "sink", "deadLetter"]
    assert found["options"]["execution.checkpointing.interval"] == "5000 ms"
    assert found["askedFlink"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(GIVEN[:2], "give --mount state=DIR", id="what is only in a cluster"),
        pytest.param(
            (*GIVEN, "--set", "spec.pipeline.inference.outputs={id: y}"),
            "--set spec.pipeline.inference.outputs",
            id="by the rules",
        ),
        pytest.param(
            (*GIVEN, "--set", "spec.pipeline.source.schema[1].type=STRING"),
            "job.yaml:12: spec.pipeline.inference: the stream does not fit signature",
            id="by the model",
        ),
        pytest.param(
            (*GIVEN, "--set", "spec.pipeline.deadLetter.connector=prnt"),
            "spec.pipeline.deadLetter.connector: there is no connector 'prnt'",
            id="by the catalogue",
        ),
    ],
)
def test_what_run_refuses_is_refused(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in planned(capsys, "--offline", *arguments, code=Exit.REFUSED).err


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        pytest.param(
            ("", ""), "double: nothing: the job goes on as it is\n  state is kept", id="no"
        ),
        pytest.param(
            ("  state:", "  flink: {taskManager: {replicas: 3}}\n  state:"),
            "double: scale: pods come or go, and the job is rescaled in place\n"
            "  spec.flink.taskManager.replicas: 3 → 1\n"
            "  state is kept",
            id="scale",
        ),
        pytest.param(
            ("keep: [id]", "keep: []"),
            "double: restart: the job stops and a new run begins, once it is proven that it can\n"
            "  spec.pipeline.inference.keep[0]: nothing → id\n"
            "  state is kept: the new run goes on from a savepoint of the present one",
            id="restart",
        ),
        pytest.param(
            ("pvc://state/double", "pvc://other/double"),
            "double: refused: the job goes on as it is\n"
            "  spec.state.storage: the job's state is on pvc://other/double, which pods with ",
            id="refused",
        ),
    ],
)
def test_an_edit_is_told_with_what_becomes_of_the_state(
    edit: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.yaml").write_text(MANIFEST.replace(*edit) if edit[0] else MANIFEST)
    code = Exit.REFUSED if "refused" in said else Exit.DONE
    assert planned(capsys, "--against", "old.yaml", code=code).out.startswith(said)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("Stateless", "state is dropped: upgrade.mode is Stateless"),
        ("LastState", "state is kept: the new run goes on from the newest checkpoint"),
    ],
)
def test_the_mode_says_what_an_edit_starts_from(
    mode: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.yaml").write_text(MANIFEST.replace("maxSize: 8", "maxSize: 4"))
    edit = ("--against", "old.yaml", "--set", f"spec.upgrade.mode={mode}")
    assert said in planned(capsys, *edit).out
    found = json.loads(planned(capsys, *edit, "--json").out)
    assert found["effect"] == "restart"
    assert found["fields"]["spec.pipeline.inference.batch.maxSize"] == {"from": 4, "to": 8}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("nothing: true", "the job begins anew"),
        ("newest: true", "the job begins with the newest below its state.storage"),
        ("modelStream: old", "the job begins with what ModelStream old has left"),
        ("path: s3://a/savepoint-1", "the job begins with s3://a/savepoint-1"),
    ],
)
def test_a_greater_nonce_of_another_beginning_restarts_the_job(
    chosen: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = "storage: pvc://state/double"
    before, after = (
        MANIFEST.replace(state, f"{state}, restoreFrom: {{{chosen}, nonce: {nonce}}}")
        for nonce in (1, 2)
    )
    Path("old.yaml").write_text(before)
    Path("job.yaml").write_text(after)
    told = planned(capsys, "--against", "old.yaml").out
    assert told.startswith("double: restart: ")
    assert f"state is left aside: {said}, as spec.state.restoreFrom asks" in told


@pytest.mark.parametrize("used", [2, 3])
def test_a_nonce_that_was_used_restarts_nothing(
    used: int, capsys: pytest.CaptureFixture[str]
) -> None:
    state = "storage: pvc://state/double"
    after = MANIFEST.replace(state, f"{state}, restoreFrom: {{nothing: true, nonce: 2}}")
    Path("old.yaml").write_text(MANIFEST + f"status: {{used: {{restoreNonce: {used}}}}}\n")
    Path("job.yaml").write_text(after)
    assert planned(capsys, "--against", "old.yaml").out.startswith("double: nothing: ")


def test_another_name_is_another_stream(capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.yaml").write_text(MANIFEST.replace("name: double}\n", "name: single}\n", 1))
    said = planned(capsys, "--against", "old.yaml", code=Exit.REFUSED).err
    assert "old.yaml holds single, and job.yaml double: another name is another" in said


def test_the_picture_has_each_station_and_what_goes_between(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = planned(capsys, *GIVEN, "--offline", "--svg").out
    picture = ElementTree.fromstring(told)
    texts = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    titles = ["source  kafka json payments", "sink  kafka json scores", "dead letters  print"]
    assert [text for text in texts if text in titles] == titles
    assert "amount  FLOAT  →  x  float32[?]" in texts
    assert "id, twice" in texts
    assert "hunter22" not in told
