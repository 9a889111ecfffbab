"""One thread that works off the calls of many sessions, and knows how long each still has to wait."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from sam2_core.errors import SessionGone

T = TypeVar("T")
_NEWEST_COUNTS = 0.2  # weight of the newest call in the running average of its kind


class Priority(IntEnum):
    """Lower goes first."""

    STOP = 0
    CLICK = 1
    LOOK = 2
    HOVER = 3
    TRACK = 4


@dataclass(order=True, slots=True)
class _Job:
    priority: Priority
    number: int
    session: str = field(compare=False)
    run: Callable[[], Any] = field(compare=False)
    done: Future[Any] = field(compare=False)
    begun: float = field(default=0.0, compare=False)


class Worker:
    """Runs calls one after the other. `ended` is its last deed, on its own thread."""

    def __init__(
        self,
        name: str,
        run: Callable[[Callable[[], Any]], Any],
        ended: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._ended, self._clock = run, ended, clock
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._current: _Job | None = None
        self._pace: dict[Priority, float] = {}  # seconds that a call of this kind takes
        self._closed = False
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def call(self, priority: Priority, session: str, run: Callable[[], T]) -> T:
        """The result of `run`, once it is this call's turn; raises `SessionGone` after the end."""
        return self.submit(priority, session, run).result()

    def submit(self, priority: Priority, session: str, run: Callable[[], T]) -> Future[T]:
        """Join the queue; raises `SessionGone` after the end."""
        with self._gate:  # nobody may join the queue after the worker has left
            if self._closed:
                raise SessionGone("The server is shutting down.")
            return self._put(priority, session, run)

    def wait_of(self, session: str) -> tuple[int, float]:
        """How many other sessions come before this one's next call, and seconds until that is done, about.

        (0, 0.0) where nothing of this session waits.
        """
        with self._jobs.mutex:
            jobs = sorted(self._jobs.queue)
        current = self._current
        jobs = jobs if current is None else [current, *jobs]
        places = [place for place, job in enumerate(jobs) if job.session == session]
        if not places:
            return 0, 0.0
        ours = jobs[: places[0] + 1]
        passed = 0.0 if current is None else self._clock() - current.begun
        first = self._pace.get(ours[0].priority, 0.0)
        seconds = max(0.0, first - passed) + sum(self._pace.get(job.priority, 0.0) for job in ours[1:])
        return len({job.session for job in ours} - {session}), seconds

    def end(self) -> None:
        """Stop after the call that is under way; calls that still wait fail with `SessionGone`."""
        with self._gate:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._put(Priority.STOP, "", lambda: None)
            self._thread.join()

    def _put(self, priority: Priority, session: str, run: Callable[[], T]) -> Future[T]:
        done: Future[T] = Future()
        number = next(self._numbers)
        # Calls that belong to no session yet come from different visitors.
        self._jobs.put(_Job(priority, number, session or f"#{number}", run, done))
        return done

    def _work(self) -> None:
        while (job := self._jobs.get()).priority != Priority.STOP:
            job.begun = self._clock()
            self._current = job
            try:
                result = self._run(job.run)
            except Exception as error:  # the caller gets whatever it is; the worker goes on
                self._leave(job)
                job.done.set_exception(error)
            else:
                self._leave(job)
                job.done.set_result(result)
            del job  # with its result; the next call may be long in coming
        self._ended()
        while not self._jobs.empty():
            self._jobs.get().done.set_exception(SessionGone("The server is shutting down."))

    def _leave(self, job: _Job) -> None:
        took = self._clock() - job.begun
        before = self._pace.get(job.priority, took)
        self._pace[job.priority] = before + _NEWEST_COUNTS * (took - before)
        self._current = None
