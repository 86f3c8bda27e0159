"""The classes of Flink, as a JVM that has loaded them once leaves them for those that come later.

Each JVM of the tests would read and verify 20,000 of them again: 2.4 of its 6.0 CPU seconds up to
the end of a first job. Written once an environment; a JVM that the file is not for starts
as if there were none.

``python -m tests.support.jvm_archive FILE`` runs the JVM whose classes are kept.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.support.gomodules import alone
from tests.support.gomodules import cache as cache_directory

from modelstream.cli.java import Java, find_java

ROOT = Path(__file__).parents[2]
_TIMEOUT = 300
_FIRST_THAT_CAN = 17
_SILENT = "-Xlog:cds=off -Xlog:cds+dynamic=off"


@cache
def use() -> None:
    """Let the JVMs that start after this have the archive, which is written where there is none."""
    given = os.environ["JVM_ARGS"]
    java = find_java()
    if java.version < _FIRST_THAT_CAN:
        return
    directory = cache_directory() / "jvm" / _key(java, given)
    with alone(directory):
        base = _base(java, directory)
        flink = directory / "flink.jsa"
        if not flink.exists():
            _write(flink, f"{given} {_shared(base)}")
    os.environ["JVM_ARGS"] = f"{given} {_shared(base, flink)}"


def _shared(*archives: Path | None) -> str:
    """The options of a JVM that uses archives, of which one builds upon the other, if it can."""
    paths = [str(path) for path in archives if path is not None]
    return f"-XX:SharedArchiveFile={':'.join(paths)} {_SILENT}" if paths else _SILENT


def _key(java: Java, given: str) -> str:
    """What the JVM compares before it uses an archive: itself, and its jars."""
    spec = find_spec("pyflink")
    assert spec is not None
    assert spec.origin is not None
    jars = sorted(Path(spec.origin).parent.glob("*/*.jar"))
    said = [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars]
    release = java.home / "release"
    said += [str(release), release.read_text() if release.is_file() else "", given]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _base(java: Java, directory: Path) -> Path | None:
    """The archive of Java's own classes, where the JVM came without: that of PyPI does."""
    if (java.home / "lib" / "server" / "classes.jsa").exists():
        return None
    base = directory / "java.jsa"
    if not base.exists():
        scratch = directory / "java.part"
        dump = ["-Xshare:dump", f"-XX:SharedArchiveFile={scratch}", "-XX:+UseSerialGC"]
        _run([str(java.home / "bin" / "java"), *dump])
        scratch.rename(base)
    return base


def _write(path: Path, given: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        written = Path(scratch) / "jsa"
        _run(
            [sys.executable, "-m", "tests.support.jvm_archive", scratch],
            JVM_ARGS=f"{given} -XX:ArchiveClassesAtExit={written}",
        )
        written.rename(path)


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def main(scratch: str) -> None:
    """Jobs with what most tests have: tables, streams, files, checkpoints, Python functions."""
    from py4j.protocol import Py4JError
    from tests.support.flink import environment, numbers, run
    from tests.support.jvm import flink_jvm
    from tests.support.numpymodel import NumpyModel

    from modelstream.failure import DeadLetter
    from modelstream.flink import jvm
    from modelstream.flink.entry import infer

    with flink_jvm():
        for path in ("arrow", "async"):
            t_env = environment({"execution.checkpointing.interval": "100 ms"})
            stream = t_env.to_data_stream(numbers(t_env, [1.0, -1.0, None]))
            results = infer(stream, NumpyModel(), keep=["id"], on_error=DeadLetter(), path=path)
            tables = {"scored": results.scored, "dead": results.dead_letters}
            given = {name: t_env.from_data_stream(each) for name, each in tables.items()}
            run(t_env, given, Path(scratch) / path)
        gateway = jvm.gateway()
        pid = int(gateway.jvm.java.lang.ProcessHandle.current().pid())
        with suppress(Py4JError):  # it does not answer any more
            gateway.jvm.java.lang.System.exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1])
