"""Which addresses may be fetched from: the public ones, and those that were allowed by name.

A manifest is written by somebody who may not be trusted with the network that its pods stand in:
a model's address must not become a way to read the cloud's metadata service or an internal page.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from modelstream.errors import FetchError
from modelstream.fetch.retry import TransientError

ALLOW = "MODELSTREAM_FETCH_ALLOW"
"""Comma-separated hosts, addresses and CIDR ranges; ``http://host`` also allows plain HTTP."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AllowList:
    """What may be reached although its address is private, or without TLS."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = ()
    plain_http: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AllowList":
        """Read ``MODELSTREAM_FETCH_ALLOW``."""
        hosts, networks, plain = set(), [], set()
        for entry in environment.get(ALLOW, "").split(","):
            name = entry.strip().lower()
            if name.startswith("http://"):
                name = name.removeprefix("http://").rstrip("/")
                plain.add(name)
            try:
                networks.append(ipaddress.ip_network(name, strict=False))
            except ValueError:
                if name:
                    hosts.add(name)
        return cls(frozenset(hosts), tuple(networks), frozenset(plain))

    def check_scheme(self, scheme: str, host: str) -> None:
        """Refuse plain HTTP except to a host for which it was asked."""
        if scheme == "http" and host.lower() not in self.plain_http:
            raise FetchError(
                f"http://{host} sends the model unprotected: use https, or set "
                f"{ALLOW}=http://{host} if you trust the network in between"
            )

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of ``host``, all of them checked; connect to one of these, not to the name.

        A name that is looked up a second time may by then stand for another address.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            again = error.errno == socket.EAI_AGAIN
            raise (TransientError if again else FetchError)(
                f"the host {host!r} is not known: {error}"
            ) from error
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._check(host, address)
        return addresses

    def _check(self, host: str, address: str) -> None:
        parsed = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
        if parsed.is_global and not parsed.is_multicast:
            return
        if host.lower() in self.hosts or any(parsed in network for network in self.networks):
            return
        raise FetchError(
            f"{host} is at {address}, which is not a public address: refused; if you mean it, "
            f"set {ALLOW}={host} (the operator's setting for its pods)"
        )


def _unmapped(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
