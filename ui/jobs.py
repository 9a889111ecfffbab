"""Work beside the event loop: threads, long jobs with progress and cancelling, and background tasks of one session."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeAlias, TypeVar

from sam2_core.errors import Busy, MaskletError, TooLarge
from sam2_core.serving.worker import lower_priority
from ui.protocol import ErrorEvent, Event, JobName, ProgressEvent

P = ParamSpec("P")
T = TypeVar("T")
Send: TypeAlias = Callable[[Event], None]
"""Takes an event for whoever the work is done for; called on the event loop."""

MAX_TASKS = 1000  # of one session; an honest page never has that many unanswered
FILE_THREADS = 8
BACKGROUND_NICENESS = 10
_log = logging.getLogger(__name__)


class RateLimit:
    """Allows a mean number of events a second and, after a pause, two seconds' worth of them at once."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._left, self._counted_at = 2 * per_second, clock()

    def count(self) -> None:
        """Count one event; raises `Busy` where it is one too many."""
        now = self._clock()
        self._left = min(2 * self._per_second, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        if self._left < 1:
            raise Busy("That was too fast for the server. Wait a second and try again.")
        self._left -= 1


class JobQueue:
    """Places for long jobs, given in the order of asking. Belongs to one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: dict[asyncio.Future[None], Callable[[int], None]] = {}

    @contextmanager
    def place(self, on_position: Callable[[int], None]) -> Iterator[asyncio.Future[None]]:
        """Ask for a place, which is free again at the end of the block; the future is done when it is granted.

        `on_position` is called with the number of jobs that come before, whenever the queue changes.
        """
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[granted] = on_position
        self._advance()
        try:
            yield granted
        finally:
            if self._waiting.pop(granted, None) is None:
                self._free += 1
            self._advance()

    def _advance(self) -> None:
        while self._free and self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            self._free -= 1
            if not first.done():  # one that was cancelled gives its place back at the end of its block
                first.set_result(None)
        for position, on_position in enumerate(tuple(self._waiting.values())):
            on_position(position)


class Executors:
    """The threads of the server, shared by all sessions. Waiting for an engine takes none of them."""

    def __init__(self, max_jobs: int) -> None:
        cores = os.cpu_count() or 1
        self.queue, self.training_queue = JobQueue(max_jobs), JobQueue(1)
        self._long = ThreadPoolExecutor(max_jobs, thread_name_prefix="job")
        self._files = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="file")
        self._encoders = ThreadPoolExecutor(cores, thread_name_prefix="encoder")
        self._painters = ThreadPoolExecutor(max(1, cores // 2), thread_name_prefix="painter")
        self._background = ThreadPoolExecutor(
            1, thread_name_prefix="background", initializer=partial(lower_priority, BACKGROUND_NICENESS)
        )
        self._training = ThreadPoolExecutor(1, thread_name_prefix="training")

    async def read_file(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something short that waits for a disk."""
        return await _run(self._files, function, *args, **kwargs)

    async def encode(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that takes a core for a few milliseconds, such as encoding masks."""
        return await _run(self._encoders, function, *args, **kwargs)

    async def paint(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that takes a core for longer; never on more than half of them."""
        return await _run(self._painters, function, *args, **kwargs)

    async def run_in_background(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that is not urgent: one after the other, with low priority."""
        return await _run(self._background, function, *args, **kwargs)

    async def run_long(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something long; `Job.run` waits for a place first."""
        return await _run(self._long, function, *args, **kwargs)

    async def run_training(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what waits for a process that trains; take a place of `training_queue` first."""
        return await _run(self._training, function, *args, **kwargs)

    def close(self) -> None:
        """Let the threads go as soon as they are done."""
        for executor in self._all:
            executor.shutdown(wait=False, cancel_futures=True)

    def wait(self, seconds: float) -> bool:
        """Wait until the threads have gone; False where one still works after so many seconds."""
        waiting = threading.Thread(target=self._wait, daemon=True)
        waiting.start()
        waiting.join(seconds)
        return not waiting.is_alive()

    def _wait(self) -> None:
        for executor in self._all:
            executor.shutdown(wait=True)

    @property
    def _all(self) -> tuple[ThreadPoolExecutor, ...]:
        return (self._long, self._files, self._encoders, self._painters, self._background, self._training)


async def _run(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, partial(function, *args, **kwargs))


class JobCancelled(Exception):
    """The user cancelled the job."""


class Job:
    """One run of long work. `fields` go into all its progress events. Belongs to one event loop, but for `report`."""

    def __init__(self, name: JobName, send: Send, **fields: Any) -> None:
        self.name, self.fields = name, fields
        self._send = send
        self._is_cancelled = False
        self._waiting: asyncio.Future[Any] | None = None
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def cancel(self) -> None:
        """End the job where it waits, or else at its next report."""
        self._is_cancelled = True
        if self._waiting is not None:
            self._waiting.cancel()

    def report(self, fraction: float | None, message: str) -> None:
        """Report how far the work is; any thread may call. Raises `JobCancelled` to end it."""
        if self._is_cancelled:
            raise JobCancelled(self.name)
        event = ProgressEvent(job=self.name, fraction=fraction, message=message, **self.fields)
        if threading.get_ident() == self._thread:
            self._send(event)
        else:
            self._loop.call_soon_threadsafe(self._send, event)

    async def run(self, executors: Executors, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the work in a thread for long jobs, when a place is free. Raises `JobCancelled`."""

        def start() -> T:
            self.report(0.0, "Starting")
            return function(*args, **kwargs)

        try:
            async with self.place(executors.queue):
                return await executors.run_long(start)
        except Exception as error:
            if self._is_cancelled:  # nobody waits for the result, whatever went wrong
                raise JobCancelled(self.name) from error
            raise

    @asynccontextmanager
    async def place(self, queue: JobQueue) -> AsyncIterator[None]:
        """Wait for a place among the long jobs, and report how many come before. Raises `JobCancelled`."""
        with queue.place(self._report_position) as granted:
            await self.wait(granted)
            yield

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Wait for something; cancelling the job ends that at once and cancels it. Raises `JobCancelled`."""
        waiting = self._waiting = asyncio.ensure_future(awaitable)
        if self._is_cancelled:
            waiting.cancel()
        try:
            return await waiting
        except asyncio.CancelledError:
            if self._is_cancelled:
                raise JobCancelled(self.name) from None
            raise

    def _report_position(self, position: int) -> None:
        others = f"{position} {'comes' if position == 1 else 'come'} before you" if position else "you are next"
        if not self._is_cancelled:
            self.report(None, f"Waiting for a free place: {others}")


class BackgroundTasks:
    """What is being done for one session: its tasks, and the jobs among them, of each name the newest one.

    Errors of tasks are sent as events. Belongs to one event loop.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._jobs: dict[str, Job] = {}
        self._running: set[asyncio.Task[None]] = set()

    @property
    def has_jobs(self) -> bool:
        """Whether any job is under way."""
        return bool(self._jobs)

    def has(self, job: Job | str) -> bool:
        """Whether this job, or one of this name, is under way and was not cancelled."""
        return job in (self._jobs if isinstance(job, str) else self._jobs.values())

    def fields_of(self, name: JobName) -> Mapping[str, Any]:
        """The fields of the job of this name; empty where none is under way."""
        return self._jobs[name].fields if name in self._jobs else {}

    def admit(self) -> None:
        """Raise `Busy` where too many tasks are under way to start another one."""
        if len(self._running) >= MAX_TASKS:
            raise Busy("The server has not answered your last wishes yet. Wait a moment and try again.")

    def start(self, work: Awaitable[None], **subject: Any) -> asyncio.Task[None]:
        """Do something in the background; `subject` are fields of the event that says that it failed."""
        task = asyncio.create_task(self._run(work, subject))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def start_job(self, name: JobName, work: Callable[[Job], Awaitable[None]], **fields: Any) -> None:
        """Do a job in the background, in place of an earlier one of its name; `fields` are those of its progress."""
        job = self._begin(name, fields)

        async def listed() -> None:
            try:
                await work(job)
            finally:
                self._end(job)

        self.start(listed(), job=name, **({"run": fields["run"]} if "run" in fields else {}))

    @contextmanager
    def job(self, name: JobName, **fields: Any) -> Iterator[Job]:
        """List a job that the caller does itself; it can be cancelled as long as the block lasts."""
        job = self._begin(name, fields)
        try:
            yield job
        finally:
            self._end(job)

    def cancel(self, name: str) -> None:
        """Cancel the job of this name, if it is under way."""
        if name in self._jobs:
            self._jobs.pop(name).cancel()

    def report_error(self, text: str, **subject: Any) -> None:
        """Send an error."""
        self._send(ErrorEvent(text=text, **subject))

    @contextmanager
    def reporting_errors(self, **subject: Any) -> Iterator[None]:
        """Send whatever error ends the block; only those that Masklet raises on purpose are sent in their own words."""
        try:
            yield
        except JobCancelled:
            pass
        except MaskletError as error:
            self.report_error(str(error), **subject, **({"too_large": True} if isinstance(error, TooLarge) else {}))
        except Exception:
            _log.exception("A request failed")
            self.report_error("Something went wrong on the server. Try it again; your work is kept.", **subject)

    async def close(self) -> None:
        """Cancel everything and wait for its end."""
        for name in tuple(self._jobs):
            self.cancel(name)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, work: Awaitable[None], subject: dict[str, Any]) -> None:
        with self.reporting_errors(**subject):
            await work

    def _begin(self, name: JobName, fields: dict[str, Any]) -> Job:
        self.cancel(name)
        job = self._jobs[name] = Job(name, self._send, **fields)
        return job

    def _end(self, job: Job) -> None:
        if self.has(job):
            del self._jobs[job.name]
