"""Runs of tracking: what is computed, what is reported, where they stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.media import ingest
from sam2_core.serving.commands import PlanTracking, Track, Untrack
from sam2_core.serving.tracking_run import (
    MAX_STEP,
    Direction,
    TrackingRequest,
    TrackingRun,
    TrackingSummary,
    TrackingUpdate,
)
from sam2_core.serving.workspace import Workspace
from sam2_core.types import FrameSpan, Mask, ObjectMask, Point, Prompt
from tests.media.numbered import make_clip
from tests.serving.workspaces import HeldEngine, opened, run

FRAMES = 20
CLICK, OTHER_CLICK = Prompt((Point(20, 24),)), Prompt((Point(40, 30),))


class VanishingEngine(HeldEngine):
    """Object 1 is away on some frames. Notes what tracking found."""

    def __init__(self, away: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.away = away
        self.found: list[tuple[int, int]] = []

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        self.found.append((frame, object_id))
        if object_id == 1 and frame in self.away:
            return ObjectMask(1, Mask.from_array(np.zeros(size)), predicted_iou=0.1, object_score=-4.0)
        return super().find(size, frame, object_id, nearest)


@dataclass
class Tracked:
    """What a run brought."""

    run: TrackingRun
    updates: list[TrackingUpdate] = field(default_factory=list)

    @property
    def frames(self) -> list[int]:
        """Whose masks were new, in order."""
        return [masks.frame for update in self.updates for masks in update.masks]


class Tracker:
    """Prompts and runs on one clip."""

    def __init__(self, workspace: Workspace, engine: VanishingEngine) -> None:
        self.workspace, self.engine = workspace, engine

    async def prompt(self, frame: int, object_id: int = 1, prompt: Prompt = CLICK) -> dict[int, list[list[int]]]:
        """Set a prompt; what is stale then, by object, as [first, last]."""
        await self.workspace.prompt(frame, object_id, prompt)
        return await self.stale()

    async def stale(self) -> dict[int, list[list[int]]]:
        stale: dict[int, list[list[int]]] = {}
        for span in await self.workspace.stale_frames():
            for object_id in span.objects:
                stale.setdefault(object_id, []).append(sorted((span.frames[0], span.frames[-1])))
        return stale

    def start(
        self, direction: Direction, frame: int = 0, first: int = 0, last: int = FRAMES - 1, pause: bool = False
    ) -> TrackingRun:
        return self.workspace.track(TrackingRequest(direction, frame, first, last, pause))

    async def track(self, direction: Direction, frame: int = 0, **about: Any) -> Tracked:
        return await follow(self.start(direction, frame, **about))


async def follow(tracking: TrackingRun) -> Tracked:
    tracked = Tracked(tracking)
    async for update in tracking:
        assert all(each.fresh for masks in update.masks for each in masks.objects)
        tracked.updates.append(update)
    return tracked


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES, size=(48, 64)), folder / "store")
    return folder / "store"


@asynccontextmanager
async def tracker_on(clip: Path, engine: VanishingEngine | None = None) -> AsyncIterator[Tracker]:
    engine = engine or VanishingEngine()
    async with opened(clip, engine) as workspace:
        yield Tracker(workspace, engine)


@pytest.mark.parametrize(
    ("direction", "about", "expected"),
    [
        ("forward", {}, [*range(11, 20)]),
        ("backward", {}, [*range(9, -1, -1)]),
        ("both", {}, [*range(11, 20), *range(9, -1, -1)]),
        ("one", {"frame": 4}, [4]),
        ("one", {"frame": 10}, []),
        ("update", {}, []),
        ("forward", {"first": 8, "last": 13}, [11, 12, 13]),
        ("backward", {"first": 8, "last": 13}, [9, 8]),
        ("both", {"first": 8, "last": 13}, [11, 12, 13, 9, 8]),
        ("forward", {"frame": 2, "first": 8, "last": 13}, [8, 9, 11, 12, 13]),
        ("backward", {"frame": 2, "first": 8, "last": 13}, [13, 12, 11, 9, 8]),
        ("both", {"frame": 19, "first": 8, "last": 9}, [8, 9]),
    ],
)
def test_every_direction_computes_what_it_says(
    clip: Path, direction: Direction, about: dict[str, int], expected: list[int]
) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(10)
            tracked = await tracker.track(direction, **{"frame": 10, **about})
            assert tracked.frames == expected
            summary = tracked.run.summary
            assert (summary.stopped, summary.lost, summary.changed) == (False, None, len(expected))

    run(scenario)


def test_updates_say_how_far_it_is(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(10)
            updates = (await tracker.track("both", 10)).updates
            assert [each.done for each in updates] == sorted({each.done for each in updates})
            assert {each.total for each in updates} == {updates[-1].done} == {FRAMES - 1}
            assert [each.frame for each in updates] == [each.masks[-1].frame for each in updates]
            turn = [each.step for each in updates].index(-1)
            assert [each.step for each in updates] == [1] * turn + [-1] * (len(updates) - turn)
            assert [each.direction for each in updates] == ["both"] * turn + ["backward"] * (len(updates) - turn)
            assert max(len(each.masks) for each in updates) <= MAX_STEP
            assert len(updates[0].masks) == 1, "the first command shows how fast it is"
            assert (updates[0].frames_per_second, updates[0].seconds_left) == (None, None)
            assert all(each.frames_per_second and each.seconds_left is not None for each in updates[1:])

    run(scenario)


def test_what_is_up_to_date_is_neither_computed_nor_reported_again(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            assert (await tracker.track("forward")).run.summary.changed == 19
            assert (await tracker.track("both", 10)).frames == []
            tracker.engine.found.clear()
            await tracker.prompt(5, object_id=2)
            tracked = await tracker.track("both", 5)
            assert tracked.frames == [*range(6, 20), *range(4, -1, -1)]
            assert {object_id for _, object_id in tracker.engine.found} == {2}
            assert {each.object_id for update in tracked.updates for m in update.masks for each in m.objects} == {2}
            assert tracked.run.summary.changed == 19

    run(scenario)


def test_an_update_computes_only_what_a_correction_touched(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            for object_id in (1, 2):
                await tracker.prompt(0, object_id)
                assert await tracker.prompt(16, object_id) == {}
            await tracker.track("forward")
            assert await tracker.prompt(8, 1, OTHER_CLICK) == {1: [[1, 4], [5, 7], [9, 12], [13, 15]]}
            tracker.engine.found.clear()
            tracked = await tracker.track("update", 19)
            assert tracked.frames == [1, 2, 3, 4, 7, 6, 5, 9, 10, 11, 12, 15, 14, 13]
            assert {object_id for _, object_id in tracker.engine.found} == {1}
            assert tracked.run.summary.changed == 14
            assert (await tracker.track("update")).run.summary.changed == 0

    run(scenario)


def test_an_update_keeps_to_the_range(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            await tracker.track("forward")
            await tracker.prompt(10, 1, OTHER_CLICK)
            assert sorted((await tracker.track("update", first=7, last=12)).frames) == [7, 8, 9, 11, 12]

    run(scenario)


def test_a_correction_taken_back_leaves_nothing_stale(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            await tracker.track("forward")
            assert await tracker.prompt(10, 1, OTHER_CLICK) != {}
            assert await tracker.prompt(10, 1, Prompt()) == {}

    run(scenario)


def test_tracking_pauses_on_the_first_frame_without_the_object(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip, VanishingEngine((6, 7, 8, 9, 15))) as tracker:
            await tracker.prompt(0)
            await tracker.prompt(0, 2)
            tracked = await tracker.track("forward", pause=True)
            summary, frames = tracked.run.summary, tracked.frames
            assert (summary.stopped, summary.lost, summary.frame, summary.direction) == (True, 1, 6, "forward")
            assert 6 in frames and frames[-1] <= 9, "no more than the command that found it"
            summary = (await tracker.track(summary.direction, summary.frame, pause=True)).run.summary
            assert (summary.stopped, summary.lost, summary.frame) == (True, 1, 15)
            tracked = await tracker.track(summary.direction, summary.frame, pause=True)
            summary = tracked.run.summary
            assert (summary.stopped, summary.lost, tracked.frames[-1:]) == (False, None, [19])

    run(scenario)


def test_without_pause_a_loss_does_not_stop_it(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip, VanishingEngine((6,))) as tracker:
            await tracker.prompt(0)
            summary = (await tracker.track("forward", pause=False)).run.summary
            assert (summary.stopped, summary.lost) == (False, None)

    run(scenario)


def test_an_object_that_flickers_is_lost_once(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip, VanishingEngine((4, 6, 8))) as tracker:
            await tracker.prompt(0)
            assert (await tracker.track("forward", pause=True)).run.summary.frame == 4
            assert (await tracker.track("forward", 4, pause=True)).run.summary.stopped is False

    run(scenario)


def test_a_run_that_was_stopped_says_what_is_left(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            engine = tracker.engine
            await tracker.prompt(17)
            engine.kinds = (Track,)
            stopped = tracker.start("both", 17)
            following = asyncio.create_task(follow(stopped))
            await engine.entered()
            for _ in range(2):  # two commands forward; the first one backward waits
                engine.gate.release()
                await engine.entered()
            stopped.stop()
            engine.kinds = ()
            engine.gate.release()
            await following
            summary = stopped.summary
            assert (summary.stopped, summary.direction) == (True, "backward")
            assert summary.frame < 17
            tracked = await tracker.track(summary.direction, summary.frame)
            assert (tracked.frames[-1], tracked.run.summary.stopped) == (0, False)

    run(scenario)


def test_a_prompt_during_an_update_changes_what_is_updated(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            await tracker.track("forward")
            await tracker.prompt(10)
            tracker.engine.kinds = (Track,)
            following = asyncio.create_task(tracker.track("update"))
            await tracker.engine.entered()
            await tracker.prompt(4, 1, OTHER_CLICK)
            tracker.engine.kinds = ()
            tracker.engine.gate.release()
            assert (await following).run.summary.stopped is False
            assert await tracker.stale() == {}

    run(scenario)


def test_a_prompt_during_a_run_is_tracked_with_the_rest(clip: Path) -> None:
    """Also where it overtakes a command that is on its way."""

    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            tracker.engine.kinds = (Track,)
            following = asyncio.create_task(tracker.track("forward"))
            await tracker.engine.entered()
            await tracker.prompt(0, 2)  # the command that waits has an old revision now
            tracker.engine.kinds = ()
            tracker.engine.gate.release()
            tracked = await following
            assert tracked.frames == list(range(1, FRAMES))
            assert {len(masks.objects) for update in tracked.updates for masks in update.masks} == {2}
            assert tracked.updates[-1].done == tracked.updates[-1].total == FRAMES - 1

    run(scenario)


def test_between_two_updates_nothing_is_computed(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            async with aclosing(aiter(tracker.start("forward"))) as updates:
                for expected in (1, 2):
                    done = (await anext(updates)).done
                    await asyncio.sleep(0.01)
                    assert tracker.engine.calls.count("Track") == expected
            known = await tracker.workspace.masks(range(FRAMES))
            assert [masks.frame for masks in known if masks.objects] == list(range(done + 1)), "also when it is left"

    run(scenario)


def test_a_run_is_stopped_between_two_commands(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            tracking = tracker.start("both", 5)
            frames = []
            async for update in tracking:
                frames += [masks.frame for masks in update.masks]
                if len(frames) >= 3:
                    tracking.stop()
            assert frames == list(range(5, 5 + len(frames))) and len(frames) < 3 + MAX_STEP
            assert tracking.summary == TrackingSummary(True, None, len(frames), "both", frames[-1])
            known = await tracker.workspace.masks(range(FRAMES))
            assert [masks.frame for masks in known if masks.objects] == [0, *frames]

    run(scenario)


def test_tracking_is_taken_back(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            await tracker.prompt(0)
            await tracker.track("forward")
            await tracker.workspace.run(Untrack(range(5, 20), (1,)))
            assert await tracker.stale() == {}
            known = await tracker.workspace.masks(range(FRAMES))
            assert [len(masks.objects) for masks in known] == [1] * 5 + [0] * 15
            assert (await tracker.track("forward")).frames == [*range(5, 20)]

    run(scenario)


def test_spans_are_tracked_exactly(clip: Path) -> None:
    async def scenario() -> None:
        async with tracker_on(clip) as tracker:
            for object_id in (1, 2):
                await tracker.prompt(5, object_id)
            tracker.engine.kinds = (PlanTracking,)  # none comes
            spans = [FrameSpan(range(6, 9), (2,)), FrameSpan(range(4, 2, -1), ()), FrameSpan(range(6, 8), ())]
            tracked = await follow(TrackingRun.over(tracker.workspace, spans))
            found = [
                (masks.frame, [each.object_id for each in masks.objects])
                for update in tracked.updates
                for masks in update.masks
            ]
            assert found == [(6, [2]), (7, [2]), (8, [2]), (4, [1, 2]), (3, [1, 2]), (6, [1]), (7, [1])]
            assert tracked.updates[-1].done == tracked.updates[-1].total == 7

    run(scenario)
