"""Point grids and crops for automatic masks (SAM paper, appendix B), without torch.

`right` and `bottom` of crops are exclusive.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.errors import ConfigError

Crop: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom."""
FloatArray: TypeAlias = npt.NDArray[np.float64]

CROP_OVERLAP = 512 / 1500
"""Overlap of crops of the first layer, as a fraction of the shorter side of the image (the official default)."""


def point_grid(points_per_side: int) -> FloatArray:
    """The centers of a regular grid of cells over the unit square, row by row: (points_per_side², 2) as (x, y)."""
    centers = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(centers, centers)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def point_grids_of_layers(
    points_per_side: int | None, own: Sequence[npt.ArrayLike] | None, layers: int, downscale_factor: int
) -> list[FloatArray]:
    """One (N, 2) grid for the whole image and one for each layer of crops: regular ones, or those in `own`.

    Each layer divides `points_per_side` by `downscale_factor` again. Raises `ConfigError` for contradicting settings
    or an empty grid.
    """
    if layers < 0:
        raise ConfigError(f"crop_n_layers must be 0 or more, not {layers}.")
    if (points_per_side is None) == (own is None):
        raise ConfigError("Give either points_per_side or point_grids, and set the other to None.")
    if points_per_side is not None:
        sides = [int(points_per_side / downscale_factor**layer) for layer in range(layers + 1)]
        if min(sides) < 1:
            raise ConfigError(
                f"The grid of the last layer would be empty: raise points_per_side ({points_per_side}) or lower "
                f"crop_n_points_downscale_factor ({downscale_factor})."
            )
        return [point_grid(side) for side in sides]
    grids = [np.asarray(grid, dtype=np.float64).reshape(-1, 2) for grid in own or ()]
    if len(grids) <= layers:
        raise ConfigError(f"{layers} layers of crops need {layers + 1} point_grids, not {len(grids)}.")
    return grids


def generate_crops(height: int, width: int, layers: int, overlap_ratio: float) -> list[tuple[int, Crop]]:
    """The whole image as layer 0, then 4ⁿ overlapping crops for each layer n, as (layer, crop).

    Adjacent crops of layer 1 overlap by `overlap_ratio` of the shorter side of the image, those of deeper layers
    proportionally less. Crops that would be empty, in very small images, are left out.
    """
    crops: list[tuple[int, Crop]] = [(0, (0, 0, width, height))]
    for layer in range(1, layers + 1):
        per_side = 2**layer
        overlap = int(overlap_ratio * min(height, width) * (2 / per_side))
        columns = _spans(width, per_side, overlap)
        rows = _spans(height, per_side, overlap)
        for (left, right), (top, bottom) in itertools.product(columns, rows):
            crops.append((layer, (left, top, right, bottom)))
    return crops


def crop_area(crop: Crop) -> int:
    """Number of pixels."""
    left, top, right, bottom = crop
    return (right - left) * (bottom - top)


def _spans(length: int, count: int, overlap: int) -> list[tuple[int, int]]:
    """Cut [0, length) into `count` overlapping spans of equal size; those at the end are clipped to `length`."""
    size = math.ceil((overlap * (count - 1) + length) / count)
    starts = [(size - overlap) * index for index in range(count)]
    return [(start, min(start + size, length)) for start in starts if start < length]
