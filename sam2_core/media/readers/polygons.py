"""Outlines become masks, as the readers of each format draw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.types import BoolArray, Mask

Ring: TypeAlias = npt.NDArray[np.float64]
"""(N, 2): x, y of the corners of an outline."""
Spend: TypeAlias = Callable[[int], None]
"""Told how many pixels are about to be looked at; raises where they are too many in all."""

MOST_CROSSINGS = 500_000  # of the edges of one outline with the rows of the picture
_CROSSING, _OUTLINE = 16, 25_000  # pixels that take as long as one crossing, and as one outline of no size
FARTHEST = 1e6  # pixels from the picture's corner
_INTRICATE = "Their outlines are too intricate. Simplify them."


def ring_of(numbers: Sequence[object]) -> Ring:
    """Corners from [x, y, x, y, …]; raises `MediaError` for what is no outline."""
    ring = corners_of(numbers)
    if len(ring) < 3:
        raise MediaError("Their outlines have fewer than three corners.")
    return ring


def corners_of(numbers: Sequence[object]) -> Ring:
    """The same of any number of corners."""
    try:
        corners = np.array(numbers, np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError) as error:
        raise MediaError("Their outlines are no lists of numbers.") from error
    if not np.isfinite(corners).all() or (np.abs(corners) > FARTHEST).any():
        raise MediaError("Their outlines lie far outside of the picture.")
    return corners


def fill_centers(rings: Sequence[Ring], height: int, width: int, spend: Spend) -> Mask:
    """All pixels whose center lies in any of the outlines: COCO's way, where a square from 0 to 2 has four pixels.

    Raises `MediaError` for what is too intricate, and what `spend` raises.
    """
    left, right = _window(rings, width)
    pixels = np.zeros((height, right - left), bool)
    add_centers(rings, pixels, spend, left)
    return placed(pixels, left, width)


def add_centers(rings: Sequence[Ring], pixels: BoolArray, spend: Spend, left: int = 0) -> None:
    """`fill_centers` into an array (H, W'), in place; its first column is number `left` of the image."""
    height = pixels.shape[0]
    for ring in rings:
        first, stop = _window([ring], left + pixels.shape[1])
        _pay(ring, height, stop - first, spend)
        if first < stop:
            _add_ring(ring - (first, 0), pixels[:, first - left : stop - left])


def fill_corners(ring: Ring, height: int, width: int, spend: Spend) -> Mask:
    """All pixels in an outline or on it, which goes from pixel to pixel: the way of YOLO and LabelMe.

    Raises as `fill_centers` does.
    """
    left, right = _window([ring - 1, ring + 1], width)
    pixels = np.zeros((height, right - left), np.uint8)
    _pay(ring, height, right - left, spend)
    if pixels.size:
        corners = np.clip(np.rint(ring - (left, 0)), -(2**15), 2**15).astype(np.int32)
        cv2.fillPoly(pixels, [corners], 1)
    return placed(pixels.view(bool), left, width)


def placed(columns: BoolArray, left: int, width: int) -> Mask:
    """A mask of this width from some of its columns (H, W'), the first of which is number `left`; all else is empty."""
    height = columns.shape[0]
    flat = np.zeros(columns.size + 2, np.int8)
    flat[1:-1] = columns.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + left * height
    bounds = np.concatenate([[0], edges, [height * width]])
    return Mask(height, width, np.diff(bounds).astype("<u4").tobytes())


def _pay(ring: Ring, height: int, columns: int, spend: Spend) -> None:
    """Before an outline is drawn: a few kilobytes can cross the same rows again and again."""
    rows = np.clip(ring[:, 1], 0, height)
    crossings = int(np.abs(np.diff(rows, append=rows[:1])).sum())
    if crossings > MOST_CROSSINGS:
        raise MediaError(_INTRICATE)
    spend(height * columns + _CROSSING * crossings + _OUTLINE)


def _window(rings: Sequence[Ring], width: int) -> tuple[int, int]:
    """The columns that the outlines touch."""
    left = int(np.floor(min(ring[:, 0].min() for ring in rings)))
    right = int(np.ceil(max(ring[:, 0].max() for ring in rings)))
    left = min(max(left, 0), width)
    return left, min(max(right, left), width)


def _add_ring(ring: Ring, pixels: BoolArray) -> None:
    """Set the pixels (H, W) whose center is inside, by the even-odd rule: how often its row crosses the outline."""
    height, width = pixels.shape
    start, end = ring, np.roll(ring, -1, axis=0)
    ys = np.stack([start[:, 1], end[:, 1]])
    first, stop = np.clip(np.ceil([ys.min(axis=0) - 0.5, ys.max(axis=0) - 0.5]), 0, height).astype(np.int64)
    top, bottom = int(first.min()), int(stop.max())
    counts = stop - first
    edge = np.repeat(np.arange(len(ring)), counts)
    rows = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = (rows + 0.5 - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    crossings = start[edge, 0] + along * (end[edge, 0] - start[edge, 0])
    columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(np.int64)
    turns = np.bincount((rows - top) * (width + 1) + columns, minlength=(bottom - top) * (width + 1))
    odd = (turns & 1).astype(bool).reshape(bottom - top, width + 1)
    pixels[top:bottom] |= np.logical_xor.accumulate(odd, axis=1)[:, :width]
