from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from sam2_core.errors import Busy, MediaError
from ui.jobs import (
    MAX_TASKS,
    BackgroundTasks,
    Claim,
    Executors,
    Job,
    JobCancelled,
    JobQueue,
    Pacer,
    RateLimit,
    TooFast,
)
from ui.protocol import ErrorEvent, Event, ProgressEvent

DEADLINE = 10.0  # seconds


def run(scene: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene, 6 * DEADLINE))


def nobody(event: Event) -> None:
    pass


# --- rate -------------------------------------------------------------------------------------------------------------


def test_bursts_pass_and_floods_do_not() -> None:
    now = [0.0]
    rate = RateLimit(10, lambda: now[0])
    for _ in range(20):
        rate.count()
    with pytest.raises(Busy, match="too fast"):
        rate.count()
    now[0] += 0.5
    for _ in range(5):
        rate.count()
    with pytest.raises(Busy):
        rate.count()
    now[0] += 1000
    for _ in range(20):
        rate.count()
    with pytest.raises(Busy):
        rate.count()


def paced(messages: float = 10, size: float = 1000, flood_seconds: float = 3) -> tuple[Pacer, list[float], list[float]]:
    """A pacer, its clock, which sleeping moves, and how long it slept."""
    now, slept = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    def clock() -> float:
        return now[0]

    limits = RateLimit(messages, clock), RateLimit(size, clock)
    return Pacer(*limits, flood_seconds, clock, sleep), now, slept


def test_a_sender_is_slowed_down_to_the_pace() -> None:
    async def scene() -> None:
        pacer, now, slept = paced()
        for _ in range(20):
            await pacer.wait(1)
        assert slept == []
        for _ in range(20):
            await pacer.wait(1)
        assert now[0] == pytest.approx(2.0)
        assert len(slept) == 20

    run(scene())


def test_bytes_count_as_well_as_messages() -> None:
    async def scene() -> None:
        pacer, now, _ = paced()
        await pacer.wait(2000)
        await pacer.wait(1500)
        assert now[0] == pytest.approx(1.5)

    run(scene())


def test_a_flood_ends_after_a_while_and_one_that_cannot_be_slowed_at_once() -> None:
    async def scene() -> None:
        pacer, now, _ = paced()
        with pytest.raises(TooFast, match="more than the server can take"):
            for _ in range(1000):
                await pacer.wait(1)
        assert 3 < now[0] < 3.5
        with pytest.raises(TooFast):
            await pacer.wait(1)
        now[0] += 10
        await pacer.wait(1)
        pacer, now, slept = paced()
        with pytest.raises(TooFast):
            await pacer.wait(10_000)
        assert slept == []

    run(scene())


def test_a_loop_that_wakes_late_does_not_let_a_flood_go_on() -> None:
    async def scene() -> None:
        now = [0.0]

        async def late(seconds: float) -> None:
            now[0] += seconds + 0.5

        limits = RateLimit(10, lambda: now[0]), RateLimit(1000, lambda: now[0])
        pacer = Pacer(*limits, 3, lambda: now[0], late)
        with pytest.raises(TooFast):
            for _ in range(1000):
                await pacer.wait(1)

    run(scene())


def test_whoever_pauses_is_no_flood() -> None:
    async def scene() -> None:
        pacer, now, _ = paced()
        for _ in range(20):
            for _ in range(30):
                await pacer.wait(1)
            now[0] += 2
        assert now[0] > 30

    run(scene())


# --- queue ------------------------------------------------------------------------------------------------------------


class Customer:
    """Somebody who wants a place, and the positions in the queue that they were told."""

    def __init__(self, queue: JobQueue, visitor: Somebody | None = None) -> None:
        self.positions: list[int] = []
        self.has_place, self.leave = False, asyncio.Event()
        self.claim: Claim | None = None
        self.task = asyncio.ensure_future(self._work(queue, visitor))

    async def _work(self, queue: JobQueue, visitor: Somebody | None) -> None:
        with queue.place(self.positions.append, visitor) as self.claim:
            await self.claim.granted
            self.has_place = True
            await self.leave.wait()

    async def let_others_go_first(self) -> None:
        assert self.claim is not None
        self.has_place = False
        await self.claim.give_turn()
        self.has_place = True


class Somebody:
    """A visitor."""

    def __init__(self, is_present: bool = True) -> None:
        self.is_present = is_present


def play(scene: Callable[[JobQueue], Awaitable[None]], places: int = 1) -> None:
    async def play() -> None:
        await scene(JobQueue(places))

    run(play())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_as_many_as_there_are_places_get_one_and_the_others_are_told_how_many_come_first() -> None:
    async def scene(queue: JobQueue) -> None:
        customers = [Customer(queue) for _ in range(5)]
        await settle()
        assert [customer.has_place for customer in customers] == [True, True, False, False, False]
        assert [customer.positions[-1:] for customer in customers] == [[], [], [0], [1], [2]]
        customers[0].leave.set()
        await settle()
        assert [customer.has_place for customer in customers] == [True, True, True, False, False]
        assert [customer.positions[-1] for customer in customers[3:]] == [0, 1]
        for customer in customers[1:]:
            customer.task.cancel()
        await settle()

    play(scene, places=2)


def test_who_gives_up_makes_way() -> None:
    async def scene(queue: JobQueue) -> None:
        first, second, third = Customer(queue), Customer(queue), Customer(queue)
        await settle()
        second.task.cancel()
        await settle()
        assert third.positions[-1] == 0
        assert first.has_place
        first.leave.set()
        await settle()
        assert third.has_place
        third.leave.set()
        await settle()

    play(scene)


@pytest.mark.parametrize("leave_first", [True, False])
def test_a_place_that_is_given_up_as_it_is_granted_goes_to_the_next(leave_first: bool) -> None:
    async def scene(queue: JobQueue) -> None:
        first, second, third = Customer(queue), Customer(queue), Customer(queue)
        await settle()
        for step in (first.leave.set, second.task.cancel)[:: 1 if leave_first else -1]:
            step()
        await settle()
        assert second.task.cancelled()
        assert third.has_place
        third.leave.set()
        last = Customer(queue)
        await settle()
        assert last.has_place, "no place was lost"
        last.leave.set()
        await settle()

    play(scene)


def test_visitors_take_turns_and_who_is_gone_comes_last() -> None:
    async def scene(queue: JobQueue) -> None:
        busy, other, gone = Somebody(), Somebody(), Somebody(is_present=False)
        running = Customer(queue, busy)
        await settle()
        waiting = {"gone": Customer(queue, gone), "busy": Customer(queue, busy), "other": Customer(queue, other)}
        await settle()
        assert {name: each.positions[-1] for name, each in waiting.items()} == {"other": 0, "busy": 1, "gone": 2}
        order = []
        while waiting:
            running.leave.set()
            await settle()
            [(name, running)] = [(name, each) for name, each in waiting.items() if each.has_place]
            order.append(name)
            del waiting[name]
        running.leave.set()
        await settle()
        assert order == ["other", "busy", "gone"]

    play(scene)


def test_who_has_just_come_goes_before_those_who_go_on() -> None:
    async def scene(queue: JobQueue) -> None:
        long, other = Customer(queue, Somebody()), Customer(queue, Somebody())
        await settle()
        pause = asyncio.ensure_future(long.let_others_go_first())
        await settle()
        assert (long.has_place, other.has_place) == (False, True)
        newcomer = Customer(queue, Somebody())
        other.leave.set()
        await settle()
        assert (long.has_place, newcomer.has_place) == (False, True)
        assert newcomer.positions == [0]
        newcomer.leave.set()
        await settle()
        assert long.has_place
        long.leave.set()
        await asyncio.gather(pause, long.task)
        last = Customer(queue, Somebody())
        await settle()
        assert last.has_place, "no place was lost"
        last.leave.set()
        await settle()

    play(scene)


def test_no_more_are_begun_than_may_be_held_up() -> None:
    async def scene(queue: JobQueue) -> None:
        first, second = Customer(queue), Customer(queue)
        await settle()
        pause = asyncio.ensure_future(first.let_others_go_first())
        await settle()
        third = Customer(queue)
        second_pause = asyncio.ensure_future(second.let_others_go_first())
        await settle()
        assert [each.has_place for each in (first, second, third)] == [True, False, False]
        first.leave.set()
        await settle()
        assert third.has_place
        for each in (second, third):
            each.task.cancel()
        await asyncio.gather(pause, second_pause, second.task, third.task, return_exceptions=True)

    async def play_with_two() -> None:
        await scene(JobQueue(1, max_begun=2))

    run(play_with_two())


# --- jobs -------------------------------------------------------------------------------------------------------------


class OnTheSpot(Executors):
    """One place for long work, which is done at once."""

    def __init__(self) -> None:
        self.queue, self.max_job_seconds = JobQueue(1), DEADLINE

    async def run_long(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


def test_no_place_is_lost_however_late_a_user_leaves() -> None:
    async def scene() -> None:
        executors = OnTheSpot()

        async def work() -> str:
            return await Job("ingest", nobody).run(executors, lambda: "done")

        for steps in range(8):
            task = asyncio.create_task(work())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await asyncio.wait_for(work(), DEADLINE) == "done"

    run(scene())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_job_that_is_cancelled_stops_waiting(at_once: bool) -> None:
    async def scene() -> None:
        job = Job("model", nobody)
        task = asyncio.create_task(job.wait(asyncio.sleep(1000)))
        if not at_once:
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(JobCancelled):
            await asyncio.wait_for(task, DEADLINE)

    run(scene())


def test_progress_comes_in_order_from_threads_and_from_the_loop() -> None:
    async def scene() -> list[Event]:
        events: list[Event] = []
        executors = Executors(1)
        job = Job("export", events.append)

        def work(text: str) -> str:
            job.report(0.5, text)
            return text.upper()

        assert await job.run(executors, work, text="halfway") == "HALFWAY"
        job.fields["moving"] = True
        job.report(1.0, "there")
        executors.close()
        return events

    about = [(each.fraction, each.message, each.moving) for each in run(scene()) if isinstance(each, ProgressEvent)]
    assert about == [(0.0, "Starting", None), (0.5, "halfway", None), (1.0, "there", True)]


def test_a_job_that_is_cancelled_while_it_waits_for_a_place_never_begins() -> None:
    async def scene() -> list[Event]:
        events: list[Event] = []
        executors, go = Executors(1), threading.Event()
        first, second = Job("export", nobody), Job("ingest", events.append)
        running = asyncio.create_task(first.run(executors, go.wait, DEADLINE))
        waiting = asyncio.create_task(second.run(executors, pytest.fail, "it began"))
        while not events:
            await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(JobCancelled):
            await waiting
        go.set()
        assert await running
        executors.close()
        return events

    [event] = run(scene())
    assert event.message == "Waiting for a free place: you are next"


def test_whatever_a_cancelled_job_fails_with_it_was_cancelled() -> None:
    async def scene() -> None:
        job = Job("export", nobody)

        def fail() -> None:
            job.cancel()
            raise MediaError("It is broken.")

        with pytest.raises(JobCancelled):
            await job.run(OnTheSpot(), fail)

    run(scene())


def test_whether_threads_have_ended_is_known_within_a_time() -> None:
    async def scene() -> None:
        executors, started, go = Executors(1), threading.Event(), threading.Event()
        running = asyncio.create_task(executors.read_file(lambda: (started.set(), go.wait(DEADLINE))))
        while not started.is_set():
            await asyncio.sleep(0)
        executors.close()
        assert not executors.wait(0.0)
        go.set()
        assert executors.wait(DEADLINE)
        await running

    run(scene())


class Long:
    """Work in a thread that reports whenever it is let on."""

    def __init__(self, executors: Executors) -> None:
        self.executors, self.go, self.steps = executors, threading.Semaphore(0), threading.Semaphore(0)
        self.job = Job("export", nobody)
        self.task = asyncio.create_task(self.job.run(executors, self._work))

    def _work(self) -> str:
        for _ in range(4):
            self.steps.release()
            assert self.go.acquire(timeout=DEADLINE)
            self.job.report(0.5, "on")
        return "done"

    async def step(self) -> None:
        assert await asyncio.to_thread(self.steps.acquire, timeout=DEADLINE)


def test_long_jobs_let_a_short_one_through_and_go_on() -> None:
    async def scene() -> None:
        executors, now = Executors(2), [0.0]
        executors.queue = JobQueue(2, clock=lambda: now[0])
        long = [Long(executors), Long(executors)]
        for each in long:
            await each.step()
        photo = asyncio.create_task(Job("ingest", nobody).run(executors, lambda: "opened"))
        await settle()
        now[0] += 1.0
        long[0].go.release()
        await long[0].step()
        assert not photo.done(), "a turn lasts a while"
        now[0] += 1.5
        long[0].go.release()
        assert await photo == "opened"
        for each in long:
            for _ in range(4):
                each.go.release()
        assert [await each.task for each in long] == ["done", "done"]
        executors.close()

    run(scene())


def test_several_threads_of_one_job_give_its_place_up_once() -> None:
    async def scene() -> None:
        executors, now = Executors(1), [0.0]
        executors.queue = JobQueue(1, clock=lambda: now[0])
        job, go, started = Job("export", nobody), threading.Event(), threading.Semaphore(0)

        def report() -> None:
            started.release()
            assert go.wait(DEADLINE)
            job.report(0.5, "on")

        def work() -> str:
            threads = [threading.Thread(target=report, daemon=True) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(DEADLINE)
            return "done" if not any(thread.is_alive() for thread in threads) else "stuck"

        running = asyncio.create_task(job.run(executors, work))
        for _ in range(4):
            assert await asyncio.to_thread(started.acquire, timeout=DEADLINE)
        short = asyncio.create_task(Job("ingest", nobody).run(executors, lambda: "opened"))
        await settle()
        now[0] += 3.0
        go.set()
        assert await short == "opened"
        assert await running == "done"
        assert await Job("ingest", nobody).run(executors, lambda: "next") == "next"
        executors.close()

    run(scene())


@pytest.mark.parametrize("by_task", [True, False])
def test_a_job_that_is_held_up_can_be_cancelled(by_task: bool) -> None:
    async def scene() -> None:
        executors, now = Executors(1), [0.0]
        executors.queue = JobQueue(1, clock=lambda: now[0])
        long = Long(executors)
        await long.step()
        other, go = Job("ingest", nobody), threading.Event()
        running = asyncio.create_task(other.run(executors, go.wait, DEADLINE))
        now[0] += 3.0
        await settle()
        long.go.release()
        while long.job._claim is None or long.job._claim.granted.done():
            await asyncio.sleep(0)
        if by_task:
            long.task.cancel()
        else:
            long.job.cancel()
        with pytest.raises((JobCancelled, asyncio.CancelledError)):
            await long.task
        go.set()
        assert await running
        assert await Job("ingest", nobody).run(executors, lambda: "next") == "next"
        executors.close()
        assert executors.wait(DEADLINE), "its thread has ended"

    run(scene())


def test_a_job_that_takes_too_long_gives_its_place_back_even_where_it_hangs() -> None:
    async def scene() -> None:
        executors, go = Executors(1, max_job_seconds=0.01), threading.Event()
        with pytest.raises(Busy, match="was given up"):
            await Job("export", nobody).run(executors, go.wait, DEADLINE)
        executors.max_job_seconds = DEADLINE
        assert await Job("ingest", nobody).run(executors, lambda: "next") == "next"
        go.set()
        executors.close()

    run(scene())


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_what_goes_wrong_is_sent_in_words(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def scene() -> list[Event]:
        events: list[Event] = []
        tasks = BackgroundTasks(events.append)
        failing = [MediaError("It is broken."), RuntimeError("/secret/path"), JobCancelled("export")]
        await asyncio.gather(*(tasks.start(fail(error), seq=place) for place, error in enumerate(failing)))
        return events

    with caplog.at_level(logging.CRITICAL, "ui.jobs"):
        events = run(scene())
    assert [each.seq for each in events] == [0, 1]
    assert events[0] == ErrorEvent(text="It is broken.", seq=0)
    assert "secret" not in str(events[1])


@pytest.mark.parametrize("error", [RuntimeError("/secret"), KeyError("t")])
def test_what_goes_wrong_while_a_message_is_handled_is_sent(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    with (
        caplog.at_level(logging.CRITICAL, "ui.jobs"),
        BackgroundTasks(events.append).reporting_errors(job="track", run=1),
    ):
        raise error
    [event] = events
    assert isinstance(event, ErrorEvent)
    assert (event.job, event.run) == ("track", 1)
    assert "went wrong on the server" in event.text


def test_a_newer_job_takes_the_place_of_the_older_one() -> None:
    async def scene() -> None:
        tasks, jobs = BackgroundTasks(nobody), list[Job]()

        async def wait(job: Job) -> None:
            jobs.append(job)
            await job.wait(asyncio.sleep(60))

        tasks.start_job("export", wait)
        tasks.start_job("model", wait)
        await asyncio.sleep(0)
        tasks.start_job("export", wait)
        await asyncio.sleep(0)
        older, model, newer = jobs
        assert [tasks.has(job) for job in (older, model, newer)] == [False, True, True]
        tasks.cancel("model")
        assert not tasks.has("model")
        assert tasks.has_jobs
        await tasks.close()
        assert not tasks.has_jobs

    run(scene())


def test_a_job_that_somebody_waits_for_is_listed_meanwhile() -> None:
    async def scene() -> None:
        tasks = BackgroundTasks(nobody)
        with tasks.job("import") as job:
            assert tasks.has(job)
            tasks.cancel("import")
            with pytest.raises(JobCancelled):
                await job.wait(asyncio.sleep(60))
        with tasks.job("import") as older:
            with tasks.job("import") as newer:
                assert not tasks.has(older)
            assert not tasks.has(newer)
        assert not tasks.has_jobs

    run(scene())


def test_nobody_has_countless_tasks() -> None:
    async def scene() -> None:
        tasks = BackgroundTasks(nobody)
        for _ in range(MAX_TASKS):
            tasks.admit()
            tasks.start(asyncio.sleep(60))
        with pytest.raises(Busy):
            tasks.admit()
        await asyncio.sleep(0)
        await tasks.close()
        tasks.admit()

    run(scene())
