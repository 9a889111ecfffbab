"""A queue for long work: so many at a time, and who waits hears how many come first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Turns:
    """Places to work at. Belongs to one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._line: dict[asyncio.Future[None], Callable[[int], None]] = {}

    async def come(self, told: Callable[[int], None]) -> None:
        """Wait for a place; `told` hears how many others wait before, whenever the line changes. Then `leave`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line[turn] = told
        self._advance()
        try:
            await turn
        except asyncio.CancelledError:
            self._line.pop(turn, None)
            if not turn.cancelled():  # its turn had just come
                self._free += 1
            self._advance()
            raise

    def leave(self) -> None:
        """Make one's place free."""
        self._free += 1
        self._advance()

    def _advance(self) -> None:
        while self._free and self._line:
            first = next(iter(self._line))
            del self._line[first]
            if not first.done():  # a cancelled one has not been told of it yet
                self._free -= 1
                first.set_result(None)
        for before, told in enumerate(self._line.values()):
            told(before)
