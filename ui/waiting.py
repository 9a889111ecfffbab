"""Why nothing comes: while a visitor's wish waits long enough to be noticed, the page hears what it waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sam2_core.errors import MaskletError
from ui.medium import Medium
from ui.outbox import Outbox
from ui.wire import pack

NOTICED_SECONDS = 0.5
AGAIN_SECONDS = 1.0
WORTH_SECONDS = 1.0  # what takes less needs no words when nobody else is before


class Waiting:
    """Watches the calls of one visitor. Says nothing while they are quick."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._begun: dict[object, float] = {}
        self._teller: asyncio.Task[None] | None = None
        self._told = False

    @contextmanager
    def watch(self, medium: Medium) -> Iterator[None]:
        """Around a call to the engine, from the event loop."""
        call = object()
        self._begun[call] = time.monotonic()
        if self._teller is None:
            self._teller = asyncio.create_task(self._tell(medium))
        try:
            yield
        finally:
            del self._begun[call]
            if not self._begun:
                self._end()

    async def _tell(self, medium: Medium) -> None:
        while True:
            waited = time.monotonic() - min(self._begun.values())
            await asyncio.sleep(max(NOTICED_SECONDS - waited, 0))
            if time.monotonic() - min(self._begun.values()) < NOTICED_SECONDS:
                continue  # the oldest call has ended meanwhile
            await self._look(medium)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self, medium: Medium) -> None:
        try:
            load = await asyncio.to_thread(medium.load)
        except MaskletError:
            return  # there is no engine now, which the call itself will say
        if load.waiting or load.seconds >= WORTH_SECONDS:
            self._told = True
            self._put(load.waiting, load.seconds)

    def _end(self) -> None:
        if self._teller is not None:
            self._teller.cancel()
            self._teller = None
        if self._told:
            self._told = False
            self._put(0, 0.0)

    def _put(self, waiting: int, seconds: float) -> None:
        self._outbox.put(pack({"t": "load", "waiting": waiting, "seconds": round(seconds, 1)}), "load")
