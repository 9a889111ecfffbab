"""Which masks a prompt makes stale, with painted masks in place of a network."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.tracking.object_history import (
    MAX_TRACKED_PER_FRAME,
    ObjectHistory,
    PromptedFrame,
    contiguous_ranges,
    spans_to_track,
    stale_spans,
)
from sam2_core.types import FrameSpan, Mask, ObjectMask, Point, Prompt

CLIP = range(20)
CLICK, OTHER_CLICK = Prompt((Point(1, 1),)), Prompt((Point(2, 2),))


def mask(area: int = 4) -> ObjectMask:
    pixels = np.zeros((4, 4), bool)
    pixels.flat[:area] = True
    return ObjectMask(1, Mask.from_array(pixels), 0.9, 3.0)


def set_prompts(history: ObjectHistory, *frames: int, prompt: Prompt = CLICK) -> None:
    for frame in frames:
        history.prompted[frame] = PromptedFrame(frame, prompt, mask())


def track(history: ObjectHistory, *frames: int, area: int = 4) -> None:
    for frame in frames:
        if frame not in history.prompted:
            history.add(frame, mask(area), reverse=False)


def stale(history: ObjectHistory) -> list[int]:
    return sorted(at for run in history.ranges_to_track(CLIP, stale_only=True) for at in run)


@pytest.mark.parametrize(
    ("prompted", "corrected", "expected"),
    [
        ((0,), 10, [*range(1, 10), *range(11, 20)]),
        ((0, 5, 15), 10, [*range(6, 10), *range(11, 15)]),
        ((0, 5, 15), 2, [1, 3, 4]),
        ((0, 5, 15), 18, [16, 17, 19]),
        ((5, 6, 7), 6, []),
        ((5, 15), 5, [*range(5), *range(6, 15)]),
    ],
)
def test_a_prompt_makes_frames_between_its_neighboring_prompts_stale(
    prompted: tuple[int, ...], corrected: int, expected: list[int]
) -> None:
    history = ObjectHistory()
    set_prompts(history, *prompted)
    track(history, *CLIP)
    assert stale(history) == []
    set_prompts(history, corrected, prompt=OTHER_CLICK)
    assert stale(history) == expected
    assert [at for at in CLIP if history.mask_on(at, 1).stale] == expected  # type: ignore[union-attr]


def test_frames_that_were_never_tracked_are_not_stale() -> None:
    history = ObjectHistory()
    set_prompts(history, 5)
    track(history, *range(6, 12))
    set_prompts(history, 9)
    assert stale(history) == [6, 7, 8, 10, 11]
    assert history.frames_to_track(CLIP) == set(CLIP) - {5, 9}


def test_clearing_a_prompt_restores_the_frames_it_made_stale() -> None:
    history = ObjectHistory()
    set_prompts(history, 0)
    track(history, *CLIP)
    set_prompts(history, 10)
    del history.prompted[10]
    assert stale(history) == []


def test_frames_tracked_with_a_prompt_are_stale_without_it() -> None:
    history = ObjectHistory()
    set_prompts(history, 0, 18)
    track(history, *CLIP)
    set_prompts(history, 10)
    track(history, *range(5, 15))
    del history.prompted[10]
    assert stale(history) == [*range(5, 10), *range(11, 15)]


def test_the_frame_of_a_cleared_prompt_is_stale_if_its_neighboring_prompts_changed() -> None:
    history = ObjectHistory()
    set_prompts(history, 0)
    track(history, *CLIP)
    set_prompts(history, 10, 5)
    del history.prompted[10]
    assert 10 in stale(history)


def test_corrections_accumulate_until_tracking() -> None:
    history = ObjectHistory()
    set_prompts(history, 0, 19)
    track(history, *CLIP)
    set_prompts(history, 6, 12)
    assert stale(history) == [at for at in range(1, 19) if at not in (6, 12)]


def test_each_frame_is_tracked_again_from_the_nearer_prompt() -> None:
    history = ObjectHistory()
    set_prompts(history, 4, 14)
    track(history, *CLIP)
    set_prompts(history, 4, 14, prompt=OTHER_CLICK)
    assert history.ranges_to_track(CLIP, stale_only=True) == [
        range(3, -1, -1),
        range(5, 10),
        range(13, 9, -1),
        range(15, 20),
    ]
    assert history.ranges_to_track(range(8, 12), stale_only=True) == [range(8, 10), range(11, 9, -1)]


def test_untracking_uncovers_the_mask_before() -> None:
    history = ObjectHistory()
    set_prompts(history, 0)
    track(history, 1, 2, area=4)
    set_prompts(history, 3)
    track(history, 1, area=9)
    assert history.untrack(1)
    before = history.mask_on(1, 1)
    assert before is not None
    assert (before.mask.area, before.stale) == (4, True)
    assert history.untrack(1)
    assert history.mask_on(1, 1) is None
    assert not history.untrack(1)


def test_the_number_of_masks_per_frame_is_limited() -> None:
    history = ObjectHistory()
    set_prompts(history, 0)
    for area in range(1, 3 + MAX_TRACKED_PER_FRAME):
        track(history, 1, area=area)
    assert len(history.tracked[1]) == MAX_TRACKED_PER_FRAME
    assert sum(history.untrack(1) for _ in range(99)) == MAX_TRACKED_PER_FRAME


def test_spans_to_track_follow_the_direction_for_all_objects() -> None:
    one, two = ObjectHistory(), ObjectHistory()
    set_prompts(one, 0)
    set_prompts(two, 3)
    track(one, *range(1, 6), 9)
    plan = spans_to_track({1: one, 2: two}, range(12))
    assert plan == (FrameSpan(range(0, 3), (2,)), FrameSpan(range(4, 12), (1, 2)))
    assert spans_to_track({1: one}, range(11, -1, -1)) == (
        FrameSpan(range(11, 9, -1), (1,)),
        FrameSpan(range(8, 5, -1), (1,)),
    )


def test_a_single_frame_is_planned_from_the_nearer_prompt() -> None:
    one, two = ObjectHistory(), ObjectHistory()
    set_prompts(one, 0)
    set_prompts(two, 9)
    plan = spans_to_track({1: one, 2: two}, range(7, 8))
    assert plan == (FrameSpan(range(7, 8), (1,)), FrameSpan(range(7, 6, -1), (2,)))
    assert [span.frames.step for span in plan] == [1, -1]


def test_objects_that_need_the_same_range_share_a_span() -> None:
    one, two, three = ObjectHistory(), ObjectHistory(), ObjectHistory()
    for history in (one, two, three):
        set_prompts(history, 0)
        track(history, *CLIP)
    for history in (one, three):
        set_prompts(history, 0, prompt=OTHER_CLICK)
    assert stale_spans({3: three, 1: one, 2: two}, CLIP) == (FrameSpan(range(1, 20), (1, 3)),)


def test_contiguous_ranges_follow_the_order_of_the_frames() -> None:
    assert contiguous_ranges([1, 2, 3, 7, 9, 10], step=1) == [range(1, 4), range(7, 8), range(9, 11)]
    assert contiguous_ranges([9, 8, 3], step=-1) == [range(9, 7, -1), range(3, 2, -1)]
    assert contiguous_ranges([], step=1) == []
