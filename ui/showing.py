"""What is known of a medium, sent to the page."""

from __future__ import annotations

import asyncio
from functools import partial

from ui.medium import Medium
from ui.outbox import Outbox
from ui.resources import Resources
from ui.revival import Revival
from ui.wire import Show, pack_masks, pack_stale


class Showing:
    """Sends masks that were asked for, as fast as the page takes them, and which masks are stale.

    Nothing is sent by whoever holds `lock`. Belongs to one event loop.
    """

    def __init__(self, outbox: Outbox, revival: Revival, resources: Resources) -> None:
        self._outbox, self._revival, self._resources = outbox, revival, resources
        self.lock = asyncio.Lock()
        self._telling = asyncio.Lock()

    async def masks(self, message: Show, medium: Medium) -> None:
        """All that is known of some frames."""
        about = {"version": medium.version, **named(message.seq)}
        async with self.lock:
            for masks in await self._revival.ask(medium, partial(medium.masks, message.frames)):
                await self._outbox.room()
                self._outbox.put(await self._resources.call(partial(pack_masks, masks, **about)))

    async def stale(self, medium: Medium) -> None:
        """What is stale now: after every word, but without making the next one wait."""
        if medium.info.kind != "clip":
            return
        async with self._telling:  # in order, so that the last to arrive is the newest
            stretches = await self._revival.ask(medium, partial(medium.stale, range(medium.info.frames)))
            self._outbox.put(pack_stale(stretches, medium.version), "stale")


def named(seq: int | None) -> dict[str, int]:
    """The number of a question, where it has one."""
    return {} if seq is None else {"seq": seq}
