"""Models of the Hugging Face hub: ``hf://organisation/name[@revision][/sub/directory]``."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from modelstream.errors import FetchError
from modelstream.fetch.http import Browser
from modelstream.fetch.staging import Staging

_ADDRESS = re.compile(
    r"hf://(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^/]+))?(/(?P<within>.+))?"
)
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True)
class HubAddress:
    """A directory of a repository at a revision."""

    repository: str
    revision: str
    within: str

    @classmethod
    def parse(cls, uri: str) -> "HubAddress":
        """Read an ``hf://`` address."""
        match = _ADDRESS.fullmatch(uri.rstrip("/"))
        if match is None:
            raise FetchError(f"{uri!r}: write hf://organisation/name[@revision][/directory]")
        return cls(match["repository"], match["revision"] or "main", match["within"] or "")


def download(uri: str, into: Staging, browser: Browser, environment: Mapping[str, str]) -> None:
    """Fetch every file of the directory; a private repository needs HF_TOKEN."""
    address = HubAddress.parse(uri)
    endpoint = environment.get("HF_ENDPOINT", _ENDPOINT).rstrip("/")
    token = environment.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    paths = _files(address, endpoint, browser, headers)
    if not paths:
        raise FetchError(f"{uri}: no file there")
    for path in paths:
        url = f"{endpoint}/{address.repository}/resolve/{quote(address.revision)}/{quote(path)}"
        with browser.open(url, headers) as response:
            name = path.removeprefix(address.within).lstrip("/") or path.rpartition("/")[2]
            into.write(name, response.chunks(), response.length)


def _files(
    address: HubAddress, endpoint: str, browser: Browser, headers: Mapping[str, str]
) -> list[str]:
    url: str | None = (
        f"{endpoint}/api/models/{address.repository}/tree/{quote(address.revision)}"
        f"/{quote(address.within)}?recursive=true"
    )
    paths = []
    while url is not None:
        with browser.open(url, headers) as response:
            entries = json.loads(b"".join(response.chunks()))
            following = _NEXT.search(response.headers.get("Link", ""))
        paths += [entry["path"] for entry in entries if entry["type"] == "file"]
        url = urljoin(url, following[1]) if following else None
    return paths
