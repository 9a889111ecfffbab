"""What is being done for one visitor: its tasks, and the jobs among them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sam2_core.errors import Busy, MaskletError
from ui.jobs import Job, JobCancelled
from ui.outbox import Outbox
from ui.wire import pack

MOST_TASKS = 1000  # of one visitor; an honest page never has that many unanswered
_log = logging.getLogger(__name__)


class Tasks:
    """Runs what a page wished: whatever goes wrong reaches the page as a message that helps, and nothing else does.

    Of each kind of job there is one at a time, the newest. Belongs to one event loop.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._jobs: dict[str, Job] = {}
        self._running: set[asyncio.Task[None]] = set()

    @property
    def has_jobs(self) -> bool:
        """Whether any job is under way."""
        return bool(self._jobs)

    def has(self, job: Job | str) -> bool:
        """Whether this job, or one of this name, is under way and was not given up."""
        return job in (self._jobs if isinstance(job, str) else self._jobs.values())

    def admit(self) -> None:
        """Raise `Busy` where too much is being done to begin anything else."""
        if len(self._running) >= MOST_TASKS:
            raise Busy("The server has not answered your last wishes yet. Wait a moment and try again.")

    def start(self, work: Awaitable[None], **about: Any) -> asyncio.Task[None]:
        """Do something in the background; `about` names it where the page must hear that it failed."""
        task = asyncio.create_task(self._guard(work, about))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def start_job(self, name: str, work: Callable[[Job], Awaitable[None]], **about: Any) -> None:
        """Do a job in the background, in place of an earlier one of its name; `about` goes with its reports."""
        job = self._begin(name, about)

        async def listed() -> None:
            try:
                await work(job)
            finally:
                self._end(job)

        self.start(listed(), job=name)

    @contextmanager
    def job(self, name: str) -> Iterator[Job]:
        """The same for whoever waits for the job: as long as the block lasts, it can be given up."""
        job = self._begin(name, {})
        try:
            yield job
        finally:
            self._end(job)

    def cancel(self, name: str) -> None:
        """Give up on the job of this name, if it runs."""
        if name in self._jobs:
            self._jobs.pop(name).cancel()

    def complain(self, text: str, **about: Any) -> None:
        """Tell the page what went wrong."""
        self._outbox.put(pack({"t": "error", "text": text, **about}))

    async def close(self) -> None:
        """End everything."""
        for name in tuple(self._jobs):
            self.cancel(name)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _begin(self, name: str, about: dict[str, Any]) -> Job:
        self.cancel(name)
        job = self._jobs[name] = Job(name, self._outbox, **about)
        return job

    def _end(self, job: Job) -> None:
        if self.has(job):
            del self._jobs[job.name]

    async def _guard(self, work: Awaitable[None], about: dict[str, Any]) -> None:
        try:
            await work
        except JobCancelled:
            pass
        except MaskletError as error:
            self.complain(str(error), **about)
        except Exception:
            _log.exception("A visitor's request failed")
            self.complain("Something went wrong on the server. Try it again; your work is kept.", **about)
