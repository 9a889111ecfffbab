"""A session from its journal: the page tells it again, and the engine is told all of it. So an expired session comes
back, and so work moves to another network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sam2_core.errors import Busy, SessionGone
from sam2_core.serving.replay import replay
from sam2_core.serving.startup import Startup
from sam2_core.types import Entry, Journal
from ui.jobs import Job
from ui.medium import Medium
from ui.outbox import Outbox
from ui.resources import Resources
from ui.waiting import Waiting
from ui.wire import pack

Result = TypeVar("Result")
JOURNAL_SECONDS = 30.0


class Revival:
    """Runs calls to the engine; where the session is gone, revives it and runs the call again."""

    def __init__(self, outbox: Outbox, resources: Resources) -> None:
        self._outbox, self._resources = outbox, resources
        self._waiting = Waiting(outbox)
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[tuple[Entry, ...]] | None = None

    async def ask(self, medium: Medium, work: Callable[[], Result]) -> Result:
        """The result of `work`, which calls the engine through `medium` and blocks."""
        session = medium.session
        try:
            return await self._call(medium, work)
        except SessionGone:
            await self._revive(medium, session)
            return await self._call(medium, work)

    async def move(self, medium: Medium, startup: Startup, job: Job) -> None:
        """Say everything again to another network and go on there. Where that fails, all stays as it was."""
        async with self._one_at_a_time:
            await self._rebuild(medium, startup, job)

    def retell(self, entries: tuple[Entry, ...]) -> None:
        """The page's journal has arrived. Unasked, it is ignored."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(entries)

    async def _revive(self, medium: Medium, lost: str | None) -> None:
        async with self._one_at_a_time:
            if medium.session != lost:
                return  # somebody else has been here already
            await self._rebuild(medium, medium.startup, Job("replay", self._outbox))
            self._outbox.put(pack({"t": "done", "job": "replay"}))

    async def _rebuild(self, medium: Medium, startup: Startup, job: Job) -> None:
        journal = Journal("", await self._ask_for_journal())
        await job.run(self._resources, lambda: _retell(medium, startup, journal, job))

    async def _call(self, medium: Medium, work: Callable[[], Result]) -> Result:
        with self._waiting.watch(medium):
            return await self._resources.call(work)

    async def _ask_for_journal(self) -> tuple[Entry, ...]:
        self._answer = asyncio.get_running_loop().create_future()
        self._outbox.put(pack({"t": "journal"}), "journal")
        try:
            return await asyncio.wait_for(self._answer, JOURNAL_SECONDS)
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise Busy("Your work could not be brought back in time. Please try that again.") from error
        finally:
            self._answer = None


def _retell(medium: Medium, startup: Startup, journal: Journal, job: Job) -> None:
    engine = startup.engine()
    session = engine.open(str(medium.folder)).id
    try:
        revision = replay(engine, session, journal, job.report)
    except BaseException:
        engine.close(session)
        raise
    medium.adopt(startup, session, revision)
