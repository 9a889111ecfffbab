"""A camera at work: what happens where the engine loses its session."""

from __future__ import annotations

import asyncio

import pytest

from sam2_core.errors import SessionGone
from sam2_core.serving.live import MAX_PROMPT_DELAY, LiveWorkspace
from sam2_core.types import Point, Prompt
from tests.fakes import FakeEngine
from tests.serving.test_engine_contract import CAMERA, jpeg

CLICK = Prompt((Point(30, 20),))


def test_a_lost_session_begins_anew_with_the_next_frame() -> None:
    async def work() -> None:
        engine = FakeEngine()
        camera = LiveWorkspace(lambda: engine, CAMERA)
        await camera.start()
        first, second = await camera.add_frame(jpeg(0)), await camera.add_frame(jpeg(1))
        assert (first.is_first, second.is_first) == (True, False)
        mask = (await camera.prompt(1, 7, CLICK)).objects[0].mask
        engine.sessions.clear()
        with pytest.raises(SessionGone):
            await camera.prompt(1, 7, CLICK)
        third = await camera.add_frame(jpeg(2))
        assert (third.is_first, third.masks.frame, third.masks.objects) == (True, 2, ())
        answer = await camera.prompt(2, 7, Prompt(mask=mask))  # what the page does then
        assert answer.frame == 2 and answer.objects[0].mask == mask
        fourth = await camera.add_frame(jpeg(3))
        assert (fourth.is_first, [each.object_id for each in fourth.masks.objects]) == (False, [7])
        camera.close()
        assert not engine.sessions

    asyncio.run(work())


def test_another_network_takes_over_with_the_next_frame() -> None:
    async def work() -> None:
        engines = [FakeEngine(), FakeEngine()]
        camera = LiveWorkspace(lambda: engines[0], CAMERA)
        await camera.add_frame(jpeg(0))
        former = engines.pop(0)
        found = await camera.add_frame(jpeg(1))
        assert (found.is_first, found.masks.frame) == (True, 1)
        assert not former.sessions and engines[0].sessions

    asyncio.run(work())


@pytest.mark.parametrize(("seen", "meant"), [(9, 9), (9 - MAX_PROMPT_DELAY, 9 - MAX_PROMPT_DELAY), (2, 9), (50, 9)])
def test_a_prompt_is_about_the_frame_that_was_seen_or_else_the_newest(seen: int, meant: int) -> None:
    async def work() -> None:
        engine = FakeEngine()
        camera = LiveWorkspace(lambda: engine, CAMERA)
        with pytest.raises(SessionGone, match="no picture"):
            await camera.prompt(0, 1, CLICK)
        for number in range(10):
            await camera.add_frame(jpeg(number))
        assert (await camera.prompt(seen, 1, CLICK)).frame == meant

    asyncio.run(work())
