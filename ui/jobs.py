"""Work beside the event loop: threads, long jobs with progress and cancelling, and background tasks of one session."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

from sam2_core.errors import Busy, MaskletError, QuotaExceeded, TooLarge, shortage
from sam2_core.processors import usable_cores
from sam2_core.serving.worker import lower_priority
from ui.protocol import ErrorEvent, Event, JobName, ProgressEvent

P = ParamSpec("P")
T = TypeVar("T")
Send: TypeAlias = Callable[[Event], None]
"""Takes an event for whoever the work is done for; called on the event loop."""

TURN_SECONDS = 2.0  # of a long job while others wait
MAX_TURNS = 1000  # that are remembered
MAX_TASKS = 1000  # of one session; an honest page never has that many unanswered
FILE_THREADS = 8
PAUSE_SECONDS = 1.0  # without a delay, after which a sender is not the same flood any more
BACKGROUND_NICENESS = 10
_log = logging.getLogger(__name__)


class RateLimit:
    """Allows a mean amount a second and, after a pause, `burst` at once (by default two seconds' worth)."""

    def __init__(
        self, per_second: float, clock: Callable[[], float] = time.monotonic, burst: float | None = None
    ) -> None:
        self._per_second, self._clock = per_second, clock
        self._burst = 2 * per_second if burst is None else burst
        self._left, self._counted_at = self._burst, clock()

    def count(self) -> None:
        """Count one event; raises `Busy` where it is one too many."""
        self._refill()
        if self._left < 1:
            raise Busy("That was too fast for the server. Wait a second and try again.")
        self._left -= 1

    def take(self, amount: float = 1.0) -> float:
        """Count an amount in any case; the seconds to wait until it is allowed."""
        self._refill()
        self._left -= amount
        return max(0.0, -self._left / self._per_second)

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now


class TooFast(Busy):
    """More came than can be slowed down: the connection should be closed."""


class Pacer:
    """Slows down a sender to a mean number of messages and bytes a second, and gives up on one that keeps flooding.

    Args:
        messages: of messages; two seconds' worth pass at once.
        size: of bytes.
        flood_seconds: for how long without a pause a sender may be slowed down.
    """

    def __init__(
        self,
        messages: RateLimit,
        size: RateLimit,
        flood_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._messages, self._size, self._flood_seconds = messages, size, flood_seconds
        self._clock, self._sleep = clock, sleep
        self._slow_since, self._delayed_at = -math.inf, -math.inf

    async def wait(self, size: int) -> None:
        """Wait until a message of this size may be taken; raises `TooFast`."""
        delay, now = max(self._messages.take(), self._size.take(size)), self._clock()
        if not delay:
            return
        if now - self._delayed_at > PAUSE_SECONDS:
            self._slow_since = now
        if max(delay, now - self._slow_since) > self._flood_seconds:
            raise TooFast("This page sends more than the server can take. Wait a minute, then reload it.")
        await self._sleep(delay)
        self._delayed_at = self._clock()


class Visitor(Protocol):
    """Whoever long work is done for."""

    @property
    def is_present(self) -> bool:
        """Whether they are there right now; those who are not come last."""
        ...


class Claim:
    """A place among the long jobs that is waited for, held, or given to others for a while. Belongs to one event loop,
    but for `is_turn_over`."""

    def __init__(self, queue: JobQueue, on_position: Callable[[int], None], visitor: Visitor | None) -> None:
        self.on_position, self.visitor = on_position, visitor
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.granted_at: float | None = None  # at first
        self.turn_began = 0.0
        self._queue = queue
        self._is_over = False

    @property
    def is_turn_over(self) -> bool:
        """Whether others wait, and it was held for long enough. Any thread may ask."""
        return self._queue.is_wanted and self._queue.clock() - self.turn_began > TURN_SECONDS

    async def give_turn(self) -> None:
        """Let those go first whose turn it is, and wait for a place again."""
        if self._is_over:
            raise asyncio.CancelledError
        self.granted = asyncio.get_running_loop().create_future()
        self._queue.put_back(self)
        await self.granted

    def cancel(self) -> None:
        """Wait no longer, now and later."""
        self._is_over = True
        self.granted.cancel()


class JobQueue:
    """Places for long jobs. Belongs to one event loop.

    What has not begun yet comes first, as most of it is short; visitors take turns, those who are there before those
    who are gone, and who has had no turn for longest is next. A job that goes on for long gives its place up from time
    to time (`Claim.give_turn`) while others wait. At most `max_begun` jobs are under way, held up or not.
    """

    def __init__(self, places: int, max_begun: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._free, self.clock = places, places, clock
        self._left_to_begin = 8 * places if max_begun is None else max_begun
        self._waiting: list[Claim] = []  # in the order of asking
        self._turns: dict[Visitor | None, int] = {}  # number of the last turn of each, the newest at the end
        self._numbers = itertools.count(1)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for a place. Any thread may ask."""
        return bool(self._waiting)

    @property
    def waiting(self) -> int:
        """How many wait for a place, or to have theirs back."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many places are taken."""
        return self._places - self._free

    @contextmanager
    def place(self, on_position: Callable[[int], None], visitor: Visitor | None = None) -> Iterator[Claim]:
        """Ask for a place, which is free again at the end of the block; the claim's future is done when it is granted.

        `on_position` is called with the number of jobs that come before, whenever the queue changes.
        """
        claim = Claim(self, on_position, visitor)
        self._waiting.append(claim)
        self._advance()
        try:
            yield claim
        finally:
            claim.cancel()
            if claim in self._waiting:
                self._waiting.remove(claim)
            else:
                self._free += 1
            self._left_to_begin += claim.granted_at is not None
            self._advance()

    def put_back(self, claim: Claim) -> None:
        """Take back the place that is held, and let the claim wait for another one."""
        self._free += 1
        self._waiting.append(claim)
        self._advance()

    def _advance(self) -> None:
        while self._free and (ranked := self._ranked()):
            self._grant(ranked[0])
        for position, claim in enumerate(self._ranked(only_possible=False)):
            if claim.granted_at is None:
                claim.on_position(position)

    def _ranked(self, only_possible: bool = True) -> list[Claim]:
        return sorted(
            (each for each in self._waiting if self._left_to_begin or each.granted_at is not None or not only_possible),
            key=self._rank,
        )

    def _rank(self, claim: Claim) -> tuple[bool, bool, int]:
        is_gone = claim.visitor is not None and not claim.visitor.is_present
        return is_gone, claim.granted_at is not None, self._turns.get(claim.visitor, 0)

    def _grant(self, claim: Claim) -> None:
        self._waiting.remove(claim)
        self._free -= 1
        self._turns[claim.visitor] = next(self._numbers)
        while len(self._turns) > MAX_TURNS:
            self._turns.pop(min(self._turns, key=self._turns.__getitem__))
        claim.turn_began = self.clock()
        if claim.granted_at is None:
            claim.granted_at = claim.turn_began
            self._left_to_begin -= 1
        if not claim.granted.done():  # one that was cancelled gives its place back at the end of its block
            claim.granted.set_result(None)


class Executors:
    """The threads of the server, shared by all sessions. Waiting for an engine takes none of them."""

    def __init__(self, max_jobs: int, max_job_seconds: float = 3600.0) -> None:
        cores = usable_cores()
        self.queue, self.training_queue = JobQueue(max_jobs), JobQueue(1)
        self.max_job_seconds = max_job_seconds
        self._long: set[threading.Thread] = set()
        self._files = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="file")
        self._encoders = ThreadPoolExecutor(cores, thread_name_prefix="encoder")
        self._painters = ThreadPoolExecutor(max(1, cores // 2), thread_name_prefix="painter")
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._decoders = ThreadPoolExecutor(max_jobs, thread_name_prefix="decoder")
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

    async def read_message(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read a long message: one after the other, whoever sent them."""
        return await _run(self._readers, function, *args, **kwargs)

    async def read_picture(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read a picture of a visitor, which may take much memory: as many at a time as there may be long jobs."""
        return await _run(self._decoders, function, *args, **kwargs)

    async def paint(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that takes a core for longer; never on more than half of them."""
        return await _run(self._painters, function, *args, **kwargs)

    async def run_in_background(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that is not urgent: one after the other, with low priority."""
        return await _run(self._background, function, *args, **kwargs)

    async def run_long(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something long in a thread of its own; `Job.run` waits for a place first."""
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)
            self._long.discard(threading.current_thread())

        thread = threading.Thread(target=work, name="job", daemon=True)  # whatever hangs in it, the server can end
        self._long.add(thread)
        thread.start()
        return await asyncio.wrap_future(future)

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
        for thread in tuple(self._long):
            thread.join()

    @property
    def _all(self) -> tuple[ThreadPoolExecutor, ...]:
        return (
            self._files,
            self._encoders,
            self._readers,
            self._decoders,
            self._painters,
            self._background,
            self._training,
        )


async def _run(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, partial(function, *args, **kwargs))


class ThreadWork:
    """Work in a thread, whose end can be waited for after it was given up."""

    def __init__(self) -> None:
        self._has_ended = threading.Event()
        self._has_ended.set()

    def run(self, work: Callable[[], T]) -> T:
        """Do the work, in its thread."""
        self._has_ended.clear()
        try:
            return work()
        finally:
            self._has_ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it does not run; False where it does after so many seconds. Blocks."""
        return self._has_ended.wait(seconds)


class JobCancelled(Exception):
    """The user cancelled the job."""


class Job:
    """One run of long work. `fields` go into all its progress events. Belongs to one event loop, but for `report`."""

    def __init__(self, name: JobName, send: Send, visitor: Visitor | None = None, **fields: Any) -> None:
        self.name, self.fields = name, fields
        self._send, self._visitor = send, visitor
        self._claim: Claim | None = None
        self._turn = threading.Lock()  # held while the claim is given up
        self._is_cancelled = False
        self._waiting: asyncio.Future[Any] | None = None
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def cancel(self) -> None:
        """End the job where it waits, or else at its next report."""
        self._is_cancelled = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._claim is not None:
            self._claim.cancel()

    def report(self, fraction: float | None, message: str) -> None:
        """Report how far the work is; any thread may call. Raises `JobCancelled` to end it.

        In a thread for long jobs others may have their turn meanwhile.
        """
        if self._is_cancelled:
            raise JobCancelled(self.name)
        if threading.get_ident() != self._thread and self._claim is not None and self._claim.is_turn_over:
            self._give_turn(self._claim)
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
            async with self.place(executors.queue) as self._claim:
                return await asyncio.wait_for(executors.run_long(start), executors.max_job_seconds)
        except (asyncio.TimeoutError, TimeoutError) as error:
            self._is_cancelled = True  # the thread ends at its next report, if it ever comes to that
            minutes = executors.max_job_seconds / 60
            raise Busy(f"This took more than {minutes:.0f} minutes and was given up. Try a smaller part.") from error
        except asyncio.CancelledError:
            self._is_cancelled = True
            raise
        except Exception as error:
            if self._is_cancelled:  # nobody waits for the result, whatever went wrong
                raise JobCancelled(self.name) from error
            raise
        finally:
            self._claim = None

    @asynccontextmanager
    async def place(self, queue: JobQueue) -> AsyncIterator[Claim]:
        """Wait for a place among the long jobs, and report how many come before. Raises `JobCancelled`."""
        with queue.place(self._report_position, self._visitor) as claim:
            await self.wait(claim.granted)
            yield claim

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

    def _give_turn(self, claim: Claim) -> None:
        """Hold the work up, in whichever of its threads, until it has a place again."""
        with self._turn:
            if not claim.is_turn_over:
                return  # another thread of the work has done so
            try:
                asyncio.run_coroutine_threadsafe(claim.give_turn(), self._loop).result()
            except CancelledError:
                raise JobCancelled(self.name) from None

    def _report_position(self, position: int) -> None:
        others = f"{position} {'comes' if position == 1 else 'come'} before you" if position else "you are next"
        if not self._is_cancelled:
            self.report(None, f"Waiting for a free place: {others}")


class BackgroundTasks:
    """What is being done for one session: its tasks, and the jobs among them, of each name the newest one.

    Errors of tasks are sent as events. Belongs to one event loop.
    """

    def __init__(
        self,
        send: Send,
        visitor: Visitor | None = None,
        on_error: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        """`on_error` is told of each error that is sent."""
        self._send, self._visitor, self._on_error = send, visitor, on_error
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
            self._on_error(error)
            self.report_error(str(error), **subject, **_marks(error))
        except Exception as error:
            busy = shortage(error)
            self._on_error(busy or error)
            if busy is None:
                _log.exception("A request failed")
            text = "Something went wrong on the server. Try it again; your work is kept." if busy is None else str(busy)
            self.report_error(text, **subject)

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
        job = self._jobs[name] = Job(name, self._send, self._visitor, **fields)
        return job

    def _end(self, job: Job) -> None:
        if self.has(job):
            del self._jobs[job.name]


def _marks(error: MaskletError) -> dict[str, bool]:
    """What the page can offer to do about an error."""
    marks = {"too_large": TooLarge, "quota": QuotaExceeded}
    return {name: True for name, kind in marks.items() if isinstance(error, kind)}
