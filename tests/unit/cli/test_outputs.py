from pathlib import Path

import pytest
import yaml
from tests.support.resource_cases import BASE

from modelstream.cli.outputs import Output, outputs
from modelstream_crds import manifest


def test_new_files_are_told_and_those_that_are_not_published(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "part-0").write_text("old\n")
    found = Output.of("results", str(out), "json")
    assert str(found) == f"results: {out}, nothing new"
    (out / "part-1").write_text("a\nb\n")
    assert str(found) == f"results: {out}, 1 new file of 2 records"
    (out / ".part-2.inprogress").write_text("c\n")
    assert str(found).endswith("2 records; not published: 1 new file of 1 record")


def test_files_of_other_formats_are_counted_alone(tmp_path: Path) -> None:
    found = Output.of("results", str(tmp_path), "parquet")
    for number in range(2):
        (tmp_path / f"part-{number}").write_text("\n\n")
    assert str(found) == f"results: {tmp_path}, 2 new files"


def test_the_sinks_of_a_pipeline_and_of_sql_are_found() -> None:
    spec = {k: v for k, v in BASE["spec"].items() if k != "pipeline"}
    script = (
        "CREATE TABLE a (x INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv');"
        "CREATE TABLE `b` (x INT) WITH ('connector'='filesystem','path'='out','format'='json');"
        "CREATE TABLE c (x INT) WITH ('connector'='filesystem','path'='s3://b/c','format'='json');"
        "INSERT INTO `b` SELECT x FROM a; INSERT INTO c SELECT x FROM a;"
    )
    text = yaml.safe_dump({**BASE, "spec": {**spec, "sql": {"statements": script}}})
    (found,) = outputs(manifest.load(text).spec)
    assert (found.what, found.path, found.lines) == ("b", "out", True)


@pytest.mark.parametrize(("path", "count"), [("out", 1), ("file:///out", 1), ("s3://b/out", 0)])
def test_only_directories_of_this_machine_are_looked_at(path: str, count: int) -> None:
    sink = {"connector": "filesystem", "format": "json", "options": {"path": path}}
    spec = BASE["spec"]
    pipeline = {**spec["pipeline"], "sink": sink}
    pipeline.pop("deadLetter", None)
    pipeline["inference"] = {**pipeline["inference"], "onError": "Fail"}
    text = yaml.safe_dump({**BASE, "spec": {**spec, "pipeline": pipeline}})
    assert len(outputs(manifest.load(text).spec)) == count
