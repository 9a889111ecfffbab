from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ui.turns import Turns


def play(scene: Callable[[Turns], Awaitable[None]], places: int = 1) -> None:
    async def run() -> None:
        await scene(Turns(places))

    asyncio.run(run())


class Comer:
    """Somebody who wants a turn, and what they were told."""

    def __init__(self, turns: Turns) -> None:
        self.told: list[int] = []
        self.turn = asyncio.ensure_future(turns.come(self.told.append))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_as_many_as_there_are_places_come_at_once_and_the_others_hear_how_many_come_first() -> None:
    async def scene(turns: Turns) -> None:
        comers = [Comer(turns) for _ in range(5)]
        await settle()
        assert [comer.turn.done() for comer in comers] == [True, True, False, False, False]
        assert [comer.told[-1:] for comer in comers] == [[], [], [0], [1], [2]]
        turns.leave()
        await settle()
        assert [comer.turn.done() for comer in comers] == [True, True, True, False, False]
        assert [comer.told[-1] for comer in comers[3:]] == [0, 1]
        for comer in comers[3:]:
            comer.turn.cancel()
        await settle()

    play(scene, places=2)


def test_who_gives_up_makes_way() -> None:
    async def scene(turns: Turns) -> None:
        first, second, third = Comer(turns), Comer(turns), Comer(turns)
        await settle()
        second.turn.cancel()
        await settle()
        assert third.told[-1] == 0
        turns.leave()
        await settle()
        assert first.turn.done()
        assert third.turn.done()

    play(scene)


@pytest.mark.parametrize("leave_first", [True, False])
def test_a_turn_that_is_given_up_as_it_comes_goes_to_the_next(leave_first: bool) -> None:
    async def scene(turns: Turns) -> None:
        Comer(turns)
        second, third = Comer(turns), Comer(turns)
        await settle()
        for step in (turns.leave, second.turn.cancel)[:: 1 if leave_first else -1]:
            step()
        await settle()
        assert second.turn.cancelled()
        assert third.turn.done()
        turns.leave()
        last = Comer(turns)
        await settle()
        assert last.turn.done(), "no place was lost"

    play(scene)
