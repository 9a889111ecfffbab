"""The filters for automatic masks: stability, cut edges, small regions.

Boxes of masks are (left, top, right, bottom) with inclusive `right` and `bottom`, so that a mask of one pixel has a box
of size 0: the official convention, which the official thresholds assume.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch import Tensor

from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.tracking.point_grids import Crop
from sam2_core.types import BoolArray

CROP_EDGE_TOLERANCE = 20.0
"""A box within this distance in pixels of an edge of its crop is probably cut off."""


def uncrop_mask(mask: BoolArray, crop: Crop, image_size: tuple[int, int]) -> BoolArray:
    """The mask of a crop as a mask of the whole image, (height, width) `image_size`."""
    left, top, right, bottom = crop
    pixels = np.zeros(image_size, dtype=bool)
    pixels[top:bottom, left:right] = mask
    return pixels


def stability_scores(logits: Tensor, threshold: float, offset: float) -> Tensor:
    """IoU of each mask at `threshold + offset` with the same mask at `threshold - offset`.

    (N, H, W) logits -> (N,) scores; NaN where both are empty.
    """
    intersection, union = _areas(logits > threshold + offset), _areas(logits > threshold - offset)
    return intersection / union  # the higher threshold gives a subset of the lower one


def _areas(masks: Tensor) -> Tensor:
    """Pixels of (N, H, W) masks: (N,). On CPUs 20 times as fast as `torch.count_nonzero`."""
    return masks.flatten(1).view(torch.uint8).sum(dim=1, dtype=torch.int32)


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
