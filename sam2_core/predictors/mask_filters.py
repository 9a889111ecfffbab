"""What decides which of many predicted masks stay: where to ask, how sure an answer is, which answers say the same.

Boxes of masks are (left, top, right, bottom) with the last filled column and row as `right` and `bottom`, so a mask
of one pixel has a box without extent: the official convention, on which its thresholds rest. Crops are ordinary
rectangles with exclusive `right` and `bottom`.
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
"""A box this close (in pixels) to the edge of its crop was probably cut off by it."""


def point_grid(points_per_side: int) -> FloatArray:
    """The centres of an even grid of cells over the unit square, row by row: (points_per_side², 2) as (x, y)."""
    centres = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(centres, centres)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def layered_point_grids(points_per_side: int, layers: int, downscale_factor: float) -> list[FloatArray]:
    """The grid of the whole image and one for each layer of crops, each with fewer points than the one before.

    Raises `ConfigError` where no point is left.
    """
    sides = [int(points_per_side / downscale_factor**layer) for layer in range(layers + 1)]
    if min(sides) < 1:
        raise ConfigError(
            f"The grid of the last layer would be empty: raise points_per_side ({points_per_side}) or lower "
            f"crop_n_points_downscale_factor ({downscale_factor})."
        )
    return [point_grid(side) for side in sides]


def chosen_point_grids(
    points_per_side: int | None, own: Sequence[npt.ArrayLike] | None, layers: int, downscale: int
) -> list[FloatArray]:
    """One (N, 2) grid for the whole image and one for each layer of crops; `own` are given ones in their stead.

    Raises `ConfigError` where the settings contradict each other.
    """
    if layers < 0:
        raise ConfigError(f"crop_n_layers must be 0 or more, not {layers}.")
    if (points_per_side is None) == (own is None):
        raise ConfigError("Give either points_per_side or point_grids, and set the other to None.")
    if points_per_side is not None:
        return layered_point_grids(points_per_side, layers, downscale)
    grids = [np.asarray(grid, dtype=np.float64).reshape(-1, 2) for grid in own or ()]
    if len(grids) <= layers:
        raise ConfigError(f"{layers} layers of crops need {layers + 1} point_grids, not {len(grids)}.")
    return grids


def layered_crops(height: int, width: int, layers: int, overlap_ratio: float) -> list[tuple[int, Crop]]:
    """The whole image as layer 0, then 4ⁿ overlapping crops for every layer n, each with the number of its layer.

    Neighbours in layer 1 share `overlap_ratio` of the image's shorter side; deeper layers share less in proportion.
    Crops of an image too small to be split so often are left out where nothing of them would remain.
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
    """How many pixels a crop has."""
    left, top, right, bottom = crop
    return (right - left) * (bottom - top)


def placed(mask: BoolArray, crop: Crop, frame_size: tuple[int, int]) -> BoolArray:
    """A crop's mask (h, w) as a mask of the whole frame, (height, width) `frame_size`."""
    left, top, right, bottom = crop
    pixels = np.zeros(frame_size, dtype=bool)
    pixels[top:bottom, left:right] = mask
    return pixels


def _spans(length: int, count: int, overlap: int) -> list[tuple[int, int]]:
    """Cut [0, length) into `count` spans of one size that overlap; the last ones end at `length`."""
    size = math.ceil((overlap * (count - 1) + length) / count)
    starts = [(size - overlap) * index for index in range(count)]
    return [(start, min(start + size, length)) for start in starts if start < length]


def stability_scores(logits: Tensor, threshold: float, offset: float) -> Tensor:
    """IoU of each mask cut at `threshold + offset` with the same mask cut at `threshold - offset`.

    (N, H, W) logits give (N,) scores; NaN where even the generous cut is empty.
    """
    strict = torch.count_nonzero(logits > threshold + offset, dim=(-2, -1))
    generous = torch.count_nonzero(logits > threshold - offset, dim=(-2, -1))
    return strict / generous  # one lies inside the other: the counts are intersection and union


def mask_boxes(masks: Tensor) -> Tensor:
    """The box around each of (N, H, W) boolean masks as (N, 4) whole numbers; zeros for an empty mask."""
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


def cut_off_by_crop(boxes: Tensor, crop: Crop, frame: Crop) -> Tensor:
    """Which of (N, 4) boxes, in the crop's own pixels, end near an edge of `crop` that is no edge of `frame`: (N,)."""
    left, top, _, _ = crop
    placed = boxes + boxes.new_tensor([left, top, left, top])
    near_crop = (placed - boxes.new_tensor(crop)).abs() <= CROP_EDGE_TOLERANCE
    near_frame = (placed - boxes.new_tensor(frame)).abs() <= CROP_EDGE_TOLERANCE
    return (near_crop & ~near_frame).any(dim=-1)


def non_maximum_suppression(boxes: npt.ArrayLike, scores: npt.ArrayLike, iou_threshold: float) -> list[int]:
    """Indices of the boxes that stay, best score first, once every box that a better one overlaps is dropped.

    `boxes` is (N, 4), `scores` (N,). Two boxes overlap where their IoU exceeds `iou_threshold`. Of equal scores the
    earlier one counts as the better.
    """
    # Single precision, compared in double: on the threshold itself, this is what decides as torchvision does.
    corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    left_in_order = np.argsort(-np.asarray(scores), kind="stable")
    kept: list[int] = []
    while left_in_order.size:
        best, others = left_in_order[0], left_in_order[1:]
        kept.append(int(best))
        inner_start = np.maximum(corners[best, :2], corners[others, :2])
        inner_end = np.minimum(corners[best, 2:], corners[others, 2:])
        shared = np.maximum(inner_end - inner_start, np.float32(0)).prod(axis=1)
        with np.errstate(invalid="ignore"):  # two boxes without extent: 0 / 0 exceeds nothing
            overlap = shared / (areas[best] + areas[others] - shared)
        left_in_order = others[~(overlap.astype(np.float64) > iou_threshold)]
    return kept


def without_small_regions(mask: BoolArray, min_area: float) -> BoolArray:
    """Fill the holes and drop the islands of fewer than `min_area` pixels; the largest island always stays.

    (H, W) in and out; regions that touch only at a corner count as one.
    """
    just_too_small = math.nextafter(min_area, 0)
    filled = fill_holes(torch.from_numpy(mask).float() - 0.5, just_too_small)
    islands = remove_islands(filled, just_too_small) > 0
    return islands.numpy() if islands.any() else _largest_region((filled > 0).numpy())


def _largest_region(mask: BoolArray) -> BoolArray:
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA] * (np.arange(len(statistics)) > 0)  # all but what is outside
    return mask & (labels == areas.argmax())
