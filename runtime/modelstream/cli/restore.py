"""``--restore latest``: the newest checkpoint or savepoint of a local run."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelstream.cli.exits import UsageError
from modelstream.job.context import JobContext
from modelstream.job.settings import state_directory
from modelstream_crds.v1alpha1 import ModelStream

_METADATA = "_metadata"


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
        raise UsageError(f"--restore latest: {storage} has no complete checkpoint or savepoint")
    newest = max(complete, key=lambda path: path.stat().st_mtime_ns)
    return newest.parent.as_uri()
