"""Workspaces: commands in order, recovery from the edit log, moving to another engine."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import BadPrompt, Busy, MediaError, SessionGone
from sam2_core.media import ExportOptions, ObjectTraits, Provenance, ingest
from sam2_core.serving.commands import (
    Command,
    GetMasks,
    PlanTracking,
    Priority,
    RemoveObject,
    SetPrompt,
    Track,
    Untrack,
)
from sam2_core.serving.edit_log import Entry, PromptEntry, RemoveEntry, TrackEntry
from sam2_core.serving.engine import Engine
from sam2_core.serving.local import LocalEngine
from sam2_core.serving.tracking_run import TrackingRequest, TrackingSummary
from sam2_core.serving.workspace import Workspace, WorkspaceObserver
from sam2_core.types import Mask, ObjectMask, Point, Prompt, SessionInfo
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.networks import tiny_network
from tests.serving.workspaces import (
    BOXED,
    DEADLINE,
    FRAMES,
    HERE,
    MAX_OBJECTS,
    THERE,
    ForgetfulEngine,
    HeldEngine,
    no_progress,
    opened,
    run,
)

BOTH = TrackingRequest("both", 4, 0, FRAMES - 1)
FORWARD = TrackingRequest("forward", 0, 0, FRAMES - 1)
OBJECTS = (ObjectTraits(1, "One", "fish", (255, 0, 0)), ObjectTraits(2, "Two", "", (0, 0, 255)))
WORK: tuple[Entry, ...] = (PromptEntry(0, 1, HERE), TrackEntry(1, 6, 1, (1,)), PromptEntry(3, 2, BOXED))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES), folder / "store")
    return folder / "store"


@pytest.fixture(params=["fake", "local"])
def engine(request: pytest.FixtureRequest) -> Iterator[ForgetfulEngine]:
    engine = ForgetfulEngine(FakeEngine() if request.param == "fake" else LocalEngine(tiny_network()))
    yield engine
    engine.shut_down()


async def track(workspace: Workspace, request: TrackingRequest = BOTH) -> TrackingSummary:
    tracking = workspace.track(request)
    async for _ in tracking:
        pass
    return tracking.summary


async def all_masks(workspace: Workspace) -> list[tuple[ObjectMask, ...]]:
    return [masks.objects for masks in await workspace.masks(range(FRAMES))]


async def work_on(workspace: Workspace) -> None:
    """Two objects, tracked, one corrected afterwards."""
    await workspace.prompt(4, 1, HERE)
    await workspace.prompt(4, 2, BOXED)
    await track(workspace)
    await workspace.prompt(8, 1, THERE)


# --- recovery ---------------------------------------------------------------------------------------------------------


ACTIONS: dict[str, Callable[[Workspace], Awaitable[Any]]] = {
    "prompt": lambda workspace: workspace.prompt(10, 2, THERE),
    "clearing": lambda workspace: workspace.prompt(8, 1, Prompt()),
    "new object": lambda workspace: workspace.prompt(0, 3, THERE),
    "masks": all_masks,
    "stale frames": lambda workspace: workspace.stale_frames(),
    "update": lambda workspace: track(workspace, TrackingRequest("update", 0, 0, FRAMES - 1)),
    "untracking": lambda workspace: workspace.run(Untrack(range(6, 9), (1, 2))),
    "removal": lambda workspace: workspace.run(RemoveObject(2)),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_work_goes_on_after_the_engine_has_lost_the_session(
    clip: Path, engine: ForgetfulEngine, action: Callable[[Workspace], Awaitable[Any]]
) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as undisturbed, opened(clip, engine) as workspace:
            await work_on(undisturbed)
            await work_on(workspace)
            engine.lose()
            assert _comparable(await action(workspace)) == _comparable(await action(undisturbed))
            assert await all_masks(workspace) == await all_masks(undisturbed)
            assert await workspace.stale_frames() == await undisturbed.stale_frames()
            assert workspace.log.entries == undisturbed.log.entries
        assert len(engine.opened) == 3

    run(scenario)


def _comparable(result: Any) -> Any:
    """Revisions count what was done to a session, which a replay does not do in full."""
    return getattr(result, "objects", None) if not isinstance(result, int) else None


@pytest.mark.parametrize("request_", [BOTH, FORWARD, TrackingRequest("backward", 11, 2, 9)], ids=lambda r: r.direction)
def test_a_run_of_tracking_survives_the_loss_of_its_session(
    clip: Path, engine: ForgetfulEngine, request_: TrackingRequest
) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as undisturbed, opened(clip, engine) as workspace:
            for each in (undisturbed, workspace):
                await each.prompt(4, 1, HERE)
                await each.prompt(6, 2, BOXED)
            expected = await track(undisturbed, request_)
            engine.loses_before = _nth_track(3)
            assert await track(workspace, request_) == expected
            assert await all_masks(workspace) == await all_masks(undisturbed)

    run(scenario)


def _nth_track(number: int) -> Callable[[Command[Any]], bool]:
    seen = [0]

    def is_it(command: Command[Any]) -> bool:
        seen[0] += isinstance(command, Track)
        return isinstance(command, Track) and seen[0] == number

    return is_it


def test_a_download_of_a_lost_session_is_complete(clip: Path, engine: ForgetfulEngine, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            written = []
            for folder in (tmp_path / "before", tmp_path / "after"):
                folder.mkdir()
                file = await workspace.export(folder, OBJECTS, range(FRAMES), ExportOptions("coco"), no_progress)
                written.append(file.read_bytes())
                engine.lose()
            assert written[0] == written[1]

    run(scenario)


def test_a_preview_does_not_bring_a_lost_session_back(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            await workspace.prompt(4, 1, HERE)
            before, state = await workspace.preview(5, 1, THERE), workspace.state
            assert before.objects and workspace.state == state and len(workspace.log.entries) == 1
            engine.lose()
            with pytest.raises(SessionGone):
                await workspace.preview(5, 1, THERE)
            await workspace.prompt(4, 1, HERE)
            assert (await workspace.preview(5, 1, THERE)).objects == before.objects

    run(scenario)


def test_calls_that_wait_together_recover_a_session_once(clip: Path) -> None:
    async def scenario() -> None:
        engine, observer = FakeEngine(), Observer()
        async with opened(clip, engine, observer) as workspace:
            await work_on(workspace)
            await track(workspace)  # so that tracking once more finds nothing to do
            expected = await all_masks(workspace)
            engine.sessions.clear()
            results = await asyncio.gather(*(all_masks(workspace) for _ in range(8)), workspace.stale_frames())
            assert all(masks == expected for masks in results[:8])
        assert engine.calls.count("open") == 2
        assert [each for each in observer.told if each[0] == "replayed"] == [("replayed", False)]

    run(scenario)


def test_a_session_that_is_lost_again_is_recovered_again(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            expected = await all_masks(workspace)
            for _ in range(3):
                engine.lose()
                assert await all_masks(workspace) == expected

    run(scenario)


class Observer(WorkspaceObserver):
    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def waiting(self, is_waiting: bool) -> None:
        self.told.append(("waiting", is_waiting))

    def replaying(self, fraction: float | None, message: str) -> None:
        self.told.append(("replaying", fraction))

    def replayed(self, tracking_skipped: bool) -> None:
        self.told.append(("replayed", tracking_skipped))


def test_an_observer_is_told_about_waiting_and_recovery(clip: Path) -> None:
    async def scenario() -> None:
        engine, observer = HeldEngine(), Observer()
        async with opened(clip, engine, observer) as workspace:
            await workspace.prompt(0, 1, HERE)
            assert observer.told == [("waiting", True), ("waiting", False)]
            engine.kinds = (GetMasks,)
            observer.told.clear()
            together = asyncio.gather(*(workspace.masks(range(1)) for _ in range(3)))
            await engine.entered()
            assert observer.told == [("waiting", True)]
            await asyncio.sleep(0.01)
            assert workspace.waiting_seconds >= 0.01
            engine.gate.release(3)
            await together
            assert observer.told == [("waiting", True), ("waiting", False)]
            assert workspace.waiting_seconds == 0
            await track(workspace, FORWARD)
            engine.sessions.clear()
            observer.told.clear()
            engine.gate.release(2)  # the call that finds the session lost, and the same again
            await workspace.masks(range(1))
        kinds = [kind for kind, _ in observer.told]
        assert kinds[:2] == ["waiting", "replaying"] and kinds[-2:] == ["replayed", "waiting"]
        fractions = [fraction for kind, fraction in observer.told if kind == "replaying"]
        assert fractions == sorted(fractions) and fractions[-1] == 1

    run(scenario)


def test_the_tracking_of_a_recovery_can_be_skipped(clip: Path) -> None:
    async def scenario() -> None:
        engine, observer = HeldEngine(), Observer()
        async with opened(clip, engine, observer) as workspace:
            await work_on(workspace)
            engine.sessions.clear()
            engine.kinds = (Track,)
            asking = asyncio.create_task(all_masks(workspace))
            await engine.entered()
            assert workspace.is_replaying
            workspace.skip_tracking()
            engine.gate.release()
            masks = await asking
            assert not workspace.is_replaying
            assert [bool(objects) for objects in masks][8:] == [True, False, False, False], "the prompts are all there"
        assert ("replayed", True) in observer.told

    run(scenario)


# --- commands in order ------------------------------------------------------------------------------------------------


def test_commands_that_change_something_run_in_the_order_of_the_calls(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            first = asyncio.create_task(workspace.prompt(0, 1, HERE))
            await engine.entered()
            engine.kinds = ()
            later = [
                asyncio.create_task(workspace.run(RemoveObject(1))),
                asyncio.create_task(workspace.prompt(3, 2, BOXED)),
                asyncio.create_task(workspace.prompt(3, 1, THERE)),
                asyncio.create_task(workspace.run(Untrack(range(2), (1,)))),
                asyncio.create_task(workspace.prompt(3, 2, THERE)),
            ]
            await asyncio.sleep(0.01)
            assert engine.calls == ["open"]
            engine.gate.release()
            await asyncio.gather(first, *later)
            assert engine.calls[1:] == ["SetPrompt", "RemoveObject", "SetPrompt", "SetPrompt", "Untrack", "SetPrompt"]
            assert workspace.log.state.prompts == {2: {3: THERE}, 1: {3: THERE}}
            (session,) = engine.sessions.values()
            assert session.prompts == workspace.log.state.prompts

    run(scenario)


def test_a_command_is_recorded_though_its_caller_has_stopped_waiting(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            waiting = [asyncio.create_task(workspace.prompt(0, number, HERE)) for number in (1, 2)]
            await engine.entered()
            for each in waiting:
                each.cancel()
            assert all(
                isinstance(each, asyncio.CancelledError)
                for each in await asyncio.gather(*waiting, return_exceptions=True)
            )
            engine.gate.release(2)
            await workspace.run(RemoveObject(7))
            assert list(workspace.log.state.prompts) == [1, 2]

    run(scenario)


async def leave_while_tracking(workspace: Workspace, engine: HeldEngine) -> None:
    """Nobody waits any more for the step of tracking that is under way, which goes on."""
    await workspace.prompt(0, 1, HERE)
    waiting = asyncio.create_task(track(workspace, FORWARD))
    await engine.entered()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    engine.gate.release()


def test_a_step_of_tracking_is_recorded_though_nobody_waits(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(Track)
        async with opened(clip, engine) as workspace:
            await leave_while_tracking(workspace, engine)
            while not workspace.log.state.tracked:
                await asyncio.sleep(0)
            assert workspace.log.entries[1:] == [TrackEntry(1, 2, 1, (1,))]

    run(scenario)


@pytest.mark.parametrize("is_expected", [True, False])
def test_what_fails_when_nobody_waits_is_logged_only_where_it_is_a_fault(
    clip: Path, caplog: pytest.LogCaptureFixture, is_expected: bool
) -> None:
    """A visitor who leaves while a frame is tracked ends that step with an error that nobody needs."""

    class FailingEngine(HeldEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            result = super().execute(session, command)
            if isinstance(command, Track):
                raise MediaError("This clip has been closed.") if is_expected else RuntimeError("a fault")
            return result

    async def scenario() -> None:
        engine = FailingEngine(Track)
        async with opened(clip, engine) as workspace:
            await leave_while_tracking(workspace, engine)
            while workspace._tracking:
                await asyncio.sleep(0)
        gc.collect()  # asyncio tells of what nobody has looked at when it is collected

    run(scenario)
    messages = [f"{each.message} {each.exc_info}" for each in caplog.records]
    assert len(messages) == (0 if is_expected else 1)
    assert all("a fault" in each and "never retrieved" not in each for each in messages)


def test_a_command_that_fails_is_not_recorded_and_stops_nothing(clip: Path) -> None:
    class Failing(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SetPrompt) and command.object_id == 2:
                raise RuntimeError("out of order")
            return super().execute(session, command)

    async def scenario() -> None:
        async with opened(clip, Failing()) as workspace:
            results = await asyncio.gather(
                *(workspace.prompt(frame, number, HERE) for frame, number in ((0, 1), (0, 2), (99, 1), (1, 1))),
                return_exceptions=True,
            )
            assert [type(each).__name__ for each in results] == [
                "FrameMasks",
                "RuntimeError",
                "BadPrompt",
                "FrameMasks",
            ]
            assert workspace.log.state.prompts == {1: {0: HERE, 1: HERE}}

    run(scenario)


def test_masks_may_have_changed_whenever_the_state_has(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            states = [workspace.state]
            for action in (
                workspace.prompt(0, 1, HERE),
                track(workspace, TrackingRequest("one", 3, 0, FRAMES - 1)),
                workspace.run(Untrack(range(FRAMES), (1,))),
                workspace.move(lambda: engine, no_progress),
                workspace.replace((), no_progress),
            ):
                await action
                states.append(workspace.state)
            assert len(set(states)) == len(states)
            await workspace.masks(range(2))
            assert workspace.state == states[-1]

    run(scenario)


# --- at most so many objects ------------------------------------------------------------------------------------------


def test_only_objects_with_prompts_count(clip: Path) -> None:
    async def scenario() -> None:
        async with opened(clip, FakeEngine()) as workspace:
            for number in range(10, 20):
                await workspace.prompt(0, number, HERE)
                await workspace.prompt(0, number, Prompt())
            for number in range(20, 30):
                with pytest.raises(BadPrompt, match="does not exist"):
                    await workspace.prompt(99, number, HERE)
            for number in range(1, MAX_OBJECTS + 1):
                await workspace.prompt(0, number, HERE)
            with pytest.raises(BadPrompt, match=f"At most {MAX_OBJECTS} objects"):
                await workspace.prompt(0, 99, HERE)
            await workspace.prompt(1, 1, HERE)  # one that is there
            await workspace.prompt(0, 99, Prompt())
            await workspace.run(RemoveObject(2))
            await workspace.prompt(0, 99, HERE)

    run(scenario)


def test_prompts_that_wait_together_do_not_slip_past_the_limit(clip: Path) -> None:
    async def scenario() -> None:
        async with opened(clip, FakeEngine()) as workspace:
            prompts = [workspace.prompt(0, number, HERE) for number in range(1, 9)]
            added = workspace.add([PromptEntry(0, 9, HERE)], no_progress)
            results = await asyncio.gather(*prompts, added, return_exceptions=True)
            assert [isinstance(each, BadPrompt) for each in results] == [False] * MAX_OBJECTS + [True] * (
                9 - MAX_OBJECTS
            )

    run(scenario)


def test_entries_with_too_many_objects_are_refused_as_a_whole(clip: Path) -> None:
    async def scenario() -> None:
        async with opened(clip, FakeEngine()) as workspace:
            await workspace.prompt(0, 1, HERE)
            many = [PromptEntry(0, number, HERE) for number in range(2, MAX_OBJECTS + 3)]
            for work in (workspace.add, workspace.replace):
                with pytest.raises(BadPrompt, match="At most"):
                    await work(many, no_progress)
            assert list(workspace.log.state.prompts) == [1]
            with pytest.raises(BadPrompt, match="At most"):
                await workspace.add(many[:-1], no_progress)
            await workspace.add([RemoveEntry(1), *many[:-1]], no_progress)
            await workspace.replace([*many, RemoveEntry(2)], no_progress)
            assert len(workspace.log.state.prompts) == MAX_OBJECTS

    run(scenario)


# --- adding, replacing, moving ----------------------------------------------------------------------------------------


def test_prompts_are_added_beside_what_holds(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            before = await all_masks(workspace)
            fractions: list[float | None] = []
            more = [
                RemoveEntry(2),
                PromptEntry(99, 3, HERE),  # no frame of this clip
                PromptEntry(1, 3, THERE),
                PromptEntry(1, 3, BOXED),
                PromptEntry(2, 4, BOXED),
            ]
            await workspace.add(more, lambda fraction, message: fractions.append(fraction))
            after = await all_masks(workspace)
            assert [masks[0] for masks in after] == [masks[0] for masks in before], "the first object is as it was"
            assert [sorted(each.object_id for each in masks) for masks in after[:3]] == [[1], [1, 3], [1, 4]]
            assert workspace.log.state.prompts == {1: {4: HERE, 8: THERE}, 3: {1: BOXED}, 4: {2: BOXED}}
            assert fractions == [0, 1 / 3, 2 / 3]
            engine.lose()
            assert await all_masks(workspace) == after

    run(scenario)


class Stopped(Exception):
    pass


def stop_at(number: int) -> Callable[[float | None, str], None]:
    """A progress that raises when it is called for the n-th time."""
    calls = [0]

    def progress(fraction: float | None, message: str) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise Stopped

    return progress


def test_adding_ends_where_its_progress_raises_and_what_was_added_stays(clip: Path) -> None:
    async def scenario() -> None:
        engine = FakeEngine()
        async with opened(clip, engine) as workspace:
            with pytest.raises(Stopped):
                await workspace.add([PromptEntry(0, number, HERE) for number in (1, 2, 3)], stop_at(3))
            (session,) = engine.sessions.values()
            assert list(workspace.log.state.prompts) == list(session.prompts) == [1, 2]

    run(scenario)


def test_what_is_added_is_recorded_though_nobody_waits(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            adding = asyncio.create_task(workspace.add([PromptEntry(0, 1, HERE)], no_progress))
            await engine.entered()
            adding.cancel()
            await asyncio.gather(adding, return_exceptions=True)
            engine.gate.release()
            await workspace.run(RemoveObject(9))
            assert list(workspace.log.state.prompts) == [1]

    run(scenario)


def test_entries_take_the_place_of_all_that_holds(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as expected, opened(clip, engine) as workspace:
            await expected.prompt(0, 1, HERE)
            await track(expected, TrackingRequest("forward", 0, 0, 5))
            await expected.prompt(3, 2, BOXED)
            await work_on(workspace)
            assert await workspace.replace(WORK, no_progress) is False
            assert workspace.log.entries == expected.log.entries
            assert await all_masks(workspace) == await all_masks(expected)
            engine.lose()
            assert await all_masks(workspace) == await all_masks(expected)
            await workspace.replace((), no_progress)
            assert not any(await all_masks(workspace))
            assert not workspace.log.entries
            await workspace.prompt(0, 1, HERE)

    run(scenario)


def test_the_tracking_of_entries_can_be_skipped(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(Track)
        async with opened(clip, engine) as workspace:
            replacing = asyncio.create_task(workspace.replace(WORK, no_progress))
            await engine.entered()
            workspace.skip_tracking()
            engine.gate.release()
            assert await replacing is True
            assert [len(masks) for masks in await all_masks(workspace)][:6] == [1, 1, 1, 2, 1, 0]
            engine.kinds = ()
            assert await workspace.replace(WORK, no_progress) is False, "only the one that was under way"

    run(scenario)


@pytest.mark.parametrize("failure", ["progress", "opening", "command"])
def test_a_replacement_or_a_move_that_fails_leaves_everything_as_it_was(clip: Path, failure: str) -> None:
    class Failing(FakeEngine):
        fails = False

        def open(self, media: str) -> Future[SessionInfo]:
            if self.fails and failure == "opening":
                raise Busy("No further session fits.")
            return super().open(media)

        def execute(self, session: str, command: Command[Any]) -> Any:
            if self.fails and failure == "command" and isinstance(command, Track):
                raise MediaError("The frames cannot be read.")
            return super().execute(session, command)

    async def scenario() -> None:
        engine, other = Failing(), Failing()
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            masks, entries, state = await all_masks(workspace), list(workspace.log.entries), workspace.state
            engine.fails = other.fails = True
            for work in (
                lambda progress: workspace.replace(WORK, progress),
                lambda progress: workspace.move(lambda: other, progress),
            ):
                with pytest.raises((Stopped, Busy, MediaError)):
                    await work(stop_at(2 if failure == "progress" else 0))
                assert workspace.log.entries == entries
                assert workspace.state == state
                assert await all_masks(workspace) == masks
                assert (len(engine.sessions), len(other.sessions)) == (1, 0)
            engine.fails = False
            engine.sessions.clear()
            assert await all_masks(workspace) == masks, "and it is still recovered on the engine that it was on"

    run(scenario)


def test_a_move_that_is_cancelled_leaves_everything_as_it_was(clip: Path) -> None:
    async def scenario() -> None:
        engine, other = FakeEngine(), HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            masks = await all_masks(workspace)
            moving = asyncio.create_task(workspace.move(lambda: other, no_progress))
            await other.entered()
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            other.gate.release()
            assert await all_masks(workspace) == masks
            assert (len(engine.sessions), len(other.sessions)) == (1, 0)

    run(scenario)


def test_all_moves_to_another_engine(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        former = FakeEngine()
        async with opened(clip, engine) as expected, opened(clip, former) as workspace:
            for each in (expected, workspace):
                await work_on(each)
            await workspace.move(lambda: engine, no_progress)
            assert not former.sessions
            assert await all_masks(workspace) == await all_masks(expected)
            assert workspace.status().device == engine.status().device
            engine.lose()
            assert await all_masks(workspace) == await all_masks(expected)

    run(scenario)


def test_a_step_of_tracking_under_way_moves_too(clip: Path) -> None:
    """Each step counts on both engines or on none, whenever the move comes, and the run goes on."""

    async def scenario() -> None:
        engine, other = HeldEngine(Track), FakeEngine()
        async with opened(clip, engine) as workspace, opened(clip, FakeEngine()) as expected:
            for each in (workspace, expected):
                await each.prompt(0, 1, HERE)
            run_ = asyncio.create_task(track(workspace, FORWARD))
            await engine.entered()
            moving = asyncio.create_task(workspace.move(lambda: other, no_progress))
            await asyncio.sleep(0.01)
            assert "open" not in other.calls, "what the step finds belongs into the log first"
            engine.gate.release(FRAMES)
            await moving
            assert (await run_).changed == (await track(expected, FORWARD)).changed == FRAMES - 1
            assert await all_masks(workspace) == await all_masks(expected)
            assert workspace.log.entries == expected.log.entries
            other.sessions.clear()
            assert await all_masks(workspace) == await all_masks(expected)

    run(scenario)


def test_tracking_that_begins_during_a_move_waits_for_it(clip: Path) -> None:
    async def scenario() -> None:
        engine, other = HeldEngine(PlanTracking), HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            await workspace.prompt(0, 1, HERE)
            moving = asyncio.create_task(workspace.move(lambda: other, no_progress))
            await other.entered()
            tracking = asyncio.create_task(track(workspace, FORWARD))
            clicking = asyncio.create_task(workspace.prompt(11, 2, BOXED))
            for _ in range(2):  # its plans
                await engine.entered()
                engine.gate.release()
            await asyncio.sleep(0.01)
            assert not workspace.log.state.tracked
            other.gate.release(2)
            await asyncio.gather(moving, tracking, clicking)
            assert "Track" not in engine.calls
            (session,) = other.sessions.values()
            assert session.prompts == workspace.log.state.prompts == {1: {0: HERE}, 2: {11: BOXED}}
            masks = await all_masks(workspace)
            other.sessions.clear()
            other.gate.release(2)
            assert await all_masks(workspace) == masks

    run(scenario)


# --- opening, closing, waiting ----------------------------------------------------------------------------------------


def test_closing_during_a_replay_leaves_no_session(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine()
        async with opened(clip, engine) as workspace:
            await work_on(workspace)
            engine.sessions.clear()
            engine.kinds = (SetPrompt,)
            waiting = [asyncio.create_task(each) for each in (all_masks(workspace), workspace.prompt(0, 2, HERE))]
            await engine.entered()
            await workspace.close()
            engine.gate.release(9)
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(each, MediaError) for each in results)
            with pytest.raises(MediaError, match="has been closed"):
                await workspace.prompt(0, 1, HERE)
        assert not engine.sessions

    run(scenario)


def test_closing_waits_for_no_engine(clip: Path) -> None:
    class Stuck(FakeEngine):
        def close(self, session: str) -> Future[None]:
            super().close(session)
            return Future()

    class ShutDown(FakeEngine):
        def close(self, session: str) -> Future[None]:
            failed: Future[None] = Future()
            failed.set_exception(SessionGone("The server is shutting down."))
            return failed

    async def scenario() -> None:
        for engine in (Stuck(), ShutDown()):
            async with opened(clip, engine) as workspace:
                await workspace.prompt(0, 1, HERE)

    run(scenario)


class SlowToOpen(FakeEngine):
    """Opens its first session when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def _open(self, media: str) -> SessionInfo:
        if not self.asked.is_set():
            self.asked.set()
            assert self.may.wait(DEADLINE)
        return super()._open(media)

    async def until_asked(self) -> None:
        await asyncio.to_thread(self.asked.wait)

    async def until_closed(self) -> None:
        while "close" not in self.calls:
            await asyncio.sleep(0.001)


def test_closing_while_the_session_is_opened_leaves_none(clip: Path) -> None:
    async def scenario() -> None:
        engine = SlowToOpen()
        async with opened(clip, engine) as workspace:
            waiting = asyncio.create_task(workspace.masks(range(1)))
            await engine.until_asked()
            await workspace.close()
            engine.may.set()
            with pytest.raises(MediaError):
                await waiting
        await engine.until_closed()
        assert not engine.sessions

    run(scenario)


def test_closing_ends_a_replay_after_the_command_under_way(clip: Path) -> None:
    async def scenario() -> None:
        engine = HeldEngine(SetPrompt)
        async with opened(clip, engine) as workspace:
            entries = [PromptEntry(frame, 1, HERE) for frame in range(FRAMES)]
            replacing = asyncio.create_task(workspace.replace(entries, no_progress))
            await engine.entered()
            await workspace.close()
            for _ in entries:
                engine.gate.release()
            with pytest.raises(MediaError, match="has been closed"):
                await replacing
            assert engine.calls.count("SetPrompt") == 1
            assert not engine.sessions

    run(scenario)


def test_a_session_that_nobody_waits_for_any_more_is_closed(clip: Path) -> None:
    async def scenario() -> None:
        engine = SlowToOpen()
        async with opened(clip, engine) as workspace:
            waiting = asyncio.create_task(workspace.preview(0, 1, HERE))
            await engine.until_asked()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            engine.may.set()
            await engine.until_closed()
            assert not engine.sessions
            await workspace.prompt(0, 1, HERE)
            assert len(engine.sessions) == 1

    run(scenario)


def test_a_replay_is_not_lost_to_a_session_that_was_being_opened(clip: Path) -> None:
    async def scenario() -> None:
        engine = SlowToOpen()
        async with opened(clip, engine) as workspace:
            hovering = asyncio.create_task(workspace.preview(0, 1, HERE))
            await engine.until_asked()
            await workspace.replace(WORK, no_progress)
            engine.may.set()
            await hovering
            assert [len(masks) for masks in await all_masks(workspace)][:5] == [1, 1, 1, 2, 1]
            assert len(engine.sessions) == 1

    run(scenario)


def test_calls_wait_without_threads(clip: Path) -> None:
    class Slow(FakeEngine):
        """Results come when the test gives them."""

        def __init__(self) -> None:
            super().__init__()
            self.waiting: list[tuple[Future[Any], str, Command[Any]]] = []

        def run(self, session: str, command: Command[Any]) -> Future[Any]:
            future: Future[Any] = Future()
            self.waiting.append((future, session, command))
            return future

    async def scenario() -> None:
        engine = Slow()
        async with opened(clip, engine) as workspace:
            await asyncio.to_thread(int)  # asyncio's own pool, as far as one file at a time needs it
            asking = asyncio.gather(*(workspace.masks(range(1)) for _ in range(40)))
            await asyncio.sleep(0)
            before = threading.active_count()
            while len(engine.waiting) < 40:
                await asyncio.sleep(0.001)
            assert threading.active_count() <= before + 1, "40 calls wait; FakeEngine opens their session on a thread"
            frame = await asyncio.wait_for(asyncio.to_thread(workspace.store.jpeg, 0), 5)
            assert frame
            for future, session, command in engine.waiting:
                future.set_result(engine.execute(session, command))
            assert len(await asking) == 40

    run(scenario)


def test_an_export_reads_masks_on_its_thread(clip: Path, engine: ForgetfulEngine) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            with pytest.raises(SessionGone):
                workspace.read_masks(range(1))
            await work_on(workspace)
            masks = await asyncio.to_thread(workspace.read_masks, range(FRAMES))
            assert [each.objects for each in masks] == await all_masks(workspace)

    run(scenario)


def test_an_export_ends_where_its_progress_raises(clip: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(clip, FakeEngine()) as workspace:
            await work_on(workspace)
            with pytest.raises(Stopped):
                await workspace.export(tmp_path, OBJECTS, range(FRAMES), ExportOptions("masks"), stop_at(2))
            assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    run(scenario)


def test_a_proposed_mask_is_exported_with_the_score_that_it_was_proposed_with(clip: Path, tmp_path: Path) -> None:
    made = (Provenance("automatic", "automatic", predicted_iou=0.25), Provenance("automatic", predicted_iou=0.25))
    objects = [ObjectTraits(number, "", "", (0, 0, 0), each) for number, each in enumerate(made, start=1)]

    async def scenario() -> list[tuple[int, int, float]]:
        async with opened(clip, FakeEngine()) as workspace:
            height, width = workspace.info.size_of(0)
            mask = Mask.from_array(np.pad(np.ones((8, 8), bool), ((4, height - 12), (4, width - 12))))
            for each in objects:
                await workspace.prompt(0, each.id, Prompt(mask=mask))
                await workspace.prompt(1, each.id, HERE)
            file = await workspace.export(tmp_path, objects, range(2), ExportOptions("coco"), no_progress)
            found = json.loads(file.read_text())["annotations"]
            return [(each["image_id"], each["track_id"], each["score"]) for each in found]

    scores = {(image, track): score for image, track, score in run(scenario)}
    assert scores.pop((1, 1)) == 0.25
    assert scores.keys() == {(1, 2), (2, 1), (2, 2)} and 0.25 not in scores.values()


def test_images_are_not_tracked(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "gray.png")
    ingest(tmp_path / "gray.png", tmp_path / "store")

    async def scenario() -> None:
        async with opened(tmp_path / "store", FakeEngine()) as workspace:
            assert (await workspace.prompt(0, 1, Prompt((Point(10, 12),)))).objects[0].mask.to_array()[12, 10]
            with pytest.raises(BadPrompt, match="nothing to track"):
                workspace.track(FORWARD)

    run(scenario)


def test_a_loading_engine_is_busy(clip: Path) -> None:
    def loading() -> Engine:
        raise Busy("The model is loading.")

    async def scenario() -> None:
        workspace = Workspace(clip, loading, MAX_OBJECTS)
        for work in (workspace.prompt(0, 1, HERE), workspace.masks(range(1)), workspace.preview(0, 1, HERE)):
            with pytest.raises(Busy):
                await work
        with pytest.raises(Busy):
            workspace.status()
        await workspace.move(FakeEngine, no_progress)
        await workspace.prompt(0, 1, HERE)
        await workspace.close()

    run(scenario)


def test_of_the_frames_to_encode_ahead_the_newest_counts(clip: Path) -> None:
    async def scenario() -> None:
        engine = LocalEngine(tiny_network())
        async with opened(clip, engine) as workspace:
            await workspace.masks(range(1))
            before = workspace.state
            blocked = threading.Event()
            engine._worker.submit(Priority.CLICK, "", lambda: blocked.wait(DEADLINE))
            futures = []
            for frame in (3, 4):
                await workspace.encode_frame(frame)
                futures.append(workspace._encoding)
            blocked.set()
            await asyncio.wrap_future(futures[1])
            assert futures[0].cancelled()
            assert workspace.state == before
            assert [key[1] for key in engine._cache._entries] == [4]
        engine.shut_down()

    run(scenario)
