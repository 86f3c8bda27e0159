"""The digest of a model: one value for a tree of files, whatever carried it here."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from modelstream.errors import FetchError
from modelstream.fetch.links import files_of

PREFIX = "sha256:"
_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Tree:
    """What is at a path.

    Attributes:
        digest: ``sha256:…`` of all files.
        files: how many regular files there are.
        bytes: the size of all of them together.
    """

    digest: str
    files: int
    bytes: int


def digest_of(path: Path) -> str:
    """The digest of the file or of the tree of files at ``path``, as ``sha256:…``.

    Raises:
        FetchError: as of `tree_of`.
    """
    return tree_of(path).digest


def tree_of(path: Path) -> Tree:
    """Read every file once: sha256 over the sorted lines ``<sha256>  <size>  <posix path>``.

    A single file counts as a tree that holds only this file. Directories, modes and times do
    not count; a symbolic link counts as what it leads to. A name counts as its bytes on disk.

    Raises:
        FetchError: there is nothing at the path, or there is a device, a link that leads out of
            the tree, or a name with a line break.
    """
    lines = []
    size = 0
    for name, file in files_of(path):
        sha256, length = _hash_file(file)
        lines.append(f"{sha256}  {length}  ".encode() + _line(name))
        size += length
    digest = hashlib.sha256(b"".join(sorted(lines))).hexdigest()
    return Tree(f"{PREFIX}{digest}", len(lines), size)


def checked_form(digest: str) -> str:
    """``digest`` itself, if it is spelt as a digest."""
    if not _PATTERN.fullmatch(digest):
        raise FetchError(f"{digest!r} is not a digest: write sha256: and 64 hexadecimal digits")
    return digest


def _line(name: str) -> bytes:
    """The name on a line of its own; one with a line break could pass for two files."""
    if "\n" in name:
        raise FetchError(f"{name!r}: a file of a model has no line break in its name: rename it")
    return os.fsencode(name) + b"\n"


def _hash_file(file: Path) -> tuple[str, int]:
    sha256 = hashlib.sha256()
    length = 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            sha256.update(chunk)
            length += len(chunk)
    return sha256.hexdigest(), length
