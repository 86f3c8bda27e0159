"""The store of a job's state as the entry point reads it: a mounted claim, or an S3 bucket."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modelstream.fetch.address import AllowList
from modelstream.fetch.identity import s3_keys

METADATA = "_metadata"
"""Name of the file that a complete checkpoint or savepoint has."""

_HEADER = struct.Struct(">IIQ")
"""What the file begins with: a number that every one has, its version, and its checkpoint's id."""
_MAGIC = 0x4960672D

_TIMEOUT = 10.0
_S3 = {
    "access_key": ("s3.access-key", "s3.access.key", "fs.s3a.access.key"),
    "secret_key": ("s3.secret-key", "s3.secret.key", "fs.s3a.secret.key"),
    "session_token": ("s3.session-token", "s3.session.token", "fs.s3a.session.token"),
    "region": ("s3.region", "s3.endpoint.region", "fs.s3a.endpoint.region"),
}
"""Arguments of pyarrow's client by the options of Flink's, the usual spelling first."""
_ENDPOINT = ("s3.endpoint", "fs.s3a.endpoint")


@dataclass(frozen=True)
class Complete:
    """A checkpoint or savepoint that is complete."""

    address: str
    number: int
    """Its id: a job counts its checkpoints and its savepoints in one row."""
    time: float
    """When it was completed, in seconds."""


@dataclass(frozen=True)
class StateStore:
    """Addresses are Flink's: ``s3://bucket/path`` or ``file:///path``."""

    filesystem: Any
    """A ``pyarrow.fs.FileSystem``; its errors are OSError."""

    @classmethod
    def of(
        cls, address: str, options: Mapping[str, Any], environment: Mapping[str, str]
    ) -> "StateStore":
        """The store that an address is in, with Flink's own options of it."""
        from pyarrow import fs

        if urlsplit(address).scheme == "s3":
            return cls(fs.S3FileSystem(**s3_arguments(options, environment)))
        return cls(fs.LocalFileSystem())

    def read(self, address: str) -> bytes | None:
        """The contents of a file; None where there is none."""
        from pyarrow import fs

        path = _path(address)
        if self.filesystem.get_file_info(path).type != fs.FileType.File:
            return None
        with self.filesystem.open_input_stream(path) as stream:
            return bytes(stream.read())

    def directories(self, address: str) -> list[str]:
        """Addresses of the directories right below one; none where it is not there."""
        from pyarrow import fs

        selector = fs.FileSelector(_path(address), allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        names = [each.base_name for each in found if each.type == fs.FileType.Directory]
        return [f"{address.rstrip('/')}/{name}" for name in sorted(names)]

    def remove(self, address: str) -> None:
        """Delete a directory with all that is in it; one that is not there is no error."""
        from pyarrow import fs

        path = _path(address)
        if self.filesystem.get_file_info(path).type == fs.FileType.Directory:
            self.filesystem.delete_dir(path)

    def completed(self, address: str) -> Complete | None:
        """The checkpoint or savepoint at an address; None where there is none, or half of one."""
        from pyarrow import fs

        path = f"{_path(address)}/{METADATA}"
        found = self.filesystem.get_file_info(path)
        if found.type != fs.FileType.File or found.size < _HEADER.size:
            return None
        with self.filesystem.open_input_file(path) as file:
            magic, _, number = _HEADER.unpack(file.read(_HEADER.size))
        if magic != _MAGIC:
            return None
        return Complete(address.rstrip("/"), number, found.mtime_ns / 1e9)

    def newest(self, *addresses: str) -> Complete | None:
        """Of all that is complete in these directories or right below, what was counted last."""
        found = [*addresses, *(each for one in addresses for each in self.directories(one))]
        complete = [each for each in map(self.completed, found) if each is not None]
        return max(complete, key=lambda each: (each.number, each.time), default=None)


def s3_arguments(
    options: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, str | float | bool]:
    """Arguments of ``pyarrow.fs.S3FileSystem``; without keys it goes by the pod's own identity."""
    found: dict[str, str | float | bool] = {
        "connect_timeout": _TIMEOUT,
        "request_timeout": _TIMEOUT,
    }
    for argument, keys in _S3.items():
        if value := _first(options, keys):
            found[argument] = value
    if endpoint := _first(options, _ENDPOINT):
        target = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
        found |= {"endpoint_override": target.netloc, "scheme": target.scheme}
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region and "region" not in found:
        found["region"] = region
    if "access_key" not in found:
        found |= s3_keys(environment, AllowList.of(environment))
    return found


def _first(options: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(options[key]) for key in keys if options.get(key)), None)


def _path(address: str) -> str:
    target = urlsplit(address)
    return f"{target.netloc}{target.path}".rstrip("/")
