"""Run a job in a process of its own, so that a test can kill it: ``python run_job.py FILE``."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def process(
    directory: Path,
    spec: Mapping[str, Any],
    models: Mapping[str, Path],
    mounts: Mapping[str, Path],
    restore_from: str | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """The job as a process group of its own; whatever is left of it is killed at the end."""
    description = {
        "spec": spec,
        "models": {name: str(path) for name, path in models.items()},
        "mounts": {name: str(path) for name, path in mounts.items()},
        "restore_from": restore_from,
    }
    file = directory / "job.json"
    file.write_text(json.dumps(description))
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with (directory / "job.log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, __file__, str(file)],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        kill(started)


def kill(started: "subprocess.Popen[bytes]") -> None:
    """Kill the process and its JVM at once, as a machine that fails does."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def hold(started: "subprocess.Popen[bytes]") -> None:
    """Let the process and its JVM do nothing until they go on or are killed."""
    os.killpg(started.pid, signal.SIGSTOP)


def go_on(started: "subprocess.Popen[bytes]") -> None:
    """Let them go on."""
    os.killpg(started.pid, signal.SIGCONT)


def last_checkpoint(state: Path) -> str:
    """The newest complete checkpoint."""
    found = state.glob("checkpoints/*/chk-*/_metadata")  # does not list what is about to go
    newest = max(found, key=lambda path: int(path.parent.name.removeprefix("chk-")))
    return newest.parent.as_uri()


def main(file: str) -> None:
    from tests.support.jobs import run

    given = json.loads(Path(file).read_text())
    run(
        given["spec"],
        {name: Path(path) for name, path in given["models"].items()},
        mounts={name: Path(path) for name, path in given["mounts"].items()},
        restore_from=given["restore_from"],
        parallelism=1,
    )


if __name__ == "__main__":
    main(sys.argv[1])
