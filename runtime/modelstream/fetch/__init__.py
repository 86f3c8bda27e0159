"""Bring a model here: from a directory, a web server, an object store or a hub.

The command line, a local run and the init containers of a pod use the same code, so it imports
what a scheme needs only when that scheme is used.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelstream.errors import DigestMismatchError, FetchError
from modelstream.fetch import archive, hub, objectstore
from modelstream.fetch.address import AllowList
from modelstream.fetch.digest import Tree, checked_form, digest_of, tree_of
from modelstream.fetch.http import Browser
from modelstream.fetch.links import check_links, files_of
from modelstream.fetch.retry import Retry
from modelstream.fetch.staging import (
    Progress,
    Staging,
    clear_mount,
    is_leftover,
    publish,
    silent,
    staged,
)

__all__ = [
    "Fetched",
    "Sources",
    "check_links",
    "digest_of",
    "fetch",
    "local_path",
    "scheme_of",
    "tree_of",
]

_CHUNK = 1 << 20
_ELSEWHERE = {
    "pvc": "a volume claim exists in its cluster only: give the directory instead",
    "image": "an image is mounted by Kubernetes: give the directory instead",
}


@dataclass(frozen=True)
class Fetched:
    """What is at the destination now.

    Attributes:
        path: the destination.
        digest: ``sha256:…`` of the tree of files, as ``spec.models[].digest`` takes it.
        files: how many there are.
        bytes: the size of all files together.
        kept: whether it was there before.
    """

    path: Path
    digest: str
    files: int
    bytes: int
    kept: bool = False


@dataclass(frozen=True)
class Sources:
    """What fetching depends on.

    Attributes:
        environment: the environment variables with credentials and settings (``AWS_*``,
            ``GOOGLE_APPLICATION_CREDENTIALS``, ``HF_TOKEN``, ``MODELSTREAM_FETCH_ALLOW``); those
            of the process if not given.
        retry: how transient download errors are retried.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    retry: Retry = field(default_factory=Retry)

    def browser(self) -> Browser:
        """A browser within the allow-list of the environment."""
        return Browser(AllowList.of(self.environment))


def fetch(
    uri: str,
    dest: Path,
    *,
    digest: str | None = None,
    max_bytes: int | None = None,
    progress: Progress = silent,
    sources: Sources | None = None,
) -> Fetched:
    """Make the directory ``dest`` the model at ``uri``.

    An archive is unpacked; ``#subdirectory=…`` takes a part of it. A single file becomes a
    directory that holds it. ``dest`` appears in one step. If it is there already with the same
    content it is kept, with other content it is an error.

    Args:
        uri: ``file://`` or a path, ``https://``, ``s3://``, ``gs://`` or ``hf://``.
        dest: the directory; it is made, with what is above it.
        digest: what must come, as `digest_of` gives it. If it is at ``dest`` already, nothing is
            fetched.
        max_bytes: a model that takes more on disk is refused; None for no limit.
        progress: called while bytes come: how many are here, how many there will be (or None).
        sources: credentials and settings; those of the process if None.

    Raises:
        DigestMismatchError: ``digest`` is not what came.
        FetchError: it cannot be fetched, or something else is at ``dest``.
    """
    sources = sources or Sources()
    if digest is not None and (present := _present(dest, checked_form(digest))):
        return present
    _within(uri)
    with staged(dest) as root:
        staging = Staging(root / "tree", max_bytes, progress)
        staging.root.mkdir()
        _download(uri, staging, root, sources)
        tree = archive.unwrapped(staging.root) if _wrapped(uri) else staging.root
        found = tree_of(tree)
        if digest is not None and found.digest != digest:
            raise DigestMismatchError(
                f"{uri} is not what was asked for: expected {digest}, got {found.digest} "
                f"({found.files} files, {found.bytes:,} bytes)"
            )
        return _put(tree, root, dest, found)


def _present(dest: Path, digest: str) -> Fetched | None:
    if not dest.is_dir() or any(is_leftover(entry) for entry in dest.iterdir()):
        return None
    found = tree_of(dest)
    return _fetched(dest, found, kept=True) if found.digest == digest else None


def _put(tree: Path, root: Path, dest: Path, found: Tree) -> Fetched:
    if dest.is_mount():
        clear_mount(dest, keep=root)
    elif dest.is_dir() and any(dest.iterdir()):
        there = digest_of(dest)
        if there != found.digest:
            raise FetchError(
                f"{dest} is there already with other content ({there}; fetched was "
                f"{found.digest}): remove it, or choose another destination"
            )
        return _fetched(dest, found, kept=True)
    elif dest.exists() and not dest.is_dir():
        raise FetchError(f"{dest} is a file: choose another destination")
    publish(tree, dest)
    return _fetched(dest, found)


def _fetched(dest: Path, tree: Tree, *, kept: bool = False) -> Fetched:
    return Fetched(dest, tree.digest, tree.files, tree.bytes, kept)


def _download(uri: str, staging: Staging, root: Path, sources: Sources) -> None:
    scheme = scheme_of(uri)
    match scheme:
        case "file" | "":
            _copy(uri, staging)
        case "https" | "http":
            sources.retry.run(lambda: _from_web(uri, staging, root, sources.browser()))
        case "hf":
            sources.retry.run(lambda: _from_hub(uri, staging, sources))
        case "s3" | "gs":
            allow = AllowList.of(sources.environment)
            _unpacking(
                uri,
                staging,
                root,
                lambda into: objectstore.download(_plain(uri), into, allow, sources.environment),
            )
        case _:
            raise _not_fetched(uri)


def _not_fetched(uri: str) -> FetchError:
    scheme = scheme_of(uri)
    reason = _ELSEWHERE.get(scheme, "use file, https, s3, gs or hf")
    return FetchError(f"{uri}: {scheme}:// cannot be fetched: {reason}")


def _copy(uri: str, staging: Staging) -> None:
    source = local_path(uri)
    if archive.is_archive(source.name) and source.is_file():
        archive.extract(source, staging, _within(uri))
        return
    for name, file in files_of(source):
        with file.open("rb") as content:
            staging.write(name, iter(lambda: content.read(_CHUNK), b""), file.stat().st_size)


def _from_web(uri: str, staging: Staging, root: Path, browser: Browser) -> None:
    staging.restart()

    def download(into: Staging) -> None:
        with browser.open(_plain(uri)) as response:
            into.write(_file_name(uri), response.chunks(), response.length)

    _unpacking(uri, staging, root, download)


def _from_hub(uri: str, staging: Staging, sources: Sources) -> None:
    staging.restart()
    hub.download(uri, staging, sources.browser(), sources.environment)


def _unpacking(uri: str, staging: Staging, root: Path, download: Callable[[Staging], None]) -> None:
    """Download into the tree; an archive goes beside it and is unpacked into it."""
    if not _is_archive(uri):
        download(staging)
        return
    packed = staging.beside(root / "packed")
    download(packed)
    archive.extract(packed.root / _file_name(uri), staging, _within(uri))


def scheme_of(uri: str) -> str:
    """What stands before ``://``; empty for a path, whatever characters it has."""
    return "file" if uri.startswith("file:") else uri.partition("://")[0] if "://" in uri else ""


def local_path(uri: str) -> Path:
    """The path that a ``file:`` address or a plain path stands for.

    A ``#`` begins a fragment only where no file or directory has it in its name.

    Raises:
        FetchError: it is an address of another kind, or names another host.
    """
    path = _local(uri)[0]
    if scheme_of(uri) not in ("", "file") and not path.exists():
        raise _not_fetched(uri)
    return path


def _local(uri: str) -> tuple[Path, str]:
    """The path, and the fragment behind it."""
    if _is_there(uri):
        return _path(uri), ""
    plain, _, fragment = uri.partition("#")
    return _path(plain), fragment


def _is_there(uri: str) -> bool:
    return "#" in uri and scheme_of(uri) in ("", "file") and _path(uri).exists()


def _path(uri: str) -> Path:
    if scheme_of(uri) != "file":
        return Path(uri)
    rest = uri.removeprefix("file:")
    host, slash, path = rest[2:].partition("/") if rest.startswith("//") else ("", "", rest)
    if host not in ("", "localhost"):
        meant = "file:///PATH" if host in (".", "..") else f"file:///{host}{slash}{path}"
        raise FetchError(
            f"{uri}: {host!r} is read as a host here, as addresses have no relative paths: write "
            f"{meant}; on the command line --model NAME=PATH takes a relative path"
        )
    return Path(unquote(slash + path))


def _plain(uri: str) -> str:
    return uri if _is_there(uri) else uri.partition("#")[0]


def _within(uri: str) -> str:
    """The part of an archive that is wanted: ``…#subdirectory=path``."""
    fragment = "" if _is_there(uri) else uri.partition("#")[2]
    if fragment and not (fragment.startswith("subdirectory=") and _is_archive(uri)):
        raise FetchError(f"{uri}: after # stands subdirectory=path, and only for an archive")
    return fragment.removeprefix("subdirectory=")


def _wrapped(uri: str) -> bool:
    return _is_archive(uri) and not _within(uri)


def _is_archive(uri: str) -> bool:
    return archive.is_archive(_file_name(uri))


def _file_name(uri: str) -> str:
    if scheme_of(uri) in ("", "file"):
        return local_path(uri).name
    return unquote(urlsplit(uri).path.rstrip("/").rpartition("/")[2]) or "model"
