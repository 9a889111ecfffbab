"""One contract for every engine: the local one, the fake one, a pool of two, and one behind a wall that only lets
pickles through, as an engine in another process would."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import BadPrompt, MediaError, SessionChanged, SessionGone
from sam2_core.media import ingest_album
from sam2_core.serving.engine import Engine
from sam2_core.serving.local import LocalEngine
from sam2_core.serving.pool import EnginePool
from sam2_core.types import Box, FrameSpan, LiveMedium, Mask, Point, Prompt
from tests.fakes import FakeEngine
from tests.networks import tiny_network
from tests.serving.calls import Calls

T = TypeVar("T")

CLICK = Prompt((Point(30, 20),))
BOXED = Prompt(boxes=(Box(5, 6, 30, 40),))


class PickledEngine:
    """Passes every command, result and error through pickle."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = getattr(self._engine, name)(*pickled(arguments))
            return passed_on(result) if isinstance(result, Future) else pickled(result)

        return call


def pickled(value: T) -> T:
    return pickle.loads(pickle.dumps(value))


def passed_on(future: Future[T]) -> Future[T]:
    passed: Future[T] = Future()

    def settle(done: Future[T]) -> None:
        error = done.exception()
        if error is None:
            passed.set_result(pickled(done.result()))
        else:
            passed.set_exception(pickled(error))

    future.add_done_callback(settle)
    return passed


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("album")
    for name, size in (("wide.png", (80, 40)), ("high.png", (30, 60))):
        Image.new("RGB", size, "teal").save(folder / name)
    ingest_album([folder / "wide.png", folder / "high.png"], folder / "store")
    return str(folder / "store")


@pytest.fixture(params=["local", "fake", "pickled local", "pool"])
def engine(request: pytest.FixtureRequest) -> Iterator[Calls]:
    if request.param == "fake":
        yield Calls(FakeEngine())
        return
    locals_ = [LocalEngine(tiny_network()) for _ in range(2 if request.param == "pool" else 1)]
    pickling: Any = PickledEngine(locals_[0])
    yield Calls({"local": locals_[0], "pickled local": pickling, "pool": EnginePool(locals_)}[request.param])
    for local in locals_:
        local.shut_down()


def test_open_tells_what_is_in_the_clip(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    assert info.frames == 12 and info.height > 0 and info.width > 0 and info.fps > 0
    assert engine.open(clip).id != info.id


def test_masks_of_an_album_have_the_sizes_of_its_photos_and_are_not_tracked(engine: Calls, album: str) -> None:
    session = engine.open(album).id
    shapes = [engine.set_prompt(session, frame, 1, CLICK).objects[0].mask.to_array().shape for frame in (0, 1)]
    assert shapes == [(40, 80), (60, 30)]
    revision = engine.get_masks(session, range(2))[1].revision
    with pytest.raises(BadPrompt):
        engine.track(session, range(2), revision)


def test_a_folder_without_a_clip_is_refused(engine: Calls, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        engine.open(str(tmp_path / "nothing"))


def test_a_prompt_answers_with_the_mask_of_its_object(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    answer = engine.set_prompt(info.id, 2, 7, CLICK)
    assert (answer.frame, [found.object_id for found in answer.objects]) == (2, [7])
    mask = answer.objects[0].mask
    assert mask.to_array().shape == (info.height, info.width)
    assert mask.to_array().dtype == np.bool_
    assert engine.get_masks(info.id, range(2, 3))[0].objects[0].mask == mask


def test_repeating_a_prompt_is_harmless(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    prompt = Prompt(CLICK.points, boxes=(Box(10, 5, 60, 40),))
    assert engine.set_prompt(info.id, 0, 1, prompt).objects == engine.set_prompt(info.id, 0, 1, prompt).objects


def test_several_boxes_and_a_mask_make_one_object(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    painted = np.zeros((info.height, info.width), bool)
    painted[5:15, 5:15] = True
    answer = engine.set_prompt(info.id, 0, 1, Prompt(mask=Mask.from_array(painted)))
    assert np.array_equal(answer.objects[0].mask.to_array(), painted), "a mask is taken as it is"
    boxes = Box(20, 5, 40, 30), Box(45, 5, 60, 40)
    both = Prompt(boxes=boxes, mask=Mask.from_array(painted))
    answer = engine.set_prompt(info.id, 0, 1, both)
    assert [found.object_id for found in answer.objects] == [1]
    assert engine.set_prompt(info.id, 0, 1, both).objects == answer.objects


def test_every_prompt_makes_a_new_revision(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    first = engine.set_prompt(info.id, 0, 1, CLICK).revision
    second = engine.set_prompt(info.id, 0, 1, Prompt(boxes=(Box(1, 1, 20, 20),))).revision
    assert second > first
    assert engine.remove_object(info.id, 1) > second


def test_an_empty_prompt_takes_back(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.set_prompt(info.id, 0, 1, CLICK)
    assert engine.set_prompt(info.id, 0, 1, Prompt()).objects == ()
    assert engine.get_masks(info.id, range(1))[0].objects == ()


def test_taking_back_the_only_prompt_takes_the_tracked_masks_with_it(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    revision = engine.set_prompt(info.id, 0, 1, CLICK).revision
    engine.track(info.id, range(5), revision)
    engine.set_prompt(info.id, 0, 1, Prompt())
    assert not any(masks.objects for masks in engine.get_masks(info.id, range(5)))


def test_a_preview_is_what_the_prompt_would_answer_and_leaves_no_trace(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    revision = engine.set_prompt(info.id, 0, 1, CLICK).revision
    before = engine.get_masks(info.id, range(12))
    grown = Prompt((*CLICK.points, Point(70, 60)))
    for frame, object_id, prompt in ((0, 1, grown), (3, 1, CLICK), (3, 2, CLICK)):
        seen = engine.preview(info.id, frame, object_id, prompt)
        assert (seen.frame, seen.revision, [found.object_id for found in seen.objects]) == (
            frame,
            revision,
            [object_id],
        )
        assert seen.objects[0].candidates == ()
    assert engine.preview(info.id, 0, 1, Prompt()).objects == ()
    assert engine.get_masks(info.id, range(12)) == before
    seen = engine.preview(info.id, 0, 1, grown)
    assert engine.set_prompt(info.id, 0, 1, grown).objects[0].mask == seen.objects[0].mask


def test_a_preview_of_nonsense_is_refused(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    with pytest.raises(BadPrompt):
        engine.preview(info.id, 12, 1, CLICK)


def test_a_picked_candidate_is_the_answer_and_stays_it_while_tracking(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    (found,) = engine.set_prompt(info.id, 0, 1, CLICK).objects
    masks = [candidate.mask for candidate in found.candidates]
    assert len(masks) == 3
    revision = engine.set_prompt(info.id, 0, 1, Prompt(CLICK.points, choice=2)).revision
    (shown, *_) = engine.track(info.id, range(3), revision)
    assert shown.objects[0].mask == masks[2]


def test_after_shut_down_everything_is_gone(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.shut_down()
    engine.shut_down()
    with pytest.raises(SessionGone):
        engine.get_masks(info.id, range(1))


def test_tracking_follows_the_range(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    revision = engine.set_prompt(info.id, 5, 1, CLICK).revision
    for frames in (range(5, 9), range(5, -1, -1)):
        results = engine.track(info.id, frames, revision)
        assert [masks.frame for masks in results] == list(frames)
        assert all([found.object_id for found in masks.objects] == [1] for masks in results)
    assert [bool(masks.objects) for masks in engine.get_masks(info.id, range(12))] == [True] * 9 + [False] * 3


def test_tracking_tells_what_is_fresh_and_computes_nothing_twice(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    revision = engine.set_prompt(info.id, 0, 1, CLICK).revision
    assert [masks.objects[0].fresh for masks in engine.track(info.id, range(4), revision)] == [False, True, True, True]
    assert not any(masks.objects[0].fresh for masks in engine.track(info.id, range(4), revision))
    assert not any(masks.objects[0].fresh for masks in engine.get_masks(info.id, range(4)))


def test_a_new_object_is_the_only_one_that_is_computed(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.track(info.id, range(6), engine.set_prompt(info.id, 0, 1, CLICK).revision)
    revision = engine.set_prompt(info.id, 2, 2, BOXED).revision
    assert engine.plan_tracking(info.id, range(6)) == (FrameSpan(range(2), (2,)), FrameSpan(range(3, 6), (2,)))
    results = engine.track(info.id, range(6), revision)
    assert [[each.object_id for each in masks.objects if each.fresh] for masks in results] == [
        [2],
        [2],
        [],
        [2],
        [2],
        [2],
    ]


def test_only_the_objects_named_are_tracked(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.set_prompt(info.id, 0, 1, CLICK)
    revision = engine.set_prompt(info.id, 0, 2, BOXED).revision
    engine.track(info.id, range(3), revision, (2,))
    assert [[each.object_id for each in masks.objects] for masks in engine.get_masks(info.id, range(3))] == [
        [1, 2],
        [2],
        [2],
    ]


def test_a_word_makes_stale_what_lies_between_the_neighbouring_prompts(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    for object_id in (1, 2):
        revision = engine.set_prompt(info.id, 0, object_id, CLICK).revision
        revision = engine.set_prompt(info.id, 8, object_id, CLICK).revision
    engine.track(info.id, range(12), revision)
    assert engine.stale_frames(info.id, range(12)) == ()
    revision = engine.set_prompt(info.id, 4, 1, BOXED).revision
    expected = {1, 2, 3, 5, 6, 7}
    assert {masks.frame for masks in engine.get_masks(info.id, range(12)) if masks.objects[0].stale} == expected
    assert not any(masks.objects[1].stale for masks in engine.get_masks(info.id, range(12)))
    assert {at for stretch in engine.stale_frames(info.id, range(12)) for at in stretch.frames} == expected
    for stretch in engine.stale_frames(info.id, range(6)):
        assert stretch.objects == (1,)
        engine.track(info.id, stretch.frames, revision, stretch.objects)
    assert {at for stretch in engine.stale_frames(info.id, range(12)) for at in stretch.frames} == {6, 7}
    engine.set_prompt(info.id, 4, 1, Prompt())
    assert {at for stretch in engine.stale_frames(info.id, range(12)) for at in stretch.frames} == {1, 2, 3, 5}


def test_tracking_can_be_taken_back(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    first = engine.track(info.id, range(1, 6), engine.set_prompt(info.id, 0, 1, CLICK).revision)
    second = engine.set_prompt(info.id, 0, 1, BOXED).revision
    engine.track(info.id, range(1, 6), second)
    revision = engine.untrack(info.id, range(1, 4), (1, 9))
    assert revision > second
    with pytest.raises(SessionChanged):
        engine.track(info.id, range(1), second)
    now = engine.get_masks(info.id, range(1, 6))
    assert [masks.objects[0].stale for masks in now] == [True, True, True, False, False]
    assert [masks.objects[0].mask for masks in now[:3]] == [masks.objects[0].mask for masks in first[:3]]
    engine.untrack(info.id, range(1, 4), (1,))
    assert [len(masks.objects) for masks in engine.get_masks(info.id, range(6))] == [1, 0, 0, 0, 1, 1]
    left = engine.untrack(info.id, range(1, 4), (1,))
    assert left == engine.get_masks(info.id, range(1))[0].revision


def test_tracking_refuses_what_cannot_be(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    with pytest.raises(BadPrompt):
        engine.track(info.id, range(2), 0)
    old = engine.set_prompt(info.id, 0, 1, CLICK).revision
    engine.set_prompt(info.id, 0, 2, CLICK)
    with pytest.raises(SessionChanged):
        engine.track(info.id, range(2), old)


def test_a_frame_that_does_not_exist_is_refused(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    with pytest.raises(BadPrompt):
        engine.set_prompt(info.id, 12, 1, CLICK)


def test_a_forgotten_object_is_gone_everywhere(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.set_prompt(info.id, 0, 1, CLICK)
    revision = engine.set_prompt(info.id, 0, 2, CLICK).revision
    engine.track(info.id, range(3), revision)
    engine.remove_object(info.id, 1)
    assert all([found.object_id for found in masks.objects] == [2] for masks in engine.get_masks(info.id, range(3)))
    engine.remove_object(info.id, 99)


def test_sessions_know_nothing_of_each_other(engine: Calls, clip: str) -> None:
    one, two = engine.open(clip), engine.open(clip)
    engine.set_prompt(one.id, 0, 1, CLICK)
    assert engine.get_masks(two.id, range(1))[0].objects == ()


def test_an_engine_tells_how_busy_it_is(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    for session in ("", info.id, "nobody"):
        status = engine.status(session)
        assert status.device
        assert status.memory is None or 0 <= status.memory <= 1
        assert (status.position, status.seconds) == (0, 0.0), "nothing waits"
    engine.shut_down()
    assert engine.status(info.id).position == 0


def test_a_closed_session_is_gone(engine: Calls, clip: str) -> None:
    info = engine.open(clip)
    engine.close(info.id)
    engine.close(info.id)
    for call in (
        lambda: engine.set_prompt(info.id, 0, 1, CLICK),
        lambda: engine.preview(info.id, 0, 1, CLICK),
        lambda: engine.track(info.id, range(1), 0),
        lambda: engine.plan_tracking(info.id, range(1)),
        lambda: engine.stale_frames(info.id, range(1)),
        lambda: engine.untrack(info.id, range(1), (1,)),
        lambda: engine.get_masks(info.id, range(1)),
        lambda: engine.remove_object(info.id, 1),
    ):
        with pytest.raises(SessionGone):
            call()


# --- live ------------------------------------------------------------------------------------------------------------

CAMERA = LiveMedium(48, 64)


def jpeg(number: int, width: int = 64, kind: str = "JPEG") -> bytes:
    """A frame of a camera: a square that moves."""
    image = Image.new("RGB", (width, 48), (20, 90, 160))
    image.paste((240, 200, 30), (10 + number, 10, 30 + number, 30))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def test_objects_are_followed_through_the_frames_of_a_camera(engine: Calls) -> None:
    info = engine.open(CAMERA)
    assert (info.frames, info.height, info.width, info.fps) == (0, 48, 64, 0.0)
    first = engine.track_live(info.id, jpeg(0))
    assert (first.frame, first.objects) == (0, ())
    answer = engine.set_prompt(info.id, 0, 1, CLICK)
    second = engine.track_live(info.id, jpeg(1))
    assert (second.frame, [found.object_id for found in second.objects]) == (1, [1])
    assert second.objects[0].fresh and second.revision == answer.revision
    assert second.objects[0].mask.to_array().shape == (48, 64)
    engine.set_prompt(info.id, 1, 2, BOXED)  # another one joins
    corrected = engine.set_prompt(info.id, 1, 1, Prompt((Point(30, 20), Point(5, 5, positive=False))))
    third = engine.track_live(info.id, jpeg(2))
    assert (third.frame, [found.object_id for found in third.objects]) == (2, [1, 2])
    assert third.revision == corrected.revision > second.revision
    assert engine.get_masks(info.id, range(2, 3))[0].objects[0].mask == third.objects[0].mask
    engine.remove_object(info.id, 1)
    assert [found.object_id for found in engine.track_live(info.id, jpeg(3)).objects] == [2]


@pytest.mark.parametrize("frame", [b"", b"no picture", jpeg(0)[:200], jpeg(0, kind="PNG"), jpeg(0, width=60)])
def test_what_is_no_frame_of_this_camera_is_refused_and_changes_nothing(engine: Calls, frame: bytes) -> None:
    info = engine.open(CAMERA)
    engine.track_live(info.id, jpeg(0))
    engine.set_prompt(info.id, 0, 1, CLICK)
    with pytest.raises(MediaError, match="Start the camera again"):
        engine.track_live(info.id, frame)
    assert engine.track_live(info.id, jpeg(1)).frame == 1


def test_a_camera_is_tracked_as_it_runs_and_a_clip_is_not(engine: Calls, clip: str) -> None:
    camera, session = engine.open(CAMERA).id, engine.open(clip).id
    with pytest.raises(MediaError):
        engine.track_live(session, jpeg(0))
    engine.track_live(camera, jpeg(0))
    revision = engine.set_prompt(camera, 0, 1, CLICK).revision
    for track in (lambda: engine.track(camera, range(1), revision), lambda: engine.plan_tracking(camera, range(1))):
        with pytest.raises(BadPrompt, match="as they arrive"):
            track()
    with pytest.raises(BadPrompt):
        engine.set_prompt(camera, 1, 1, CLICK)
