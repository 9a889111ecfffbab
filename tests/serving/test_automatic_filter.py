"""The filter for automatic masks, on a table of cases that the page's filter is tested on, too, and the candidates that
are left for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.serving.automatic_filter import Candidates, MaskFilter, filter_masks
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
