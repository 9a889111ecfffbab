"""Which masks of an image are there already."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sam2_core.media.draw import Xywh, crop
from sam2_core.types import BoolArray, Mask

SAME_OBJECT = 0.7
"""Masks of a higher IoU are of the same object (the threshold of the papers' non-maximum suppression)."""


class MaskOverlap:
    """Masks of one image, to compare others with."""

    def __init__(self, masks: Iterable[Mask] = ()) -> None:
        self._cropped: list[tuple[BoolArray, Xywh, int]] = []
        for mask in masks:
            self.add(mask)

    def add(self, mask: Mask) -> None:
        """Add a mask."""
        self._cropped.append((*crop(mask), mask.area))

    def has(self, mask: Mask, iou: float = SAME_OBJECT) -> bool:
        """Whether the IoU with any of the masks is above a threshold."""
        pixels, box = crop(mask)
        return any(_iou(pixels, box, mask.area, *other, above=iou) > iou for other in self._cropped)


def _iou(
    pixels: BoolArray, box: Xywh, area: int, other: BoolArray, other_box: Xywh, other_area: int, above: float
) -> float:
    """The IoU of two masks within their boxes; 0 where their areas exclude that it is `above` a threshold."""
    if not area or not other_area or min(area, other_area) <= above * max(area, other_area):
        return 0.0
    left, top = max(box[0], other_box[0]), max(box[1], other_box[1])
    right = min(box[0] + box[2], other_box[0] + other_box[2])
    bottom = min(box[1] + box[3], other_box[1] + other_box[3])
    if right <= left or bottom <= top:
        return 0.0
    shared = np.count_nonzero(
        pixels[top - box[1] : bottom - box[1], left - box[0] : right - box[0]]
        & other[top - other_box[1] : bottom - other_box[1], left - other_box[0] : right - other_box[0]]
    )
    return shared / (area + other_area - shared)
