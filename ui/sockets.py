"""The socket of one page: messages up and down at once."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.outbox import Outbox
from ui.visitors import Visitors
from ui.wire import pack
from ui.workbench import Workbench

PULSE_SECONDS = 10.0
GONE, FOREIGN, TAKEN_OVER = 4404, 4403, 4409  # close codes; a refusal before accept would reach no script


async def converse(visitors: Visitors[Workbench], socket: WebSocket) -> None:
    """Serve one socket until it closes."""
    await socket.accept()
    visitor = visitors.find(socket.path_params["token"])
    if visitor is None or not is_same_origin(socket):
        await socket.close(GONE if visitor is None else FOREIGN)
        return

    async def hang_up() -> None:
        ended = visitors.find(visitor.token) is None
        with contextlib.suppress(Exception):  # a socket that is already dead may fail in any way
            await socket.close(GONE if ended else TAKEN_OVER)

    await visitor.outbox.attach(hang_up)
    visitors.touch(visitor)
    visitor.bench.greet()
    speaking = [asyncio.create_task(visitor.outbox.deliver(socket.send_bytes))]
    speaking.append(asyncio.create_task(_pulse(visitor.outbox)))
    try:
        while True:
            text = await socket.receive_text()
            visitors.touch(visitor)
            visitor.bench.hear(text)
    except (WebSocketDisconnect, RuntimeError, KeyError):  # KeyError: a binary message, which no page of ours sends
        pass
    finally:
        visitor.outbox.detach(hang_up)
        for task in speaking:
            task.cancel()
        await asyncio.gather(*speaking, return_exceptions=True)


async def _pulse(outbox: Outbox) -> None:
    """Say something again and again: a page cannot tell a dead connection from a silent one."""
    while True:
        await asyncio.sleep(PULSE_SECONDS)
        outbox.put(pack({"t": "alive"}), "alive")


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
