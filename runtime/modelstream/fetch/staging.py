"""Where a model is put while it is fetched: within a size limit, next to its destination."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelstream.errors import FetchError
from modelstream.fetch.links import MAX_FILES

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here and, where it is known, the bytes that will be."""

_PREFIX = ".modelstream-"


def silent(done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass
class _Budget:
    """What may be on disk at a time, and what is."""

    max_bytes: int | None
    bytes: int = 0
    files: int = 0

    def check(self, more: int) -> None:
        if self.max_bytes is not None and self.bytes + more > self.max_bytes:
            raise FetchError(
                f"larger than the {self.max_bytes:,} bytes that are allowed: raise the model's "
                "size (--max-bytes), or check that the address is the one you mean"
            )


class Staging:
    """A directory that files are written into, counted against a cap of bytes and of files."""

    def __init__(self, root: Path, max_bytes: int | None, progress: Progress = silent) -> None:
        self.root = root
        self._budget = _Budget(max_bytes)
        self._progress = progress

    def write(self, name: str, chunks: Iterable[bytes], total: int | None = None) -> None:
        """Write one file. ``name`` is a relative posix path; what it may not be is refused."""
        target = self.root / safe_path(name)
        budget = self._budget
        budget.files += 1
        if budget.files > MAX_FILES:
            raise FetchError(f"more than {MAX_FILES} files: this is not a model")
        budget.check(total or 0)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                for chunk in chunks:
                    budget.check(len(chunk))
                    budget.bytes += len(chunk)
                    file.write(chunk)
                    self._progress(budget.bytes, total)
        except (FileExistsError, NotADirectoryError) as error:
            raise FetchError(f"{name!r} is there twice") from error

    def beside(self, root: Path) -> "Staging":
        """Another directory on the same budget, for what is only passing through; emptied.

        A packed archive and what is unpacked from it are on disk at the same time.
        """
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        other = Staging(root, None, self._progress)
        other._budget = self._budget
        return other

    def restart(self) -> None:
        """Forget everything, to try again from the beginning."""
        shutil.rmtree(self.root)
        self.root.mkdir()
        self._budget.bytes = self._budget.files = 0


def safe_path(name: str) -> PurePosixPath:
    """``name`` as a path that stays below where it is put, or an error that says why not."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise FetchError(f"{name!r} points outside of the model: refused")
    if not path.parts:
        raise FetchError(f"{name!r} is not the name of a file")
    return path


@contextmanager
def staged(dest: Path) -> Iterator[Path]:
    """A fresh directory that can be renamed to ``dest``; gone afterwards, whatever happens."""
    beside = dest if dest.is_mount() else dest.parent
    beside.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def publish(staged_tree: Path, dest: Path) -> None:
    """Make ``dest`` this tree in one step: nobody ever sees half a model there.

    A mount point cannot be renamed over. It is filled entry by entry instead; in a pod nobody
    reads it before the init container that fetches has ended.
    """
    staged_tree.chmod(0o755)
    if not dest.is_mount():
        staged_tree.rename(dest)
        return
    for entry in staged_tree.iterdir():
        entry.rename(dest / entry.name)


def clear_mount(dest: Path, keep: Path) -> None:
    """Remove what an earlier attempt left in a volume, except the tree ``keep`` is in."""
    for entry in dest.iterdir():
        if entry == keep or entry in keep.parents:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def is_leftover(entry: Path) -> bool:
    """Whether ``entry`` is a staging directory that a killed attempt left behind."""
    return entry.name.startswith(_PREFIX)
