"""The file systems that files are read from: this machine's and S3, through pyarrow."""

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote, urlsplit

from modelstream.errors import OptionError

S3_SCHEMES = ("s3", "s3a")
_S3_OPTIONS = {
    "s3.access-key": "access_key",
    "s3.access.key": "access_key",
    "s3.secret-key": "secret_key",
    "s3.secret.key": "secret_key",
    "s3.region": "region",
    "s3.endpoint": "endpoint_override",
}


@dataclass(frozen=True, order=True)
class FileEntry:
    """One file: its address as Flink spells it, size in bytes, time of its last change in ms."""

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class Store:
    """The files under one address. Picklable: workers open the file system for themselves.

    Attributes:
        root: the address of a directory or a file: ``/data``, ``file:///data``, ``s3://bucket/x``.
        options: the keys of the file system, such as ``s3.endpoint``.
    """

    root: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        scheme = urlsplit(self.root).scheme
        if scheme not in ("", "file", *S3_SCHEMES):
            raise OptionError(
                f"pipeline.source.options.path: files are read here from this machine's "
                f"directories, mounts and s3://, not from {scheme}://"
            )

    def files(self) -> list[FileEntry]:
        """Every file under the root, sorted by path; hidden ones (``.`` or ``_`` first) are not.

        Raises:
            OSError: the root is not there or cannot be listed.
        """
        return sorted(self._s3_files() if self._is_s3 else _local_files(self._local_root))

    def read(self, path: str) -> bytes:
        """The content of a file that ``files`` listed.

        Raises:
            OSError: it is gone or may not be read.
        """
        with self._stream(path) as stream:
            return bytes(stream.read())

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """The content of a file, uncompressed where its suffix says how, as Flink does it.

        Raises:
            OSError: it is gone, may not be read, or is not compressed as its name says.
        """
        uncompress = _COMPRESSIONS.get(path.rpartition(".")[2])
        with self._stream(path) as stream:
            if uncompress is None:
                yield stream
                return
            try:
                yield uncompress(stream)
            except (OSError, *CORRUPT) as error:
                if getattr(error, "errno", None) is not None:  # of the file system
                    raise
                raise OSError(
                    f"{path} cannot be uncompressed ({error}): was it copied completely?"
                ) from error

    def _stream(self, path: str) -> Any:
        if not self._is_s3:
            return local_path(path).open("rb")
        store = _s3(frozenset(self.options.items()))
        return store.open_input_stream(_key(path), compression=None)

    @property
    def _is_s3(self) -> bool:
        return urlsplit(self.root).scheme in S3_SCHEMES

    @property
    def _local_root(self) -> Path:
        return local_path(self.root)

    def _s3_files(self) -> Iterator[FileEntry]:
        from pyarrow import fs

        scheme, root = urlsplit(self.root).scheme, _key(self.root).rstrip("/")
        store = _s3(frozenset(self.options.items()))
        found = store.get_file_info(fs.FileSelector(root, recursive=True))
        for info in found:
            if info.type == fs.FileType.File and not _hidden(info.path[len(root) :]):
                yield FileEntry(f"{scheme}://{info.path}", info.size, info.mtime_ns // 1_000_000)


CORRUPT: Final = (EOFError, zlib.error, lzma.LZMAError)
"""What reading a compressed file raises, beside OSError, where it is cut off or not compressed."""


def _gunzipped(stream: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=stream)


def _inflated(stream: IO[bytes]) -> IO[bytes]:
    return BytesIO(zlib.decompress(stream.read()))


def _zstandard(stream: IO[bytes]) -> IO[bytes]:
    import pyarrow

    plain: IO[bytes] = pyarrow.CompressedInputStream(stream, "zstd")
    return plain


_COMPRESSIONS: Mapping[str, Callable[[Any], Any]] = {
    "gz": _gunzipped,
    "gzip": _gunzipped,
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "deflate": _inflated,
    "zst": _zstandard,
}
"""Suffix → how Flink's file sources uncompress it."""


def local_path(address: str) -> Path:
    """The path of an address on this machine."""
    if not address.startswith("file:"):
        return Path(address).absolute()
    return Path(unquote(address.removeprefix("file:").removeprefix("//"))).absolute()


def _local_files(root: Path) -> Iterator[FileEntry]:
    if root.is_file():
        yield _local_entry(root)
        return
    if not root.is_dir():
        raise FileNotFoundError(f"there is no directory {root}")
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not _is_hidden(name))
        for name in files:
            if not _is_hidden(name):
                yield _local_entry(Path(directory) / name)


def _local_entry(path: Path) -> FileEntry:
    """What is known of a file; a link to nothing is listed too, so that it is not lost."""
    try:
        status = path.stat()
    except OSError:
        status = path.lstat()
    return FileEntry(str(path), status.st_size, status.st_mtime_ns // 1_000_000)


def _hidden(relative: str) -> bool:
    return any(_is_hidden(part) for part in relative.strip("/").split("/"))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _key(address: str) -> str:
    """Bucket and key of an address; a key may hold ``?`` and ``#``, which no URL's path does."""
    return address.partition("://")[2]


@lru_cache(maxsize=8)
def _s3(options: frozenset[tuple[str, str]]) -> Any:
    from pyarrow import fs

    given = {_S3_OPTIONS[key]: value for key, value in options if key in _S3_OPTIONS}
    return fs.S3FileSystem(**given)
