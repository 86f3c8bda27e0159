"""Jars by their Maven coordinates: fetched once into a cache, checked against a pinned sha256.

Repository addresses are not ours to know: the client from PyPI has its own, the environment
variable ``MODELSTREAM_MAVEN_BASE`` gives another, and an installed ``mvn`` has its settings. Those
of file systems become plugins: an embedded Flink wants one directory for each.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from modelstream.errors import DigestMismatchError, FetchError

logger = logging.getLogger(__name__)

BASE_VARIABLE = "MODELSTREAM_MAVEN_BASE"
_CHUNK = 1 << 16

Progress = Callable[[str, int, int | None], None]
"""Told (file name, bytes so far, total bytes where known) while a jar arrives."""


def silent(name: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Jar:
    """One jar: ``group:artifact:version`` and the sha256 that it must have."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name that the jar has in a repository and in the cache."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def cache_directory() -> Path:
    """Where fetched jars are kept: ``$XDG_CACHE_HOME/modelstream/jars``."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "modelstream" / "jars"


def ensure(jar: Jar, cache: Path | None = None, progress: Progress = silent) -> Path:
    """The jar's path in the cache, fetched first if it is not there.

    Raises:
        FetchError: the jar cannot be had.
        DigestMismatchError: what arrived is not the pinned jar.
    """
    directory = cache or cache_directory()
    path = directory / jar.file_name
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as staging:
        staged = Path(staging) / jar.file_name
        _fetch(jar, staged, progress)
        _check(jar, staged)
        staged.replace(path)  # atomic: another process sees the whole jar or none
    return path


def ensure_all(
    jars: Iterable[Jar], cache: Path | None = None, progress: Progress = silent
) -> list[Path]:
    """Every jar's path in the cache, in the order given."""
    return [ensure(jar, cache, progress) for jar in jars]


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(jar: Jar, path: Path) -> None:
    actual = sha256(path)
    if actual != jar.sha256:
        raise DigestMismatchError(
            f"{jar.coordinates}: expected sha256 {jar.sha256}, got {actual}; "
            f"the repository served another file, nothing was kept"
        )


def _fetch(jar: Jar, target: Path, progress: Progress) -> None:
    try:
        _by_client(jar, target, progress)
    except Exception as cause:  # the client raises what its HTTP library raises
        if os.environ.get(BASE_VARIABLE) or not shutil.which("mvn"):
            raise FetchError(_unreachable(jar, cause)) from cause
        logger.info("%s: asking mvn, because the repository did not answer", jar.coordinates)
        _by_mvn(jar, target, cause)


def _unreachable(jar: Jar, cause: Exception) -> str:
    reason = getattr(cause, "msg", None) or str(cause)
    return (
        f"cannot fetch {jar.coordinates}: {reason.strip()}. Put {jar.file_name} into "
        f"{cache_directory()}, or set {BASE_VARIABLE} to a Maven repository that answers here"
    )


def _by_client(jar: Jar, target: Path, progress: Progress) -> None:
    from maven_artifact.artifact import Artifact
    from maven_artifact.downloader import Downloader

    base = os.environ.get(BASE_VARIABLE)
    client = Downloader(base) if base else Downloader()
    address = client.resolver.uri_for_artifact(Artifact.parse(jar.coordinates))
    with client.requestor.request(address, None, stream=True, timeout=60) as response:
        length = response.headers.get("Content-Length")
        total = int(length) if length else None
        done = 0
        with target.open("wb") as file:
            for chunk in response.iter_content(chunk_size=_CHUNK):
                done += file.write(chunk)
                progress(jar.file_name, done, total)


def _by_mvn(jar: Jar, target: Path, first: Exception) -> None:
    command = [
        *("mvn", "--batch-mode", "--quiet", "dependency:copy"),
        *(f"-Dartifact={jar.coordinates}", f"-DoutputDirectory={target.parent}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not target.exists():
        said = (done.stdout + done.stderr).strip().splitlines()
        raise FetchError(f"{_unreachable(jar, first)}; mvn: {said[-1] if said else 'no output'}")


def plugin_directories(jars: Iterable[Path], installed: Path) -> list[Path]:
    """Directories whose sub-directories are plugins: the fetched jars, and Flink's own."""
    found = [installed] if installed.is_dir() else []
    found += [_plugin_root(jar) for jar in jars]
    return found


def _plugin_root(jar: Path) -> Path:
    """A directory ``…/plugins/<stem>`` with one plugin in it: a link to the jar."""
    root = cache_directory().parent / "plugins" / jar.stem
    link = root / jar.stem / jar.name
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=link.parent.parent.parent) as staging:
            made = Path(staging) / jar.name
            made.symlink_to(jar.resolve())
            made.replace(link)
    return root
