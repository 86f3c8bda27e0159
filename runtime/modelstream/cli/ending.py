"""How the jobs of a local run are ended before their time.

A stream is stopped with a last checkpoint: file sinks publish what they have when a checkpoint is
completed, and a job that is cancelled leaves it in hidden files for ever.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

_STOP_SECONDS = 60
_CANCEL_SECONDS = 20
_POLL_SECONDS = 0.1


def stop(clients: Sequence[Any], directory: str | None) -> bool:
    """Stop jobs with a last checkpoint; those that cannot be stopped so are cancelled.

    Args:
        clients: PyFlink's JobClients.
        directory: the address that the checkpoint is written to; None where jobs can have none.

    Returns:
        Whether each of them took its last checkpoint.
    """
    stopped = [directory is not None and _stopped(client, directory) for client in clients]
    for client, done in zip(clients, stopped, strict=True):
        if not done:
            cancel(client)
    return bool(stopped) and all(stopped)


def cancel(client: Any) -> None:
    """Ask Flink to end the job; not for ever."""
    with contextlib.suppress(Exception):  # the JVM may be gone, and the job with it
        client.cancel()
        _wait(client.get_job_execution_result(), _CANCEL_SECONDS)


@contextlib.contextmanager
def savepoints(kept: str | None) -> Iterator[str]:
    """Where last checkpoints go: where the job keeps its state, else a place that is forgotten."""
    if kept is not None:
        yield kept
        return
    directory = tempfile.mkdtemp(prefix="modelstream-")
    try:
        yield f"file://{directory}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _stopped(client: Any, directory: str) -> bool:
    try:
        taken = client.stop_with_savepoint(False, directory)
        if not _wait(taken, _STOP_SECONDS):
            return False
        taken.result()
        return _wait(client.get_job_execution_result(), _CANCEL_SECONDS)
    except Exception:  # it does not run (yet, or any more), or a task cannot take it
        return False


def _wait(future: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not future.done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return bool(future.done())
