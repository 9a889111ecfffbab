"""What the server has to say to one page, kept in order until a transport has taken it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
HangUp: TypeAlias = Callable[[], Awaitable[None]]

CAPACITY = 512  # messages; beyond it the oldest go, and the page asks again for what it misses
ROOM = 8  # waiting messages up to which a stream of results goes on


class Outbox:
    """A queue with at most one listener. A message is dropped from it only after the transport took it.

    Belongs to one event loop: call it from there.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._hang_up: HangUp | None = None
        self.lost_at = clock()

    @property
    def listening(self) -> bool:
        """Whether a page is there."""
        return self._hang_up is not None

    async def attach(self, hang_up: HangUp) -> None:
        """Become the listener; a former one is hung up on."""
        former, self._hang_up = self._hang_up, hang_up
        self._notify()
        if former is not None:
            await former()

    def detach(self, hang_up: HangUp) -> None:
        """Stop listening; says nothing to a listener that came in the meantime."""
        if self._hang_up is hang_up:
            self._hang_up, self.lost_at = None, self._clock()

    def put_first(self, message: bytes) -> None:
        """Add a message that is said before all that waits already."""
        self._waiting = {f"#{next(self._numbers)}": message, **self._waiting}
        self._notify()

    def put(self, message: bytes, key: str = "") -> None:
        """Add a message. One with a `key` takes the place of a waiting one with the same key."""
        if key:
            self._waiting.pop(key, None)
        self._waiting[key or f"#{next(self._numbers)}"] = message
        if len(self._waiting) > CAPACITY:
            self._waiting.pop(next(iter(self._waiting)))
        self._notify()

    async def deliver(self, send: Send) -> None:
        """Hand over one message after the other, for as long as `send` succeeds."""
        while True:
            key, message = await self._first()
            await send(message)
            if self._waiting.get(key) is message:
                del self._waiting[key]
            self._notify()

    async def drain(self) -> list[bytes]:
        """Everything that waits; waits itself until there is something."""
        await self._first()
        messages, self._waiting = list(self._waiting.values()), {}
        self._notify()
        return messages

    async def room(self) -> None:
        """Wait until a page listens and has taken nearly everything."""
        while not self.listening or len(self._waiting) > ROOM:
            await self._next_change()

    async def hang_up(self) -> None:
        """Send the listener away."""
        if self._hang_up is not None:
            await self._hang_up()

    async def _first(self) -> tuple[str, bytes]:
        while not self._waiting:
            await self._next_change()
        return next(iter(self._waiting.items()))

    async def _next_change(self) -> None:
        await self._changed.wait()

    def _notify(self) -> None:
        """Wake everybody who waits; they look for themselves whether the change concerns them."""
        self._changed.set()
        self._changed = asyncio.Event()
