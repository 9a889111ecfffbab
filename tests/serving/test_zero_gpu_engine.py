"""GPUs that are lent by the call: the contract (test_engine_contract.py), and what a call costs, changes and loses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from inspect import signature
from pathlib import Path

import pytest

from sam2_core.errors import BadPrompt, Busy, QuotaExceeded, SessionChanged, SessionGone
from sam2_core.serving.commands import Track
from sam2_core.serving.local import EngineLimits, LocalEngine
from sam2_core.serving.tracking_run import TrackingRequest
from sam2_core.serving.zero_gpu_call import GpuCall, NetworkSource, call_seconds, run_call
from sam2_core.serving.zero_gpu_engine import ZeroGPUEngine
from sam2_core.types import Box, FrameMasks, LiveMedium, Point, Prompt
from tests.networks import tiny_network
from tests.serving import test_engine_contract as contract
from tests.serving.calls import Calls
from tests.serving.workspaces import opened, run

if sys.platform != "linux":
    pytest.skip("processes are forked on Linux", allow_module_level=True)

from tests.serving.forked_gpu import ForkedGPU, SpacesError

CLICK = Prompt((Point(30, 20),))
BOXED = Prompt(boxes=(Box(5, 6, 30, 40),))
SOURCE = NetworkSource("test")


@pytest.fixture
def gpu() -> ForkedGPU:
    return ForkedGPU(call_seconds)


@pytest.fixture
def engine(gpu: ForkedGPU) -> Iterator[Calls]:
    engine = ZeroGPUEngine(tiny_network(), SOURCE, gpu(run_call), device="cpu")
    yield Calls(engine)
    engine.shut_down()


@pytest.fixture
def local() -> Iterator[Calls]:
    engine = LocalEngine(tiny_network())
    yield Calls(engine)
    engine.shut_down()


CONTRACT = [
    test
    for name, test in vars(contract).items()
    if name.startswith("test_") and [*signature(test).parameters] == ["engine", "clip"] and "camera" not in name
]


@pytest.mark.parametrize("test", CONTRACT, ids=lambda test: test.__name__.removeprefix("test_"))
def test_it_keeps_to_the_contract(engine: Calls, clip: str, test: Callable[[Calls, str], None]) -> None:
    test(engine, clip)


def work(engine: Calls, clip: str) -> list[tuple[FrameMasks, ...]]:
    """Prompts, tracking both ways, a correction, another object, and what is stale after that."""
    session = engine.open(clip).id
    found: list[tuple[FrameMasks, ...]] = [(engine.set_prompt(session, 3, 1, CLICK),)]
    revision = found[0][0].revision
    found += [engine.track(session, range(first, first + 3), revision) for first in range(3, 12, 3)]
    found.append(engine.track(session, range(3, -1, -1), revision))
    grown = Prompt((*CLICK.points, Point(70, 60, positive=False)))
    found.append((engine.set_prompt(session, 7, 1, grown), engine.set_prompt(session, 0, 2, BOXED)))
    revision = found[-1][-1].revision
    for span in (*engine.stale_frames(session, range(12)), *engine.plan_tracking(session, range(12))):
        found += [engine.track(session, range(at, at + 1), revision, span.objects) for at in span.frames]
    found.append(engine.get_masks(session, range(12)))
    return found


def test_masks_are_those_of_a_local_engine(engine: Calls, local: Calls, gpu: ForkedGPU, clip: str) -> None:
    assert work(engine, clip) == work(local, clip)
    assert len(gpu.calls) < 14, "many frames share a call"


def test_what_needs_no_network_needs_no_gpu(engine: Calls, gpu: ForkedGPU, clip: str) -> None:
    session = engine.open(clip).id
    revision = engine.set_prompt(session, 0, 1, CLICK).revision
    engine.track(session, range(12), revision)
    count = len(gpu.calls)
    engine.track(session, range(12), revision)
    engine.get_masks(session, range(12))
    engine.stale_frames(session, range(12))
    engine.untrack(session, range(6, 12), (1,))
    engine.set_prompt(session, 0, 1, Prompt())
    with pytest.raises(BadPrompt):
        engine.set_prompt(session, 99, 1, CLICK)
    assert len(gpu.calls) == count == 2


def test_frames_are_tracked_ahead_and_an_edit_drops_them(
    engine: Calls, local: Calls, gpu: ForkedGPU, clip: str
) -> None:
    def edited(calls: Calls) -> tuple[FrameMasks, ...]:
        session = calls.open(clip).id
        revision = calls.set_prompt(session, 0, 1, CLICK).revision
        for frame in (1, 2):
            calls.track(session, range(frame, frame + 1), revision)
        assert [bool(masks.objects) for masks in calls.get_masks(session, range(5))] == [True] * 3 + [False] * 2
        newest = calls.set_prompt(session, 2, 1, BOXED).revision
        with pytest.raises(SessionChanged):
            calls.track(session, range(3, 4), revision)
        calls.track(session, range(3, 6), newest)
        return calls.get_masks(session, range(12))

    assert edited(engine) == edited(local)
    kinds = [type(call.command).__name__ for call in gpu.calls]
    assert kinds == ["SetPrompt", "Track", "SetPrompt", "Track"]
    assert gpu.calls[1].command.frames == range(1, 12)
    assert not any(gpu.ended), "by then its process may serve another visitor"


def test_a_run_of_tracking_takes_one_call(engine: Calls, gpu: ForkedGPU, clip: str) -> None:
    async def scenario() -> int:
        async with opened(Path(clip), engine.engine) as workspace:
            await workspace.prompt(0, 1, CLICK)
            tracking = workspace.track(TrackingRequest("forward", 0, 0, 11))
            return sum([len(update.masks) async for update in tracking])

    assert run(scenario) == 11
    assert [type(call.command) for call in gpu.calls].count(Track) == 1
    assert gpu.durations[1] > gpu.durations[0] >= 5, "more frames may take longer"


def test_a_used_up_quota_is_told_and_loses_nothing(engine: Calls, gpu: ForkedGPU, clip: str) -> None:
    session = engine.open(clip).id
    revision = engine.set_prompt(session, 0, 1, CLICK).revision
    text = "You have exceeded your free ZeroGPU quota (6s requested vs. 2s left). Try again in 3:12:01. Log in."
    gpu.refusal = SpacesError("ZeroGPU quota exceeded", text)
    with pytest.raises(QuotaExceeded, match=r"used up until there is more in 3:12:01\. A smaller"):
        engine.track(session, range(1, 3), revision)
    gpu.refusal = None
    assert len(engine.track(session, range(1, 3), revision)) == 2


@pytest.mark.parametrize(
    ("title", "text", "message"),
    [
        ("ZeroGPU quota exceeded", "No GPU was available after 60s. Try re-running", "has no GPU free"),
        ("ZeroGPU client error", "Expired ZeroGPU proxy token", "did not recognize this page"),
        ("ZeroGPU worker error", "GPU task aborted", "Try it once more"),
    ],
)
def test_other_refusals_are_no_quota(
    engine: Calls, gpu: ForkedGPU, clip: str, title: str, text: str, message: str
) -> None:
    session = engine.open(clip).id
    gpu.refusal = SpacesError(title, text)
    with pytest.raises(Busy, match=message) as caught:
        engine.set_prompt(session, 0, 1, CLICK)
    assert not isinstance(caught.value, QuotaExceeded)


def test_a_call_that_dies_leaves_the_session_as_it_was(engine: Calls, local: Calls, gpu: ForkedGPU, clip: str) -> None:
    def die_once(call: GpuCall) -> None:
        if len(gpu.calls) == 2:
            os._exit(1)

    gpu.before = die_once
    session, other = engine.open(clip).id, local.open(clip).id
    revision = engine.set_prompt(session, 0, 1, CLICK).revision
    with pytest.raises(Busy, match="Your work is kept"):
        engine.track(session, range(1, 4), revision)
    assert engine.track(session, range(1, 4), revision) == local.track(
        other, range(1, 4), local.set_prompt(other, 0, 1, CLICK).revision
    )


def test_a_call_runs_in_the_context_of_its_caller(engine: Calls, gpu: ForkedGPU, clip: str) -> None:
    visitor: ContextVar[str] = ContextVar("visitor", default="nobody")
    seen: list[str] = []
    gpu.at_start = lambda: seen.append(visitor.get())
    session = engine.open(clip).id
    for name in ("ann", "bob"):
        context = copy_context()
        context.run(visitor.set, name)
        context.run(engine.set_prompt, session, 0, 1, CLICK)
    assert seen == ["ann", "bob"]


def test_only_what_a_command_works_on_crosses(engine: Calls, gpu: ForkedGPU, clip: str) -> None:
    session = engine.open(clip).id
    for object_id in range(1, 6):
        revision = engine.set_prompt(session, 0, object_id, CLICK).revision
    engine.track(session, range(1, 12), revision)
    revision = engine.untrack(session, range(11, 12), range(1, 6))
    engine.track(session, range(11, 12), revision)
    of_all = gpu.crossed[-1][0]
    engine.set_prompt(session, 11, 1, BOXED)
    of_one = gpu.crossed[-1][0]
    assert of_one < of_all / 3
    engine.preview(session, 11, 9, CLICK)
    assert gpu.crossed[-1][0] < of_one, "a new object has no memory yet"


def test_the_longest_idle_sessions_make_room(gpu: ForkedGPU, clip: str) -> None:
    inner = ZeroGPUEngine(tiny_network(), SOURCE, gpu(run_call), device="cpu")
    engine = Calls(inner)
    first, second, third = (engine.open(clip).id for _ in range(3))
    revision = engine.set_prompt(first, 0, 1, CLICK).revision
    engine.track(first, range(1, 2), revision)  # the call goes on ahead, which keeps nobody's place
    one = engine.status().session_bytes
    assert one > 0
    inner.limits = EngineLimits(max_sessions=3, memory_bytes=one + 1)
    engine.get_masks(second, range(1))
    engine.set_prompt(third, 0, 1, CLICK)
    with pytest.raises(SessionGone):
        engine.get_masks(first, range(1))
    engine.open(clip)
    engine.open(clip)
    with pytest.raises(SessionGone):
        engine.get_masks(second, range(1))
    assert len(engine.get_masks(third, range(1))[0].objects) == 1
    assert engine.status().evictions == 2
    engine.shut_down()


def test_it_is_metered_and_has_no_camera(engine: Calls) -> None:
    assert engine.status().is_metered and not LocalEngine(tiny_network()).status().is_metered
    with pytest.raises(BadPrompt, match="camera"):
        engine.open(LiveMedium(48, 64))
