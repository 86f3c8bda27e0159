from pathlib import Path

import pytest
import yaml
from bench import decode, pipeline

from modelstream_crds import manifest

MODELS = {shape.name: Path("/model") for shape in decode.SHAPES}


def test_spark_reads_json_that_is_all_good(tmp_path: Path) -> None:
    found = list(pipeline.cases(MODELS, tmp_path, "Spark"))
    assert {(data.written, data.bad, parallelism) for _, _, data, parallelism in found} == {
        ("json", 0.0, 1),
        ("json", 0.0, 2),
    }
    assert {data.shape.name for _, _, data, _ in found} == set(MODELS)


def test_results_are_counted_where_they_are_shown(tmp_path: Path) -> None:
    for name in ("part-0", "part.json", ".part.crc", "_SUCCESS", "_metadata/0", "a/.b/c"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"1\n2\n")
    assert pipeline._count(tmp_path) == 4


@pytest.mark.parametrize("on_error", ["Fail", "DeadLetter"])
@pytest.mark.parametrize("written", ["json", "csv"])
def test_each_job_is_a_valid_one(tmp_path: Path, on_error: str, written: str) -> None:
    shape = decode.SHAPES[0]
    data = pipeline.Data(shape, written, 0.01, Path("/model"), tmp_path)
    target = tmp_path / "results"
    pipeline.ours(on_error)(data, 4096, target, 2)
    stream = manifest.load(target.with_suffix(".yaml").read_text())
    assert stream.spec.flink.parallelism == 2
    lines = b"".join(each.read_bytes() for each in data.file(4096).iterdir()).splitlines()
    assert len(lines) == data.rows(4096)


def test_whoever_writes_it_by_hand_is_told_the_same_job(tmp_path: Path) -> None:
    data = pipeline.Data(decode.SHAPES[0], "json", 0.0, Path("/model"), tmp_path)
    jobs = [
        command(data, 4096, tmp_path / "results", 1)[-1]
        for command in (pipeline.by_hand, pipeline.spark)
    ]
    assert jobs[0] == jobs[1]
    assert yaml.safe_load(jobs[0])["keep"] == ["id", "name"]
