"""Flink's classes as the JVM of one run leaves them for those that come later.

Each would read and verify 17,000 of them again: 2.7 CPU seconds before the first result. They are
written once, behind the first run that succeeds, into the cache: 130 MB. A JVM that the file is not
for starts as if there were none.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelstream.cli.java import Java
from modelstream.flink.jvm import classdata
from modelstream.job.artifacts import cache_directory

_FIRST_THAT_CAN = 17
_SILENT = "-Xlog:cds=off -Xlog:cds+dynamic=off"
_KEPT = 3
"""Files of other versions that stay beside."""


@dataclass(frozen=True)
class Classes:
    """The file for one Java and one Flink, whether it is there or not."""

    file: Path

    @classmethod
    def of(cls, java: Java, given: str) -> "Classes | None":
        """Those of a JVM with these options; None where it can have none."""
        if java.version < _FIRST_THAT_CAN:
            return None
        return cls(cache_directory().parent / "classes" / f"{_key(java, given)}.jsa")

    @property
    def options(self) -> str:
        """What the JVM is started with: the file, or that it is to write one."""
        used = f"-XX:SharedArchiveFile={self.file}" if self.file.exists() else classdata.RECORDED
        return f"{used} {_SILENT}"

    def keep(self) -> None:
        """Write the file, if it is not there, of what the JVM has loaded by now."""
        if self.file.exists():
            return
        part = self.file.with_suffix(f".{os.getpid()}")
        try:
            with contextlib.suppress(Exception):  # a run that was fine is not to fail for it
                self.file.parent.mkdir(parents=True, exist_ok=True)
                classdata.write(part)
                part.replace(self.file)
                self._clear()
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _clear(self) -> None:
        others = [each for each in self.file.parent.glob("*.jsa") if each != self.file]
        for each in sorted(others, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
            each.unlink(missing_ok=True)


def _key(java: Java, given: str) -> str:
    """What the JVM compares before it uses a file: itself, and its jars."""
    spec = find_spec("pyflink")
    origin = None if spec is None else spec.origin
    jars = [] if origin is None else sorted(Path(origin).parent.glob("*/*.jar"))
    said = [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars]
    release = java.home / "release"
    said += [str(release), release.read_text() if release.is_file() else "", given]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
