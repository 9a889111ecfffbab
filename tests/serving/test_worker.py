"""Who comes first, and how long the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from sam2_core.serving.commands import Priority
from sam2_core.serving.worker import Worker

DEADLINE = 10.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> Iterator[Worker]:
    worker = Worker("worker", lambda run: run(), lambda: None, clock)
    yield worker
    worker.end()


def block(worker: Worker, priority: Priority, session: str) -> tuple[Future[None], Callable[[], None]]:
    """Keep the worker busy with a call of `session` until the returned function is called."""
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert go_on.wait(DEADLINE)

    done = worker.submit(priority, session, wait)
    assert started.wait(DEADLINE)
    return done, go_on.set


def test_clicks_overtake_tracking(worker: Worker) -> None:
    order: list[str] = []
    blocked, go_on = block(worker, Priority.TRACK, "x")
    jobs: list[Future[None]] = [
        worker.submit(priority, "x", lambda name=name: order.append(name))
        for name, priority in (
            ("track 1", Priority.TRACK),
            ("preview", Priority.PREVIEW),
            ("read", Priority.READ),
            ("track 2", Priority.TRACK),
            ("click 1", Priority.CLICK),
            ("click 2", Priority.CLICK),
        )
    ]
    go_on()
    for job in (blocked, *jobs):
        job.result(timeout=DEADLINE)
    assert order == ["click 1", "click 2", "read", "preview", "track 1", "track 2"]


def test_others_that_come_before_are_counted_once_each(worker: Worker) -> None:
    assert worker.queue_position("a") == (0, 0.0)
    _, go_on = block(worker, Priority.TRACK, "a")
    for priority, session in (
        (Priority.TRACK, "b"),
        (Priority.TRACK, "b"),
        (Priority.TRACK, "c"),
        (Priority.CLICK, "d"),
        (Priority.CLICK, ""),
    ):
        worker.submit(priority, session, lambda: None)
    counts = {session: worker.queue_position(session)[0] for session in "abcde"}
    go_on()
    # a is being worked on, and gives way to d's click; b waits for a, d and for one who opens something.
    assert counts == {"a": 0, "d": 0, "b": 3, "c": 4, "e": 0}


def test_the_wait_follows_from_how_long_such_calls_took(worker: Worker, clock: Clock) -> None:
    def take(seconds: float) -> None:
        clock.now += seconds

    worker.submit(Priority.CLICK, "a", lambda: take(1.0)).result(DEADLINE)
    worker.submit(Priority.TRACK, "a", lambda: take(2.0)).result(DEADLINE)
    worker.submit(Priority.TRACK, "a", lambda: take(4.0)).result(DEADLINE)  # a fifth of the way from 2 to 4
    _, go_on = block(worker, Priority.TRACK, "a")
    worker.submit(Priority.TRACK, "b", lambda: None)
    worker.submit(Priority.CLICK, "c", lambda: None)
    clock.now += 0.4
    waits = [worker.queue_position(session)[1] for session in "abc"]
    clock.now += 10
    late = worker.queue_position("c")[1]
    go_on()
    assert waits == pytest.approx([2.0, 2.0 + 1.0 + 2.4, 1.0])
    assert late == pytest.approx(1.0), "a call that takes longer than usual may end at any moment"


@pytest.mark.parametrize("waits_for_the_same", [False, True])
def test_what_is_done_ahead_gives_way_between_two_steps(worker: Worker, waits_for_the_same: bool) -> None:
    """All that is more urgent runs within it, but for calls of its own session that need what is being made."""
    order: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def work_ahead() -> None:
        started.set()
        assert go_on.wait(DEADLINE)
        worker.give_way()
        order.append("ahead")

    jobs: list[Future[None]] = [worker.submit(Priority.AHEAD, "a", work_ahead, frames=range(3, 4))]
    assert started.wait(DEADLINE)
    assert worker.queue_position("b") == (0, 0.0)
    for name, priority, session, frames in (
        ("track", Priority.TRACK, "b", range(3, 5)),
        ("click", Priority.CLICK, "b", range(3, 4)),
        ("own", Priority.PREVIEW, "a", range(3, 4) if waits_for_the_same else range(5, 6)),
        ("ahead of b", Priority.AHEAD, "b", range(3, 4)),
    ):
        jobs.append(worker.submit(priority, session, lambda name=name: order.append(name), frames=frames))
    assert worker.queue_position("b")[0] == 0  # others do not count what gives way
    go_on.set()
    for job in jobs:
        job.result(timeout=DEADLINE)
    within, after = (["click", "track"], ["own"]) if waits_for_the_same else (["click", "own", "track"], [])
    assert order == [*within, "ahead", *after, "ahead of b"]


def test_tracking_gives_way_to_others_and_is_not_charged_for_it(worker: Worker, clock: Clock) -> None:
    order: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def take(name: str, seconds: float) -> None:
        clock.now += seconds
        order.append(name)

    def track() -> None:
        started.set()
        assert go_on.wait(DEADLINE)
        assert worker.give_way() == "a"
        take("track", 2.0)

    jobs = [worker.submit(Priority.TRACK, "a", track)]
    assert started.wait(DEADLINE)
    for name, priority, session in (
        ("own click", Priority.CLICK, "a"),
        ("click", Priority.CLICK, "b"),
        ("other track", Priority.TRACK, "b"),
    ):
        jobs.append(worker.submit(priority, session, lambda name=name: take(name, 5.0)))
    go_on.set()
    for job in jobs:
        job.result(timeout=DEADLINE)
    assert order == ["click", "track", "own click", "other track"]
    _, release = block(worker, Priority.TRACK, "c")
    wait = worker.queue_position("c")[1]
    release()
    assert wait == pytest.approx(2.0 + 0.2 * (5.0 - 2.0)), "the running average of 2 and 5 seconds, not of 7 and 5"


def test_what_runs_within_another_call_does_not_give_way_itself(worker: Worker) -> None:
    order: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def work_ahead() -> None:
        started.set()
        assert go_on.wait(DEADLINE)
        worker.give_way()
        order.append("ahead")

    def track() -> None:
        worker.submit(Priority.CLICK, "c", lambda: order.append("click"))
        worker.give_way()
        order.append("track")

    ahead = worker.submit(Priority.AHEAD, "a", work_ahead)
    assert started.wait(DEADLINE)
    worker.submit(Priority.TRACK, "b", track)
    go_on.set()
    ahead.result(timeout=DEADLINE)
    assert order == ["track", "click", "ahead"]
