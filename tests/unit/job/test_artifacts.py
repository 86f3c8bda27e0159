import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelstream.errors import DigestMismatchError, FetchError
from modelstream.job import artifacts
from modelstream.job.artifacts import Jar

CONTENT = b"a jar" * 50_000
JAR = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "repository"
    directory = root / "org" / "example" / "thing" / "1.0"
    directory.mkdir(parents=True)
    (directory / "thing-1.0.jar").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(artifacts.BASE_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    yield directory
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_jar_is_fetched_from_the_given_base_with_progress(
    repository: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = artifacts.ensure(JAR, tmp_path / "cache", lambda *step: told.append(step))
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("thing-1.0.jar", len(CONTENT), len(CONTENT))
    assert len(told) > 1


def test_a_cached_jar_is_not_fetched_again(repository: Path, tmp_path: Path) -> None:
    first = artifacts.ensure(JAR, tmp_path / "cache")
    (repository / "thing-1.0.jar").unlink()
    assert artifacts.ensure(JAR, tmp_path / "cache") == first


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(
    repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(DigestMismatchError, match="expected sha256 0000"):
        artifacts.ensure(Jar(JAR.coordinates, "0" * 64), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_jar_that_is_not_there_says_where_to_put_it(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"cannot fetch org.example:other:2: 404.*Put other-2.jar"):
        artifacts.ensure(Jar("org.example:other:2", "0" * 64), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert artifacts.cache_directory() == tmp_path / "modelstream" / "jars"
