"""Long work for one visitor: it reports how far it is and can be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ui.outbox import Outbox
from ui.resources import Resources
from ui.wire import pack

Result = TypeVar("Result")


class JobCancelled(Exception):
    """The visitor gave up on the job."""


class Job:
    """One run of one kind of work (`ingest`, `export`, `replay`)."""

    def __init__(self, name: str, outbox: Outbox) -> None:
        self.name = name
        self._outbox = outbox
        self._cancelled = False
        self._loop = asyncio.get_running_loop()

    def cancel(self) -> None:
        """End the job at its next report."""
        self._cancelled = True

    def report(self, fraction: float | None, message: str) -> None:
        """How far the work is; called by the work, from its thread. Raises `JobCancelled` to end it."""
        if self._cancelled:
            raise JobCancelled(self.name)
        header = {"t": "progress", "job": self.name, "fraction": fraction, "message": message}
        self._loop.call_soon_threadsafe(self._outbox.put, pack(header), f"progress {self.name}")

    async def run(self, resources: Resources, work: Callable[[], Result]) -> Result:
        """Do the work in a thread for long jobs."""

        def unless_cancelled() -> Result:
            self.report(0.0, "Starting")
            return work()

        self.report(None, "Waiting for a free place")
        try:
            return await resources.long_job(unless_cancelled)
        except Exception as error:
            if self._cancelled:  # whatever it stumbled over, nobody waits for it any more
                raise JobCancelled(self.name) from error
            raise
