"""What the automatic mask generators share: all masks of an image, from a grid of point prompts, without duplicates.

A generator of one network says how it embeds a crop, predicts masks for points, and resizes their logits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.detection.suppression import non_maximum_suppression
from sam2_core.errors import ConfigError
from sam2_core.model.preprocess import FloatPixels, Pixels
from sam2_core.predictors.transforms import RgbImage, as_rgb
from sam2_core.tracking.automatic_masks import MaskRecord, PointPredictions, Thresholds, masks_of_points
from sam2_core.tracking.mask_filters import MaskBox, fill_small_holes, mask_box, remove_small_islands
from sam2_core.tracking.point_grids import Crop, FloatArray, crop_area, generate_crops, point_grids_of_layers
from sam2_core.types import BoolArray, Mask

OutputMode: TypeAlias = Literal["binary_mask", "uncompressed_rle", "coco_rle"]
OUTPUT_MODES: tuple[OutputMode, ...] = ("binary_mask", "uncompressed_rle", "coco_rle")


class AutomaticMaskGenerator(ABC):
    """Generates masks for a whole image from a grid of points.

    The settings are attributes that can be set, see `SAM2AutomaticMaskGenerator`. Raises `ConfigError` for invalid
    ones. `point_type` is the type of the points' coordinates, `edge_type` that of the edges of boxes in the result.
    """

    mask_threshold: float
    point_type: ClassVar[torch.dtype] = torch.float32
    edge_type: ClassVar[type[int] | type[float]] = float

    def __init__(
        self,
        points_per_side: int | None,
        points_per_batch: int,
        pred_iou_thresh: float,
        stability_score_thresh: float,
        stability_score_offset: float,
        box_nms_thresh: float,
        crop_n_layers: int,
        crop_nms_thresh: float,
        crop_overlap_ratio: float,
        crop_n_points_downscale_factor: int,
        point_grids: Sequence[npt.ArrayLike] | None,
        min_mask_region_area: float,
        output_mode: OutputMode,
    ) -> None:
        if output_mode not in OUTPUT_MODES:
            raise ConfigError(f"output_mode is one of {', '.join(OUTPUT_MODES)}, not {output_mode!r}.")
        if points_per_batch < 1:
            raise ConfigError(f"points_per_batch must be at least 1, not {points_per_batch}.")
        self.point_grids = point_grids_of_layers(
            points_per_side, point_grids, crop_n_layers, crop_n_points_downscale_factor
        )
        self.points_per_batch = points_per_batch
        self.pred_iou_thresh = pred_iou_thresh
        self.stability_score_thresh = stability_score_thresh
        self.stability_score_offset = stability_score_offset
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.crop_n_points_downscale_factor = crop_n_points_downscale_factor
        self.min_mask_region_area = min_mask_region_area
        self.output_mode = output_mode

    # --- what a network does -----------------------------------------------------------------------------------

    @abstractmethod
    def _embed(self, crop: Pixels | FloatPixels) -> None:
        """Embed a crop (H', W', 3) for `_process_points`."""

    @abstractmethod
    def _process_points(self, points: Tensor, crop_size: tuple[int, int]) -> PointPredictions:
        """Predict masks for (B, 2) points in the crop, whose (height, width) is `crop_size`."""

    @abstractmethod
    def _crop_logits(self, logits: Tensor, crop_size: tuple[int, int]) -> Tensor:
        """Low-resolution logits (B, M, 4H, 4W) at the size of the crop, (B, M, height, width)."""

    @abstractmethod
    def _reset(self) -> None:
        """Remove the embedding."""

    # --- generate ----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def generate(self, image: RgbImage) -> list[dict[str, Any]]:
        """Generate the masks of an RGB image: (H, W, 3) uint8, floating-point numbers in 0..1, or a PIL image.

        Each is a dictionary:

        - segmentation: the mask, in the form of `output_mode`
        - area: its number of pixels
        - bbox: [x, y, width, height], measured from the first to the last foreground pixel
        - predicted_iou: the network's estimate of the IoU
        - point_coords: [[x, y]] of the point prompt
        - stability_score: IoU of the mask at a higher and a lower threshold, 0 to 1
        - crop_box: [x, y, width, height] of the crop in which it was predicted

        Raises `MediaError` for anything else.
        """
        return [self._to_dict(record) for record in self._generate(as_rgb(image))]

    def _generate(self, image: Pixels | FloatPixels) -> list[MaskRecord]:
        height, width = image.shape[:2]
        crops = generate_crops(height, width, self.crop_n_layers, self.crop_overlap_ratio)
        records = [each for layer, crop in crops for each in self._process_crop(image, crop, self.point_grids[layer])]
        if len(crops) > 1:
            records = _without_duplicates(records, [1 / crop_area(each.crop) for each in records], self.crop_nms_thresh)
        return [each.with_fitted_boundary() for each in records]

    def _process_crop(self, image: Pixels | FloatPixels, crop: Crop, grid: FloatArray) -> list[MaskRecord]:
        if not len(grid):
            return []
        left, top, right, bottom = crop
        self._embed(image[top:bottom, left:right])
        crop_size = bottom - top, right - left
        points = torch.as_tensor(grid * (right - left, bottom - top), dtype=self.point_type)
        thresholds = Thresholds(
            self.pred_iou_thresh, self.stability_score_thresh, self.stability_score_offset, self.mask_threshold
        )
        crop_logits = partial(self._crop_logits, crop_size=crop_size)
        records: list[MaskRecord] = []
        for batch in points.split(self.points_per_batch):
            predictions = self._process_points(batch, crop_size)
            records += masks_of_points(predictions, crop, image.shape[:2], thresholds, crop_logits)
        self._reset()
        return _without_duplicates(records, [each.predicted_iou for each in records], self.box_nms_thresh)

    def _to_dict(self, record: MaskRecord) -> dict[str, Any]:
        left, top, right, bottom = map(self.edge_type, record.box)
        crop_left, crop_top, crop_right, crop_bottom = map(self.edge_type, record.crop)
        return {
            "segmentation": _segmentation(record.mask, self.output_mode),
            "area": record.mask.area,
            "bbox": [left, top, right - left, bottom - top],
            "predicted_iou": record.predicted_iou,
            "point_coords": [list(record.point)],
            "stability_score": record.stability_score,
            "crop_box": [crop_left, crop_top, crop_right - crop_left, crop_bottom - crop_top],
        }


def _without_duplicates(records: list[MaskRecord], scores: Sequence[float], iou_threshold: float) -> list[MaskRecord]:
    kept = non_maximum_suppression([record.box for record in records], scores, iou_threshold)
    return [records[index] for index in kept]


@dataclass(frozen=True, slots=True)
class CleanedMask:
    """A mask without small regions, its box, and the `index` of the mask that it was."""

    index: int
    mask: Mask
    box: MaskBox


def clean_masks(masks: Iterable[Mask], min_area: float, iou_threshold: float) -> list[CleanedMask]:
    """Fill holes and remove islands of fewer than `min_area` pixels; the largest island of a mask is kept.

    Of masks that become duplicates (boxes with a higher IoU) one without small regions is kept; such ones come first.
    """
    cleaned, scores = [], []
    for index, mask in enumerate(masks):
        before = mask.to_array()
        filled = fill_small_holes(before, min_area)
        after = remove_small_islands(filled, min_area)
        cleaned.append(CleanedMask(index, Mask.from_array(after), mask_box(after)))
        has_largest_only = 0 < np.count_nonzero(filled) < min_area
        scores.append(float(np.array_equal(before, after) and not has_largest_only))
    kept = non_maximum_suppression([each.box for each in cleaned], scores, iou_threshold)
    return [cleaned[index] for index in kept]


def _segmentation(mask: Mask, output_mode: OutputMode) -> BoolArray | dict[str, Any]:
    if output_mode == "binary_mask":
        return mask.to_array()
    if output_mode == "coco_rle":
        return mask.to_coco()
    return {"size": [mask.height, mask.width], "counts": np.frombuffer(mask.runs, dtype="<u4").tolist()}
