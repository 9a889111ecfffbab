"""`SamAutomaticMaskGenerator`: the official Python API of SAM for all masks of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.model.preprocess import FloatPixels, Pixels
from sam2_core.model.sam import Network, Sam
from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2_core.predictors.automatic_masks import (
    AutomaticMaskGenerator,
    OutputMode,
    clean_masks,
)
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.tracking.automatic_masks import MaskRecord, PointPredictions


class SamAutomaticMaskGenerator(AutomaticMaskGenerator):
    """Generates masks for a whole image from a grid of points, three for each point.

    The arguments are those of `SAM2AutomaticMaskGenerator`, with other defaults; they are meant for ViT-H. With
    `min_mask_region_area`, holes and islands of fewer pixels of the image are cleaned from the finished masks (the
    largest island stays), and masks that become duplicates are dropped. The edges of boxes are integers.

    Raises `ConfigError` for invalid settings. `generate` takes (H, W, 3) uint8 or a PIL image.
    """

    point_type = torch.float64
    edge_type = int

    def __init__(
        self,
        model: Sam,
        points_per_side: int | None = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.88,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        point_grids: Sequence[npt.ArrayLike] | None = None,
        min_mask_region_area: int = 0,
        output_mode: OutputMode = "binary_mask",
    ) -> None:
        super().__init__(
            points_per_side,
            points_per_batch,
            pred_iou_thresh,
            stability_score_thresh,
            stability_score_offset,
            box_nms_thresh,
            crop_n_layers,
            crop_nms_thresh,
            crop_overlap_ratio,
            crop_n_points_downscale_factor,
            point_grids,
            min_mask_region_area,
            output_mode,
        )
        self.predictor = SamPredictor(model)
        self.mask_threshold = model.mask_threshold

    def _generate(self, image: Pixels | FloatPixels) -> list[MaskRecord]:
        records = super()._generate(image)
        if self.min_mask_region_area <= 0:
            return records
        iou_threshold = max(self.box_nms_thresh, self.crop_nms_thresh)
        cleaned = clean_masks((record.mask for record in records), self.min_mask_region_area, iou_threshold)
        return [replace(records[each.index], mask=each.mask, box=each.box) for each in cleaned]

    def _embed(self, crop: Pixels | FloatPixels) -> None:
        self.predictor.set_image(crop)

    def _reset(self) -> None:
        self.predictor.reset_image()

    def _process_points(self, points: Tensor, crop_size: tuple[int, int]) -> PointPredictions:
        scaled = self.predictor.transform.apply_coords(points.numpy(), crop_size)
        coords = torch.as_tensor(scaled, dtype=torch.float, device=self.predictor.device)
        labels = torch.ones((len(coords), 1), dtype=torch.int, device=coords.device)
        logits, predicted_iou = self.predictor._predict_low_res(coords[:, None], labels)
        return PointPredictions(logits, predicted_iou, points)

    def _crop_logits(self, logits: Tensor, crop_size: tuple[int, int]) -> Tensor:
        model, transform = self.predictor.model, self.predictor.transform
        inner = transform.get_preprocess_shape(*crop_size, transform.target_length)
        return model.postprocess_masks(logits, inner, crop_size)


def mask_generator_for(network: Network, **settings: Any) -> AutomaticMaskGenerator:
    """The mask generator of a network of either kind, with settings that both have."""
    if isinstance(network, Sam):
        return SamAutomaticMaskGenerator(network, **settings)
    return SAM2AutomaticMaskGenerator(network, **settings)
