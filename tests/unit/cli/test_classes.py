"""The classes that a run leaves for those that come later."""

import os
from pathlib import Path

import pytest

from modelstream.cli import classes
from modelstream.cli.classes import Classes
from modelstream.cli.java import Java
from modelstream.flink.jvm import classdata


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "modelstream" / "classes"


@pytest.fixture
def found(cache: Path) -> Classes:
    made = Classes.of(Java(cache, 17, "PATH"), "-Xmx1g")
    assert made is not None
    return made


def written(monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
    def write(file: Path) -> None:
        file.write_bytes(b"classes")
        if fails:
            raise RuntimeError("the JVM is gone")

    monkeypatch.setattr(classdata, "write", write)


def test_a_java_that_cannot_write_them_is_not_asked(cache: Path) -> None:
    assert Classes.of(Java(cache, 11, "PATH"), "") is None


def test_a_first_run_writes_what_the_next_one_reads(
    found: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch)
    assert found.options.startswith(classdata.RECORDED)
    found.keep()
    assert found.options.startswith(f"-XX:SharedArchiveFile={found.file} ")
    assert os.listdir(found.file.parent) == [found.file.name]  # noqa: PTH208  # what is there


def test_they_are_written_once(found: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    written(monkeypatch)
    found.keep()
    written(monkeypatch, fails=True)
    found.keep()
    assert found.file.read_bytes() == b"classes"


def test_a_jvm_that_cannot_write_them_leaves_nothing(
    found: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch, fails=True)
    found.keep()
    assert not list(found.file.parent.iterdir())


def test_another_java_and_other_options_have_others(cache: Path, found: Classes) -> None:
    other = Classes.of(Java(cache, 17, "PATH"), "-Xmx2g")
    assert other is not None
    assert other.file != found.file
    (cache / "release").parent.mkdir(parents=True)
    (cache / "release").write_text("21.0.1")
    assert Classes.of(Java(cache, 17, "PATH"), "-Xmx1g") != found


def test_those_of_old_versions_go(found: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    found.file.parent.mkdir(parents=True)
    others = [found.file.with_name(f"{at}.jsa") for at in range(classes._KEPT + 2)]
    for at, each in enumerate(others):
        each.touch()
        os.utime(each, (at, at))
    written(monkeypatch)
    found.keep()
    assert set(found.file.parent.iterdir()) == {found.file, *others[2:]}
