"""Programs that use the API, each the client of one session."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from sam2_core.errors import Busy, SessionGone
from sam2_core.serving.workspace import Workspace
from ui.jobs import MAX_TASKS, Job, JobCancelled
from ui.metrics import MeasuringObserver
from ui.models import POLL_SECONDS
from ui.protocol import Event, JobName, ProgressEvent, check_request
from ui.sessions import Session

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)

SESSION_GONE = "This session is unknown: it was closed, or has expired. Open the file again."
MAX_LENT_FILES = 3  # of a session, that wait to be fetched


class ApiClient:
    """Always connected, so its session ends when it is idle; gets results of calls, and no events. Belongs to one event
    loop."""

    is_connected, disconnected_at = True, 0.0

    def __init__(self, session: Session) -> None:
        self.session, self.observer = session, MeasuringObserver(session.services.metrics)
        self._calls: set[asyncio.Future[Any]] = set()  # under way
        self.progress: dict[JobName, ProgressEvent] = {}  # of each job the newest
        self._lent: list[Path] = []  # folders outside of the session's own, which go with it
        self._is_closed = False

    @property
    def workspace(self) -> Workspace:
        """What is open; raises `SessionGone` where nothing is."""
        if self.session.workspace is None:
            raise SessionGone(SESSION_GONE)
        return self.session.workspace

    def send(self, event: Event) -> None:
        """Programs have no use for events but the newest progress."""
        if isinstance(event, ProgressEvent):
            self.progress[event.job] = event

    async def close(self) -> None:
        """End all calls with `SessionGone`, and take back the files that are lent."""
        self._is_closed = True
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)
        await self._remove_lent(0)

    def admit(self) -> None:
        """Count one more call; raises `Busy` where there are too many."""
        self.session.rate.count()
        if len(self._calls) >= MAX_TASKS:
            raise Busy("The server has not answered your last calls yet. Wait a moment and try again.")

    def check(self, request: type[R], **values: Any) -> R:
        """The request of these values, as a page would send it; raises `BadPrompt`."""
        bounds = self.session.bounds
        if bounds is None:
            raise SessionGone(SESSION_GONE)
        return check_request(request, bounds, **values)

    async def wait(self, work: Awaitable[T]) -> T:
        """The result of `work`; raises `SessionGone` as soon as the session ends."""
        call = asyncio.ensure_future(work)
        if self._is_closed:
            call.cancel()
        self._calls.add(call)
        try:
            return await call
        except (Exception, asyncio.CancelledError) as error:
            if self._is_closed:
                raise SessionGone(SESSION_GONE) from error
            raise
        finally:
            self._calls.discard(call)

    async def wait_for_model(self) -> None:
        """Wait until the network is loaded; raises `Busy` where it cannot be."""
        while not (status := self.session.model.loader.status).ready:
            if status.error:
                raise Busy(status.error)
            await asyncio.sleep(POLL_SECONDS)

    @contextmanager
    def job(self, name: JobName) -> Iterator[Job]:
        """A job in place of an earlier one of its name, whose call ends with `Busy`. Leaving the block cancels it."""
        with self.session.tasks.job(name) as job:
            try:
                yield job
                if not self.session.tasks.has(job):
                    raise JobCancelled(name)
            except Exception as error:
                if self._is_closed:
                    raise SessionGone(SESSION_GONE) from error
                if not self.session.tasks.has(job):
                    raise Busy("A newer call of this session took the place of this one.") from error
                raise
            finally:
                job.cancel()

    async def lend(self, file: Path) -> None:
        """A file in a folder of its own outside of the session's: the folder goes with the session, or when newer ones
        have come."""
        self._lent.append(file.parent)
        await self._remove_lent(0 if self._is_closed else MAX_LENT_FILES)

    async def _remove_lent(self, kept: int) -> None:
        while len(self._lent) > kept:
            folder = self._lent.pop(0)
            await self.session.services.executors.read_file(shutil.rmtree, folder, ignore_errors=True)
