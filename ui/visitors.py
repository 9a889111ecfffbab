"""Who is here: one visitor per open page, known by a token that cannot be guessed.

A visitor ends
- a few seconds after its page said goodbye (a reload says goodbye too and is back within them),
- when its connection has been lost for longer than the grace time,
- when nobody has touched the page for long and nothing is being done for it,
- when a newcomer needs the place and this visitor has been idle the longest.
With a visitor go its folder and everything the engine holds for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from sam2_core.errors import Busy
from ui.outbox import Outbox
from ui.settings import Settings

ACTIVE_SECONDS = 120.0  # whoever did something this recently is not sent away for a newcomer
SWEEP_SECONDS = 1.0


_log = logging.getLogger(__name__)


class Closable(Protocol):
    """Whatever a visitor has on the bench."""

    @property
    def busy(self) -> bool:
        """Whether something long is being done for the visitor."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


Bench = TypeVar("Bench", bound=Closable)


@dataclass(eq=False)
class Visitor(Generic[Bench]):
    """One open page."""

    token: str
    folder: Path
    outbox: Outbox
    touched: float
    bench: Bench = field(init=False)
    leaving: float | None = None
    receiving: asyncio.Lock = field(default_factory=asyncio.Lock)


class Visitors(Generic[Bench]):
    """All visitors. Belongs to one event loop, apart from `remove_all_files`."""

    def __init__(
        self,
        settings: Settings,
        furnish: Callable[[Visitor[Bench]], Bench],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._furnish, self._clock = settings, furnish, clock
        self._visitors: dict[str, Visitor[Bench]] = {}
        self._root = Path(tempfile.mkdtemp(prefix="masklet-"))

    def __len__(self) -> int:
        return len(self._visitors)

    async def open(self) -> Visitor[Bench]:
        """A new visitor; raises `Busy` where there is no place and all others are active."""
        folder = self._root / secrets.token_hex(16)
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        try:
            await self._make_room()
        except BaseException:
            await asyncio.to_thread(folder.rmdir)
            raise
        # Nothing is awaited from here on: many may come at once, and each must see the places that the others took.
        token = secrets.token_urlsafe(24)
        visitor: Visitor[Bench] = Visitor(token, folder, Outbox(self._clock), self._clock())
        visitor.bench = self._furnish(visitor)
        self._visitors[token] = visitor
        return visitor

    def find(self, token: str) -> Visitor[Bench] | None:
        """The visitor with this token; does not count as a sign of life."""
        return self._visitors.get(token)

    def touch(self, visitor: Visitor[Bench]) -> None:
        """The visitor did something."""
        visitor.touched, visitor.leaving = self._clock(), None

    def farewell(self, visitor: Visitor[Bench]) -> None:
        """The page was closed or is being reloaded; only coming back in time keeps the work."""
        visitor.leaving = self._clock()

    async def sweep(self) -> None:
        """End the visitors whose time is over."""
        await self._close_each([visitor for visitor in self._visitors.values() if self._is_over(visitor)])

    async def sweep_forever(self) -> None:
        """Keep sweeping until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def close(self, visitor: Visitor[Bench]) -> None:
        """End a visitor: its page is told, its work and folder go."""
        if self._visitors.pop(visitor.token, None) is None:
            return
        try:
            await visitor.outbox.hang_up()
        finally:
            try:
                await visitor.bench.close()
            finally:
                await asyncio.to_thread(shutil.rmtree, visitor.folder, ignore_errors=True)

    async def close_all(self) -> None:
        """End everybody."""
        await self._close_each(list(self._visitors.values()))

    def remove_all_files(self) -> None:
        """Last call of a server that stops: nothing stays on the disk."""
        shutil.rmtree(self._root, ignore_errors=True)

    async def _close_each(self, visitors: list[Visitor[Bench]]) -> None:
        """Close them all, whatever goes wrong with one of them."""
        for result in await asyncio.gather(*map(self.close, visitors), return_exceptions=True):
            if isinstance(result, Exception):
                _log.error("A visitor could not be closed cleanly", exc_info=result)

    async def _make_room(self) -> None:
        while len(self) >= self._settings.max_sessions:
            longest_idle = min(self._visitors.values(), key=self._liveliness)
            if longest_idle.outbox.listening and self._idle_seconds(longest_idle) < ACTIVE_SECONDS:
                raise Busy("All places are taken at the moment. Please try again in a few minutes.")
            await self.close(longest_idle)

    def _liveliness(self, visitor: Visitor[Bench]) -> tuple[bool, float]:
        return visitor.outbox.listening, -self._idle_seconds(visitor)

    def _idle_seconds(self, visitor: Visitor[Bench]) -> float:
        """Since the visitor's last deed; whoever waits for long work is not idle."""
        waiting = visitor.bench.busy or visitor.receiving.locked()
        return 0.0 if waiting else self._clock() - visitor.touched

    def _is_over(self, visitor: Visitor[Bench]) -> bool:
        now, settings = self._clock(), self._settings
        if self._idle_seconds(visitor) > settings.idle_minutes * 60:
            return True
        if visitor.outbox.listening:
            return False
        if visitor.leaving is not None and now - visitor.leaving > settings.farewell_seconds:
            return True
        return now - visitor.outbox.lost_at > settings.grace_seconds
