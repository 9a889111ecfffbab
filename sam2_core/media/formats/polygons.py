"""Masks as polygons, of two sorts, because those who draw polygons do it in two ways.

`edges` run between the pixels, through the middles of the sides that part inside and outside. Whoever takes the pixels
whose centres lie inside, as COCO's own tools do, gets the very mask back: corners are left out only as long as no
pixel's centre changes sides.

`borders` run through the outermost pixels themselves. Whoever fills a polygon and draws its outline, too, as OpenCV and
Pillow do (hence ultralytics, supervision and labelme), gets nearly the same mask back; leaving out corners costs up to
half a pixel at the border, which halves their number. Some of these cut fractions off and others round them: a corner
lies a quarter into its pixel, where both come to the same.

Coordinates are pixels, (0, 0) is the outer corner of the first pixel. No format of polygons here knows holes, so
`joined` cuts a slit of no width from a hole to the outline around it, by which the outline runs in and out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.draw import crop
from sam2_core.types import BoolArray, Mask

Ring: TypeAlias = npt.NDArray[np.float32]
"""Corners (N, 2) as x, y, N ≥ 3; the last one is joined to the first."""
_Corners: TypeAlias = npt.NDArray[np.float64]

_EDGE_TOLERANCE = 0.3  # pixels; no edge is closer than √2/4 to a pixel's centre, and COCO's tools round to a tenth
_BORDER_TOLERANCE = 0.5
_INTO_PIXEL = 0.25
_AT_ONCE = 256
_MOST_COMPARED = 20_000  # corners: a second or two


@dataclass(frozen=True, slots=True)
class Part:
    """A connected piece of a mask: its outline and those of its holes."""

    outline: Ring
    holes: tuple[Ring, ...]

    @property
    def rings(self) -> tuple[Ring, ...]:
        """All outlines, the outer one first."""
        return (self.outline, *self.holes)


def edges(mask: Mask) -> list[Part]:
    """The outlines between the pixels; of an empty mask none."""
    pixels, (left, top, _, _) = crop(mask)
    return _parts(_doubled(pixels), 0.5, (left, top), _EDGE_TOLERANCE)


def borders(mask: Mask) -> list[Part]:
    """The outlines through the outermost pixels; of an empty mask none."""
    pixels, (left, top, _, _) = crop(mask)
    return _parts(pixels.view(np.uint8), 1.0, (left + _INTO_PIXEL, top + _INTO_PIXEL), _BORDER_TOLERANCE)


def joined(rings: Sequence[Ring]) -> Ring:
    """One outline of all these, each tied to the others by a bridge of no width where they come closest.

    The shortest bridges come first, so that none runs through another ring (Prim's algorithm). Where there are too
    many corners to compare, as in noise, each ring is tied to the one before.
    """
    corners, lengths = np.concatenate(rings).astype(np.float64), [len(ring) for ring in rings]
    if len(rings) > 1 and len(corners) > _MOST_COMPARED:
        return _chained(rings)
    owners, stops = np.repeat(np.arange(len(rings)), lengths), np.cumsum(lengths)
    distances, nearest = np.full(len(corners), np.inf), np.zeros(len(corners), np.intp)
    newest, path = range(lengths[0]), [*range(lengths[0])]
    waiting = np.arange(lengths[0], len(corners))
    for _ in rings[1:]:
        _approach(corners, waiting, newest, distances, nearest)
        end = int(waiting[distances[waiting].argmin()])
        owner = owners[end]
        newest = range(int(stops[owner]) - lengths[owner], int(stops[owner]))
        start = int(nearest[end])
        place = path.index(start) + 1
        path[place:place] = [*range(end, newest.stop), *range(newest.start, end), end, start]
        waiting = waiting[owners[waiting] != owner]
    return np.asarray(corners[path], np.float32)


def _approach(
    corners: _Corners, waiting: npt.NDArray[np.intp], added: range, distances: _Corners, nearest: npt.NDArray[np.intp]
) -> None:
    """Note for each waiting corner which of the added ones is closer than all before, by pieces to save memory."""
    squares = (corners[waiting] ** 2).sum(axis=1)
    for first in range(added.start, added.stop, _AT_ONCE):
        some = corners[first : min(first + _AT_ONCE, added.stop)]
        apart = (some**2).sum(axis=1) - 2 * (corners[waiting] @ some.T)  # and the squares, the same in each row
        best = apart.argmin(axis=1)
        found = apart[np.arange(len(waiting)), best] + squares
        is_closer = found < distances[waiting]
        distances[waiting[is_closer]] = found[is_closer]
        nearest[waiting[is_closer]] = first + best[is_closer]


def _chained(rings: Sequence[Ring]) -> Ring:
    """All rings one after the other, each left where it was entered, and the bridges between them back again."""
    loops = [corners for ring in rings for corners in (ring, ring[:1])]
    return np.concatenate([*loops, *(ring[:1] for ring in rings[-2:0:-1])])


def _doubled(pixels: BoolArray) -> npt.NDArray[np.uint8]:
    """A grid (2H + 1, 2W + 1) of the pixels' centres, the middles of their sides and their corners, 1 where one belongs
    to the mask: a side with a pixel, a corner with two. Its border is what marching squares would find."""
    height, width = pixels.shape
    around = np.pad(pixels.view(np.uint8), 1)
    grid = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    grid[1::2, 1::2] = pixels
    grid[1::2, 0::2] = around[1:-1, :-1] | around[1:-1, 1:]
    grid[0::2, 1::2] = around[:-1, 1:-1] | around[1:, 1:-1]
    grid[0::2, 0::2] = around[:-1, :-1] + around[:-1, 1:] + around[1:, :-1] + around[1:, 1:] >= 2
    return grid


def _parts(grid: npt.NDArray[np.uint8], scale: float, origin: tuple[float, float], tolerance: float) -> list[Part]:
    if not grid.any():
        return []
    contours, hierarchy = cv2.findContours(grid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    rings = [
        _simpler(contour.astype(np.float32) * scale, tolerance) + np.array(origin, np.float32) for contour in contours
    ]
    parents = hierarchy[0][:, 3].tolist()
    holes: dict[int, list[Ring]] = {number: [] for number, parent in enumerate(parents) if parent < 0}
    for ring, parent in zip(rings, parents, strict=True):
        if parent >= 0:
            holes[parent].append(ring)
    return [Part(rings[number], tuple(inside)) for number, inside in holes.items()]


def _simpler(contour: npt.NDArray[np.float32], tolerance: float) -> Ring:
    """A contour (N, 1, 2) with fewer corners; what is only a dot or a line gets its last corner again."""
    ring = cv2.approxPolyDP(contour, tolerance, True)[:, 0]
    return np.asarray(np.pad(ring, ((0, max(0, 3 - len(ring))), (0, 0)), mode="edge"), np.float32)
