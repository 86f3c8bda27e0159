"""The manifest that `modelstream init` writes: it is valid, and binds what the data has."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tests.support.numpymodel import NumpyModel

from modelstream.cli import init, main
from modelstream.convert import TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.models import CallableModel, Signature
from modelstream_crds import manifest

PREDICT = "tensorflow/serving/predict"
ONE = TensorSpec("float32", (None, 1))


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(init, "model_at_hand", lambda *_, **__: NumpyModel())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(file: str, *arguments: str) -> dict[str, Any]:
    assert main(["init", "models/double.keras", *arguments]) == 0
    manifest.load(Path(file))
    found: dict[str, Any] = yaml.safe_load(Path(file).read_text())
    return found["spec"]


def test_columns_are_those_of_the_data_and_the_rest_goes_on(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "in.jsonl").write_text('{"id": 1, "x": 2.5, "name": "a", "tags": [1]}\n')
    spec = written("double.yaml", "--data", "in.jsonl")
    assert spec["models"] == [{"name": "double", "uri": f"file://{workplace}/models/double.keras"}]
    source, inference = spec["pipeline"]["source"], spec["pipeline"]["inference"]
    assert source["schema"] == [
        {"name": "id", "type": "BIGINT"},
        {"name": "x", "type": "FLOAT"},
        {"name": "name", "type": "STRING"},
        {"name": "tags", "type": "ARRAY<BIGINT>"},
    ]
    assert (source["format"], source["options"]) == ("json", {"path": "in.jsonl"})
    assert inference["inputs"] == {"x": "x"}
    assert inference["outputs"] == {"score": "value"}
    assert inference["keep"] == ["id", "name"]
    assert inference["onError"] == "DeadLetter"
    assert spec["flink"] == {"runtimeMode": "Batch"}
    assert "  modelstream run double.yaml\n" in capsys.readouterr().err


def test_csv_brings_its_delimiter_and_a_header_is_told(workplace: Path) -> None:
    (workplace / "in.csv").write_text("id;x\n1;2.5\n")
    source = written("double.yaml", "--data", "in.csv")["pipeline"]["source"]
    assert source["format"] == "csv"
    assert source["options"] == {"path": "in.csv", "csv.field-delimiter": ";"}
    assert [each["name"] for each in source["schema"]] == ["id", "x"]
    assert "a header, becomes a dead letter" in Path("double.yaml").read_text()


def test_csv_without_a_header_takes_names(workplace: Path) -> None:
    (workplace / "in.csv").write_text("1,2.5\n")
    source = written("double.yaml", "--data", "in.csv", "--columns", "id,x")["pipeline"]["source"]
    assert [each["name"] for each in source["schema"]] == ["id", "x"]


def test_without_data_the_tensors_are_the_columns() -> None:
    spec = written("double.yaml")
    assert spec["pipeline"]["source"]["schema"] == [{"name": "x", "type": "FLOAT"}]
    assert spec["pipeline"]["inference"]["keep"] == ["x"]


def test_a_topic_is_a_stream_with_results_and_dead_letters_in_topics(workplace: Path) -> None:
    (workplace / "some.jsonl").write_text('{"x": 1, "score": 2}\n')
    spec = written("double.yaml", "--kafka", "tx", "--data", "some.jsonl")
    pipeline = spec["pipeline"]
    assert pipeline["source"]["options"]["topic"] == "tx"
    assert pipeline["source"]["options"]["properties.bootstrap.servers"] == "localhost:9092"
    assert pipeline["sink"]["options"]["topic"] == "tx-results"
    assert pipeline["deadLetter"]["options"]["topic"] == "tx-dead-letters"
    assert pipeline["inference"]["outputs"] == {"score_of_model": "value"}
    assert spec["flink"]["runtimeMode"] == "Streaming"


def test_pods_come_only_where_they_are_asked_for(workplace: Path) -> None:
    (workplace / "in.jsonl").write_text('{"x": 1}\n')
    spec = written("double.yaml", "--data", "in.jsonl", "--cluster", "-o", "double.yaml")
    assert spec["models"][0]["uri"] == "pvc://models/double"
    assert spec["pipeline"]["source"]["options"]["path"] == "/data/in.jsonl"
    assert "podTemplate" in spec["flink"]["jobManager"]


def test_a_file_that_is_there_stays(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "double.yaml").write_text("mine")
    assert main(["init", "double.keras"]) == 2
    assert "double.yaml is there already: give another name, --output" in capsys.readouterr().err
    assert (workplace / "double.yaml").read_text() == "mine"
    assert main(["init", "double.keras", "-o", "-"]) == 0
    assert "kind: ModelStream" in capsys.readouterr().out


def test_an_array_of_json_is_refused_with_a_way_out(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "in.json").write_text('[{"x": 1}]')
    assert main(["init", "double.keras", "--data", "in.json"]) == 2
    assert "an array of JSON, and a job reads an object a line" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "given", "expected"),
    [
        pytest.param(["age", "x"], {}, {"x": "x"}, id="its name"),
        pytest.param(["Age", "X"], {}, {"x": "X"}, id="another case"),
        pytest.param(["amount"], {}, {"x": "amount"}, id="the only column"),
        pytest.param(["a", "b"], {"x": "b"}, {"x": "b"}, id="what is said"),
    ],
)
def test_tensors_are_bound_to_columns(
    columns: list[str], given: dict[str, str], expected: dict[str, str]
) -> None:
    signature = Signature("s", PREDICT, {"x": ONE}, {"y": ONE})
    inputs, guessed = init.bound(signature, columns, given)
    assert inputs == expected
    assert guessed == ({"x"} if expected["x"] not in ("x", "b") else set())


@pytest.mark.parametrize("given", [{}, {"x": "c"}])
def test_a_tensor_without_a_column_is_told_with_those_that_there_are(given: dict[str, str]) -> None:
    signature = Signature("s", PREDICT, {"x": ONE}, {"y": ONE})
    with pytest.raises(SignatureMismatchError, match=r"of x \(float32\[\?, 1\]\); it has 'a', 'b'"):
        init.bound(signature, ["a", "b"], given)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("models/Fraud_2.keras", "fraud2"),
        ("models/fraud/", "fraud"),
        ("https://host/a/7up.tar.gz?x=1", "up"),
        ("2024", "model"),
    ],
)
def test_a_model_gets_a_name_that_a_manifest_takes(address: str, name: str) -> None:
    assert init.model_name(address) == name


def test_several_outputs_are_listed() -> None:
    outputs = {"a": TensorSpec("float32", (None, 3)), "b": ONE, "c": ONE}
    signature = Signature("s", PREDICT, {"x": ONE}, outputs)
    model = SimpleNamespace(name="two", signatures={"s": signature})
    found = init.answers(model, signature, {"b"}, {})  # type: ignore[arg-type]  # a fake
    assert found == ("Predict", {"a": "a", "b_of_model": "b", "c": "c"})


def test_what_is_one_value_for_all_records_is_a_constant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scalars = {"by": TensorSpec("float32", ()), "mode": TensorSpec("string", ())}
    number = TensorSpec("float32", (None,))
    model = CallableModel(lambda **inputs: None, {"x": number, **scalars}, {"y": number})
    monkeypatch.setattr(model, "format", "SavedModel", raising=False)
    monkeypatch.setattr(init, "model_at_hand", lambda *_, **__: model)
    given = ["--constant", "by=2.5", "--constant", "mode=times"]
    pipeline = written("double.yaml", *given)["pipeline"]
    assert pipeline["inference"]["constants"] == {"by": 2.5, "mode": "times"}
    assert pipeline["inference"]["inputs"] == {"x": "x"}
    assert [each["name"] for each in pipeline["source"]["schema"]] == ["x"]
    assert main(["init", "models/other.keras", *given[2:]]) == 2
    assert "one value for all records, which no column can feed: give it, --constant by=VALUE" in (
        capsys.readouterr().err
    )


def test_a_field_without_a_name_is_not_a_column(workplace: Path) -> None:
    (workplace / "in.jsonl").write_text('{"x": 1, "": 2, "id": 3}\n')
    source = written("double.yaml", "--data", "in.jsonl")["pipeline"]["source"]
    assert [column["name"] for column in source["schema"]] == ["x", "id"]


def test_what_to_type_next_is_quoted_as_a_shell_takes_it(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "double.keras", "-o", "my job.yaml"]) == 0
    assert "modelstream run 'my job.yaml'" in capsys.readouterr().err


def test_a_place_that_is_not_there_is_told(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "double.keras", "-o", "gone/job.yaml"]) == 2
    assert "gone/job.yaml cannot be written: No such file" in capsys.readouterr().err
