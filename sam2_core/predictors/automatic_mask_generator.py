"""`SAM2AutomaticMaskGenerator`: all masks of an image, from a grid of point prompts, without duplicates."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import FloatPixels, Pixels
from sam2_core.predictors.automatic_masks import AutomaticMaskGenerator, OutputMode
from sam2_core.predictors.build import build_sam2_hf
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.tracking.automatic_masks import PointPredictions
from sam2_core.tracking.segmenter import as_mask_input


class SAM2AutomaticMaskGenerator(AutomaticMaskGenerator):
    """Generates masks for a whole image from a grid of points, with the official SAM 2 Python API.

    Args:
        model: the network, as `build_sam2` returns it.
        points_per_side: the grid has this many points squared; None where `point_grids` are given.
        points_per_batch: points per run of the decoder; more is faster and takes more memory.
        pred_iou_thresh: keep masks whose predicted IoU is above this; 0 keeps all.
        stability_score_thresh: keep masks with at least this stability score; 0 keeps all.
        stability_score_offset: how far the stability score moves the logit threshold up and down.
        mask_threshold: logits above this are foreground.
        box_nms_thresh: of two masks whose boxes have a higher IoU, the one with the lower predicted IoU is dropped.
        crop_n_layers: layers of crops to search as well; layer n has 4ⁿ crops.
        crop_nms_thresh: as `box_nms_thresh`, between crops; masks from smaller crops are kept.
        crop_overlap_ratio: overlap of crops of the first layer, as a fraction of the shorter side.
        crop_n_points_downscale_factor: layer n has points_per_side / factorⁿ points per side.
        point_grids: points instead of `points_per_side`: one (N, 2) array of (x, y) in 0..1 for each layer.
        min_mask_region_area: fill holes and remove islands of up to this many pixels of the low-resolution mask, which
            has a quarter of the network's input side, before masks are scored; 0 is off.
        output_mode: the form of "segmentation": "binary_mask" a boolean (H, W) array, "uncompressed_rle" and
            "coco_rle" COCO's run lengths as a list or as text.
        use_m2m: refine each mask by a second prediction with the mask as prompt beside its point.
        multimask_output: predict three masks for each point (whole, part, subpart) instead of one.
        kwargs: ignored, with a warning.

    Raises `ConfigError` for invalid settings.
    """

    def __init__(
        self,
        model: SAM2,
        points_per_side: int | None = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.8,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        mask_threshold: float = 0.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        point_grids: Sequence[npt.ArrayLike] | None = None,
        min_mask_region_area: float = 0,
        output_mode: OutputMode = "binary_mask",
        use_m2m: bool = False,
        multimask_output: bool = True,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            warnings.warn(f"SAM2AutomaticMaskGenerator ignores {', '.join(sorted(kwargs))}.", stacklevel=2)
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
        self.predictor = SAM2ImagePredictor(
            model, max_hole_area=min_mask_region_area, max_sprinkle_area=min_mask_region_area
        )
        self.mask_threshold = mask_threshold
        self.use_m2m = use_m2m
        self.multimask_output = multimask_output

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2AutomaticMaskGenerator:
        """A generator on weights from the Hugging Face Hub, for example "facebook/sam2.1-hiera-tiny".

        Arguments that the constructor does not have (such as `device`) are passed to `build_sam2_hf`.
        Raises `WeightsError` if the weights cannot be fetched.
        """
        own_names = inspect.signature(cls).parameters
        own = {name: value for name, value in kwargs.items() if name in own_names}
        model_settings = {name: value for name, value in kwargs.items() if name not in own_names}
        return cls(build_sam2_hf(model_id, **model_settings), **own)

    def _embed(self, crop: Pixels | FloatPixels) -> None:
        self.predictor.set_image(crop)

    def _reset(self) -> None:
        self.predictor.reset_predictor()

    def _crop_logits(self, logits: Tensor, crop_size: tuple[int, int]) -> Tensor:
        return self.predictor._transforms.postprocess_masks(logits, crop_size)

    def _process_points(self, points: Tensor, crop_size: tuple[int, int]) -> PointPredictions:
        coords = points.to(self.predictor.device)
        coords = self.predictor._transforms.transform_coords(coords, normalize=True, orig_hw=crop_size)
        logits, ious = self._predict(coords, None, self.multimask_output)
        if self.use_m2m:
            repeats = logits.shape[1]
            coords, points = (each.repeat_interleave(repeats, dim=0) for each in (coords, points))
            logits, ious = self._refine(coords, as_mask_input(logits).flatten(0, 1)[:, None])
        # Boundaries are fitted to those of logit 0, of masks without specks.
        pixels = None if self.mask_threshold else self.predictor._current_features().get("pixels")
        if pixels is not None:
            logits = self.predictor._transforms.without_specks(logits)
        return PointPredictions(logits, ious.float(), points, pixels)

    def _refine(self, coords: Tensor, low_res: Tensor) -> tuple[Tensor, Tensor]:
        """Predict with points (N, 2) and mask prompts (N, 1, 4H, 4W): logits (N, 1, 4H, 4W), IoUs (N, 1)."""
        batches = zip(coords.split(self.points_per_batch), low_res.split(self.points_per_batch), strict=True)
        refined = [self._predict(*batch, multimask_output=False) for batch in batches]
        logits, ious = zip(*refined, strict=True)
        return torch.cat(logits), torch.cat(ious)

    def _predict(self, coords: Tensor, mask_input: Tensor | None, multimask_output: bool) -> tuple[Tensor, Tensor]:
        labels = torch.ones((coords.shape[0], 1), dtype=torch.int, device=coords.device)
        return self.predictor._predict_low_res((coords[:, None], labels), mask_input, multimask_output)
