"""One thread that runs the calls of many sessions, and knows how long each still has to wait.

A watched thread is given up where a call hangs: nobody is left waiting, and whoever owns it starts another one.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heapify
from typing import Any, TypeVar

from sam2_core.errors import Busy, SessionGone
from sam2_core.serving.commands import Priority

T = TypeVar("T")
_STOP = -1  # comes before every priority
_NEWEST_WEIGHT = 0.2  # of the newest call in the running average of its priority
END_SECONDS = 3.0  # that the call under way in a watched thread has when it is to end
_CHECKS = 8  # of a watched thread within the time that it may stand still
_SHUTTING_DOWN = "The server is shutting down."
_log = logging.getLogger(__name__)


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
        max_seconds: For how long a call may stand still (see `beat`) before the thread is given up; None: for ever.
        on_lost: Called once where the thread is given up or dies, before anybody who waits is told.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Callable[[], Any]], Any],
        at_end: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        max_seconds: float | None = None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._run, self._at_end, self._clock = run, at_end, clock
        self._max_seconds, self._on_lost = max_seconds, on_lost
        self._calls: queue.PriorityQueue[_Call] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._running: list[_Call] = []  # each within the one before; whoever takes one out answers it
        self._moved_at = clock()
        self._gives_way = False  # while it does
        self._mean_seconds: dict[int, float] = {}  # priority -> of a call
        self._closed = self._lost = False
        self._gate = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        if max_seconds is not None:
            threading.Thread(target=self._watch, name=f"{name}-watchdog", daemon=True).start()

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
                future.set_exception(self._gone())
            else:
                self._put(priority, session, run, future, frames)
        return future

    def give_way(self) -> str:
        """Run the calls that are more urgent than the one under way, which calls this between two steps of its work.

        Those of the same session wait: its calls run one after the other. Only what is done ahead, and so changes
        nothing of its session, lets those go first that need none of the same frames. Does nothing within another
        `give_way`. Returns the session that gave way, or "".
        """
        paused = self._current
        if paused is None or self._gives_way or threading.get_ident() != self._thread.ident:
            return ""
        self._gives_way, start = True, self._clock()
        try:
            while (call := self._next_before(paused)) is not None:
                self._run_call(call)
        finally:
            self._gives_way = False
            paused.started += self._clock() - start
        return paused.session

    @property
    def under_way(self) -> frozenset[str]:
        """The sessions of the calls that have begun: one, and another where that gives way."""
        return frozenset(call.session for call in self._running)

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._calls.qsize()

    def beat(self) -> None:
        """The call under way has come one step further; see `max_seconds`."""
        self._moved_at = self._clock()

    def check(self) -> None:
        """Give the thread up if the call under way stands still; the watching thread calls this from time to time."""
        if self._max_seconds is None or self._current is None:
            return
        if self._clock() - self._moved_at > self._max_seconds:
            _log.error("The thread %s stands still and is given up", self._thread.name)
            text = f"The model did not answer for {self._max_seconds:.0f} seconds and was started again."
            self._lose(Busy(f"{text} Your work is kept. Try it again, or something smaller."))

    def queue_position(self, session: str) -> tuple[int, float]:
        """How many other sessions come before this one's next call, and about how many seconds until that is done.

        (0, 0.0) where nothing of this session waits.
        """
        with self._calls.mutex:
            calls = sorted(self._calls.queue)
        current = self._current
        first = next((call for call in calls if call.session == session), None)
        if first and current and current.session != session and first.priority < current.priority:
            current = None  # it gives way
        calls = calls if current is None else [current, *calls]
        places = [place for place, call in enumerate(calls) if call.session == session]
        if not places:
            return 0, 0.0
        ahead = calls[: places[0] + 1]
        passed = 0.0 if current is None else self._clock() - current.started
        usual = self._mean_seconds.get(ahead[0].priority, 0.0)
        seconds = max(0.0, usual - passed) + sum(self._mean_seconds.get(call.priority, 0.0) for call in ahead[1:])
        return len({call.session for call in ahead} - {session}), seconds

    def end(self) -> None:
        """Stop after the call that is under way; calls that still wait fail with `SessionGone`.

        A watched thread that does not stop soon is given up.
        """
        with self._gate:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._put(_STOP, "", lambda: None, Future())
            self._thread.join(None if self._max_seconds is None else END_SECONDS)
            if self._thread.is_alive():
                self._lose(self._gone())

    @property
    def _current(self) -> _Call | None:
        running = self._running
        return running[-1] if running else None

    def _gone(self) -> SessionGone:
        return SessionGone() if self._lost else SessionGone(_SHUTTING_DOWN)

    def _put(
        self, priority: int, session: str, run: Callable[[], T], future: Future[T], frames: range = range(0)
    ) -> None:
        number = next(self._numbers)
        # Calls that belong to no session yet come from different users.
        self._calls.put(_Call(priority, number, session or f"#{number}", run, future, frames))

    def _next_before(self, paused: _Call) -> _Call | None:
        """Take the most urgent call out of the queue that may run before the rest of `paused`."""

        def may_run(call: _Call) -> bool:
            needs_same = paused.priority < Priority.AHEAD or any(frame in paused.frames for frame in call.frames)
            return call.priority < paused.priority and not (call.session == paused.session and needs_same)

        with self._calls.mutex:
            waiting = self._calls.queue
            if not waiting or waiting[0].priority == _STOP:
                return None
            call = min(filter(may_run, waiting), default=None)
            if call is not None:
                waiting.remove(call)
                heapify(waiting)
            return call

    def _work(self) -> None:
        try:
            while not self._lost and (call := self._calls.get()).priority != _STOP:
                self._run_call(call)
                del call  # with its result; the next call may be long in coming
        except BaseException:  # SystemExit, a panic of a library in another language: nothing here can be trusted now
            _log.exception("The thread %s has died", self._thread.name)
            self._lose(Busy("The model failed and was started again. Your work is kept. Try it once more."))
        self._at_end()
        self._fail_waiting()
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait((self._max_seconds or 0.0) / _CHECKS):
            self.check()

    def _run_call(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        with self._gate:
            is_lost = self._lost
            if not is_lost:
                call.started = self._moved_at = self._clock()
                self._running.append(call)
        if is_lost:
            call.future.set_exception(self._gone())
            return
        try:
            result = self._run(call.run)
        except Exception as error:  # the caller gets whatever it is; the worker goes on
            if self._finish(call):
                call.future.set_exception(error)
        else:
            if self._finish(call):
                call.future.set_result(result)

    def _finish(self, call: _Call) -> bool:
        """Whether the caller still waits for an answer: where this thread was given up, it has one."""
        with self._gate:
            if call not in self._running:
                return False
            self._running.remove(call)
        self._moved_at = self._clock()
        seconds = self._moved_at - call.started
        mean = self._mean_seconds.get(call.priority, seconds)
        self._mean_seconds[call.priority] = mean + _NEWEST_WEIGHT * (seconds - mean)
        return True

    def _lose(self, error: Exception) -> None:
        """Give the thread up: the call under way fails with `error`, all others with `SessionGone`."""
        with self._gate:
            if self._lost:
                return
            self._lost, is_ending = True, self._closed
            running, self._running = self._running, []
        self._over.set()
        if not is_ending:
            self._on_lost()
        with self._gate:  # from now on calls fail at once: whoever makes them must find the next worker already
            self._closed = True
        for call in running:
            call.future.set_exception(error if call is running[-1] else self._gone())
        self._fail_waiting()
        self._put(_STOP, "", lambda: None, Future())  # for a thread that is alive after all

    def _fail_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                waiting = self._calls.get_nowait().future
                if waiting.set_running_or_notify_cancel():
                    waiting.set_exception(self._gone())
