import io
import json
import os
import ssl
import tarfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from modelstream.errors import FetchError
from modelstream.fetch import Sources, fetch
from modelstream.fetch.address import ALLOW
from modelstream.fetch.retry import Retry

AT_ONCE = Retry(first_delay=0, sleep=lambda _: None)


def allowing(hosts: str, **environment: str) -> Sources:
    return Sources({ALLOW: hosts, **environment}, AT_ONCE)


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"model/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[..., None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def in_turn(*answers: Callable[..., None]) -> Callable[..., None]:
    left = list(answers)
    return lambda request: left.pop(0)(request)


def test_an_archive_over_https(web: Any, tmp_path: Path) -> None:
    web.pages["/m.tar.gz"] = archive(graph=b"g" * 100_000, index=b"i")
    fetched = fetch(f"{web.url}/m.tar.gz", tmp_path / "m", sources=allowing("localhost"))
    assert (tmp_path / "m" / "graph").read_bytes() == b"g" * 100_000
    assert fetched.files == 2


def test_a_certificate_that_is_not_trusted_is_refused_at_once(
    web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchError, match=r"self.signed certificate"):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))


def test_a_loopback_server_is_refused_without_permission(web: Any, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="not a public address"):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing(""))
    assert web.requests == []


def test_plain_http_works_where_it_is_asked_for(plain_web: Any, tmp_path: Path) -> None:
    plain_web.pages["/graph.pb"] = b"graph"
    uri = f"{plain_web.url}/graph.pb"
    with pytest.raises(FetchError, match="use https"):
        fetch(uri, tmp_path / "m", sources=allowing("localhost"))
    fetch(uri, tmp_path / "m", sources=allowing("http://localhost"))
    assert (tmp_path / "m" / "graph.pb").read_bytes() == b"graph"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param("https://127.0.0.1:1/m", "not a public address", id="private address"),
        pytest.param("http://localhost/m", "from https to http", id="without TLS"),
        pytest.param("file:///etc/passwd", "from https to file", id="file"),
    ],
)
def test_a_redirect_is_checked_as_the_address_was(
    web: Any, tmp_path: Path, location: str, message: str
) -> None:
    web.pages["/m"] = answering(302, Location=location)
    with pytest.raises(FetchError, match=message):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost, http://localhost"))


def test_a_redirect_is_followed(web: Any, tmp_path: Path) -> None:
    web.pages["/m"] = answering(307, Location="/elsewhere")
    web.pages["/elsewhere"] = b"graph"
    fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))
    assert (tmp_path / "m" / "m").read_bytes() == b"graph"


def test_redirects_in_a_circle_end(web: Any, tmp_path: Path) -> None:
    web.pages["/m"] = answering(302, Location="/m")
    with pytest.raises(FetchError, match="more than 10 redirects"):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))


@pytest.mark.parametrize(
    ("status", "words"), [(404, "not found"), (403, "access denied"), (401, "access denied")]
)
def test_an_answer_that_will_not_change_is_not_asked_for_again(
    web: Any, tmp_path: Path, status: int, words: str
) -> None:
    web.pages["/m"] = answering(status)
    with pytest.raises(FetchError, match=f"HTTP {status}: {words}"):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))
    assert len(web.requests) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(web: Any, tmp_path: Path, status: int) -> None:
    web.pages["/m"] = in_turn(answering(status), answering(status), answering(200, b"graph"))
    fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))
    assert (tmp_path / "m" / "m").read_bytes() == b"graph"


def test_a_server_that_stays_in_trouble_is_an_error(web: Any, tmp_path: Path) -> None:
    web.pages["/m"] = answering(503)
    with pytest.raises(FetchError, match=r"HTTP 503.*\(5 attempts\)"):
        fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))
    assert len(web.requests) == 5


def test_a_body_that_ends_early_is_fetched_again_whole(web: Any, tmp_path: Path) -> None:
    short = answering(200, b"gra", **{"Content-Length": "5"})
    web.pages["/m"] = in_turn(short, answering(200, b"graph"))
    fetch(f"{web.url}/m", tmp_path / "m", sources=allowing("localhost"))
    assert (tmp_path / "m" / "m").read_bytes() == b"graph"


def test_a_body_longer_than_the_cap_is_not_read(web: Any, tmp_path: Path) -> None:
    web.pages["/m"] = b"g" * 2000
    with pytest.raises(FetchError, match="larger than the 1,000 bytes"):
        fetch(f"{web.url}/m", tmp_path / "m", max_bytes=1000, sources=allowing("localhost"))


def test_a_packed_archive_counts_beside_what_is_unpacked(web: Any, tmp_path: Path) -> None:
    packed = archive(graph=os.urandom(5000))
    web.pages["/m.tgz"] = packed
    total = len(packed) + 5000
    uri, sources = f"{web.url}/m.tgz", allowing("localhost")
    with pytest.raises(FetchError, match="larger than"):
        fetch(uri, tmp_path / "m", max_bytes=total - 1, sources=sources)
    assert fetch(uri, tmp_path / "m", max_bytes=total, sources=sources).bytes == 5000


def test_a_hub_repository(web: Any, tmp_path: Path) -> None:
    tree = "/api/models/org/clf/tree/main/"
    first = json.dumps([{"type": "file", "path": "saved_model.pb"}]).encode()
    second = json.dumps(
        [{"type": "directory", "path": "variables"}, {"type": "file", "path": "variables/v"}]
    ).encode()
    following = {"Link": f'<{web.url}{tree}?recursive=true&cursor=2>; rel="next"'}
    web.pages[tree] = in_turn(answering(200, first, **following), answering(200, second))
    web.pages["/org/clf/resolve/main/saved_model.pb"] = b"graph"
    web.pages["/org/clf/resolve/main/variables/v"] = b"values"
    hub = allowing("localhost", HF_ENDPOINT=web.url, HF_TOKEN="secret")
    assert fetch("hf://org/clf", tmp_path / "m", sources=hub).files == 2
    assert (tmp_path / "m" / "variables" / "v").read_bytes() == b"values"
    assert {token for _, token in web.requests} == {"Bearer secret"}


def test_a_token_stays_with_the_host_it_is_for(web: Any, certificate: Path, tmp_path: Path) -> None:
    from tests.integration.fetch.conftest import WebServer

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with WebServer(context) as cdn:
        cdn.pages["/blob"] = b"graph"
        listing = json.dumps([{"type": "file", "path": "saved_model.pb"}]).encode()
        web.pages["/api/models/org/clf/tree/v1/"] = listing
        web.pages["/org/clf/resolve/v1/saved_model.pb"] = answering(302, Location=f"{cdn.url}/blob")
        hub = allowing("localhost", HF_ENDPOINT=web.url, HF_TOKEN="secret")
        fetch("hf://org/clf@v1", tmp_path / "m", sources=hub)
        assert cdn.requests == [("/blob", None)]
