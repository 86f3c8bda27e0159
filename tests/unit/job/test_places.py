"""Where in its file a bad record stands."""

import gzip
from pathlib import Path

import pytest

from modelstream.job.places import Places, places
from modelstream.job.store import Store
from modelstream.job.tables import TablePlan


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a#b.json"
    path.write_bytes(b"good\nbad\r\n\ngood\nbad\n\xff\nlast")
    return path


def found(file: Path, *records: bytes) -> list[str | None]:
    finds = Places(Store(str(file.parent)))
    return [finds.place(str(file), record) for record in records]


def test_lines_that_are_alike_are_found_one_after_the_other(file: Path) -> None:
    assert found(file, b"bad", b"bad", b"\xff", b"last") == [f"{file}:{n}" for n in (2, 5, 6, 7)]


def test_records_of_another_order_are_found_too(file: Path) -> None:
    assert found(file, b"last", b"bad", b"", b"good") == [f"{file}:{n}" for n in (7, 2, 3, 4)]


def test_what_is_not_there_has_no_place(file: Path) -> None:
    assert found(file, b"other", b"bad") == [None, f"{file}:2"]
    assert Places(Store(str(file))).place(str(file.with_name("gone")), b"bad") is None


def test_a_compressed_file_is_searched_as_flink_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    assert found(path, b"b") == [f"{path}:2"]


def test_many_files_are_searched_with_few_of_them_open(tmp_path: Path) -> None:
    finds = Places(Store(str(tmp_path)))
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_text("a\nb\nc\n")
    for line, record in enumerate((b"a", b"b", b"c"), 1):
        for path in paths:
            assert finds.place(str(path), record) == f"{path}:{line}"


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/data/in", ""),
        ("file:///data/in", ""),
        ("s3://bucket/in", "s3://bucket"),
        ("hdfs://host/in", None),
    ],
)
def test_addresses_are_those_of_the_source(path: str, prefix: str | None) -> None:
    made = places(TablePlan("filesystem", "json", {"path": path}), {})
    assert (None if made is None else made.prefix) == prefix
