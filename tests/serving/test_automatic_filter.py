"""The filter for automatic masks, on a table of cases that the page's filter is tested on, too, and the candidates that
are left for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.serving import automatic_filter
from sam2_core.serving.automatic_filter import Candidates, DistinctMasks, MaskFilter, filter_masks
from sam2_core.types import AutomaticMask, Box, Mask, Point

CASES = json.loads((Path(__file__).resolve().parents[1] / "automatic_mask_cases.json").read_text("utf-8"))


def rectangle(case: dict[str, Any], plain: dict[str, Any]) -> AutomaticMask:
    left, top, width, height = plain["place"]
    pixels = np.zeros(case["size"], bool)
    pixels[top : top + height, left : left + width] = True
    box, crop = Box(left, top, left + width, top + height), Box(*plain["crop"])
    return AutomaticMask(
        Mask.from_array(pixels), plain["predicted_iou"], plain["stability"], box, Point(left, top), crop
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_filter_of_the_table(case: dict[str, Any]) -> None:
    masks = [rectangle(case, plain) for plain in case["masks"]]
    kept = filter_masks(masks, MaskFilter(**case["filter"]))
    assert [case["masks"][index]["id"] for index in kept] == case["shown"]


def random_masks(rng: np.random.Generator, count: int) -> list[AutomaticMask]:
    masks = []
    for _ in range(count):
        left, top = rng.integers(0, 12, 2).tolist()
        width, height = rng.integers(4, 9, 2).tolist()
        mask = Mask.from_array(np.ones((1, 1)))  # only boxes count
        box = Box(left, top, left + width, top + height)
        iou, stability = (rng.integers(0, 11, 2) / 10).tolist()
        masks.append(AutomaticMask(mask, iou, stability, box, Point(0, 0), Box(0, 0, 20, 20)))
    return masks


@pytest.mark.parametrize("seed", range(20))
def test_masks_that_are_left_out_are_shown_by_no_choice_of_thresholds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = random_masks(rng, 60)
    candidates = Candidates(0.5)
    for start in range(0, len(masks), 7):
        left = candidates.add(masks[start : start + 7])
        assert len(left) == min(start + 7, len(masks))
    relevant = [mask for mask, is_left in zip(masks, left, strict=True) if is_left]
    assert len(relevant) < len(masks)
    for iou in np.arange(11) / 10:
        for stability in np.arange(11) / 10:
            chosen = MaskFilter(min_predicted_iou=iou, min_stability=stability, max_overlap=0.5, edge_distance=-100)
            assert [id(masks[index]) for index in filter_masks(masks, chosen)] == [
                id(relevant[index]) for index in filter_masks(relevant, chosen)
            ]


def blobs(rng: np.random.Generator, count: int, side: int) -> list[AutomaticMask]:
    """Ellipses with distinct scores."""
    rows, columns = np.mgrid[:side, :side]
    masks = []
    for score in (rng.permutation(count) + 1) / (count + 1):
        x, y = rng.uniform(0.2 * side, 0.8 * side, 2)
        width, height = rng.uniform(0.1 * side, 0.3 * side, 2)
        pixels = ((columns - x) / width) ** 2 + ((rows - y) / height) ** 2 < 1
        box = Box(int(x - width), int(y - height), int(x + width), int(y + height))
        masks.append(AutomaticMask(Mask.from_array(pixels), float(score), 1.0, box, Point(x, y), box))
    return masks


def best_of_overlapping(masks: list[AutomaticMask], max_overlap: float) -> set[int]:
    kept: list[int] = []
    for index in sorted(range(len(masks)), key=lambda each: -masks[each].predicted_iou):
        one = masks[index].mask.to_array()
        others = (masks[other].mask.to_array() for other in kept)
        if all((one & other).sum() / (one | other).sum() <= max_overlap for other in others):
            kept.append(index)
    return set(kept)


@pytest.mark.parametrize("seed", range(3))
def test_of_masks_that_overlap_the_best_is_left(seed: int) -> None:
    masks = blobs(np.random.default_rng(seed), 60, side=96)  # each pixel is a sample
    distinct = DistinctMasks(0.4)
    for start in range(0, len(masks), 7):
        left = distinct.add(masks[start : start + 7])
    assert {index for index, is_left in enumerate(left) if is_left} == best_of_overlapping(masks, 0.4)


def test_overlaps_hardly_depend_on_the_size_of_the_frame() -> None:
    left = [DistinctMasks(0.5).add(blobs(np.random.default_rng(1), 40, side)) for side in (96, 900)]
    assert sum(small != large for small, large in zip(*left, strict=True)) <= 3


def test_the_worst_of_too_many_masks_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic_filter, "MAX_COMPARED", 10)
    masks = blobs(np.random.default_rng(0), 30, side=96)
    left = DistinctMasks(1.0).add(masks)
    best = sorted(range(30), key=lambda index: -masks[index].predicted_iou)[:10]
    assert [index for index, is_left in enumerate(left) if is_left] == sorted(best)


def test_masks_of_a_few_pixels_are_compared_by_their_boxes() -> None:
    def dot(x: int) -> AutomaticMask:
        pixels = np.zeros((960, 960), bool)
        pixels[500:508, x : x + 8] = True
        return AutomaticMask(
            Mask.from_array(pixels), 0.5, 1.0, Box(x, 500, x + 8, 508), Point(x, 500), Box(0, 0, 960, 960)
        )

    assert DistinctMasks(0.5).add([dot(10), dot(11), dot(30)]) == [True, False, True]
