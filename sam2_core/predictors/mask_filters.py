"""Point grids and crops of the automatic mask generator, and the filters for its masks.

Boxes of masks are (left, top, right, bottom) with inclusive `right` and `bottom`, so that a mask of one pixel has a box
of size 0: the official convention, which the official thresholds assume. `right` and `bottom` of crops are exclusive.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.errors import ConfigError
from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.types import BoolArray

Crop: TypeAlias = tuple[int, int, int, int]
FloatArray: TypeAlias = npt.NDArray[np.float64]

CROP_EDGE_TOLERANCE = 20.0
"""A box within this distance in pixels of an edge of its crop is probably cut off."""


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


def uncrop_mask(mask: BoolArray, crop: Crop, image_size: tuple[int, int]) -> BoolArray:
    """The mask of a crop as a mask of the whole image, (height, width) `image_size`."""
    left, top, right, bottom = crop
    pixels = np.zeros(image_size, dtype=bool)
    pixels[top:bottom, left:right] = mask
    return pixels


def _spans(length: int, count: int, overlap: int) -> list[tuple[int, int]]:
    """Cut [0, length) into `count` overlapping spans of equal size; those at the end are clipped to `length`."""
    size = math.ceil((overlap * (count - 1) + length) / count)
    starts = [(size - overlap) * index for index in range(count)]
    return [(start, min(start + size, length)) for start in starts if start < length]


def stability_scores(logits: Tensor, threshold: float, offset: float) -> Tensor:
    """IoU of each mask at `threshold + offset` with the same mask at `threshold - offset`.

    (N, H, W) logits -> (N,) scores; NaN where both are empty.
    """
    intersection = torch.count_nonzero(logits > threshold + offset, dim=(-2, -1))
    union = torch.count_nonzero(logits > threshold - offset, dim=(-2, -1))
    return intersection / union  # the higher threshold gives a subset of the lower one


def mask_boxes(masks: Tensor) -> Tensor:
    """Bounding boxes of (N, H, W) boolean masks as (N, 4) int64; zeros for an empty mask."""
    height, width = masks.shape[-2:]
    if masks.shape[0] == 0:
        return torch.zeros((0, 4), dtype=torch.int64, device=masks.device)
    columns, rows = masks.any(dim=-2).int(), masks.any(dim=-1).int()  # (N, W), (N, H)
    edges = (
        columns.argmax(-1),
        rows.argmax(-1),
        width - 1 - columns.flip(-1).argmax(-1),
        height - 1 - rows.flip(-1).argmax(-1),
    )
    return torch.stack(edges, dim=-1) * columns.any(dim=-1)[:, None]


def is_near_crop_edge(boxes: Tensor, crop: Crop, image: Crop) -> Tensor:
    """Which of (N, 4) boxes, in pixels of `crop`, end near an edge of it that is not an edge of `image`: (N,)."""
    left, top, _, _ = crop
    uncropped = boxes + boxes.new_tensor([left, top, left, top])
    near_crop = (uncropped - boxes.new_tensor(crop)).abs() <= CROP_EDGE_TOLERANCE
    near_image = (uncropped - boxes.new_tensor(image)).abs() <= CROP_EDGE_TOLERANCE
    return (near_crop & ~near_image).any(dim=-1)


def remove_small_regions(mask: BoolArray, min_area: float) -> BoolArray:
    """Fill the holes and remove the islands of fewer than `min_area` pixels of a mask (H, W).

    Regions are 8-connected; the largest island is always kept.
    """
    return remove_small_islands(fill_small_holes(mask, min_area), min_area)


def fill_small_holes(mask: BoolArray, min_area: float) -> BoolArray:
    """Fill the background regions of fewer than `min_area` pixels."""
    filled = fill_holes(torch.from_numpy(mask).float() - 0.5, math.nextafter(min_area, 0))
    return (filled > 0).numpy()


def remove_small_islands(mask: BoolArray, min_area: float) -> BoolArray:
    """Remove the foreground regions of fewer than `min_area` pixels, but the largest."""
    kept = remove_islands(torch.from_numpy(mask).float() - 0.5, math.nextafter(min_area, 0)) > 0
    return kept.numpy() if kept.any() else _largest_region(mask)


def _largest_region(mask: BoolArray) -> BoolArray:
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA] * (np.arange(len(statistics)) > 0)  # label 0 is the background
    return mask & (labels == areas.argmax())
