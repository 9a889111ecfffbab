"""What the checks are given: masks of earlier frames, of other objects, and the image features in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.mask_checker import MaskChecker
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.object_history import PromptedFrame
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import Mask, ObjectMask, Point, Prompt

SIDE = 32  # of the low-resolution logits
GEOMETRY = InputGeometry.stretched(4 * SIDE, (SIDE, SIDE))
PLACE = (8, 8, 8, 8)
Place = tuple[int, int, int, int]


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def features(blue: Place | None = None) -> ImageFeatures:
    """Image features (1, 2, 8, 8) that differ within a place (left, top, width, height) from those around it."""
    embedding = torch.ones(1, 2, SIDE, SIDE)
    embedding[:, 0] = 5
    if blue is not None:
        left, top, width, height = blue
        embedding[:, 1, top : top + height, left : left + width] = 4
    return ImageFeatures(torch.nn.functional.avg_pool2d(embedding, 4), ())


def output(*places: Place) -> FrameOutput:
    logits = torch.full((1, 1, SIDE, SIDE), -5.0)
    for left, top, width, height in places:
        logits[..., top : top + height, left : left + width] = 5
    return FrameOutput(logits, torch.zeros(1, 4), torch.full((1, 1), 6.0), torch.full((1, 1), 0.9))


def prompted(place: Place = PLACE, frame: int = 0) -> TrackedObject:
    target = TrackedObject(MemoryBank(MemoryRules()))
    target.bank.prompted[frame] = output(place)
    result = ObjectMask(1, mask_of(output(place)), 0.9, 6.0)
    target.history.prompted[frame] = PromptedFrame(frame, Prompt((Point(9, 9),)), result)
    return target


def mask_of(found: FrameOutput) -> Mask:
    return Mask.from_array((found.logits[0, 0] > 0).numpy())


def kinds(
    targets: dict[int, TrackedObject], outputs: dict[int, FrameOutput], frame: int, min_similarity: float = 0.0
) -> dict[int, list[str]]:
    checker = MaskChecker(lambda at: GEOMETRY, min_similarity)
    checked = checker.check(targets, outputs, frame, reverse=False)
    return {number: [each.kind for each in found.warnings] for number, found in checked.items()}


def track(target: TrackedObject, frame: int, found: FrameOutput) -> list[str]:
    """Check an output and keep it, as a session does."""
    checker = MaskChecker(lambda at: GEOMETRY, 0.0)
    checked = checker.check({1: target}, {1: found}, frame, reverse=False)[1]
    result = ObjectMask(1, mask_of(found), 0.9, 6.0, warnings=checked.warnings)
    target.history.add(frame, result, False, checked.shape)
    return [each.kind for each in checked.warnings]


def test_a_mask_that_stays_too_large_stays_suspicious() -> None:
    target = prompted()
    assert track(target, 1, output(PLACE)) == []
    found = [track(target, frame, output((8, 8, 16, 8))) for frame in range(2, 40)]
    assert all("area" in each for each in found), "suspicious masks are not what is usual"


def test_the_prompted_frame_counts_as_a_frame_before() -> None:
    assert "area" in track(prompted(), 1, output((8, 8, 16, 8)))


def test_masks_on_the_other_side_of_a_prompt_do_not_count() -> None:
    target = prompted((8, 8, 16, 8), frame=4)
    for frame in range(4):
        target.history.add(frame, ObjectMask(1, mask_of(output(PLACE)), 0.9, 6.0), False, None)
    assert track(target, 5, output((8, 8, 16, 8))) == []


def test_tracking_backward_looks_at_the_frames_after() -> None:
    target = prompted(frame=9)
    checker = MaskChecker(lambda at: GEOMETRY, 0.0)
    found = {
        reverse: checker.check({1: target}, {1: output((8, 8, 16, 8))}, 8, reverse)[1] for reverse in (True, False)
    }
    assert "area" in [each.kind for each in found[True].warnings]
    assert found[False].warnings == ()


def test_objects_that_share_a_place_are_told_and_others_are_not() -> None:
    targets = {1: prompted(), 2: prompted(), 3: prompted((24, 24, 6, 6))}
    outputs = {1: output(PLACE), 2: output((9, 8, 8, 8)), 3: output((24, 24, 6, 6))}
    assert kinds(targets, outputs, 1) == {1: ["overlap"], 2: ["overlap"], 3: []}


@pytest.mark.parametrize("is_prompted", [True, False])
def test_masks_that_were_there_before_are_overlapped_too(is_prompted: bool) -> None:
    other = prompted(frame=1 if is_prompted else 0)
    other.history.add(1, ObjectMask(2, mask_of(output(PLACE)), 0.9, 6.0), False)
    assert kinds({1: prompted(), 2: other}, {1: output(PLACE)}, 1) == {1: ["overlap"]}


@pytest.mark.parametrize(("min_similarity", "expected"), [(0.8, ["appearance"]), (0.0, [])])
def test_other_features_within_the_mask_are_told_where_that_was_measured(
    min_similarity: float, expected: list[str]
) -> None:
    target = prompted()
    target.bank.prompted[0] = target.bank.prompted[0].with_appearance(features(PLACE))
    same, other = (output(PLACE).with_appearance(features(blue)) for blue in (PLACE, None))
    assert kinds({1: target}, {1: same}, 1, min_similarity) == {1: []}
    assert kinds({1: target}, {1: other}, 1, min_similarity) == {1: expected}


def test_an_object_may_look_like_it_did_on_any_prompted_frame() -> None:
    target = prompted()
    target.bank.prompted[0] = target.bank.prompted[0].with_appearance(features(PLACE))
    red = ImageFeatures(features().embedding * torch.tensor([1.0, -3.0])[:, None, None], ())
    turned = output(PLACE).with_appearance(red)
    assert kinds({1: target}, {1: turned}, 1, 0.8) == {1: ["appearance"]}
    target.bank.prompted[9] = replace(turned, surroundings=torch.tensor([[5.0, 1.0]]))
    assert kinds({1: target}, {1: turned}, 1, 0.8) == {1: []}
