"""Where visitors come from."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol


class Peer(Protocol):
    """The other end of a connection."""

    @property
    def host(self) -> str:
        """Its address."""
        ...


FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Call(Protocol):
    """A request, of Starlette or Gradio."""

    @property
    def client(self) -> Peer | None:
        """Who made it; what proxies say about that counts only if the server was told to believe it."""
        ...


def client_address(request: Call | None) -> str:
    """What a visitor's places are counted by: the address, of IPv6 the network that one customer has.

    Empty where that says nothing: for this computer, behind which there may be a proxy that nobody has told us about.
    """
    return "" if request is None or request.client is None else counted_as(request.client.host)


def counted_as(host: str) -> str:
    """As `client_address`, of the address of the other end."""
    address = _read(host)
    return "" if address is None or address.is_loopback else customer_of(host)


def customer_of(host: str) -> str:
    """Who is counted as one: an address, of IPv6 the network that one customer has; what is no address as it is."""
    address = _read(host)
    if address is None:
        return host
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _read(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_from_this_computer(request: Call, headers: Mapping[str, str]) -> bool:
    """Whether a program on this computer asks, and not for somebody else as a proxy does."""
    address = None if request.client is None else _read(request.client.host)
    return address is not None and address.is_loopback and not any(name in headers for name in FORWARDING)
