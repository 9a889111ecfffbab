from __future__ import annotations

import numpy as np
import pytest

from sam2_core.detection.association import mask_iou, new_arrivals
from sam2_core.types import Mask


def square(left: int, top: int, side: int = 4) -> Mask:
    pixels = np.zeros((12, 16), dtype=bool)
    pixels[top : top + side, left : left + side] = True
    return Mask.from_array(pixels)


@pytest.mark.parametrize("seed", range(4))
def test_iou_of_run_lengths_is_that_of_pixels(seed: int) -> None:
    one, other = np.random.default_rng(seed).random((2, 9, 7)) > 0.3 * seed
    expected = (one & other).sum() / max(1, (one | other).sum())
    assert mask_iou(Mask.from_array(one), Mask.from_array(other)) == pytest.approx(expected)


def test_iou_takes_runs_of_length_zero() -> None:
    full, odd = Mask.from_coco({"size": [2, 3], "counts": [0, 6]}), [1, 2, 0, 1, 2]
    assert mask_iou(full, Mask.from_coco({"size": [2, 3], "counts": odd})) == pytest.approx(0.5)
    empty = Mask.from_coco({"size": [2, 3], "counts": [6]})
    assert mask_iou(empty, empty) == mask_iou(full, empty) == mask_iou(empty, full) == 0


def test_known_objects_repeated_and_empty_masks_are_not_new() -> None:
    found = [square(0, 0), square(8, 6), square(8, 7), square(4, 4, 0)]
    assert new_arrivals(found, [square(1, 0), square(4, 4, 0)]) == [1]
    assert new_arrivals(found, []) == [0, 1]
    assert new_arrivals(found, [square(1, 0)], min_iou=0.7) == [0, 1, 2]
