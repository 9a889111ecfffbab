from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sam2_core.errors import Busy
from ui.settings import load_settings
from ui.sessions import Visitor, Visitors


class Bench:
    def __init__(self, session: Visitor[Bench]) -> None:
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
    sessions: Visitors[Bench] = Visitors(settings, Bench, clock)
    try:
        asyncio.run(scene(sessions, clock))  # type: ignore[arg-type]
    finally:
        sessions.remove_all_files()


async def later(sessions: Visitors[Bench], clock: Clock, seconds: float) -> None:
    clock.now += seconds
    await sessions.sweep()


def test_tokens_and_folders_cannot_be_guessed() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        one, two = await sessions.open(), await sessions.open()
        assert len(one.token) >= 32
        assert one.token != two.token
        assert one.token not in str(one.folder)
        assert one.folder != two.folder
        assert sessions.find(one.token) is one
        assert sessions.find(one.token[:-1]) is None

    play(scene)


def test_a_lost_connection_has_a_grace_time() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        session = await sessions.open()
        await session.outbox.attach(nothing)
        await later(sessions, clock, 300)
        assert sessions.find(session.token), "it is there, only silent"
        session.outbox.detach(nothing)
        await later(sessions, clock, 59)
        assert sessions.find(session.token)
        await later(sessions, clock, 2)
        assert sessions.find(session.token) is None
        assert session.bench.closed
        assert not session.folder.exists()

    play(scene)


def test_a_goodbye_is_believed_unless_the_page_comes_back() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        gone, reloaded = await sessions.open(), await sessions.open()
        for session in (gone, reloaded):
            sessions.farewell(session)
        await later(sessions, clock, 9)
        sessions.touch(reloaded)
        await later(sessions, clock, 2)
        assert sessions.find(gone.token) is None
        assert sessions.find(reloaded.token)

    play(scene)


def test_an_open_page_that_nobody_touches_ends() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        hung_up = []

        async def hang_up() -> None:
            hung_up.append(True)

        session = await sessions.open()
        await session.outbox.attach(hang_up)
        await later(sessions, clock, 29 * 60)
        sessions.touch(session)
        await later(sessions, clock, 29 * 60)
        assert sessions.find(session.token)
        await later(sessions, clock, 2 * 60)
        assert sessions.find(session.token) is None
        assert hung_up

    play(scene)


def test_whoever_waits_for_long_work_is_not_idle() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        tracking, sending = await sessions.open(), await sessions.open()
        for session in (tracking, sending):
            await session.outbox.attach(nothing)
        tracking.bench.busy = True
        async with sending.receiving:
            await later(sessions, clock, 5 * 3600)
            assert len(sessions) == 2
            with pytest.raises(Busy):
                await sessions.open()
        tracking.bench.busy = False
        await later(sessions, clock, 1)
        assert len(sessions) == 0

    play(scene)


def test_a_newcomer_takes_the_place_that_was_idle_longest() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        first, second = await sessions.open(), await sessions.open()
        for session in (first, second):
            await session.outbox.attach(nothing)
        with pytest.raises(Busy, match="few minutes"):
            await sessions.open()
        clock.now += 200
        sessions.touch(first)
        third = await sessions.open()
        assert sessions.find(second.token) is None
        assert sessions.find(first.token)
        assert sessions.find(third.token)

    play(scene)


def test_many_who_come_at_once_get_no_more_places_than_there_are() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        there = await sessions.open()
        await there.outbox.attach(nothing)
        came = await asyncio.gather(*(sessions.open() for _ in range(5)))
        assert len(sessions) == 2
        folders = [session.folder for session in (there, *came) if sessions.find(session.token)]
        assert sorted(there.folder.parent.iterdir()) == sorted(folders)

    play(scene)


def test_who_finds_no_place_leaves_nothing() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        both = [await sessions.open(), await sessions.open()]
        for session in both:
            await session.outbox.attach(nothing)
        with pytest.raises(Busy):
            await sessions.open()
        assert len(list(both[0].folder.parent.iterdir())) == 2

    play(scene)


def test_a_page_that_is_gone_makes_room_before_one_that_is_there() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        there, gone = await sessions.open(), await sessions.open()
        await there.outbox.attach(nothing)
        clock.now += 30
        sessions.touch(gone)
        await sessions.open()
        assert sessions.find(there.token)
        assert sessions.find(gone.token) is None

    play(scene)


def test_a_socket_that_cannot_be_closed_costs_nobody_the_clean_up() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        async def broken() -> None:
            raise OSError("dead")

        session = await sessions.open()
        await session.outbox.attach(broken)
        with pytest.raises(OSError, match="dead"):
            await sessions.close(session)
        assert session.bench.closed
        assert not session.folder.exists()

    play(scene)


def test_all_can_be_closed() -> None:
    async def scene(sessions: Visitors[Bench], clock: Clock) -> None:
        both = [await sessions.open(), await sessions.open()]
        await sessions.close_all()
        assert len(sessions) == 0
        assert all(session.bench.closed and not session.folder.exists() for session in both)

    play(scene)
