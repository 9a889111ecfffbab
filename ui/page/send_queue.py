"""Messages to one page, kept in order until a connection has taken them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
Disconnect: TypeAlias = Callable[[], Awaitable[None]]

CAPACITY = 512  # messages; beyond it the oldest are dropped, and the page asks again for what it misses
STREAM_CAPACITY = 8  # messages; up to so many a stream of results goes on


class SendQueue:
    """A queue with at most one connection. A message leaves it only after the connection has sent it.

    Belongs to one event loop: call it from there.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._disconnect: Disconnect | None = None
        self.disconnected_at = clock()

    @property
    def is_connected(self) -> bool:
        """Whether a page is connected."""
        return self._disconnect is not None

    async def attach(self, disconnect: Disconnect) -> None:
        """Become the connection; the former one is disconnected."""
        former, self._disconnect = self._disconnect, disconnect
        self._notify()
        if former is not None:
            await former()

    def detach(self, disconnect: Disconnect) -> None:
        """The connection has ended; without effect where another one has taken its place."""
        if self._disconnect is disconnect:
            self._disconnect, self.disconnected_at = None, self._clock()

    def put_first(self, message: bytes) -> None:
        """Add a message that is sent before all that wait."""
        self._waiting = {self._new_key(): message, **self._waiting}
        self._notify()

    def put(self, message: bytes, key: str = "") -> None:
        """Add a message. One with a `key` takes the place of a waiting one with the same key."""
        if key:
            self._waiting.pop(key, None)
        self._waiting[key or self._new_key()] = message
        if len(self._waiting) > CAPACITY:
            self._waiting.pop(next(iter(self._waiting)))
        self._notify()

    async def deliver(self, send: Send) -> None:
        """Send one message after the other, for as long as `send` succeeds."""
        while True:
            key, message = await self._first()
            await send(message)
            if self._waiting.get(key) is message:
                del self._waiting[key]
            self._notify()

    async def drain(self) -> list[bytes]:
        """Take everything that waits; waits itself until there is something."""
        await self._first()
        messages, self._waiting = list(self._waiting.values()), {}
        self._notify()
        return messages

    async def wait_for_room(self) -> None:
        """Wait until a page is connected and has taken nearly everything."""
        while not self.is_connected or len(self._waiting) > STREAM_CAPACITY:
            await self._changed.wait()

    async def disconnect(self) -> None:
        """End the connection, if there is one."""
        if self._disconnect is not None:
            await self._disconnect()

    async def _first(self) -> tuple[str, bytes]:
        while not self._waiting:
            await self._changed.wait()
        return next(iter(self._waiting.items()))

    def _new_key(self) -> str:
        return f"#{next(self._numbers)}"

    def _notify(self) -> None:
        """Wake everybody who waits; they check for themselves whether the change concerns them."""
        self._changed.set()
        self._changed = asyncio.Event()
