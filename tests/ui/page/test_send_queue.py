from __future__ import annotations

import asyncio

import pytest

from ui.page.send_queue import CAPACITY, STREAM_CAPACITY, SendQueue


async def nothing() -> None:
    pass


def test_messages_are_delivered_in_order_and_kept_until_they_are_sent() -> None:
    async def scene() -> None:
        queue, got = SendQueue(), []
        for number in range(3):
            queue.put(bytes([number]))

        async def breaks_at_the_second(message: bytes) -> None:
            if message == b"\x01":
                raise ConnectionError
            got.append(message)

        with pytest.raises(ConnectionError):
            await queue.deliver(breaks_at_the_second)
        assert got == [b"\x00"]
        assert await queue.drain() == [b"\x01", b"\x02"]

    asyncio.run(scene())


def test_a_newer_message_of_the_same_kind_replaces_a_waiting_one() -> None:
    async def scene() -> None:
        queue = SendQueue()
        queue.put(b"10 %", "progress")
        queue.put(b"mask")
        queue.put(b"20 %", "progress")
        assert await queue.drain() == [b"mask", b"20 %"]

    asyncio.run(scene())


def test_a_page_that_never_connects_costs_bounded_memory() -> None:
    async def scene() -> None:
        queue = SendQueue()
        for number in range(CAPACITY + 10):
            queue.put(str(number).encode())
        waiting = await queue.drain()
        assert len(waiting) == CAPACITY
        assert waiting[-1] == str(CAPACITY + 9).encode()

    asyncio.run(scene())


def test_there_is_room_while_a_page_is_connected_and_keeps_up() -> None:
    async def scene() -> None:
        queue = SendQueue()
        waiting = asyncio.create_task(queue.wait_for_room())
        await asyncio.sleep(0)
        assert not waiting.done(), "nobody is connected"
        await queue.attach(nothing)
        await asyncio.wait_for(waiting, 10)
        for _ in range(STREAM_CAPACITY + 1):
            queue.put(b"x")
        full = asyncio.create_task(queue.wait_for_room())
        await asyncio.sleep(0)
        assert not full.done(), "too much waits"
        await queue.drain()
        await asyncio.wait_for(full, 10)

    asyncio.run(scene())


def test_a_new_connection_ends_the_old_one() -> None:
    async def scene() -> None:
        queue, gone = SendQueue(lambda: 5.0), []

        async def old() -> None:
            gone.append("old")

        await queue.attach(old)
        await queue.attach(nothing)
        assert gone == ["old"]
        queue.detach(old)
        assert queue.is_connected, "the old one's end says nothing about the new one"
        queue.detach(nothing)
        assert not queue.is_connected

    asyncio.run(scene())
