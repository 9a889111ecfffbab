from __future__ import annotations

import asyncio

import pytest

from ui.outbox import CAPACITY, ROOM, Outbox


async def nothing() -> None:
    pass


def test_messages_are_delivered_in_order_and_kept_until_they_are_taken() -> None:
    async def scene() -> None:
        outbox, got = Outbox(), []
        for number in range(3):
            outbox.put(bytes([number]))

        async def breaks_at_the_second(message: bytes) -> None:
            if message == b"\x01":
                raise ConnectionError
            got.append(message)

        with pytest.raises(ConnectionError):
            await outbox.deliver(breaks_at_the_second)
        assert got == [b"\x00"]
        assert await outbox.drain() == [b"\x01", b"\x02"]

    asyncio.run(scene())


def test_a_newer_message_of_the_same_kind_replaces_a_waiting_one() -> None:
    async def scene() -> None:
        outbox = Outbox()
        outbox.put(b"10 %", "progress")
        outbox.put(b"mask")
        outbox.put(b"20 %", "progress")
        assert await outbox.drain() == [b"mask", b"20 %"]

    asyncio.run(scene())


def test_a_page_that_never_listens_costs_bounded_memory() -> None:
    async def scene() -> None:
        outbox = Outbox()
        for number in range(CAPACITY + 10):
            outbox.put(str(number).encode())
        waiting = await outbox.drain()
        assert len(waiting) == CAPACITY
        assert waiting[-1] == str(CAPACITY + 9).encode()

    asyncio.run(scene())


def test_there_is_room_while_somebody_listens_and_keeps_up() -> None:
    async def scene() -> None:
        outbox = Outbox()
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        assert not waiting.done(), "nobody listens"
        await outbox.attach(nothing)
        await asyncio.wait_for(waiting, 10)
        for _ in range(ROOM + 1):
            outbox.put(b"x")
        full = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        assert not full.done(), "too much waits"
        await outbox.drain()
        await asyncio.wait_for(full, 10)

    asyncio.run(scene())


def test_a_new_listener_sends_the_old_one_away() -> None:
    async def scene() -> None:
        outbox, gone = Outbox(lambda: 5.0), []

        async def old() -> None:
            gone.append("old")

        await outbox.attach(old)
        await outbox.attach(nothing)
        assert gone == ["old"]
        outbox.detach(old)
        assert outbox.listening, "the old one's end says nothing about the new one"
        outbox.detach(nothing)
        assert not outbox.listening

    asyncio.run(scene())
