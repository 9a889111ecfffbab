"""The rule of what a word makes stale, with painted masks in place of a network."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.tracking.findings import LAYERS_KEPT, Findings, Word, runs, stale_spans, unsettled_spans
from sam2_core.types import FrameSpan, Mask, ObjectMask, Point, Prompt

CLIP = range(20)
CLICK, OTHER_CLICK = Prompt((Point(1, 1),)), Prompt((Point(2, 2),))


def mask(area: int = 4) -> ObjectMask:
    pixels = np.zeros((4, 4), bool)
    pixels.flat[:area] = True
    return ObjectMask(1, Mask.from_array(pixels), 0.9, 3.0)


def say(found: Findings, *frames: int, prompt: Prompt = CLICK) -> None:
    for frame in frames:
        found.words[frame] = Word(frame, prompt, mask())


def track(found: Findings, *frames: int, area: int = 4) -> None:
    for frame in frames:
        if frame not in found.words:
            found.put(frame, mask(area), reverse=False)


def stale(found: Findings) -> list[int]:
    return sorted(at for run in found.from_nearer_side(CLIP, again=True) for at in run)


@pytest.mark.parametrize(
    ("prompted", "word", "expected"),
    [
        ((0,), 10, [*range(1, 10), *range(11, 20)]),
        ((0, 5, 15), 10, [*range(6, 10), *range(11, 15)]),
        ((0, 5, 15), 2, [1, 3, 4]),
        ((0, 5, 15), 18, [16, 17, 19]),
        ((5, 6, 7), 6, []),
        ((5, 15), 5, [*range(5), *range(6, 15)]),
    ],
)
def test_a_word_makes_stale_what_lies_between_the_neighbouring_prompts(
    prompted: tuple[int, ...], word: int, expected: list[int]
) -> None:
    found = Findings()
    say(found, *prompted)
    track(found, *CLIP)
    assert stale(found) == []
    say(found, word, prompt=OTHER_CLICK)
    assert stale(found) == expected
    assert [at for at in CLIP if found.mask_on(at, 1).stale] == expected  # type: ignore[union-attr]


def test_what_was_never_tracked_is_not_stale() -> None:
    found = Findings()
    say(found, 5)
    track(found, *range(6, 12))
    say(found, 9)
    assert stale(found) == [6, 7, 8, 10, 11]
    assert found.unsettled(CLIP) == set(CLIP) - {5, 9}


def test_a_word_taken_back_makes_good_again_what_it_made_stale() -> None:
    found = Findings()
    say(found, 0)
    track(found, *CLIP)
    say(found, 10)
    del found.words[10]
    assert stale(found) == []


def test_what_was_tracked_with_a_word_is_stale_without_it() -> None:
    found = Findings()
    say(found, 0, 18)
    track(found, *CLIP)
    say(found, 10)
    track(found, *range(5, 15))
    del found.words[10]
    assert stale(found) == [*range(5, 10), *range(11, 15)]


def test_a_frame_below_a_word_taken_back_is_stale_if_its_neighbours_changed() -> None:
    found = Findings()
    say(found, 0)
    track(found, *CLIP)
    say(found, 10, 5)
    del found.words[10]
    assert 10 in stale(found)


def test_several_corrections_before_tracking_again_add_up() -> None:
    found = Findings()
    say(found, 0, 19)
    track(found, *CLIP)
    say(found, 6, 12)
    assert stale(found) == [at for at in range(1, 19) if at not in (6, 12)]


def test_each_frame_is_tracked_again_from_the_nearer_prompt() -> None:
    found = Findings()
    say(found, 4, 14)
    track(found, *CLIP)
    say(found, 4, 14, prompt=OTHER_CLICK)
    assert found.from_nearer_side(CLIP, again=True) == [
        range(3, -1, -1),
        range(5, 10),
        range(13, 9, -1),
        range(15, 20),
    ]
    assert found.from_nearer_side(range(8, 12), again=True) == [range(8, 10), range(11, 9, -1)]


def test_tracking_taken_back_uncovers_what_was_there_before() -> None:
    found = Findings()
    say(found, 0)
    track(found, 1, 2, area=4)
    say(found, 3)
    track(found, 1, area=9)
    assert found.take_back(1)
    before = found.mask_on(1, 1)
    assert before is not None
    assert (before.mask.area, before.stale) == (4, True)
    assert found.take_back(1)
    assert found.mask_on(1, 1) is None
    assert not found.take_back(1)


def test_only_so_many_masks_of_a_frame_are_kept() -> None:
    found = Findings()
    say(found, 0)
    for area in range(1, 3 + LAYERS_KEPT):
        track(found, 1, area=area)
    assert len(found.layers[1]) == LAYERS_KEPT
    assert sum(found.take_back(1) for _ in range(99)) == LAYERS_KEPT


def test_what_is_left_is_planned_along_the_way_for_all_objects() -> None:
    one, two = Findings(), Findings()
    say(one, 0)
    say(two, 3)
    track(one, *range(1, 6), 9)
    plan = unsettled_spans({1: one, 2: two}, range(12))
    assert plan == (FrameSpan(range(0, 3), (2,)), FrameSpan(range(4, 12), (1, 2)))
    assert unsettled_spans({1: one}, range(11, -1, -1)) == (
        FrameSpan(range(11, 9, -1), (1,)),
        FrameSpan(range(8, 5, -1), (1,)),
    )


def test_a_single_frame_is_planned_from_the_nearer_prompt() -> None:
    one, two = Findings(), Findings()
    say(one, 0)
    say(two, 9)
    plan = unsettled_spans({1: one, 2: two}, range(7, 8))
    assert plan == (FrameSpan(range(7, 8), (1,)), FrameSpan(range(7, 6, -1), (2,)))
    assert [stretch.frames.step for stretch in plan] == [1, -1]


def test_objects_that_need_the_same_go_together() -> None:
    one, two, three = Findings(), Findings(), Findings()
    for found in (one, two, three):
        say(found, 0)
        track(found, *CLIP)
    for found in (one, three):
        say(found, 0, prompt=OTHER_CLICK)
    assert stale_spans({3: three, 1: one, 2: two}, CLIP) == (FrameSpan(range(1, 20), (1, 3)),)


def test_runs_follow_the_order_of_the_frames() -> None:
    assert runs([1, 2, 3, 7, 9, 10], step=1) == [range(1, 4), range(7, 8), range(9, 11)]
    assert runs([9, 8, 3], step=-1) == [range(9, 7, -1), range(3, 2, -1)]
    assert runs([], step=1) == []
