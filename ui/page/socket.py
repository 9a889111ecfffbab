"""The socket of one page: requests up and events down at once."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.jobs import TooFast
from ui.page.connection import PageConnection
from ui.protocol import ErrorEvent, HeartbeatEvent, pack
from ui.sessions import SessionRegistry

HEARTBEAT_SECONDS = 10.0
# Close codes; a refusal before accept would reach no script.
GONE, FOREIGN, TAKEN_OVER, TOO_FAST = 4404, 4403, 4409, 4429


async def converse(sessions: SessionRegistry, socket: WebSocket) -> None:
    """Serve one socket until it closes."""
    await socket.accept()
    session = sessions.find(socket.path_params["token"])
    connection = None if session is None else session.client
    if session is None or not isinstance(connection, PageConnection) or not is_same_origin(socket):
        await socket.close(FOREIGN if isinstance(connection, PageConnection) else GONE)
        return

    async def disconnect() -> None:
        ended = sessions.find(session.token) is None
        with contextlib.suppress(Exception):  # a socket that is already dead may fail in any way
            await socket.close(GONE if ended else TAKEN_OVER)

    await connection.queue.attach(disconnect)
    sessions.touch(session)
    connection.greet()
    sending = [asyncio.create_task(connection.queue.deliver(socket.send_bytes))]
    sending.append(asyncio.create_task(_send_heartbeats(connection)))
    try:
        while (text := await _receive(socket)) is not None:
            sessions.touch(session)
            await connection.handle(text)
    except TooFast as error:
        with contextlib.suppress(Exception):
            await socket.send_bytes(pack(ErrorEvent(text=str(error))))
            await socket.close(TOO_FAST, str(error))
    finally:
        connection.queue.detach(disconnect)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


async def _receive(socket: WebSocket) -> str | None:
    """The next request; None where the socket is closed, or sends what no page of ours sends."""
    try:
        return await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):  # RuntimeError: closed on our side; KeyError: binary
        return None


async def _send_heartbeats(connection: PageConnection) -> None:
    """A page cannot tell a dead connection from a silent one."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        connection.send(HeartbeatEvent())


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether a request comes from our own page. Without an Origin it comes from no page at all, and the token counts.

    A proxy may have changed Host; a foreign page cannot set X-Forwarded-Host.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    hosts = {connection.headers.get("host", "")}
    hosts |= {host.strip() for host in connection.headers.get("x-forwarded-host", "").split(",")}
    return origin.partition("://")[2] in hosts - {""}
