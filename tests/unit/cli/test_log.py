from pathlib import Path

import pytest

from modelstream.cli import log


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "modelstream" / "logs"


def test_each_run_has_a_log_of_its_own_that_rolls(cache: Path) -> None:
    environment: dict[str, str] = {}
    file = log.new("fraud")
    assert file.parent == cache
    with log.written(file, environment):
        properties = Path(environment["LOG4J_PROPERTIES"]).read_text()
    assert environment == {}
    assert f"fileName = {file}\n" in properties
    assert "RollingFile" in properties
    assert "size = 8MB" in properties


def test_a_configuration_that_the_user_has_stands(cache: Path) -> None:
    environment = {"LOG4J_PROPERTIES": "mine"}
    with log.written(log.new("fraud"), environment):
        assert environment["LOG4J_PROPERTIES"] == "mine"
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_no_end(cache: Path) -> None:
    cache.parent.mkdir()
    cache.touch()
    environment: dict[str, str] = {}
    with log.written(log.new("fraud"), environment):
        assert environment == {}


def test_logs_of_old_runs_go(cache: Path) -> None:
    cache.mkdir(parents=True)
    for number in range(20):
        for suffix in ("log", "log.1", "properties"):
            (cache / f"old-{number}.{suffix}").touch()
    with log.written(log.new("fraud"), {}):
        left = {each.name.partition(".")[0] for each in cache.iterdir()}
        assert len(left) == 10
        assert len(list(cache.iterdir())) == 9 * 3 + 1


def test_the_newest_warning_is_found_without_its_trace(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text(
        "2026-11-30 18:00:00,000 WARN  org.apache.kafka.clients.NetworkClient   [] - [Consumer 1] "
        "first\n"
        "2026-11-30 18:00:01,000 WARN  org.apache.kafka.clients.NetworkClient                     "
        "[] - Connection to node -1 (localhost/127.0.0.1:1) could not be established.\n"
        "2026-11-30 18:00:02,000 INFO  org.apache.flink.A  [] - nothing\n"
    )
    said = "Connection to node -1 (localhost/127.0.0.1:1) could not be established."
    assert log.last_warning(file) == said
    assert log.last_warning(tmp_path / "none") == ""
