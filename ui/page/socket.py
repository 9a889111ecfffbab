"""The socket of one page: requests up and events down at once."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.addresses import client_address
from ui.gateway.logins import LOGIN
from ui.jobs import TooFast
from ui.page.connection import PageConnection
from ui.protocol import ErrorEvent, HeartbeatEvent, pack
from ui.sessions import SessionRegistry

HEARTBEAT_SECONDS = 10.0
# Close codes; a refusal before accept would reach no script.
GONE, TAKEN_OVER, TOO_FAST = 4404, 4409, 4429


async def converse(sessions: SessionRegistry, socket: WebSocket) -> None:
    """Serve one socket until it closes."""
    await socket.accept()
    connect, login = partial(PageConnection, clock=sessions.clock), socket.scope.get(LOGIN)
    session = await sessions.bring_back(
        socket.path_params["token"], connect, login=login, address=client_address(socket)
    )
    connection = None if session is None else session.client
    if session is None or not isinstance(connection, PageConnection):
        await socket.close(GONE)
        return

    async def disconnect() -> None:
        ended = sessions.find(session.token) is None
        with contextlib.suppress(Exception):  # a socket that is already dead may fail in any way
            await socket.close(GONE if ended else TAKEN_OVER)

    connection.visitor.remember(socket)
    await connection.queue.attach(disconnect)
    sessions.touch(session)
    connection.greet(socket.query_params.get("page", ""))
    sending = [asyncio.create_task(connection.queue.deliver(socket.send_bytes))]
    sending.append(asyncio.create_task(_send_heartbeats(connection)))
    try:
        while (text := await _receive(socket)) is not None:
            sessions.touch(session)
            await connection.handle(text)
    except TooFast as error:
        session.services.metrics.count_error(error)
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
