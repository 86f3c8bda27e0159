"""Read a URL: checked addresses, checked redirects, retries where they can help."""

import http.client
import socket
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from modelstream.errors import FetchError
from modelstream.fetch.address import AllowList
from modelstream.fetch.retry import TransientError

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_TIMEOUT_SECONDS = 30
_CHUNK = 1 << 20
_WORDS = {
    401: "access denied: credentials are missing or wrong",
    403: "access denied: these credentials, or nobody, may read it",
    404: "not found: check the address",
    410: "gone: check the address",
}


@dataclass
class Response:
    """The body of a URL that answered 200."""

    url: str
    headers: http.client.HTTPMessage
    _raw: http.client.HTTPResponse

    @property
    def length(self) -> int | None:
        """Bytes that the body will have, where the server says so."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isdigit() else None

    def chunks(self) -> Iterator[bytes]:
        """The body; a connection that breaks before its end is an error, not a short body."""
        received = 0
        try:
            while chunk := self._raw.read(_CHUNK):
                received += len(chunk)
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"{self.url}: the connection broke: {error}") from error
        if self.length is not None and received < self.length:
            raise TransientError(
                f"{self.url}: the connection ended after {received:,} of {self.length:,} bytes"
            )


@dataclass(frozen=True)
class Browser:
    """Opens URLs within an allow-list."""

    allow: AllowList
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    timeout: float = _TIMEOUT_SECONDS

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Response]:
        """GET ``url``, following redirects; each hop is checked as the first address is."""
        origin = urlsplit(url)
        for _ in range(_MAX_REDIRECTS):
            target = urlsplit(url)
            # A token is for the host that it was given for, not for where that host points to.
            sent = headers if target.netloc == origin.netloc else None
            connection = self._connect(target)
            try:
                raw = _request(connection, target, sent or {})
                if raw.status not in _REDIRECTS:
                    _check_status(url, raw)
                    yield Response(url, raw.headers, raw)
                    return
                url = _redirected(url, raw)
            finally:
                connection.close()
        raise FetchError(f"{origin.geturl()}: more than {_MAX_REDIRECTS} redirects")

    def _connect(self, target: SplitResult) -> http.client.HTTPConnection:
        host = target.hostname
        if target.scheme not in ("https", "http") or not host:
            raise FetchError(f"{target.geturl()!r} is not an https address")
        self.allow.check_scheme(target.scheme, host)
        port = target.port or (443 if target.scheme == "https" else 80)
        proxy = _proxy(target)
        if proxy is not None:
            return _through(proxy, target, host, port, self)
        addresses = self.allow.resolve(host, port)
        if target.scheme == "https":
            return _PinnedHTTPS(host, port, addresses, timeout=self.timeout, context=self.tls)
        return _PinnedHTTP(host, port, addresses, timeout=self.timeout)


class _PinnedHTTP(http.client.HTTPConnection):
    """Connects to addresses that were checked, whatever the name stands for by now."""

    def __init__(self, host: str, port: int, addresses: tuple[str, ...], *, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._addresses = addresses

    def connect(self) -> None:
        self.sock = _first_reachable(self._addresses, self.port, self.timeout)


class _PinnedHTTPS(http.client.HTTPSConnection):
    """The same with TLS; the certificate is checked against the name."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: tuple[str, ...],
        *,
        timeout: float,
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._addresses = addresses
        self._tls = context

    def connect(self) -> None:
        plain = _first_reachable(self._addresses, self.port, self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _first_reachable(addresses: tuple[str, ...], port: int, timeout: float | None) -> socket.socket:
    for address in addresses[:-1]:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError:
            continue
    return socket.create_connection((addresses[-1], port), timeout)


def _proxy(target: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY)."""
    url = urllib.request.getproxies().get(target.scheme)
    if url is None or urllib.request.proxy_bypass(target.netloc):
        return None
    return urlsplit(url if "//" in url else f"http://{url}")


def _through(
    proxy: SplitResult, target: SplitResult, host: str, port: int, browser: Browser
) -> http.client.HTTPConnection:
    """A tunnel through the proxy, which then resolves the name and answers for where it leads."""
    if target.scheme == "http" or not proxy.hostname:
        raise FetchError(f"{target.geturl()}: only https is fetched through a proxy")
    tunnel = http.client.HTTPSConnection(
        proxy.hostname, proxy.port or 3128, timeout=browser.timeout, context=browser.tls
    )
    tunnel.set_tunnel(host, port)
    return tunnel


def _request(
    connection: http.client.HTTPConnection, target: SplitResult, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    path = target._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        connection.request("GET", path, headers={"User-Agent": "modelstream", **headers})
        return connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        raise FetchError(f"{target.geturl()}: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        raise TransientError(f"{target.geturl()}: {said}") from error


def _check_status(url: str, response: http.client.HTTPResponse) -> None:
    status = response.status
    if status == 200:
        return
    message = f"{url}: HTTP {status}: {_WORDS.get(status, response.reason)}"
    if status >= 500 or status in (408, 429):
        raise TransientError(message)
    raise FetchError(message)


def _redirected(url: str, response: http.client.HTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError(f"{url}: HTTP {response.status} without a place to go to")
    following = urljoin(url, location)
    if urlsplit(url).scheme == "https" and urlsplit(following).scheme != "https":
        raise FetchError(f"{url}: redirects from https to {following}: refused")
    return following
