"""Small regions are found in a part of the mask alone, and are those of the whole one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_core.tracking.mask_filters import fill_small_holes, remove_small_islands, remove_small_regions
from sam2_core.types import BoolArray


def regions(pixels: BoolArray) -> list[BoolArray]:
    count, labels = cv2.connectedComponents(pixels.astype(np.uint8), connectivity=8)
    return [labels == number for number in range(1, count)]


def filled(mask: BoolArray, min_area: float) -> BoolArray:
    result = mask.copy()
    for region in regions(~mask):
        result |= region & (region.sum() < min_area)
    return result


def without_islands(mask: BoolArray, min_area: float) -> BoolArray:
    islands = sorted(regions(mask), key=lambda region: -region.sum())  # the first of equal ones stays first
    kept = [region for region in islands if region.sum() >= min_area] or islands[:1]
    return np.logical_or.reduce(kept, axis=0) if kept else mask


@pytest.mark.parametrize("min_area", [0, 1, 2, 9.5, 30, 120, 1000])
def test_regions_are_those_of_the_whole_mask(min_area: float) -> None:
    rng = np.random.default_rng(5)
    changed = 0
    for _ in range(150):
        height, width = rng.integers(1, 40, 2)
        coarse = rng.random((max(1, height // 3), max(1, width // 3)), np.float32)
        mask = np.asarray(cv2.resize(coarse, (int(width), int(height))) > rng.uniform(0.2, 0.8))
        first, last = sorted(rng.integers(0, height + 1, 2))
        mask[first:last] &= rng.random() < 0.5  # often with nothing in a part of it
        whole = filled(mask, min_area)
        assert np.array_equal(fill_small_holes(mask, min_area), whole)
        assert np.array_equal(remove_small_islands(mask, min_area), without_islands(mask, min_area))
        assert np.array_equal(remove_small_regions(mask, min_area), without_islands(whole, min_area))
        changed += not np.array_equal(remove_small_regions(mask, min_area), mask)
    assert (changed > 10) == (min_area > 1)
