"""How the jobs of a local run are ended before their time.

A stream is stopped with a last checkpoint: a job that is cancelled leaves what its file sinks have
in hidden files for ever. Where state is kept, the checkpoint has those files, and a run that goes
on from it goes on with them. Where nothing is kept the job is drained: its sinks publish all.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from modelstream.flink.jvm.jobstate import stop_with_savepoint
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


@dataclass(frozen=True)
class Place:
    """Where last checkpoints are written.

    Attributes:
        address: the directory's.
        kept: somebody may go on from there.
    """

    address: str
    kept: bool = False


def stop(clients: Sequence[Any], place: Place | None) -> Refusal | None:
    """Stop jobs with a last checkpoint; those that cannot be stopped so are cancelled.

    Args:
        clients: PyFlink's JobClients.
        place: for the checkpoints; None where jobs can have none.

    Returns:
        Why one of them took no last checkpoint; None where each took its own.
    """
    left = [client for client in clients if not _has_ended(client)]
    first = None if left else Refusal()
    for client in left:
        refused = Refusal() if place is None else _refused(client, place)
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
def savepoints(kept: str | None) -> Iterator[Place]:
    """Where last checkpoints go: where the job keeps its state, else a place that is forgotten."""
    if kept is not None:
        yield Place(kept, kept=True)
        return
    directory = tempfile.mkdtemp(prefix="modelstream-")
    try:
        yield Place(f"file://{directory}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _has_ended(client: Any) -> bool:
    try:
        return bool(client.get_job_execution_result().done())
    except Exception:  # the JVM is gone, and the job with it
        return True


def _refused(client: Any, place: Place) -> Refusal | None:
    try:
        taken = stop_with_savepoint(client, place.address, drain=not place.kept)
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
