"""Where a local run keeps its state: ``--restore latest``, and that only one run does so."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelstream.cli.exits import UsageError
from modelstream.job.context import JobContext
from modelstream.job.settings import state_directory
from modelstream_crds.v1alpha1 import ModelStream

_METADATA = "_metadata"
_LOCK = ".modelstream.lock"
IF_ANY = "latest-if-any"


def given(address: str) -> str:
    """The address of a checkpoint or savepoint, held against the disk where it is on this machine.

    Raises:
        UsageError: nothing is there.
    """
    target = urlsplit(address)
    if target.scheme not in ("", "file"):
        return address
    directory = Path(unquote(target.path) if target.scheme else address).absolute()
    if (directory / _METADATA).is_file():
        return directory.as_uri()
    raise UsageError(
        f"--restore {address}: there is no {directory / _METADATA}, so this is not a complete "
        f"checkpoint or savepoint; give a chk-… or savepoint-… directory, or latest"
    )


def latest(manifest: ModelStream, context: JobContext) -> str:
    """The address of the newest complete one below ``spec.state.storage``.

    Raises:
        UsageError: nothing is there, or the storage is not on this machine.
    """
    storage, found = _newest(manifest, context)
    if found is None:
        raise UsageError(
            f"--restore latest: {storage} has no complete checkpoint or savepoint; --restore "
            f"{IF_ANY} begins without one"
        )
    return found


def latest_if_any(manifest: ModelStream, context: JobContext) -> str | None:
    """The same; None where nothing is there yet."""
    return _newest(manifest, context)[1]


@contextlib.contextmanager
def kept_alone(manifest: ModelStream, context: JobContext) -> Iterator[None]:
    """No other run keeps its state there, as long as the context lasts.

    Two of them would remove each other's checkpoints. State that is not on this machine is left
    to whoever starts the runs.

    Raises:
        UsageError: another one does.
    """
    directory = _directory(manifest, context)
    if directory is None:
        yield
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        number = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:  # Flink will say so
        yield
        return
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.read(number, 20).decode(errors="replace").strip()
            raise UsageError(
                f"state.storage: the run of process {other} keeps its state in {directory}: end "
                f"it, or give another place"
            ) from None
        os.ftruncate(number, 0)
        os.write(number, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(number)


def _directory(manifest: ModelStream, context: JobContext) -> Path | None:
    if manifest.spec.state is None:
        return None
    target = urlsplit(state_directory(manifest.spec.state.storage, context))
    return Path(unquote(target.path)) if target.scheme == "file" else None


def _newest(manifest: ModelStream, context: JobContext) -> tuple[str, str | None]:
    """Where state is kept, and the newest complete checkpoint there.

    Raises:
        UsageError: none is kept, or the storage is not on this machine.
    """
    if manifest.spec.state is None:
        raise UsageError("--restore latest: the manifest has no spec.state, so nothing was kept")
    storage = state_directory(manifest.spec.state.storage, context)
    target = urlsplit(storage)
    if target.scheme != "file":
        raise UsageError(
            f"--restore latest: {storage} is not a directory of this machine: "
            "give the path of a checkpoint or savepoint"
        )
    # Flink writes the metadata last: a directory without it is a checkpoint that did not complete.
    complete = list(Path(unquote(target.path)).glob(f"*points/**/{_METADATA}"))
    if not complete:
        return storage, None
    newest = max(complete, key=lambda path: path.stat().st_mtime_ns)
    return storage, newest.parent.as_uri()
