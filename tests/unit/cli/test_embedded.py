"""How the JVM of a local run is started."""

import os
from pathlib import Path

import pytest

from modelstream.cli import flink
from modelstream.cli.java import Java


class Started(Exception):
    """Says what the JVM was given."""


def test_a_jvm_is_told_to_compile_later_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gateway() -> None:
        raise Started(os.environ[flink.JVM_ARGS])

    monkeypatch.delenv(flink.JVM_ARGS, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(flink, "use_java", lambda: Java(tmp_path, 17, "PATH"))
    monkeypatch.setattr(flink.jvm, "gateway", gateway)
    with (
        pytest.raises(Started, match=r"CompileThresholdScaling=5 -XX:\+Record"),
        flink.embedded(verbose=True),
    ):
        pass


def test_options_that_are_given_for_it_stand_as_they_are() -> None:
    environment = {flink.JVM_ARGS: "-Xmx1g"}
    flink.warm_later(environment)
    assert environment == {flink.JVM_ARGS: "-Xmx1g"}
