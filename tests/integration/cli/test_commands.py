import json
import shutil
from pathlib import Path

import pytest
from tests.integration.cli.conftest import MANIFEST
from tests.support import models, ragged
from tests.support.graphs import DENSE

from modelstream.cli import main
from modelstream.cli.precheck import precheck
from modelstream.fetch import digest_of
from modelstream.job.context import JobContext
from modelstream_crds import manifest


def test_inspect_shows_tensors_and_their_sql_types(
    picky: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", picky]) == 0
    shown = capsys.readouterr().out
    assert digest_of(Path(picky)) in shown
    assert "serving_default  predict  in   x       float32  [?]    FLOAT" in shown


def test_inspect_as_json_is_for_programs(picky: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", picky, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    signature = said["signatures"]["serving_default"]
    assert signature["outputs"] == {
        "root": {"dtype": "float32", "shape": [None], "layout": "dense", "sqlType": "FLOAT"}
    }
    assert said["digest"] == digest_of(Path(picky))


def test_inspect_shows_ragged_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(ragged.bags())]) == 0
    shown = capsys.readouterr().out
    assert "int64    [?, ?, ?] ragged rank 2  ARRAY<ARRAY<BIGINT>>" in shown
    assert "float32  [?, ?, 3] ragged rank 1  ARRAY<ARRAY<FLOAT>>" in shown
    assert main(["inspect", str(ragged.bags()), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["signatures"]["deep"]["inputs"] == {
        "ids": {
            "dtype": "int64",
            "shape": [None, None, None],
            "layout": "ragged",
            "raggedRank": 2,
            "rowSplits": "int32",
            "sqlType": "ARRAY<ARRAY<BIGINT>>",
        }
    }


def test_inspect_lists_versions_and_takes_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(models.versions())
    assert main(["inspect", path]) == 0
    assert "version 10 of 1, 2, 10" in capsys.readouterr().out
    assert main(["inspect", path, "--version", "2"]) == 0
    assert "version 2 of" in capsys.readouterr().out
    assert main(["inspect", path, "--version", "3"]) == 2


def test_inspect_says_which_tags_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(models.colours())
    assert main(["inspect", path]) == 2
    assert "colours" in capsys.readouterr().err
    assert main(["inspect", path, "--tags", "serve,colours"]) == 0


def test_inspect_shows_where_a_graph_begins_and_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "graph.pb").write_bytes(DENSE)
    assert main(["inspect", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert digest_of(tmp_path) in shown
    assert "It begins at:\n  x  float32[1, 4]\nIt ends at:\n  best  int64[...]" in shown
    assert main(["inspect", str(tmp_path / "graph.pb"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["begins"] == {"x": "float32[1, 4]"}
    assert said["signatures"] == {}


def test_inspect_shows_what_a_keras_file_takes_and_gives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["inspect", str(models.keras_files() / "net.keras")]) == 0
    shown = capsys.readouterr().out
    assert "serving_default  predict  in   a       float32  [?, 4]  ARRAY<FLOAT>" in shown


def test_predict_sends_records_through_the_model(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("id,x\n1,4\n2,-4\n3,9\n")
    assert main(["predict", picky, str(tmp_path / "in.csv"), "--keep", "id"]) == 0
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    assert found == [{"id": 1, "root": 2.0}, {"id": 3, "root": 3.0}]
    assert f"{tmp_path / 'in.csv'}:3: inference: InvalidArgumentError: " in said.err
    assert "3 read, 2 scored, 1 not scored" in said.err


def test_predict_takes_a_keras_file(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(models.keras_files() / "net.keras")
    record = json.dumps({"a": [1, 2, 3, 4], "b": [1, 2]})
    assert main(["predict", model, "--record", record]) == 0
    assert json.loads(capsys.readouterr().out)


def test_init_writes_a_manifest_that_fits_the_model(
    picky: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"id": 1, "x": 4}\n')
    assert main(["init", picky, "--data", "in.jsonl", "-o", "job.yaml"]) == 0
    spec = manifest.load(tmp_path / "job.yaml").spec
    name = spec.models[0].name
    precheck(spec, JobContext(model_paths={name: Path(picky)}))


def test_fetch_prints_the_digest_and_checks_it(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = shutil.make_archive(str(tmp_path / "picky"), "gztar", picky)
    assert main(["fetch", archive, str(tmp_path / "a")]) == 0
    digest = capsys.readouterr().out.splitlines()[-1]
    assert digest == digest_of(Path(picky))
    assert main(["fetch", archive, str(tmp_path / "b"), "--digest", digest]) == 0
    other = "sha256:" + "0" * 64
    assert main(["fetch", archive, str(tmp_path / "c"), "--digest", other]) == 1
    assert other in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_verify_tells_digests_and_signatures(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.yaml").write_text(MANIFEST)
    assert main(["verify", str(tmp_path / "job.yaml"), "--model", f"picky={picky}"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["models"]
    assert told == {
        "name": "picky",
        "digest": digest_of(Path(picky)),
        "signatures": ["serving_default"],
    }


def test_verify_refuses_another_model(
    picky: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "sha256:" + "0" * 64
    pinned = MANIFEST.replace("    uri: pvc", f"    digest: {asked}\n    uri: pvc")
    (tmp_path / "job.yaml").write_text(pinned)
    assert main(["verify", str(tmp_path / "job.yaml"), "--model", f"picky={picky}"]) == 1
    assert f"expected {asked}" in capsys.readouterr().err


def test_validate_tells_every_problem_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(MANIFEST)
    bad.write_text(MANIFEST.replace("name: picky", "name: Picky").replace("keep:", "keeps:"))
    assert main(["validate", str(good), str(bad)]) == 2
    said = capsys.readouterr()
    assert "roots is valid" in said.out
    assert "give --model picky=DIR" in said.out
    assert f"{bad}:21: spec.pipeline.inference.keeps" in said.err
    assert main(["validate", str(good)]) == 0
