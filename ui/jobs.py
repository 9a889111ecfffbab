"""Long work for one visitor: it reports how far it is and can be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ui.outbox import Outbox
from ui.resources import Resources
from ui.wire import pack

Result = TypeVar("Result")


class JobCancelled(Exception):
    """The visitor gave up on the job."""


class Job:
    """One run of one kind of work (`ingest`, `export`, `replay`, `model`); `about` goes with all its reports."""

    def __init__(self, name: str, outbox: Outbox, **about: Any) -> None:
        self.name, self.about = name, about
        self._outbox = outbox
        self._cancelled = False
        self._pause: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()

    def cancel(self) -> None:
        """End the job where it waits, or else at its next report."""
        self._cancelled = True
        if self._pause is not None:
            self._pause.cancel()

    def report(self, fraction: float | None, message: str) -> None:
        """How far the work is; called by the work, from its thread. Raises `JobCancelled` to end it."""
        if self._cancelled:
            raise JobCancelled(self.name)
        header = {"t": "progress", "job": self.name, "fraction": fraction, "message": message, **self.about}
        self._loop.call_soon_threadsafe(self._outbox.put, pack(header), f"progress {self.name}")

    async def run(self, resources: Resources, work: Callable[[], Result]) -> Result:
        """Do the work in a thread for long jobs."""

        def unless_cancelled() -> Result:
            self.report(0.0, "Starting")
            return work()

        came = False

        async def come() -> None:
            nonlocal came
            await resources.turns.come(self._wait_behind)
            came = True

        try:
            await self.pause(come())
            return await resources.long_job(unless_cancelled)
        except Exception as error:
            if self._cancelled:  # whatever it stumbled over, nobody waits for it any more
                raise JobCancelled(self.name) from error
            raise
        finally:
            if came:
                resources.turns.leave()

    async def pause(self, until: Coroutine[Any, Any, None]) -> None:
        """Wait for something; giving the job up ends that at once. Raises `JobCancelled`."""
        self._pause = asyncio.ensure_future(until)
        if self._cancelled:
            self._pause.cancel()
        try:
            await self._pause
        except asyncio.CancelledError:
            if self._cancelled:
                raise JobCancelled(self.name) from None
            raise

    def _wait_behind(self, others: int) -> None:
        place = f"{others} {'comes' if others == 1 else 'come'} before you" if others else "you are next"
        if not self._cancelled:
            self.report(None, f"Waiting for a free place: {place}")
