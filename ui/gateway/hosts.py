"""Names that the server answers to, and pages whose scripts may send requests to it.

A foreign page can let a browser send requests to any server: those carry the page's Origin. Or it can let its own name
point to the server's address (DNS rebinding): then the browser takes both for the same origin, and only the name in
Host tells them apart. An attacker must own that name, so addresses and names that nobody can register are safe.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Container, Iterable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

AUTO = "auto"
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::\d{1,5})?")
_UNREGISTRABLE = (".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".test")
_FORWARDED = (b"forwarded", b"x-real-ip", b"x-direct-url", b"x-original-host", b"x-original-url", b"x-rewrite-url")


class HostRules:
    """Which values of Host and Origin are good.

    Args:
        allowed: The setting `allowed_hosts`: names with commas between them, `*.` before one for all names below it;
            auto: addresses, this machine's own name, and names that nobody can register; `*`: any name.
        origins: The setting `allowed_origins`: origins like https://example.org, with commas between them.
        address: Where the server listens. It answers to that and to localhost in any case: when it starts, Gradio asks
            it there whether it has.
    """

    def __init__(self, allowed: str, origins: str = "", address: str = "") -> None:
        names = set(_split(allowed))
        self._any, self._automatic = "*" in names, AUTO in names
        self._names = names - {"*", AUTO}
        self._origins = {origin.rstrip("/") for origin in _split(origins)}
        self._tunneled: set[str] = set()
        self._own_name = socket.gethostname().lower()
        self._always = {"localhost", "127.0.0.1", "::1", address.lower()}

    def add_tunneled(self, name: str) -> None:
        """Answer to one more name, at which a tunnel takes requests by HTTPS and brings them here without."""
        self._names.add(name.lower())
        self._tunneled.add(name.lower())

    def is_tunneled(self, host: str) -> bool:
        """Whether requests to this name come through a tunnel."""
        return host_name(host) in self._tunneled

    def allows(self, host: str) -> bool:
        """Whether this value of Host is good."""
        name = host_name(host)
        if name is None:
            return False
        return self._any or name in self._always or self._is_named(name) or (self._automatic and self._is_local(name))

    def is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this origin is our own; a proxy may have put another name into Host."""
        scheme, _, netloc = origin.lower().partition("://")
        if scheme not in ("http", "https"):
            return False  # "null", and pages of extensions
        name = host_name(netloc)
        return name is not None and (netloc == host.lower() or self._is_named(name))

    def may_call(self, origin: str) -> bool:
        """Whether the scripts of another page may send requests."""
        return origin.lower() in self._origins

    def _is_named(self, name: str) -> bool:
        above = name.split(".")
        return name in self._names or any(f"*.{'.'.join(above[n:])}" in self._names for n in range(1, len(above)))

    def _is_local(self, name: str) -> bool:
        is_plain = "." not in name or name.endswith(_UNREGISTRABLE) or name == self._own_name
        return is_plain or _is_address(name)


def trusted_peers(addresses: str) -> Container[str | None]:
    """The addresses of the setting `trusted_proxies`."""
    peers: Container[str | None] = _proxy_headers(None, addresses).trusted_hosts
    return peers


def _proxy_headers(app: ASGIApp | None, addresses: str) -> Any:
    return ProxyHeadersMiddleware(app, trusted_hosts=addresses)  # type: ignore[arg-type]


class TrustedProxies:
    """ASGI middleware that lets X-Forwarded-* headers count if they come from a proxy of ours, and removes them else.

    Args:
        app: What comes next.
        addresses: The setting `trusted_proxies`: addresses and networks with commas between them; `*`: of everybody.
    """

    def __init__(self, app: ASGIApp, addresses: str) -> None:
        self._app = app
        self._client_and_scheme = _proxy_headers(app, addresses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        peer = scope["client"][0] if scope.get("client") else None
        if peer not in self._client_and_scheme.trusted_hosts:
            kept = [each for each in scope["headers"] if not _is_forwarded(each[0])]
            # That there is a proxy remains known: who comes through it is not on this computer.
            scope["headers"] = kept if len(kept) == len(scope["headers"]) else [*kept, (b"via", b"1.1 unnamed")]
            await self._app(scope, receive, send)
            return
        forwarded = Headers(scope=scope).get("x-forwarded-host", "").split(",")[0].strip()
        if forwarded:
            others = [each for each in scope["headers"] if each[0] not in (b"host", b"x-forwarded-host")]
            scope["headers"] = [(b"host", forwarded.encode("latin-1")), *others]
        await self._client_and_scheme(scope, receive, send)


def host_name(host: str) -> str | None:
    """The name or address in a value of Host, in small letters and without the port; None where there is none."""
    found = _HOST.fullmatch(host.lower())
    return None if found is None else found[1].strip("[]").rstrip(".") or None


def is_probed(path: str) -> bool:
    """Whether platforms ask for this path by whatever name or address they have; what they learn is no secret."""
    return path in ("/health", "/health/live", "/health/ready")


def _is_forwarded(name: bytes) -> bool:
    return name.startswith(b"x-forwarded-") or name in _FORWARDED


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _split(setting: str) -> Iterable[str]:
    return filter(None, (part.strip().lower() for part in setting.split(",")))
