from pathlib import Path

import pytest

from modelstream.job import places
from modelstream.job.places import place_of
from modelstream_crds.v1alpha1 import Column, Source

BAD = '{"id": 3, "name": "é"'


def source(path: str, connector: str = "filesystem") -> Source:
    columns = (Column(name="id", type="INT"),)
    return Source(connector=connector, format="json", schema=columns, options={"path": path})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.json").write_text('{"id": 1}\n')
    (tmp_path / "deep" / "b.json").write_text(f'{{"id": 2}}\r\n{BAD}\r\n')
    (tmp_path / "_hidden.json").write_text(BAD)
    return tmp_path


def test_a_record_is_found_in_its_file(files: Path) -> None:
    expected = f"{files}/deep/b.json, line 2"
    assert place_of(source(str(files)), BAD) == expected
    assert place_of(source(files.as_uri()), BAD) == expected


@pytest.mark.parametrize(
    ("path", "connector"),
    [
        pytest.param("{}/a.json", "filesystem", id="not there"),
        pytest.param("{}/gone", "filesystem", id="files that are gone"),
        pytest.param("s3://bucket{}", "filesystem", id="another file system"),
        pytest.param("{}", "kafka", id="no files"),
    ],
)
def test_what_cannot_be_found_has_no_place(files: Path, path: str, connector: str) -> None:
    assert place_of(source(path.format(files), connector), BAD) is None


def test_the_search_ends_when_enough_was_read(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_SEARCHED", 5)
    assert place_of(source(str(files)), BAD) is None
