"""A session from its journal: the page tells it, and the engine is told all of it.

Asked, where the engine has lost a session on its own or the work moves to another network; unasked, where the whole
visitor was lost (the server was restarted, the page was away too long) or the page has opened a project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sam2_core.errors import Busy, SessionGone
from sam2_core.serving.engine import Engine
from sam2_core.serving.replay import replay
from sam2_core.serving.startup import Startup
from sam2_core.types import EditLog, Entry, TrackEntry
from ui.jobs import Job, JobCancelled
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
        self._job: Job | None = None
        self._adding: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether a session is being brought back."""
        return self._job is not None or self._adding is not None

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
            journal = EditLog("", await self._ask_for_journal())
            await job.run(self._resources, lambda: _retell(medium, startup, journal, job))

    async def begin_anew(self, medium: Medium, entries: tuple[Entry, ...]) -> bool:
        """Put these entries in place of all that was said; whether their tracking was given up."""
        async with self._one_at_a_time:
            return await self._rebuild(medium, entries)

    async def add(self, medium: Medium, entries: tuple[Entry, ...]) -> bool:
        """Say these entries beside all that was said; whether they were given up on the way."""
        job = self._adding = Job("replay", self._outbox)
        session = medium.session
        try:
            await job.run(self._resources, lambda: medium.say_more(entries, job.report))
        except JobCancelled:
            return True
        except SessionGone:
            await self._revive(medium, session)  # the page's journal has these entries by now
        finally:
            if self._adding is job:
                self._adding = None
        return False

    def stop_adding(self) -> None:
        """Give up on `add`, if it runs."""
        if self._adding is not None:
            self._adding.cancel()

    def cancel(self) -> None:
        """Give up the tracking of what is being brought back, if anything is, and all that is being added."""
        self.stop_adding()
        if self._job is not None:
            self._job.cancel()

    def retell(self, entries: tuple[Entry, ...]) -> None:
        """The page's journal has arrived; ignored where nobody waits for it any more."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(entries)

    async def _revive(self, medium: Medium, lost: str | None) -> None:
        async with self._one_at_a_time:
            if medium.session != lost:
                return  # somebody else has been here already
            stopped = await self._rebuild(medium, await self._ask_for_journal())
            self._outbox.put(pack({"t": "done", "job": "replay", "stopped": stopped}))

    async def _rebuild(self, medium: Medium, entries: tuple[Entry, ...]) -> bool:
        job = self._job = Job("replay", self._outbox)
        try:
            return await job.run(self._resources, lambda: _bring_back(medium, entries, job))
        except JobCancelled:  # before its turn came
            return await self._resources.long_job(lambda: _bring_back(medium, entries, job))
        finally:
            self._job = None

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


def _retell(medium: Medium, startup: Startup, journal: EditLog, job: Job) -> None:
    with _fresh_session(medium, startup) as (engine, session):
        revision = replay(engine, session, journal, job.report)
    medium.adopt(startup, session, revision)


def _bring_back(medium: Medium, entries: tuple[Entry, ...], job: Job) -> bool:
    """Whether tracking was given up on the way: what was tracked until then stays, and what was said is said anyway."""
    startup, given_up = medium.startup, False
    with _fresh_session(medium, startup) as (engine, session):
        try:
            revision = replay(engine, session, EditLog("", entries), job.report)
        except JobCancelled:
            said = tuple(entry for entry in entries if not isinstance(entry, TrackEntry))
            revision, given_up = replay(engine, session, EditLog("", said)), True
    medium.adopt(startup, session, revision)
    return given_up


@contextmanager
def _fresh_session(medium: Medium, startup: Startup) -> Iterator[tuple[Engine, str]]:
    engine = startup.engine()
    session = engine.open(str(medium.folder)).id
    try:
        yield engine, session
    except BaseException:
        engine.close(session)
        raise
