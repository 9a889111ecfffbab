"""Where visitors come from."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol


class Peer(Protocol):
    """The other end of a connection."""

    @property
    def host(self) -> str:
        """Its address."""
        ...


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
    host = "" if request is None or request.client is None else request.client.host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return ""
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
