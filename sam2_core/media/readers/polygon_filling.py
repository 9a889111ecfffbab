"""Polygons to masks, by the two rules of the formats that are read here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.types import BoolArray, Mask

Ring: TypeAlias = npt.NDArray[np.float64]
"""Corners (N, 2) of a polygon as x, y in pixels."""
PixelBudget: TypeAlias = Callable[[int], None]
"""Called with the number of pixels about to be processed; raises when one file needs too many."""

MAX_CROSSINGS = 500_000  # of the edges of one polygon with the center lines of rows
_CROSSING, _OUTLINE = 16, 25_000  # the cost of one crossing and of one polygon, in pixels
MAX_COORDINATE = 1e6  # pixels
_NO_NUMBERS = "Their outlines are no lists of numbers."


def parse_ring(corners: object) -> Ring:
    """A polygon in one of the forms of `parse_corners`. Raises `MediaError` unless it has at least three corners."""
    ring = parse_corners(corners)
    if len(ring) < 3:
        raise MediaError("Their outlines have fewer than three corners.")
    return ring


def parse_corners(corners: object) -> Ring:
    """Any number of corners from [x, y, x, y, …], [[x, y], …] or [{"x": x, "y": y}, …].

    Numbers may be text. Corners that are no two finite numbers are left out, and so is a last number without a pair.
    Raises `MediaError` for what is no list, has values but no corner, or has corners far outside of the picture.
    """
    if not isinstance(corners, list | tuple):
        raise MediaError(_NO_NUMBERS)
    flat = [number for corner in corners for number in _pair(corner)] if _is_nested(corners) else corners
    if len(flat) % 2:
        flat = flat[:-1]
    try:
        ring = np.array(flat, np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        ring = np.array([_number(each) for each in flat], np.float64).reshape(-1, 2)
    ring = ring[np.isfinite(ring).all(axis=1)]
    if corners and len(ring) < 3 and 2 * len(ring) < len(flat):
        raise MediaError(_NO_NUMBERS)
    if (np.abs(ring) > MAX_COORDINATE).any():
        raise MediaError("Their outlines lie far outside of the picture.")
    return ring


def _is_nested(corners: Sequence[object]) -> bool:
    return any(isinstance(each, list | tuple | dict) for each in corners)


def _pair(corner: object) -> Sequence[object]:
    """The two coordinates of one corner, None for what has others."""
    if isinstance(corner, dict):
        return corner.get("x"), corner.get("y")
    return corner[:2] if isinstance(corner, list | tuple) and len(corner) >= 2 else (None, None)


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def fill_polygons(rings: Sequence[Ring], height: int, width: int, spend: PixelBudget) -> Mask:
    """The union of polygons, filled as `fill_polygon` does; raises as `add_polygons` does."""
    left, right = _column_range(rings, width)
    pixels = np.zeros((height, right - left), bool)
    add_polygons(pixels, rings, spend, left)
    return mask_from_columns(pixels, left, width)


def add_polygons(mask: BoolArray, rings: Sequence[Ring], spend: PixelBudget, left: int = 0) -> None:
    """Fill polygons into `mask` (H, W'), in place; its first column is column `left` of the image.

    Raises `MediaError` for a polygon with too many edges, and what `spend` raises.
    """
    height, width = mask.shape[0], left + mask.shape[1]
    for ring in rings:
        first, stop = _column_range([ring], width)
        _spend(ring, height, stop - first, spend)
        fill_polygon(mask[:, first - left : stop - left], ring - (first, 0))


def fill_polygon(mask: BoolArray, ring: Ring) -> None:
    """Set the pixels of `mask` (H, W) whose center lies inside the polygon, in place.

    Even-odd rule, as COCO's own tools: the square from 0 to 2 has four pixels. Each edge toggles the rest of every row
    whose center line it crosses, so time and memory grow with `count_crossings`.
    """
    height, width = mask.shape
    upper, lower = ring, np.roll(ring, -1, axis=0)
    is_rising = (upper[:, 1] > lower[:, 1])[:, None]
    upper, lower = np.where(is_rising, lower, upper), np.where(is_rising, upper, lower)
    begin, end = (np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64) for y in (upper[:, 1], lower[:, 1]))
    counts = end - begin
    crossings = int(counts.sum())
    if not crossings or not width:
        return
    edge = np.repeat(np.arange(len(ring)), counts)
    row = np.arange(crossings) - np.repeat(np.cumsum(counts) - counts, counts) + begin[edge]
    slope = (lower[edge, 0] - upper[edge, 0]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    top, bottom = int(row.min()), int(row.max()) + 1
    toggles = np.bincount((row - top) * (width + 1) + column, minlength=(bottom - top) * (width + 1))
    parity = np.bitwise_xor.accumulate((toggles & 1).astype(np.bool_).reshape(bottom - top, width + 1), axis=1)
    mask[top:bottom] |= parity[:, :width]


def draw_polygon(ring: Ring, height: int, width: int, spend: PixelBudget) -> Mask:
    """The pixels inside or on a polygon whose corners are pixel indices, as YOLO's and LabelMe's tools draw it.

    Raises as `fill_polygons` does.
    """
    left, right = _column_range([ring - 1, ring + 1], width)
    pixels = np.zeros((height, right - left), np.uint8)
    _spend(ring, height, right - left, spend)
    if pixels.size:
        corners = np.clip(np.rint(ring - (left, 0)), -(2**15), 2**15).astype(np.int32)
        cv2.fillPoly(pixels, [corners], 1)
    return mask_from_columns(pixels.view(bool), left, width)


def mask_from_columns(columns: BoolArray, left: int, width: int) -> Mask:
    """A mask `width` pixels wide from its columns `left`, `left` + 1, … (H, W'); the others are empty."""
    height = columns.shape[0]
    flat = np.zeros(columns.size + 2, np.int8)
    flat[1:-1] = columns.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + left * height
    bounds = np.concatenate([[0], edges, [height * width]])
    return Mask(height, width, np.diff(bounds).astype("<u4").tobytes())


def count_crossings(ring: Ring, height: int) -> int:
    """About how many rows of an image the edges of a polygon cross in all, which is what filling it costs."""
    rows = np.clip(ring[:, 1], 0, height)
    return int(np.abs(np.diff(rows, append=rows[:1])).sum())


def _spend(ring: Ring, height: int, columns: int, spend: PixelBudget) -> None:
    """Account for a polygon before it is drawn: few corners can cross the same rows many times."""
    crossings = count_crossings(ring, height)
    if crossings > MAX_CROSSINGS:
        raise MediaError("Their outlines are too intricate. Simplify them.")
    spend(height * columns + _CROSSING * crossings + _OUTLINE)


def _column_range(rings: Sequence[Ring], width: int) -> tuple[int, int]:
    """The columns that the polygons touch."""
    left = int(np.floor(min(ring[:, 0].min() for ring in rings)))
    right = int(np.ceil(max(ring[:, 0].max() for ring in rings)))
    left = min(max(left, 0), width)
    return left, min(max(right, left), width)
