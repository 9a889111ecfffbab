"""The simulated user of the evaluation: no chance is involved, the same masks always get the same clicks."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.types import BoolArray, Box, Point


def farthest_point(mask: BoolArray) -> tuple[int, int]:
    """x, y of the pixel of a mask (H, W) that is farthest from its edge; the picture's border is an edge too.

    Among equals it is the first one in reading order. Raises `ValueError` for an empty mask.
    """
    if not mask.any():
        raise ValueError("An empty mask has no point that could be clicked.")
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(x), int(y)


def first_click(truth: BoolArray) -> Point:
    """A click on the object (H, W), as far inside as possible. Raises `ValueError` for an empty mask."""
    return Point(*farthest_point(truth))


def next_click(predicted: BoolArray, truth: BoolArray) -> Point:
    """A click in the middle of the largest connected error: positive on what is missing, negative on what is too much.

    Among equals what is missing comes first. Where nothing is wrong the first click is repeated.
    """
    missing, surplus = _largest_part(truth & ~predicted), _largest_part(predicted & ~truth)
    if not missing.any() and not surplus.any():
        return first_click(truth)
    is_missing = np.count_nonzero(missing) >= np.count_nonzero(surplus)
    return Point(*farthest_point(missing if is_missing else surplus), positive=bool(is_missing))


def tight_box(mask: BoolArray) -> Box:
    """The smallest box around a mask (H, W). Raises `ValueError` for an empty mask."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        raise ValueError("An empty mask has no box.")
    return Box(left, top, left + width, top + height)


def _largest_part(mask: BoolArray) -> BoolArray:
    """The largest part of a mask whose pixels touch at sides or corners; empty for an empty mask."""
    _, parts, about, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = about[1:, cv2.CC_STAT_AREA]
    return (parts == 1 + int(areas.argmax())) if areas.size else np.zeros_like(mask)
