"""Models in an object store: ``s3://bucket/key`` and ``gs://bucket/key``, through pyarrow."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelstream.errors import FetchError
from modelstream.fetch.address import AllowList
from modelstream.fetch.identity import s3_keys
from modelstream.fetch.staging import Staging

_CHUNK = 8 << 20
_PATIENCE = timedelta(minutes=1)
"""How long Google's client tries again where nobody answers; else for a quarter hour."""
_REFUSALS = (OSError, ValueError)
"""What pyarrow raises: a ValueError for a name that no bucket can have."""
_GOOGLE_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"


def download(uri: str, into: Staging, allow: AllowList, environment: Mapping[str, str]) -> None:
    """Fetch the object of that key, or every object below it."""
    target = urlsplit(uri)
    if not target.netloc:
        raise FetchError(f"{uri!r} names no bucket: write {target.scheme}://bucket/path")
    path = f"{target.netloc}{target.path}".rstrip("/")
    with _filesystem(target.scheme, target.netloc, allow, environment) as store:
        try:
            for name, key, size in _objects(store, uri, path):
                into.write(name, _content(store, key), size)
        except _REFUSALS as error:
            raise FetchError(f"{uri}: {_in_words(error)}") from error


def _objects(store: Any, uri: str, path: str) -> list[tuple[str, str, int]]:
    from pyarrow import fs

    info = store.get_file_info(path)
    if info.type == fs.FileType.File:
        return [(info.base_name, path, info.size)]
    found = []
    if info.type == fs.FileType.Directory:
        found = store.get_file_info(fs.FileSelector(path, recursive=True))
    files = [entry for entry in found if entry.type == fs.FileType.File]
    if not files:
        raise FetchError(f"{uri}: not found: there is no object of that key and none below it")
    return [(entry.path.removeprefix(f"{path}/"), entry.path, entry.size) for entry in files]


def _content(store: Any, key: str) -> Iterator[bytes]:
    with store.open_input_stream(key) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


@contextmanager
def _filesystem(
    scheme: str, bucket: str, allow: AllowList, environment: Mapping[str, str]
) -> Iterator[Any]:
    try:
        from pyarrow import fs
    except ImportError as error:
        raise FetchError(
            f"{scheme}:// needs pyarrow: pip install 'modelstream[runtime]'"
        ) from error
    if scheme == "s3":
        yield fs.S3FileSystem(**_s3_options(bucket, allow, environment))
        return
    with _google_credentials_file(environment) as path:
        before = os.environ.get(_GOOGLE_CREDENTIALS)
        try:
            if path is not None:
                os.environ[_GOOGLE_CREDENTIALS] = path
            yield fs.GcsFileSystem(**_gs_options(allow, environment))
        finally:
            if path is not None and before is not None:
                os.environ[_GOOGLE_CREDENTIALS] = before


def _s3_options(
    bucket: str, allow: AllowList, environment: Mapping[str, str]
) -> dict[str, str | bool]:
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    options: dict[str, str | bool] = {}
    if endpoint:
        options |= _endpoint(endpoint, allow)
    if region:
        options["region"] = region
    elif not endpoint:
        options["region"] = _region_of(bucket)
    if key := environment.get("AWS_ACCESS_KEY_ID"):
        options |= {"access_key": key, "secret_key": environment.get("AWS_SECRET_ACCESS_KEY", "")}
        if token := environment.get("AWS_SESSION_TOKEN"):
            options["session_token"] = token
        return options
    return options | s3_keys(environment, allow)


def _gs_options(allow: AllowList, environment: Mapping[str, str]) -> dict[str, Any]:
    emulator = environment.get("STORAGE_EMULATOR_HOST")
    if not emulator:
        return {"retry_time_limit": _PATIENCE}
    url = emulator if "//" in emulator else f"http://{emulator}"
    return {**_endpoint(url, allow), "anonymous": True, "retry_time_limit": _PATIENCE}


def _endpoint(url: str, allow: AllowList) -> dict[str, str | bool]:
    """A store of one's own. It is checked as a URL is; pyarrow looks the name up again."""
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname:
        raise FetchError(f"{url!r} is not the address of an object store: write https://host")
    port = target.port or (443 if target.scheme == "https" else 80)
    allow.check_scheme(target.scheme, target.hostname)
    allow.resolve(target.hostname, port)
    return {"endpoint_override": f"{target.hostname}:{port}", "scheme": target.scheme}


def _region_of(bucket: str) -> str:
    from pyarrow import fs

    try:
        return str(fs.resolve_s3_region(bucket))
    except _REFUSALS as error:
        raise FetchError(f"s3://{bucket}: {_in_words(error)} (or set AWS_REGION)") from error


@contextmanager
def _google_credentials_file(environment: Mapping[str, str]) -> Iterator[str | None]:
    """The path of a file with what a Secret holds under GOOGLE_APPLICATION_CREDENTIALS.

    Google's libraries take a path there; a Secret that is given as variables holds the JSON.
    """
    value = environment.get(_GOOGLE_CREDENTIALS, "")
    if not value.lstrip().startswith("{"):
        yield None
        return
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "credentials.json")
        path.touch(mode=0o600)
        path.write_text(value)
        yield str(path)


def _in_words(error: Exception) -> str:
    text = str(error)
    if any(word in text for word in ("ACCESS_DENIED", "403", "PERMISSION_DENIED", "Forbidden")):
        return f"access denied: {text}"
    if any(word in text for word in ("NO_SUCH", "404", "not found", "does not exist")):
        return f"not found: {text}"
    return text
