"""Symbolic links in models: followed inside of the model, refused where they lead out of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from modelstream.errors import FetchError

MAX_FILES = 100_000
"""More are not a model; links to directories with links can make any number of a few."""


_LOST = "lost+found"


def files_of(path: Path, within: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Posix path within the tree and place on disk of each file, sorted.

    A link to a directory counts as its files. What Kubernetes puts beside the files of a ConfigMap
    (``..data``, and the directory with a date that it leads to) does not count: the files do. Nor
    does the ``lost+found`` of a volume, which only root may read.

    Args:
        path: a file, or a directory.
        within: how far links may lead; if None the directory, or the repository that a snapshot of
            the Hugging Face cache belongs to.

    Raises:
        FetchError: there is nothing, or a link leads out of the model, nowhere or in a circle, or
            something is not a file.
    """
    if path.is_file():
        yield path.name, path
        return
    if not path.is_dir():
        raise FetchError(f"{path}: there is no file and no directory of that name")
    bound = (within or _repository(path) or path).resolve()
    for count, found in enumerate(_walked(path, PurePosixPath(), bound, (path.resolve(),))):
        if count >= MAX_FILES:
            raise FetchError(f"{path}: more than {MAX_FILES} files: this is not a model")
        yield found


def check_links(path: Path, within: Path | None = None) -> None:
    """Refuse a model with links that lead out of it, before something reads it.

    Raises:
        FetchError: as of `files_of`.
    """
    for _ in files_of(path, within):
        pass


def _repository(path: Path) -> Path | None:
    """The repository of the Hugging Face cache that has a snapshot with this path in it."""
    for snapshot in (path.absolute(), *path.absolute().parents):
        repository = snapshot.parent.parent
        if snapshot.parent.name == "snapshots" and (repository / "blobs").is_dir():
            return repository
    return None


def _walked(
    directory: Path, name: PurePosixPath, bound: Path, above: tuple[Path, ...]
) -> Iterator[tuple[str, Path]]:
    for entry in _entries(directory):
        if entry.name.startswith("..") or (entry.name == _LOST and not name.parts):
            continue
        real = _followed(entry, bound) if entry.is_symlink() else None
        inner = name / entry.name
        if entry.is_dir():
            real = real or entry.resolve()
            if real in above:
                raise FetchError(f"{entry}: the link leads to {real}, in which it is: a circle")
            yield from _walked(entry, inner, bound, (*above, real))
        elif entry.is_file():
            yield inner.as_posix(), entry
        else:
            raise FetchError(f"{entry}: neither a file nor a directory, which no model can have")


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except PermissionError:
        raise FetchError(
            f"{directory}: this user may not read it: it is not part of a model, or give the right"
        ) from None


def _followed(link: Path, bound: Path) -> Path:
    target = link.readlink()
    try:
        real = link.resolve(strict=True)
    except FileNotFoundError:
        raise FetchError(f"{link}: the link leads to {target}, which is not there") from None
    except (OSError, RuntimeError):  # how Python tells that links lead to each other
        raise FetchError(f"{link}: the link leads in a circle, to {target}") from None
    if not real.is_relative_to(bound):
        raise FetchError(
            f"{link}: the link leads out of the model, to {target}; only what is below {bound} "
            f"goes with it: replace the link by what it leads to"
        )
    return real


def packed(files: set[str], links: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """What the links of an archive stand for: the name that it has there → the file that it is.

    Args:
        files: the names of the archive's files.
        links: name → where it leads, as a name in the archive; None where it leads out of it.

    Raises:
        FetchError: a link leads out of the archive, nowhere or in a circle.
    """
    for name in sorted(links):
        yield from _expanded(name, name, files, links, ())


def _expanded(
    name: str, link: str, files: set[str], links: Mapping[str, str | None], above: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    end = _end(link, links, ())
    if end in files:
        yield name, end
        return
    if end in above or f"{link}/".startswith(f"{end}/"):
        raise FetchError(f"{link!r} is a link to {end!r}, in which it is: a circle")
    below = [each for each in files if each.startswith(f"{end}/")]
    inner = [each for each in links if each.startswith(f"{end}/")]
    if not below and not inner:
        raise FetchError(f"{link!r} is a link to {end!r}, which is not there")
    for each in below:
        yield name + each.removeprefix(end), each
    for each in inner:
        yield from _expanded(name + each.removeprefix(end), each, files, links, (*above, end))


def _end(name: str, links: Mapping[str, str | None], seen: tuple[str, ...]) -> str:
    """Where a name leads when every link on its way is followed."""
    parts = name.split("/")
    for count in range(1, len(parts) + 1):
        head = "/".join(parts[:count])
        if head not in links:
            continue
        target = links[head]
        if target is None:
            raise FetchError(f"{head!r} is a link that leads out of the model: refused")
        if head in seen:
            raise FetchError(f"{head!r} is a link that leads in a circle: refused")
        return _end("/".join([target, *parts[count:]]), links, (*seen, head))
    return name


def target_of(name: str, target: str) -> str | None:
    """Where a link of an archive leads, as a name in the archive; None where that is outside."""
    if target.startswith("/"):
        return None
    parts = list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(target).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return "/".join(parts) or None
