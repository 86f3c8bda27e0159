"""Unpack an archive that nobody vouches for."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from modelstream.errors import FetchError
from modelstream.fetch.staging import Staging

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIP = (".zip", ".whl")
_CHUNK = 1 << 20
# RuntimeError is how zipfile says that a member is encrypted.
_CORRUPT = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)


def is_archive(name: str) -> bool:
    """Whether a file of that name is unpacked rather than kept."""
    return name.lower().endswith(_TAR + _ZIP)


def extract(archive: Path, into: Staging, within: str = "") -> None:
    """Unpack the regular files of ``archive`` below the directory ``within``.

    Links, devices, absolute names, names with ``..`` and encrypted members are refused, anywhere
    in the archive. Sizes are counted as they are written, not as the archive states them.
    """
    unpack = _unpack_zip if archive.name.lower().endswith(_ZIP) else _unpack_tar
    prefix = f"{within.strip('/')}/" if within.strip("/") else ""
    found = False
    try:
        for name, chunks in unpack(archive):
            if name.startswith(prefix):
                into.write(name.removeprefix(prefix), chunks)
                found = True
    except _CORRUPT as error:
        raise FetchError(f"{archive.name} cannot be unpacked: {error}") from error
    if not found:
        where = f" below {within!r}" if prefix else ""
        raise FetchError(f"{archive.name} holds no file{where}")


def unwrapped(root: Path) -> Path:
    """The directory that holds the model: ``tar czf model.tgz model/`` wraps it in one more.

    A directory whose name is a number is a version and stays.
    """
    entries = list(root.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and not entries[0].name.isdigit():
        return entries[0]
    return root


def _unpack_tar(archive: Path) -> Iterator[tuple[str, Iterable[bytes]]]:
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isdir():
                continue
            if not member.isreg():
                raise FetchError(f"{member.name!r} is a link or a device: refused")
            content = tar.extractfile(member)
            assert content is not None
            yield _plain(member.name), _chunks(content)


def _unpack_zip(archive: Path) -> Iterator[tuple[str, Iterable[bytes]]]:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise FetchError(f"{member.filename!r} is a link or a device: refused")
            with bundle.open(member) as content:
                yield _plain(member.filename), _chunks(content)


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk
