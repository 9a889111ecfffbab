"""Which masks found on a frame are of objects that are known there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sam2_core.types import Mask

MIN_IOU = 0.5
"""IoU of two masks from which on they are taken for the same object."""


def new_arrivals(found: Sequence[Mask], known: Iterable[Mask], min_iou: float = MIN_IOU) -> list[int]:
    """Indices of the masks `found`, in their order, that are neither of a known object nor of an earlier new one.

    Empty masks are not new. All masks are of the same frame.
    """
    there = [mask for mask in known if mask.area]
    new = []
    for index, mask in enumerate(found):
        if mask.area and all(mask_iou(mask, other) < min_iou for other in there):
            new.append(index)
            there.append(mask)
    return new


def mask_iou(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks of the same size, computed on their run lengths; 0 where both are empty."""
    bounds, other_bounds = _bounds(one), _bounds(other)
    # Foreground of `one` before each pixel: it grows by 1 a pixel within runs of ones, and is constant in between.
    before = np.concatenate([[0], np.cumsum(np.diff(bounds) * (np.arange(len(bounds) - 1) % 2))])
    starts, ends = other_bounds[1:-1:2], other_bounds[2::2]
    shared = float((np.interp(ends, bounds, before) - np.interp(starts, bounds, before)).sum())
    union = one.area + other.area - shared
    return shared / union if union else 0.0


def _bounds(mask: Mask) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where runs begin, and where the last one ends."""
    runs = np.frombuffer(mask.runs, dtype="<u4")
    return np.concatenate([[0], np.cumsum(runs, dtype=np.int64)])
