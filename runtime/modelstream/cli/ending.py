"""How the jobs of a local run are ended before their time.

A stream is stopped with a last checkpoint: file sinks publish what they have when a checkpoint is
completed, and a job that is cancelled leaves it in hidden files for ever.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from modelstream.flink.jobstate import stop_with_savepoint
from modelstream.job.failures import summary

_STOP_SECONDS = 660
"""Longer than Flink lets a checkpoint take where nothing else is configured: it says why itself."""
_CANCEL_SECONDS = 20
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Refusal:
    """Why a job took no last checkpoint; empty where it could have none."""

    why: str = ""

    def __str__(self) -> str:
        return f": no last checkpoint could be taken ({self.why})" if self.why else ""


def stop(clients: Sequence[Any], directory: str | None) -> Refusal | None:
    """Stop jobs with a last checkpoint; those that cannot be stopped so are cancelled.

    Args:
        clients: PyFlink's JobClients.
        directory: the address that the checkpoint is written to; None where jobs can have none.

    Returns:
        Why one of them took no last checkpoint; None where each took its own.
    """
    left = [client for client in clients if not _has_ended(client)]
    first = None if left else Refusal()
    for client in left:
        refused = Refusal() if directory is None else _refused(client, directory)
        if refused is not None:
            cancel(client)
        first = first or refused
    return first


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


def _has_ended(client: Any) -> bool:
    try:
        return bool(client.get_job_execution_result().done())
    except Exception:  # the JVM is gone, and the job with it
        return True


def _refused(client: Any, directory: str) -> Refusal | None:
    try:
        taken = stop_with_savepoint(client, directory)
        if not _wait(taken, _STOP_SECONDS):
            return Refusal(f"it took longer than {_STOP_SECONDS:,} s")
        taken.result()
    except Exception as error:  # it does not run (yet, or any more), or a task cannot take it
        return Refusal(summary(str(error)) or type(error).__name__)
    _wait(client.get_job_execution_result(), _CANCEL_SECONDS)
    return None


def _wait(future: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not future.done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return bool(future.done())
