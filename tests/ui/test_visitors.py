from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sam2_core.errors import Busy
from ui.settings import load_settings
from ui.visitors import Visitor, Visitors


class Bench:
    def __init__(self, visitor: Visitor[Bench]) -> None:
        self.closed = self.busy = False

    async def close(self) -> None:
        self.closed = True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def nothing() -> None:
    pass


Scene = Callable[[Visitors[Bench], Clock], Awaitable[None]]


def play(scene: Scene) -> None:
    clock = Clock()
    settings = replace(load_settings(), max_sessions=2, grace_seconds=60, farewell_seconds=10, idle_minutes=30)
    visitors: Visitors[Bench] = Visitors(settings, Bench, clock)
    try:
        asyncio.run(scene(visitors, clock))  # type: ignore[arg-type]
    finally:
        visitors.remove_all_files()


async def later(visitors: Visitors[Bench], clock: Clock, seconds: float) -> None:
    clock.now += seconds
    await visitors.sweep()


def test_tokens_and_folders_cannot_be_guessed() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        one, two = await visitors.open(), await visitors.open()
        assert len(one.token) >= 32
        assert one.token != two.token
        assert one.token not in str(one.folder)
        assert one.folder != two.folder
        assert visitors.find(one.token) is one
        assert visitors.find(one.token[:-1]) is None

    play(scene)


def test_a_lost_connection_has_a_grace_time() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        visitor = await visitors.open()
        await visitor.outbox.attach(nothing)
        await later(visitors, clock, 300)
        assert visitors.find(visitor.token), "it is there, only silent"
        visitor.outbox.detach(nothing)
        await later(visitors, clock, 59)
        assert visitors.find(visitor.token)
        await later(visitors, clock, 2)
        assert visitors.find(visitor.token) is None
        assert visitor.bench.closed
        assert not visitor.folder.exists()

    play(scene)


def test_a_goodbye_is_believed_unless_the_page_comes_back() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        gone, reloaded = await visitors.open(), await visitors.open()
        for visitor in (gone, reloaded):
            visitors.farewell(visitor)
        await later(visitors, clock, 9)
        visitors.touch(reloaded)
        await later(visitors, clock, 2)
        assert visitors.find(gone.token) is None
        assert visitors.find(reloaded.token)

    play(scene)


def test_an_open_page_that_nobody_touches_ends() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        hung_up = []

        async def hang_up() -> None:
            hung_up.append(True)

        visitor = await visitors.open()
        await visitor.outbox.attach(hang_up)
        await later(visitors, clock, 29 * 60)
        visitors.touch(visitor)
        await later(visitors, clock, 29 * 60)
        assert visitors.find(visitor.token)
        await later(visitors, clock, 2 * 60)
        assert visitors.find(visitor.token) is None
        assert hung_up

    play(scene)


def test_whoever_waits_for_long_work_is_not_idle() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        tracking, sending = await visitors.open(), await visitors.open()
        for visitor in (tracking, sending):
            await visitor.outbox.attach(nothing)
        tracking.bench.busy = True
        async with sending.receiving:
            await later(visitors, clock, 5 * 3600)
            assert len(visitors) == 2
            with pytest.raises(Busy):
                await visitors.open()
        tracking.bench.busy = False
        await later(visitors, clock, 1)
        assert len(visitors) == 0

    play(scene)


def test_a_newcomer_takes_the_place_that_was_idle_longest() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        first, second = await visitors.open(), await visitors.open()
        for visitor in (first, second):
            await visitor.outbox.attach(nothing)
        with pytest.raises(Busy, match="few minutes"):
            await visitors.open()
        clock.now += 200
        visitors.touch(first)
        third = await visitors.open()
        assert visitors.find(second.token) is None
        assert visitors.find(first.token)
        assert visitors.find(third.token)

    play(scene)


def test_many_who_come_at_once_get_no_more_places_than_there_are() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        there = await visitors.open()
        await there.outbox.attach(nothing)
        came = await asyncio.gather(*(visitors.open() for _ in range(5)))
        assert len(visitors) == 2
        folders = [visitor.folder for visitor in (there, *came) if visitors.find(visitor.token)]
        assert sorted(there.folder.parent.iterdir()) == sorted(folders)

    play(scene)


def test_who_finds_no_place_leaves_nothing() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        both = [await visitors.open(), await visitors.open()]
        for visitor in both:
            await visitor.outbox.attach(nothing)
        with pytest.raises(Busy):
            await visitors.open()
        assert len(list(both[0].folder.parent.iterdir())) == 2

    play(scene)


def test_a_page_that_is_gone_makes_room_before_one_that_is_there() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        there, gone = await visitors.open(), await visitors.open()
        await there.outbox.attach(nothing)
        clock.now += 30
        visitors.touch(gone)
        await visitors.open()
        assert visitors.find(there.token)
        assert visitors.find(gone.token) is None

    play(scene)


def test_a_socket_that_cannot_be_closed_costs_nobody_the_clean_up() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        async def broken() -> None:
            raise OSError("dead")

        visitor = await visitors.open()
        await visitor.outbox.attach(broken)
        with pytest.raises(OSError, match="dead"):
            await visitors.close(visitor)
        assert visitor.bench.closed
        assert not visitor.folder.exists()

    play(scene)


def test_all_can_be_closed() -> None:
    async def scene(visitors: Visitors[Bench], clock: Clock) -> None:
        both = [await visitors.open(), await visitors.open()]
        await visitors.close_all()
        assert len(visitors) == 0
        assert all(visitor.bench.closed and not visitor.folder.exists() for visitor in both)

    play(scene)
