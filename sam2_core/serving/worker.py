"""One thread that runs the calls of many sessions, and knows how long each still has to wait."""

from __future__ import annotations

import itertools
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sam2_core.errors import SessionGone
from sam2_core.serving.commands import Priority

T = TypeVar("T")
_STOP = -1  # comes before every priority
_NEWEST_WEIGHT = 0.2  # of the newest call in the running average of its priority


def lower_priority(niceness: int) -> None:
    """Let this thread, and those that it starts, get the processor after others (`niceness` 1 to 19)."""
    if sys.platform == "linux":  # elsewhere this would slow down the whole process, not only this thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


@dataclass(order=True, slots=True)
class _Call:
    priority: int
    number: int
    session: str = field(compare=False)
    run: Callable[[], Any] = field(compare=False)
    future: Future[Any] = field(compare=False)
    frames: range = field(compare=False)
    started: float = field(default=0.0, compare=False)


class Worker:
    """Runs calls one after the other, the most urgent first.

    Args:
        name: Of the thread.
        run: Runs one call, on the thread.
        at_end: Runs last, on the thread.
        clock: Seconds.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Callable[[], Any]], Any],
        at_end: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._at_end, self._clock = run, at_end, clock
        self._calls: queue.PriorityQueue[_Call] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._current: _Call | None = None
        self._gives_way = False  # while it does
        self._mean_seconds: dict[int, float] = {}  # priority -> of a call
        self._closed = False
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        priority: Priority,
        session: str,
        run: Callable[[], T],
        future: Future[T] | None = None,
        frames: range = range(0),
    ) -> Future[T]:
        """Join the queue; after the end the future (a new one, or the one given) raises `SessionGone`.

        `frames` are those of the session that the call encodes; see `give_way`.
        """
        future = Future() if future is None else future
        with self._gate:  # nobody may join the queue after the worker has left
            if self._closed:
                future.set_exception(SessionGone("The server is shutting down."))
            else:
                self._put(priority, session, run, future, frames)
        return future

    def give_way(self) -> None:
        """Run the calls that are more urgent than the one under way, which calls this between two steps of its work.

        It ends at a call of the same session that needs one of the same frames: that one waits for them. Does nothing
        within another `give_way`.
        """
        paused = self._current
        if paused is None or self._gives_way:
            return
        self._gives_way = True
        try:
            while (call := self._next_before(paused)) is not None:
                self._run_call(call)
        finally:
            self._gives_way, self._current = False, paused

    def queue_position(self, session: str) -> tuple[int, float]:
        """How many other sessions come before this one's next call, and about how many seconds until that is done.

        (0, 0.0) where nothing of this session waits.
        """
        with self._calls.mutex:
            calls = sorted(self._calls.queue)
        current = self._current
        if current is not None and current.priority == Priority.AHEAD and current.session != session:
            current = None  # it gives way
        calls = calls if current is None else [current, *calls]
        places = [place for place, call in enumerate(calls) if call.session == session]
        if not places:
            return 0, 0.0
        ahead = calls[: places[0] + 1]
        passed = 0.0 if current is None else self._clock() - current.started
        first = self._mean_seconds.get(ahead[0].priority, 0.0)
        seconds = max(0.0, first - passed) + sum(self._mean_seconds.get(call.priority, 0.0) for call in ahead[1:])
        return len({call.session for call in ahead} - {session}), seconds

    def end(self) -> None:
        """Stop after the call that is under way; calls that still wait fail with `SessionGone`."""
        with self._gate:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._put(_STOP, "", lambda: None, Future())
            self._thread.join()

    def _put(
        self, priority: int, session: str, run: Callable[[], T], future: Future[T], frames: range = range(0)
    ) -> None:
        number = next(self._numbers)
        # Calls that belong to no session yet come from different users.
        self._calls.put(_Call(priority, number, session or f"#{number}", run, future, frames))

    def _next_before(self, paused: _Call) -> _Call | None:
        """Take the next call out of the queue if it may run before the rest of `paused`."""
        with self._calls.mutex:  # only this thread takes calls out
            if not self._calls.queue:
                return None
            call = self._calls.queue[0]
            needs_same = call.session == paused.session and any(frame in paused.frames for frame in call.frames)
            if call.priority == _STOP or call.priority >= paused.priority or needs_same:
                return None
        return self._calls.get()

    def _work(self) -> None:
        while (call := self._calls.get()).priority != _STOP:
            self._run_call(call)
            del call  # with its result; the next call may be long in coming
        self._at_end()
        while not self._calls.empty():
            waiting = self._calls.get().future
            if waiting.set_running_or_notify_cancel():
                waiting.set_exception(SessionGone("The server is shutting down."))

    def _run_call(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        call.started = self._clock()
        self._current = call
        try:
            result = self._run(call.run)
        except Exception as error:  # the caller gets whatever it is; the worker goes on
            self._finish(call)
            call.future.set_exception(error)
        else:
            self._finish(call)
            call.future.set_result(result)

    def _finish(self, call: _Call) -> None:
        seconds = self._clock() - call.started
        mean = self._mean_seconds.get(call.priority, seconds)
        self._mean_seconds[call.priority] = mean + _NEWEST_WEIGHT * (seconds - mean)
        self._current = None
