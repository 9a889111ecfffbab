"""Invariants of a session that hold for any weights, on a small network with random ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt, Busy, SessionChanged
from sam2_core.model.network import SAM2
from sam2_core.tracking import masks
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.masks import resized_mask
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.types import Box, FrameMasks, FrameSpan, Mask, Point, Prompt
from tests.networks import tiny_network

HEIGHT, WIDTH, FRAMES = 48, 80, 60
CLICK = Prompt((Point(20, 20),))
OTHER_CLICK = Prompt((Point(60, 30),))


class MovingSquare:
    """A clip; `reads` lists the frames that were read."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def frame(self, frame: int) -> np.ndarray:
        self.reads.append(frame)
        pixels = np.random.default_rng(7).integers(0, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        pixels[12:30, 10 + frame % 40 : 28 + frame % 40] = (220, 180, 40)
        return pixels


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def new_session(cache_bytes: int = 2**26, limits: SessionLimits | None = None) -> TrackingSession:
    size = ClipSize(FRAMES, HEIGHT, WIDTH)
    segmenter = Segmenter(tiny_network())
    return TrackingSession("s", segmenter, MovingSquare(), size, FeatureCache(cache_bytes), limits)


def track(session: TrackingSession, frames: range) -> tuple[FrameMasks, ...]:
    return session.track(frames, session.revision)


def runs(results: tuple[FrameMasks, ...]) -> list[tuple[int, tuple[bytes, ...]]]:
    return [(masks.frame, tuple(found.mask.runs for found in masks.objects)) for masks in results]


def test_masks_have_the_size_of_the_frame_and_a_click_has_three_candidates() -> None:
    (found,) = new_session().set_prompt(0, 3, CLICK).objects
    assert (found.object_id, found.mask.height, found.mask.width) == (3, HEIGHT, WIDTH)
    assert len(found.candidates) == 3
    assert found.mask in [candidate.mask for candidate in found.candidates]
    assert 0 <= found.predicted_iou <= 1


def test_only_the_mask_of_a_tracked_frame_is_resized_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network gives three candidates there as well, and none of them is shown."""
    session, resized = new_session(), []
    session.set_prompt(0, 1, CLICK)
    monkeypatch.setattr(masks, "resized_mask", lambda *each: resized.append(each) or resized_mask(*each))
    assert all(len(found.objects[0].candidates) == 0 for found in track(session, range(1, 4)))
    assert len(resized) == 3


def test_a_picked_candidate_becomes_the_mask() -> None:
    session = new_session()
    (first,) = session.set_prompt(0, 1, CLICK).objects
    for choice, candidate in enumerate(first.candidates):
        (picked,) = session.set_prompt(0, 1, Prompt(CLICK.points, choice=choice)).objects
        assert picked.mask == candidate.mask
        assert picked.predicted_iou == pytest.approx(candidate.predicted_iou)


def test_the_same_prompt_gives_the_same_mask_after_prompts_on_other_frames() -> None:
    session = new_session()
    prompt = Prompt((Point(20, 20), Point(50, 30, positive=False), Point(30, 25)))
    first = session.set_prompt(5, 1, prompt).objects
    assert session.set_prompt(5, 1, prompt).objects == first
    session.set_prompt(9, 1, OTHER_CLICK)
    session.set_prompt(9, 2, OTHER_CLICK)
    assert session.set_prompt(5, 1, prompt).objects == first


def test_removing_a_point_restores_the_mask_before() -> None:
    session = new_session()
    one = session.set_prompt(0, 1, CLICK).objects
    two = session.set_prompt(0, 1, Prompt((*CLICK.points, Point(60, 40)))).objects
    assert two != one
    assert session.set_prompt(0, 1, CLICK).objects == one


def test_points_refine_the_previous_mask() -> None:
    fresh, grown = new_session(), new_session()
    both = Prompt((*CLICK.points, Point(60, 40)))
    grown.set_prompt(0, 1, CLICK)
    assert grown.set_prompt(0, 1, both).objects == fresh.set_prompt(0, 1, both).objects


def test_a_mask_prompt_is_the_result_and_points_refine_it() -> None:
    session = new_session()
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[8:32, 16:56] = True
    (found,) = session.set_prompt(0, 1, Prompt(mask=Mask.from_array(square))).objects
    assert np.array_equal(found.mask.to_array(), square), "pixel by pixel"
    (refined,) = session.set_prompt(0, 1, Prompt((Point(70, 40),), mask=Mask.from_array(square))).objects
    assert refined.mask != found.mask


def test_a_box_may_extend_beyond_the_frame_and_be_refined() -> None:
    session = new_session()
    box = Box(-5, 4, 40, HEIGHT + 9)
    boxed = session.set_prompt(0, 1, Prompt(boxes=(box,))).objects
    assert boxed and not boxed[0].candidates
    assert session.set_prompt(0, 1, Prompt((Point(10, 10, positive=False),), boxes=(box,))).objects != boxed


def test_several_boxes_give_the_union_of_their_masks() -> None:
    session = new_session()
    boxes = Box(2, 2, 30, 30), Box(40, 10, 78, 44)
    alone = [session.set_prompt(0, 1, Prompt(boxes=(box,))).objects[0] for box in boxes]
    (both,) = session.set_prompt(0, 1, Prompt(boxes=boxes)).objects
    either = alone[0].mask.to_array() | alone[1].mask.to_array()
    assert either.any()
    assert (both.mask.to_array() & either).sum() / (both.mask.to_array() | either).sum() > 0.95
    assert both.predicted_iou == pytest.approx((alone[0].predicted_iou + alone[1].predicted_iou) / 2)
    assert not both.candidates
    refined = session.set_prompt(0, 1, Prompt((Point(60, 20, positive=False),), boxes)).objects
    assert refined[0].mask != both.mask
    assert session.set_prompt(0, 1, Prompt(boxes=boxes)).objects == (both,)


def test_a_box_and_a_mask_give_their_union() -> None:
    session = new_session()
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[2:20, 2:20] = True
    box = Box(40, 10, 78, 44)
    boxed = session.set_prompt(0, 1, Prompt(boxes=(box,))).objects[0].mask.to_array()
    both = session.set_prompt(0, 1, Prompt(boxes=(box,), mask=Mask.from_array(square))).objects[0].mask.to_array()
    assert np.array_equal(both, boxed | square)


def test_an_empty_mask_prompt_means_an_absent_object() -> None:
    session = new_session()
    (found,) = session.set_prompt(0, 1, Prompt(mask=Mask.from_array(np.zeros((HEIGHT, WIDTH))))).objects
    assert found.mask.area == 0
    assert found.object_score < 0


@pytest.mark.parametrize(
    ("frame", "prompt"),
    [
        (FRAMES, CLICK),
        (-1, CLICK),
        (0, Prompt((Point(WIDTH + 1, 3),))),
        (0, Prompt((Point(float("nan"), 3),))),
        (0, Prompt(boxes=(Box(5, 5, 5, 9),))),
        (0, Prompt(boxes=(Box(WIDTH, 0, WIDTH + 9, 9),))),
        (0, Prompt(boxes=(Box(0, 0, float("inf"), 9),))),
        (0, Prompt(boxes=(Box(1, 1, 9, 9), Box(5, 5, 5, 9)))),
        (0, Prompt(boxes=(Box(1, 1, 9, 9),) * 65)),
        (0, Prompt(mask=Mask.from_array(np.ones((3, 3))))),
        (0, Prompt(CLICK.points, choice=4)),
        (0, Prompt(choice=0)),
        (0, Prompt(tuple(Point(1, 1) for _ in range(300)))),
    ],
)
def test_an_invalid_prompt_is_refused_and_changes_nothing(frame: int, prompt: Prompt) -> None:
    session = new_session()
    with pytest.raises(BadPrompt):
        session.set_prompt(frame, 1, prompt)
    assert (session.revision, session.objects) == (0, {})


def test_a_refused_prompt_keeps_the_prompt_before() -> None:
    session = new_session()
    before = session.set_prompt(0, 1, CLICK).objects
    with pytest.raises(BadPrompt):
        session.set_prompt(0, 1, Prompt(boxes=(Box(5, 5, 5, 9),)))
    assert session.get_masks(range(1))[0].objects == before


def test_the_number_of_objects_is_limited() -> None:
    session = new_session(limits=SessionLimits(max_objects=2))
    session.set_prompt(0, 1, CLICK)
    session.set_prompt(0, 2, CLICK)
    with pytest.raises(Busy):
        session.set_prompt(0, 3, CLICK)
    session.remove_object(1)
    session.set_prompt(0, 3, CLICK)


def test_cleared_and_failed_prompts_do_not_count_as_objects() -> None:
    session = new_session(limits=SessionLimits(max_objects=1))
    for object_id in range(1, 4):
        session.set_prompt(0, object_id, CLICK)
        track(session, range(3))
        assert session.set_prompt(0, object_id, Prompt()).objects == ()
        with pytest.raises(BadPrompt, match="no mask here yet"):
            session.set_prompt(0, object_id, Prompt(crop=Box(0, 0, 20, 20)))
    assert session.objects == {}
    assert session.set_prompt(0, 4, CLICK).objects


def test_a_prompt_that_fails_in_the_network_leaves_no_object_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session(limits=SessionLimits(max_objects=1, max_prompts=1))

    def fail(*arguments: object) -> None:
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patch, pytest.raises(torch.OutOfMemoryError):
        patch.setattr(SAM2, "predict_masks", fail)
        session.set_prompt(0, 1, CLICK)
    assert (session.revision, session.objects) == (0, {})
    assert session.set_prompt(3, 2, CLICK).objects


def test_where_tracking_fails_on_the_way_what_came_before_is_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    attend, calls = SAM2.attend, itertools.count(1)

    def fail_at_third(*arguments: Any) -> Any:
        if next(calls) == 3:
            raise torch.OutOfMemoryError
        return attend(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SAM2, "attend", fail_at_third)
        first = track(session, range(1, 5))
        calls = itertools.count(3)
        with pytest.raises(torch.OutOfMemoryError):
            track(session, range(3, 5))
    assert [masks.frame for masks in first] == [1, 2]
    rest = track(session, range(3, 5))
    assert all(each.fresh for masks in first + rest for each in masks.objects)


def test_the_number_of_frames_of_one_call_is_limited() -> None:
    session = new_session(limits=SessionLimits(max_frames_per_call=8))
    session.set_prompt(0, 1, CLICK)
    for refused in (lambda: track(session, range(9)), lambda: session.get_masks(range(9))):
        with pytest.raises(ValueError, match="at most 8 frames at a time, not 9"):
            refused()
    assert len(track(session, range(8))) == len(session.get_masks(range(8))) == 8
    assert session.plan_tracking(range(FRAMES)) and session.stale_frames(range(FRAMES)) == ()


def test_the_number_of_prompted_frames_is_limited() -> None:
    session = new_session(limits=SessionLimits(max_prompts=2))
    session.set_prompt(0, 1, CLICK)
    session.set_prompt(1, 2, CLICK)
    session.set_prompt(1, 2, OTHER_CLICK)  # replacing a prompt is not limited
    with pytest.raises(Busy):
        session.set_prompt(2, 1, CLICK)
    session.set_prompt(1, 2, Prompt())
    session.set_prompt(2, 1, CLICK)


def test_objects_are_sorted_by_id() -> None:
    session = new_session()
    for object_id in (7, 2, 5):
        session.set_prompt(0, object_id, CLICK)
    assert [found.object_id for found in session.get_masks(range(1))[0].objects] == [2, 5, 7]
    assert [found.object_id for found in track(session, range(1, 2))[0].objects] == [2, 5, 7]


def test_a_correction_does_not_attend_to_the_mistake() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    session.set_prompt(12, 1, OTHER_CLICK)
    track(session, range(30))
    selection = session._propagator.select_for_correction(session.objects[1], 27)
    assert selection is not None
    assert [slot for slot, _ in selection.memories] == [0, 0]  # the two prompted frames
    assert [round(time * 15) for time, _ in selection.pointers] == [27, 15]  # and none of the frames around


def test_the_same_correction_gives_the_same_mask_after_other_prompts() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    track(session, range(12))
    first = session.set_prompt(6, 1, OTHER_CLICK).objects
    session.set_prompt(6, 2, CLICK)
    session.objects[1].prompt_steps = None
    assert session.set_prompt(6, 1, OTHER_CLICK).objects == first


def test_only_frames_between_the_neighboring_prompts_are_computed_again() -> None:
    session = new_session()
    for object_id in (1, 2):
        for frame in (0, 10, 20):
            session.set_prompt(frame, object_id, CLICK)
    before = runs(track(session, range(30)))
    session.set_prompt(14, 1, OTHER_CLICK)
    assert [masks.frame for masks in session.get_masks(range(30)) if masks.objects[0].stale] == [
        11,
        12,
        13,
        *range(15, 20),
    ]
    after = track(session, range(30))
    assert [masks.frame for masks in after if masks.objects[0].fresh] == [11, 12, 13, *range(15, 20)]
    assert not any(masks.objects[1].fresh or masks.objects[1].stale for masks in after)
    kept = [*range(11), *range(20, 30)]
    assert [runs(after)[at] for at in kept] == [before[at] for at in kept]
    assert [masks for _, (_, masks) in runs(after)] == [masks for _, (_, masks) in before]


def test_only_the_given_objects_are_tracked() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    session.set_prompt(0, 2, OTHER_CLICK)
    found = session.track(range(3), session.revision, (2,))
    assert [[each.object_id for each in masks.objects] for masks in found] == [[1, 2], [2], [2]]
    assert session.plan_tracking(range(3)) == (FrameSpan(range(1, 3), (1,)),)


def test_stale_frames_are_tracked_again_from_both_prompts() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    track(session, range(20))
    session.set_prompt(11, 1, OTHER_CLICK)
    plan = session.stale_frames(range(FRAMES))
    assert plan == (FrameSpan(range(1, 6), (1,)), FrameSpan(range(10, 5, -1), (1,)), FrameSpan(range(12, 20), (1,)))
    for span in plan:
        assert all(masks.objects[0].fresh for masks in session.track(span.frames, session.revision, span.objects))
    assert session.stale_frames(range(FRAMES)) == ()
    assert session.plan_tracking(range(20)) == ()


def test_untracking_uncovers_the_masks_before() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    first = runs(track(session, range(1, 20)))
    session.set_prompt(10, 1, OTHER_CLICK)
    revision = session.revision
    track(session, range(11, 20))
    assert session.untrack(range(11, 20), (1, 7)) > revision
    assert not any(at in session.objects[1].bank.tracked for at in range(11, 20))
    assert all(masks.objects[0].stale for masks in session.get_masks(range(11, 20)))
    session.set_prompt(10, 1, Prompt())
    assert runs(session.get_masks(range(1, 20))) == first
    assert not any(masks.objects[0].stale for masks in session.get_masks(range(20)))
    session.untrack(range(1, 20), (1,))
    assert [len(masks.objects) for masks in session.get_masks(range(20))] == [1] + [0] * 19
    revision = session.revision
    assert session.untrack(range(20), (1,)) == revision, "nothing is left to remove"


def test_planning_and_untracking_check_the_frames() -> None:
    session = new_session()
    with pytest.raises(BadPrompt):
        session.plan_tracking(range(3))
    session.set_prompt(0, 1, CLICK)
    for refused in (session.plan_tracking, session.stale_frames, lambda frames: session.untrack(frames, (1,))):
        with pytest.raises(BadPrompt):
            refused(range(FRAMES + 1))  # type: ignore[operator]


def test_tracking_needs_a_prompt_and_the_current_revision() -> None:
    session = new_session()
    with pytest.raises(BadPrompt):
        track(session, range(3))
    revision = session.set_prompt(0, 1, CLICK).revision
    session.set_prompt(0, 1, OTHER_CLICK)
    with pytest.raises(SessionChanged):
        session.track(range(3), revision)
    with pytest.raises(BadPrompt):
        track(session, range(FRAMES - 1, FRAMES + 1))


def test_tracking_in_short_steps_equals_tracking_at_once() -> None:
    short, long = new_session(), new_session()
    for session in (short, long):
        session.set_prompt(4, 1, CLICK)
        session.set_prompt(6, 2, OTHER_CLICK)
    pieces = [result for start in range(0, 24, 2) for result in track(short, range(start, start + 2))]
    assert runs(tuple(pieces)) == runs(track(long, range(24)))


def test_both_directions_give_all_frames_in_the_requested_order() -> None:
    session = new_session()
    session.set_prompt(10, 1, CLICK)
    assert [masks.frame for masks in track(session, range(10, 16))] == [*range(10, 16)]
    back = track(session, range(9, -1, -1))
    assert [masks.frame for masks in back] == [*range(9, -1, -1)]
    assert all(masks.objects for masks in back)
    assert [len(masks.objects) for masks in session.get_masks(range(18))] == [1] * 16 + [0] * 2


def test_frames_up_to_date_are_not_computed_again() -> None:
    session = new_session(cache_bytes=1)
    session.set_prompt(0, 1, CLICK)
    first = track(session, range(12))
    source = session._source
    assert isinstance(source, MovingSquare)
    source.reads.clear()
    assert runs(track(session, range(12))) == runs(first)
    assert source.reads == []
    session.set_prompt(6, 1, OTHER_CLICK)
    source.reads.clear()
    track(session, range(6, 12))
    assert set(range(7, 12)) <= set(source.reads)


def test_a_new_object_does_not_recompute_the_old_one() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    old = {frame: masks[0] for frame, masks in runs(track(session, range(8)))}
    session.set_prompt(3, 2, OTHER_CLICK)
    both = track(session, range(3, 8))
    assert [[found.object_id for found in masks.objects] for masks in both] == [[1, 2]] * 5
    assert [masks.objects[0].mask.runs for masks in both] == [old[frame] for frame in range(3, 8)]


def test_a_correction_changes_the_frames_after_it() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    track(session, range(14))
    before = {at: output.logits for at, output in session.objects[1].bank.tracked.items()}
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[30:46, 40:70] = True
    session.set_prompt(8, 1, Prompt(mask=Mask.from_array(square)))
    track(session, range(8, 14))
    after = session.objects[1].bank.tracked
    assert all(not torch.allclose(after[at].logits, before[at], atol=1e-3) for at in range(9, 14))
    assert all(at not in after for at in range(1, 8)), "frames that may show the old mistake are in memory"


def test_clearing_a_correction_uncovers_the_tracked_mask() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    tracked = track(session, range(10))[6].objects
    corrected = session.set_prompt(6, 1, Prompt((Point(70, 5),))).objects
    assert corrected[0].mask != tracked[0].mask
    assert [found.mask for found in session.set_prompt(6, 1, Prompt()).objects] == [found.mask for found in tracked]


def test_clearing_the_last_prompt_removes_the_object() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    track(session, range(5))
    assert session.set_prompt(0, 1, Prompt()).objects == ()
    assert all(not masks.objects for masks in session.get_masks(range(5)))
    revision = session.revision
    assert session.set_prompt(0, 1, Prompt()).revision == revision  # nothing left to clear


def test_the_same_calls_give_the_same_masks() -> None:
    def play() -> list[tuple[int, tuple[bytes, ...]]]:
        session = new_session(cache_bytes=1)
        session.set_prompt(3, 1, CLICK)
        track(session, range(3, 30))
        session.set_prompt(12, 1, OTHER_CLICK)
        session.set_prompt(12, 2, CLICK)
        track(session, range(12, 40))
        session.set_prompt(20, 2, Prompt())
        track(session, range(12, -1, -1))
        return runs(session.get_masks(range(FRAMES)))

    assert play() == play()


def test_memory_on_the_device_does_not_grow_with_the_clip() -> None:
    session = new_session()
    session.set_prompt(0, 1, CLICK)

    def held() -> tuple[int, int]:
        outputs = session.objects[1].bank.tracked.values()
        return len(outputs), sum(output.memory is not None for output in outputs)

    track(session, range(25))
    after_25 = held()
    track(session, range(25, FRAMES))
    assert held() == after_25 == (16, 7)


def test_tracking_resumes_elsewhere_with_the_memory_of_the_frames_behind() -> None:
    """The memory of the frames just behind is restored from their masks."""
    session = new_session()
    session.set_prompt(0, 1, CLICK)
    track(session, range(20))
    session.objects[1].bank.tracked.clear()
    track(session, range(20, 21))
    assert {at for at, output in session.objects[1].bank.tracked.items() if output.memory is not None} >= set(
        range(14, 21)
    )


def test_tracked_masks_are_checked_and_prompted_ones_are_not() -> None:
    session = new_session()
    (clicked,) = session.set_prompt(0, 1, CLICK).objects
    assert clicked.warnings is None
    assert clicked.rating is not None and all(each.rating is not None for each in clicked.candidates)
    found = track(session, range(4))
    assert [masks.objects[0].warnings is None for masks in found] == [True, False, False, False]
    assert all(masks.objects[0].rating is not None for masks in found)
    kept = session.get_masks(range(4))
    assert [masks.objects[0].warnings for masks in kept] == [masks.objects[0].warnings for masks in found]


def test_the_network_does_not_judge_a_mask_that_is_its_prompt() -> None:
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    drawn[10:30, 10:30] = True
    (found,) = new_session().set_prompt(0, 1, Prompt(mask=Mask.from_array(drawn))).objects
    assert found.rating is None
