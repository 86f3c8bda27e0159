import socket
from pathlib import Path

import pytest

from modelstream.errors import FetchError
from modelstream.fetch.address import ALLOW, AllowList
from modelstream.fetch.http import Browser

NOTHING = AllowList.of({})


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("localhost", id="name of loopback"),
        pytest.param("10.1.2.3", id="private"),
        pytest.param("169.254.169.254", id="cloud metadata"),
        pytest.param("100.64.0.1", id="shared address space"),
        pytest.param("0.0.0.0", id="unspecified"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("::1", id="loopback 6"),
        pytest.param("fd00::1", id="private 6"),
        pytest.param("fe80::1", id="link-local 6"),
        pytest.param("::ffff:10.0.0.1", id="4 in 6"),
        pytest.param("64:ff9b::a00:1", id="NAT64"),
        pytest.param("2002:a00:1::", id="6to4"),
        pytest.param("2130706433", id="decimal"),
        pytest.param("0x7f.1", id="hexadecimal"),
    ],
)
def test_an_address_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(FetchError, match=f"not a public address.*{ALLOW}="):
        NOTHING.resolve(host, 443)


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "example.org, 127.0.0.1/32"])
def test_an_allowed_range_is_let_through(entry: str) -> None:
    assert AllowList.of({ALLOW: entry}).resolve("127.0.0.1", 443) == ("127.0.0.1",)


def test_an_allowed_name_is_let_through_but_not_its_address() -> None:
    allow = AllowList.of({ALLOW: "localhost"})
    assert "127.0.0.1" in allow.resolve("localhost", 443)
    with pytest.raises(FetchError):
        allow.resolve("127.0.0.1", 443)


def test_public_addresses_need_no_permission() -> None:
    assert NOTHING.resolve("93.184.216.34", 443) == ("93.184.216.34",)


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(FetchError, match=r"10\.0\.0\.7"):
        NOTHING.resolve("mixed.example", 443)


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server that answers differently the second time gains nothing."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    tried = []

    def connect(address: tuple[str, int], *_: object) -> socket.socket:
        tried.append(address)
        raise TimeoutError("no route in a test")

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (next(answers), 443))]
    )
    monkeypatch.setattr(socket, "create_connection", connect)
    with (
        pytest.raises(FetchError, match="no route"),
        Browser(NOTHING).open("https://rebinding.example/m"),
    ):
        pass
    assert tried == [("93.184.216.34", 443)]


def test_a_connection_that_fails_without_a_word_is_told_by_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(*_: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    with (
        pytest.raises(FetchError, match=r"https://93\.184\.216\.34/m: TimeoutError"),
        Browser(NOTHING).open("https://93.184.216.34/m"),
    ):
        pass


def test_plain_http_is_refused_unless_it_was_asked_for_by_name() -> None:
    with pytest.raises(FetchError, match=f"{ALLOW}=http://store"):
        AllowList.of({ALLOW: "store"}).check_scheme("http", "store")
    AllowList.of({ALLOW: "http://store"}).check_scheme("http", "store")


@pytest.mark.parametrize("url", ["ftp://example.org/m", "https:///m", "gopher://x"])
def test_only_web_addresses_are_opened(url: str) -> None:
    with pytest.raises(FetchError, match="not an https address"), Browser(NOTHING).open(url):
        pass


def test_the_operator_sets_the_variable_that_is_read_here() -> None:
    from modelstream_operator.render import models

    assert f'"{ALLOW}"' in Path(models.__file__).read_text()
