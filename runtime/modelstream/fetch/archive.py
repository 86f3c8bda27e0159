"""Unpack an archive that nobody vouches for."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelstream.errors import FetchError
from modelstream.fetch.links import packed, target_of
from modelstream.fetch.staging import Staging, safe_path

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIP = (".zip", ".whl")
_CHUNK = 1 << 20
_LONGEST_TARGET = 4096
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

    A link becomes what it leads to, which is below that directory too. Other links, devices,
    absolute names, names with ``..`` and encrypted members are refused. Sizes are counted as they
    are written, not as the archive states them.
    """
    unpack = _unpack_zip if archive.name.lower().endswith(_ZIP) else _unpack_tar
    prefix = f"{within.strip('/')}/" if within.strip("/") else ""
    files: set[str] = set()
    links: dict[str, str | None] = {}
    try:
        for name, content in unpack(archive):
            if not name.startswith(prefix):
                continue
            inner = safe_path(name.removeprefix(prefix)).as_posix()
            if isinstance(content, _Link):
                links[inner] = content.below(prefix)
                continue
            into.write(inner, content)
            files.add(inner)
    except _CORRUPT as error:
        raise FetchError(f"{archive.name} cannot be unpacked: {error}") from error
    for name, file in packed(files, links):
        with (into.root / file).open("rb") as opened:
            into.write(name, _chunks(opened))
    if not files:
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


@dataclass(frozen=True)
class _Link:
    """A link in an archive: the name there that it leads to; None where that is outside."""

    target: str | None

    def below(self, prefix: str) -> str | None:
        """The name below a directory of the archive; None where it is outside of that."""
        if self.target is None or not self.target.startswith(prefix):
            return None
        return self.target.removeprefix(prefix)


_Content = Iterable[bytes] | _Link


def _unpack_tar(archive: Path) -> Iterator[tuple[str, _Content]]:
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isdir():
                continue
            name = _plain(member.name)
            if member.issym():
                yield name, _Link(target_of(name, member.linkname))
                continue
            if member.islnk():
                yield name, _Link(target_of("", _plain(member.linkname)))
                continue
            if not member.isreg():
                raise FetchError(f"{member.name!r} is a device: refused")
            content = tar.extractfile(member)
            assert content is not None
            yield name, _chunks(content)


def _unpack_zip(archive: Path) -> Iterator[tuple[str, _Content]]:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                continue
            if kind == stat.S_IFLNK:
                name = _plain(member.filename)
                yield name, _Link(target_of(name, _text(bundle.read(member))))
                continue
            if kind not in (0, stat.S_IFREG):
                raise FetchError(f"{member.filename!r} is a device: refused")
            with bundle.open(member) as content:
                yield _plain(member.filename), _chunks(content)


def _text(target: bytes) -> str:
    return target[:_LONGEST_TARGET].decode(errors="surrogateescape")


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk
