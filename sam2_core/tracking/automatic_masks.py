"""The core of automatic masks (SAM paper, appendix B): from the masks that points give in a crop to those of the image
that a threshold leaves. The official generators and the sessions use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.tracking.mask_filters import (
    MaskBox,
    is_near_crop_edge,
    mask_box,
    mask_boxes,
    stability_scores,
    uncrop_mask,
)
from sam2_core.tracking.masks import full_mask
from sam2_core.tracking.point_grids import Crop, crop_area
from sam2_core.types import Mask

MAX_UPSAMPLED_PIXELS = 64_000_000
"""Logits upsampled to the size of the image at a time (but at least those of one point); bounds the memory."""


@dataclass(frozen=True, slots=True)
class CoarseMask:
    """What the boundary of a mask is fitted from: its logits (4H, 4W), and the pixels (1, S, S, 3) of its crop."""

    logits: Tensor
    pixels: Tensor

    def fitted(self, crop: Crop, image_size: tuple[int, int]) -> Mask:
        """The mask at the size of the image (height, width), as that of a prompt."""
        left, top, right, bottom = crop
        geometry = InputGeometry.stretched(self.pixels.shape[1], (bottom - top, right - left))
        mask = full_mask(self.logits, geometry, self.pixels)
        if (mask.height, mask.width) == image_size:
            return mask
        return Mask.from_array(uncrop_mask(mask.to_array(), crop, image_size))


@dataclass(frozen=True, slots=True)
class MaskRecord:
    """A mask with its statistics; `box` and `point` are in pixels of the whole image.

    It is the mask number `candidate` of its point. `coarse` is there where its boundary is still to be fitted: filters
    compare masks as the network gave them, because thresholds are chosen for these, and because only those that are
    left are worth the time.
    """

    mask: Mask
    box: MaskBox
    point: tuple[float, float]
    predicted_iou: float
    stability_score: float
    crop: Crop
    candidate: int
    coarse: CoarseMask | None = None

    def with_fitted_boundary(self) -> MaskRecord:
        """The record of the fitted mask, with its box; predicted IoU and stability score are the network's."""
        if self.coarse is None:
            return self
        mask = self.coarse.fitted(self.crop, (self.mask.height, self.mask.width))
        if not mask.area:  # of less than a pixel
            return replace(self, coarse=None)
        return replace(self, mask=mask, box=mask_box(mask.to_array()), coarse=None)


@dataclass(frozen=True, slots=True)
class PointPredictions:
    """M masks for each of B points in one crop.

    logits (B, M, 4H, 4W), predicted_ious (B, M), points (B, 2) in pixels of the crop, on the CPU. With the `pixels`
    (1, S, S, 3) of the crop, the records of the masks are `coarse`.
    """

    logits: Tensor
    predicted_ious: Tensor
    points: Tensor
    pixels: Tensor | None = None

    def filter(self, keep: Tensor) -> PointPredictions:
        """Those of some points, as indices or booleans."""
        return PointPredictions(self.logits[keep], self.predicted_ious[keep], self.points[keep.cpu()], self.pixels)

    def split(self, count: int) -> Iterator[PointPredictions]:
        """Batches of up to `count` points."""
        columns = (column.split(count) for column in (self.logits, self.predicted_ious, self.points))
        return map(partial(PointPredictions, pixels=self.pixels), *columns)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Masks are kept that have a predicted IoU above `predicted_iou` and at least this `stability`; 0 keeps all.

    `logit` is the threshold of the mask, which the stability score moves up and down by `stability_offset`.
    """

    predicted_iou: float
    stability: float
    stability_offset: float
    logit: float = 0.0

    def accept_iou(self, predictions: PointPredictions) -> Tensor:
        """Which masks have a predicted IoU above the threshold: (B, M)."""
        ious = predictions.predicted_ious
        return ious > self.predicted_iou if self.predicted_iou > 0 else torch.ones_like(ious, dtype=torch.bool)


def masks_of_points(
    predictions: PointPredictions,
    crop: Crop,
    image_size: tuple[int, int],
    thresholds: Thresholds,
    crop_logits: Callable[[Tensor], Tensor],
) -> Iterator[MaskRecord]:
    """The masks above the thresholds that are not cut off by their crop, at the size of the image (height, width).

    `crop_logits` resizes low-resolution logits (B, M, 4H, 4W) to the size of the crop, (B, M, height, width).
    """
    # All masks of a point are upsampled together, because rounding depends on the number of channels.
    predictions = predictions.filter(thresholds.accept_iou(predictions).any(dim=1))
    count = max(1, MAX_UPSAMPLED_PIXELS // (crop_area(crop) * predictions.logits.shape[1]))
    for batch in predictions.split(count):
        yield from _records(batch, crop, image_size, thresholds, crop_logits)


def _records(
    predictions: PointPredictions,
    crop: Crop,
    image_size: tuple[int, int],
    thresholds: Thresholds,
    crop_logits: Callable[[Tensor], Tensor],
) -> Iterator[MaskRecord]:
    left, top, _, _ = crop
    kept = thresholds.accept_iou(predictions)
    logits = crop_logits(predictions.logits)[kept]
    masks = logits > thresholds.logit
    boxes = mask_boxes(masks)
    stability = stability_scores(logits, thresholds.logit, thresholds.stability_offset)
    height, width = image_size
    keep = ~is_near_crop_edge(boxes, crop, (0, 0, width, height))
    if thresholds.stability > 0:
        keep &= stability >= thresholds.stability
    points = predictions.points[:, None].expand(*kept.shape, 2)[kept.cpu()]
    offset = [left, top]
    columns = (
        masks[keep].cpu().numpy(),
        (boxes + boxes.new_tensor(offset * 2))[keep].tolist(),
        (points + points.new_tensor(offset))[keep.cpu()].tolist(),
        predictions.predicted_ious[kept][keep].tolist(),
        stability[keep].tolist(),
        kept.nonzero()[:, 1][keep].tolist(),
        _coarse_masks(predictions, kept, keep),
    )
    for mask, box, point, iou, score, number, coarse in zip(*columns, strict=True):
        whole = Mask.from_array(uncrop_mask(mask, crop, image_size))
        yield MaskRecord(whole, tuple(box), tuple(point), iou, score, crop, number, coarse)


def _coarse_masks(predictions: PointPredictions, kept: Tensor, keep: Tensor) -> list[CoarseMask | None]:
    if (pixels := predictions.pixels) is None:
        return [None] * int(keep.sum())
    # Copies, so that the logits of masks that are filtered out are not kept with them.
    return [CoarseMask(logits.clone(), pixels) for logits in predictions.logits[kept][keep].cpu()]
