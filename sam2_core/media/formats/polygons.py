"""Masks as polygons, in two variants for the two ways in which polygons are rasterized.

`edge_polygons` run between the pixels, through the midpoints of the sides between inside and outside. Rasterizing the
pixels whose centers are inside, as COCO's own tools do, reproduces the mask exactly: corners are only left out while no
pixel's center changes sides.

`pixel_polygons` run through the outermost pixels. Filling the polygon and drawing its outline, as OpenCV and Pillow do
(hence ultralytics, supervision and labelme), nearly reproduces the mask; leaving out corners costs up to half a pixel
at the border and halves their number. As some of these tools truncate coordinates and others round them, corners lie at
a quarter of the pixel, where both give the same.

Coordinates are pixels; (0, 0) is the outer corner of the first pixel. None of the formats has holes, so `join_rings`
connects a hole with the outline around it by a slit of zero width.
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
"""Corners (N, 2) as x, y, N ≥ 3; the last one is connected to the first."""
_Corners: TypeAlias = npt.NDArray[np.float64]

_EDGE_TOLERANCE = 0.3  # pixels; no edge is closer than √2/4 to a pixel's center, and COCO's tools round to a tenth
_PIXEL_TOLERANCE = 0.5
_PIXEL_OFFSET = 0.25
_BATCH = 256
_MAX_COMPARED = 20_000  # corners: a second or two


@dataclass(frozen=True, slots=True)
class Part:
    """A connected component of a mask: its outline and those of its holes."""

    outline: Ring
    holes: tuple[Ring, ...]

    @property
    def rings(self) -> tuple[Ring, ...]:
        """All outlines, the outer one first."""
        return (self.outline, *self.holes)


def edge_polygons(mask: Mask) -> list[Part]:
    """The outlines between the pixels; none for an empty mask."""
    pixels, (left, top, _, _) = crop(mask)
    return _parts(_edge_grid(pixels), 0.5, (left, top), _EDGE_TOLERANCE)


def pixel_polygons(mask: Mask) -> list[Part]:
    """The outlines through the outermost pixels; none for an empty mask."""
    pixels, (left, top, _, _) = crop(mask)
    return _parts(pixels.view(np.uint8), 1.0, (left + _PIXEL_OFFSET, top + _PIXEL_OFFSET), _PIXEL_TOLERANCE)


def join_rings(rings: Sequence[Ring]) -> Ring:
    """One outline of all rings, connected by bridges of zero width where they come closest.

    The shortest bridges are added first (Prim's algorithm), so that none crosses another ring. With too many corners to
    compare, as in noise, each ring is connected to the one before.
    """
    corners, lengths = np.concatenate(rings).astype(np.float64), [len(ring) for ring in rings]
    if len(rings) > 1 and len(corners) > _MAX_COMPARED:
        return _chain(rings)
    owners, stops = np.repeat(np.arange(len(rings)), lengths), np.cumsum(lengths)
    distances, nearest = np.full(len(corners), np.inf), np.zeros(len(corners), np.intp)
    newest, path = range(lengths[0]), [*range(lengths[0])]
    waiting = np.arange(lengths[0], len(corners))
    for _ in rings[1:]:
        _update_distances(corners, waiting, newest, distances, nearest)
        end = int(waiting[distances[waiting].argmin()])
        owner = owners[end]
        newest = range(int(stops[owner]) - lengths[owner], int(stops[owner]))
        start = int(nearest[end])
        index = path.index(start) + 1
        path[index:index] = [*range(end, newest.stop), *range(newest.start, end), end, start]
        waiting = waiting[owners[waiting] != owner]
    return np.asarray(corners[path], np.float32)


def _update_distances(
    corners: _Corners, waiting: npt.NDArray[np.intp], added: range, distances: _Corners, nearest: npt.NDArray[np.intp]
) -> None:
    """Update the distance of each waiting corner to the nearest added one, in batches to save memory."""
    squares = (corners[waiting] ** 2).sum(axis=1)
    for first in range(added.start, added.stop, _BATCH):
        some = corners[first : min(first + _BATCH, added.stop)]
        partial = (some**2).sum(axis=1) - 2 * (corners[waiting] @ some.T)  # squared distances, less `squares`
        best = partial.argmin(axis=1)
        found = partial[np.arange(len(waiting)), best] + squares
        is_closer = found < distances[waiting]
        distances[waiting[is_closer]] = found[is_closer]
        nearest[waiting[is_closer]] = first + best[is_closer]


def _chain(rings: Sequence[Ring]) -> Ring:
    """All rings one after the other, each closed where it begins, and the same bridges back again."""
    loops = [corners for ring in rings for corners in (ring, ring[:1])]
    return np.concatenate([*loops, *(ring[:1] for ring in rings[-2:0:-1])])


def _edge_grid(pixels: BoolArray) -> npt.NDArray[np.uint8]:
    """A grid (2H + 1, 2W + 1) of the pixels' centers, side midpoints and corners, 1 where one belongs to the mask: a
    side with one of its pixels, a corner with two. Its border is that of marching squares."""
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
    offset = np.array(origin, np.float32)
    rings = [_simplify(contour.astype(np.float32) * scale, tolerance) + offset for contour in contours]
    parents = hierarchy[0][:, 3].tolist()
    holes: dict[int, list[Ring]] = {number: [] for number, parent in enumerate(parents) if parent < 0}
    for ring, parent in zip(rings, parents, strict=True):
        if parent >= 0:
            holes[parent].append(ring)
    return [Part(rings[number], tuple(inside)) for number, inside in holes.items()]


def _simplify(contour: npt.NDArray[np.float32], tolerance: float) -> Ring:
    """A contour (N, 1, 2) with fewer corners; the last corner of a point or line is repeated to make three."""
    ring = cv2.approxPolyDP(contour, tolerance, True)[:, 0]
    return np.asarray(np.pad(ring, ((0, max(0, 3 - len(ring))), (0, 0)), mode="edge"), np.float32)
