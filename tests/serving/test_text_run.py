"""What a text names becomes objects: which are new, on which frames they are looked for, and where they are tracked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sam2_core.detection.detector import Detection
from sam2_core.errors import BadPrompt
from sam2_core.media import Limits, ingest
from sam2_core.serving.detection_engine import Detect
from sam2_core.serving.project import traits_of
from sam2_core.serving.text_run import TextRequest, TextRun, TextUpdate, spans_between
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Box, FrameSpan, Prompt
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip

FRAMES = 12
DOG, CAT = Detection("dog", 0.8, Box(10, 10, 30, 30)), Detection("cat", 0.7, Box(50, 10, 70, 30))
BIRD = Detection("bird", 0.6, Box(10, 40, 30, 60))


@dataclass
class ByFrame:
    """A detector that finds certain objects from certain frames on: first and last frame of each."""

    objects: Mapping[Detection, range] = field(default_factory=dict)
    looked: list[int] = field(default_factory=list)

    async def __call__(self, command: Detect) -> tuple[Detection, ...]:
        self.looked.append(command.frame)
        return tuple(found for found, frames in self.objects.items() if command.frame in frames)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text_run")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES, size=(72, 96)), folder / "store", Limits(), lambda *_: None)
    return folder / "store"


@pytest.fixture
def work(store: Path) -> Callable[[Callable[[Workspace], Coroutine[Any, Any, Any]]], Any]:
    def run(act: Callable[[Workspace], Coroutine[Any, Any, Any]], max_objects: int = 10) -> Any:
        async def inside() -> Any:
            engine = FakeEngine()
            workspace = Workspace(store, lambda: engine, max_objects)
            try:
                return await act(workspace)
            finally:
                await workspace.close()

        return asyncio.run(inside())

    return run


def request(frame: int, direction: Any = None, every: int | None = None, last: int = FRAMES - 1) -> TextRequest:
    return TextRequest(Detect("", frame, ("dog", "cat", "bird")), direction, every, 0, last)


async def finish(run: TextRun) -> list[TextUpdate]:
    return [update async for update in run if isinstance(update, TextUpdate)]


def tracked(workspace: Workspace) -> dict[int, list[int]]:
    """Object -> frames with a mask."""
    state = workspace.log.state
    return {number: sorted({*frames, *state.tracked.get(number, ())}) for number, frames in state.prompts.items()}


def test_what_is_there_already_is_not_new(work: Any) -> None:
    async def act(workspace: Workspace) -> None:
        await workspace.prompt(3, 1, Prompt(boxes=(Box(11, 10, 31, 30),)))
        twin = Detection("pet", 0.5, Box(51, 10, 71, 30))
        run = workspace.find_objects(request(3), ByFrame(dict.fromkeys((DOG, CAT, twin), range(FRAMES))))
        [found] = await finish(run)
        assert [each.is_new for each in found.found] == [False, True, False]
        assert [(each.id, each.name) for each in found.added] == [(2, "cat")]
        assert run.missing == ("dog", "bird")
        traits = traits_of(workspace.log.state, 2)
        assert (traits.name, traits.label) == ("cat", "cat")
        assert tracked(workspace) == {1: [3], 2: [3]}

    work(act)


def test_both_ways_are_looked_at_and_tracked(work: Any) -> None:
    """From the middle: the cat comes later, the bird was there only before."""

    async def act(workspace: Workspace) -> None:
        detector = ByFrame({DOG: range(FRAMES), CAT: range(8, FRAMES), BIRD: range(3)})
        run = workspace.find_objects(request(5, "both", 3), detector)
        updates = await finish(run)
        assert detector.looked == [5, 8, 11, 2]
        assert [[each.name for each in update.added] for update in updates] == [["dog"], ["cat"], [], ["bird"]]
        assert tracked(workspace) == {number: [*range(FRAMES)] for number in (1, 2, 3)}
        assert run.missing == ()
        assert not run.summary.stopped

    work(act)


def test_one_way_only(work: Any) -> None:
    async def act(workspace: Workspace) -> None:
        detector = ByFrame({DOG: range(FRAMES), BIRD: range(5)})
        await finish(workspace.find_objects(request(8, "backward", 4), detector, first_object=40))
        assert detector.looked == [8, 4, 0]
        assert tracked(workspace) == {40: list(range(9)), 41: list(range(5))}

    work(act)


def test_there_is_an_end_to_the_room(work: Any) -> None:
    async def act(workspace: Workspace) -> None:
        run = workspace.find_objects(request(0), ByFrame(dict.fromkeys((DOG, CAT), range(1))))
        await workspace.prompt(0, 1, Prompt(boxes=(Box(80, 50, 90, 60),)))
        [found] = await finish(run)
        assert ([each.id for each in found.added], found.left_out) == ([2], 1)

    work(act, max_objects=2)


def test_a_run_that_waits_for_the_detector_stops_at_once(work: Any) -> None:
    async def act(workspace: Workspace) -> None:
        async def never(command: Detect) -> tuple[Detection, ...]:
            asyncio.get_running_loop().call_soon(run.stop)
            await asyncio.Event().wait()
            raise AssertionError

        run = workspace.find_objects(request(0, "forward"), never)
        assert await finish(run) == []
        assert run.summary.stopped

    work(act)


def test_what_cannot_be_asked_is_refused(work: Any) -> None:
    async def act(workspace: Workspace) -> None:
        with pytest.raises(BadPrompt, match="Frame 9 is outside of frames 0 to 4"):
            workspace.find_objects(request(9, "forward", last=4), ByFrame())
        with pytest.raises(BadPrompt, match="more than 1000 frames"):
            workspace.find_objects(request(0, "forward", 1, last=2000), ByFrame())

    work(act)


def test_spans_begin_where_objects_do() -> None:
    assert spans_between({1: 2, 2: 5}, range(4, 8)) == [FrameSpan(range(4, 5), (1,)), FrameSpan(range(5, 8), (1, 2))]
    assert spans_between({1: 2, 2: 9}, range(6, 0, -1)) == [
        FrameSpan(range(6, 2, -1), (2,)),
        FrameSpan(range(2, 0, -1), (1, 2)),
    ]
    assert spans_between({1: 9}, range(4, 8)) == []
