"""Sockets of the server: how many at a time, and how long they may take to say what they want.

uvicorn itself waits for ever for the rest of a request, and when the system has no more file descriptors, it writes a
traceback for each socket that it cannot accept.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import sys
import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any

from ui.addresses import counted_as
from ui.gateway.hosts import trusted_peers
from ui.settings import Settings

WANTED_DESCRIPTORS = 65_536
WEBSOCKET_CHUNK = 8192  # bytes that are read at a time: thousands of tiny messages take a while to be parsed
CONTROL_FRAMES_PER_SECOND = 50  # pings and parts of messages from one socket
_LOG_SECONDS = 60.0
_TOO_MANY = "Too many connections come from this address. Close some of them, and try again in a minute."
_BUSY = "All connections are in use at the moment. Try again in a minute."
_log = logging.getLogger(__name__)


def max_connections(settings: Settings) -> int:
    """How many sockets may be open: half of all descriptors stay for files. Asks the system for more of them first."""
    limit = _raise_descriptor_limit()
    return settings.max_connections if limit is None else min(settings.max_connections, limit // 2)


def guard_connections(config: Any, settings: Settings) -> None:
    """Set up a running uvicorn server, by its configuration, which it asks for each new connection."""
    if not config.loaded:
        config.load()
    most = max_connections(settings)
    room = _Room(most, settings.max_connections_per_address, settings.trusted_proxies)
    config.http_protocol_class = _guarded_http(config.http_protocol_class, room, settings.header_seconds)
    config.ws_protocol_class = _guarded_websocket(config.ws_protocol_class)
    # What is sent are pictures mostly, which are packed already; and a few kilobytes must not become megabytes.
    config.ws_per_message_deflate = False


class QuietLoopErrors:
    """An exception handler for an event loop: when descriptors are used up, one line a minute says so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._logged_at = clock, -_LOG_SECONDS

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """See `asyncio.AbstractEventLoop.set_exception_handler`."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif self._clock() - self._logged_at >= _LOG_SECONDS:
            self._logged_at = self._clock()
            _log.error("Connections wait: %s. Raise `ulimit -n`, or lower max_connections.", error.strerror)


class _Room:
    """How many sockets there may be: `most` in all, and `most_each` of one customer, among whom this computer and
    trusted proxies, who speak for others, do not count."""

    def __init__(self, most: int, most_each: int, proxies: str) -> None:
        self._most, self._most_each = most, most_each
        self._proxies = trusted_peers(proxies)

    def refusal(self, connection: Any, others: Collection[Any]) -> bytes | None:
        """What a new connection, one of `others` already, is answered where there is no room for it."""
        if len(others) > self._most:
            return _response(503, _BUSY)
        customer = self._customer(connection)
        if customer and sum(self._customer(each) == customer for each in others) > self._most_each:
            return _response(429, _TOO_MANY)
        return None

    def _customer(self, connection: Any) -> str:
        host = connection.client[0] if connection.client else ""
        return "" if host in self._proxies else counted_as(host)


def _guarded_http(protocol: Any, room: _Room, header_seconds: float) -> Any:
    """uvicorn's protocol of a connection, with a deadline for what comes before a request has begun."""

    class GuardedHttp(protocol):  # type: ignore[misc]
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            if (refusal := room.refusal(self, self.connections)) is not None:
                transport.write(refusal)
                transport.close()
                return
            self._await_request()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.transport.get_protocol() is not self or self._is_answering():
                self._stop_waiting()
            elif self._deadline is None:
                self._await_request()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _await_request(self) -> None:
            self._deadline = self.loop.call_later(header_seconds, self._give_up)

        def _stop_waiting(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _give_up(self) -> None:
            self._deadline = None
            if not self._is_answering() and not self.transport.is_closing():
                if self.cycle is None:
                    self.transport.write(_response(408, "This request did not arrive in time. Send it again."))
                self.transport.close()

    return GuardedHttp


def _guarded_websocket(protocol: Any) -> Any:
    """uvicorn's protocol of a WebSocket, which reads little at a time and counts what no message comes of."""

    class GuardedWebSocket(protocol):  # type: ignore[misc]
        _counted, _second = 0, 0

        def connection_made(self, transport: asyncio.Transport) -> None:
            with contextlib.suppress(AttributeError):  # loops other than asyncio's own read as they like
                transport.max_size = WEBSOCKET_CHUNK  # type: ignore[attr-defined]
            super().connection_made(transport)

        def handle_ping(self, *args: Any) -> None:
            self._count()
            super().handle_ping(*args)

        def handle_pong(self, *args: Any) -> None:
            self._count()
            super().handle_pong(*args)

        def handle_cont(self, *args: Any) -> None:
            self._count()
            super().handle_cont(*args)

        def _count(self) -> None:
            second = int(self.loop.time())
            self._counted, self._second = (self._counted if second == self._second else 0) + 1, second
            if self._counted > CONTROL_FRAMES_PER_SECOND:
                self.transport.abort()

    return GuardedWebSocket


def _response(status: int, text: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 60\r\n"
    return f"{head}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()


def _raise_descriptor_limit() -> int | None:
    """Let this process have more descriptors, as far as the system allows; how many it may have, None if unknown."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(WANTED_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # macOS allows fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return wanted if soft == resource.RLIM_INFINITY else soft
