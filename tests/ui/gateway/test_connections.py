"""Sockets of a real uvicorn server on this machine."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.ui.house import DEADLINE, settings_with
from ui.gateway import connections
from ui.gateway.connections import QuietLoopErrors, guard_connections, max_connections


async def answer(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())} bytes")


async def slow(request: Request) -> Response:
    await asyncio.sleep(0.6)
    return PlainTextResponse("slow")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@contextmanager
def serving(**changes: Any) -> Iterator[int]:
    """Its port."""
    routes = [Route("/slow", slow), Route("/", answer, methods=["GET", "POST"]), WebSocketRoute("/ws", echo)]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="error", lifespan="off")
    guard_connections(config, settings_with(**changes))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + DEADLINE
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(DEADLINE)
    assert not thread.is_alive()


@contextmanager
def opened(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as made:
        yield made


def read(made: socket.socket) -> bytes:
    """All until the server closes."""
    parts = []
    while part := made.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_request_that_does_not_go_on_is_answered_and_closed(sent: bytes) -> None:
    with serving(header_seconds=0.2) as port, opened(port) as made:
        made.sendall(sent)
        assert read(made).startswith(b"HTTP/1.1 408 ")


def test_a_request_that_drips_is_closed_all_the_same() -> None:
    with serving(header_seconds=0.3) as port, opened(port) as made:
        started = time.monotonic()
        with pytest.raises(OSError):
            for letter in b"GET / HTTP/1.1\r\nHost: " + b"a" * 1000:
                made.sendall(bytes([letter]))
                time.sleep(0.02)
        assert time.monotonic() - started < 5


def test_a_second_request_has_a_deadline_too_and_answers_have_none() -> None:
    with serving(header_seconds=0.3) as port, opened(port) as made:
        made.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" in made.recv(65536), "it took longer than the deadline for a request"
        made.sendall(b"GET / HTTP/1.1\r\nHo")
        started = time.monotonic()
        assert read(made) in (b"", b"slow")
        assert time.monotonic() - started < 3


def test_a_body_may_take_longer_than_the_beginning() -> None:
    with serving(header_seconds=0.2) as port, opened(port) as made:
        made.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\na")
        time.sleep(0.4)
        made.sendall(b"b")
        assert read(made).endswith(b"2 bytes")


def test_one_address_does_not_get_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP and WebSockets together; this computer, which they all come from here, is taken for a stranger."""
    monkeypatch.setattr(connections, "counted_as", lambda host: host)
    with (
        serving(max_connections_per_address=2) as port,
        connect(f"ws://127.0.0.1:{port}/ws") as websocket,
        opened(port),
        opened(port) as third,
    ):
        assert b"Too many connections come from this address" in read(third)
        websocket.send("still here")
        assert websocket.recv(DEADLINE) == "still here"
    with serving(max_connections_per_address=1, trusted_proxies="127.0.0.1") as port:
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        held[-1].sendall(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert read(held[-1]).endswith(b"0 bytes"), "a proxy speaks for many"
        for made in held:
            made.close()


def test_one_connection_too_many_is_told_so_at_once() -> None:
    with serving(max_connections=3) as port:
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            with opened(port) as made:
                made.settimeout(0.3)
                try:
                    told = made.recv(65536)
                    break
                except TimeoutError:
                    pass
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"All connections are in use" in told
        for each in held:
            each.close()
        while time.monotonic() < deadline:
            with suppress(ConnectionResetError), opened(port) as made:  # closed with the request unread
                made.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                if read(made).endswith(b"0 bytes"):
                    break
        assert time.monotonic() < deadline, "there is room again"


def test_sockets_are_not_compressed_and_work() -> None:
    with serving() as port, connect(f"ws://127.0.0.1:{port}/ws") as made:
        assert made.protocol.extensions == []
        made.send("x" * 100_000)
        assert made.recv(DEADLINE) == "x" * 100_000
        made.ping().wait(DEADLINE)


@pytest.mark.parametrize("kind", ["ping", "part"])
def test_a_flood_of_which_no_message_comes_ends_the_socket(kind: str) -> None:
    with serving() as port, connect(f"ws://127.0.0.1:{port}/ws", ping_interval=None) as made:
        ended = pytest.raises((ConnectionClosed, OSError))
        with ended:
            if kind == "ping":
                for _ in range(5000):
                    made.ping()
            else:
                made.send("" for _ in range(5000))
            made.recv(DEADLINE)


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are POSIX's")
def test_half_of_the_descriptors_stay_for_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_raise_descriptor_limit", lambda: 300)
    assert max_connections(settings_with(max_connections=1000)) == 150
    assert max_connections(settings_with(max_connections=20)) == 20
    monkeypatch.setattr(connections, "_raise_descriptor_limit", lambda: None)
    assert max_connections(settings_with(max_connections=1000)) == 1000


def test_used_up_descriptors_are_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    handle = QuietLoopErrors(lambda: now[0])
    loop = asyncio.new_event_loop()
    try:
        with caplog.at_level(logging.ERROR):
            for _ in range(1000):
                handle(loop, {"message": "x", "exception": OSError(errno.EMFILE, os.strerror(errno.EMFILE))})
                now[0] += 0.01
            assert len(caplog.records) == 1
            assert caplog.records[0].exc_info is None
            now[0] += 60
            handle(loop, {"message": "x", "exception": OSError(errno.ENFILE, "x")})
            handle(loop, {"message": "other", "exception": ValueError("x")})
            handle(loop, {"message": "other"})
        assert len(caplog.records) == 4
    finally:
        loop.close()
