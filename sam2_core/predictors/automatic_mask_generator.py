"""`SAM2AutomaticMaskGenerator`: all masks of an image, from a grid of point prompts, without duplicates."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.errors import ConfigError
from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import FloatPixels, Pixels
from sam2_core.predictors.build import build_sam2_hf
from sam2_core.predictors.image_predictor import SAM2ImagePredictor, as_mask_input
from sam2_core.predictors.mask_filters import (
    Crop,
    FloatArray,
    crop_area,
    generate_crops,
    is_near_crop_edge,
    mask_boxes,
    non_maximum_suppression,
    point_grids_of_layers,
    remove_small_regions,
    stability_scores,
    uncrop_mask,
)
from sam2_core.predictors.transforms import RgbImage, as_rgb
from sam2_core.types import BoolArray, Mask

OutputMode: TypeAlias = Literal["binary_mask", "uncompressed_rle", "coco_rle"]
OUTPUT_MODES: tuple[OutputMode, ...] = ("binary_mask", "uncompressed_rle", "coco_rle")
MAX_UPSAMPLED_PIXELS = 64_000_000
"""Logits upsampled to the size of the image at a time (but at least those of one point); bounds the memory."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A mask with its statistics; `box` and `point` are in pixels of the whole image."""

    mask: Mask
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    predicted_iou: float
    stability_score: float
    crop: Crop


@dataclass(frozen=True, slots=True)
class _Predictions:
    """M masks for each of B points in one crop.

    logits (B, M, 4H, 4W), predicted_ious (B, M), points (B, 2) in pixels of the crop.
    """

    logits: Tensor
    predicted_ious: Tensor
    points: Tensor

    def filter(self, keep: Tensor) -> _Predictions:
        return _Predictions(self.logits[keep], self.predicted_ious[keep], self.points[keep])

    def split(self, count: int) -> Iterator[_Predictions]:
        """Batches of up to `count` points."""
        columns = (column.split(count) for column in (self.logits, self.predicted_ious, self.points))
        return map(_Predictions, *columns)


class SAM2AutomaticMaskGenerator:
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
        if output_mode not in OUTPUT_MODES:
            raise ConfigError(f"output_mode is one of {', '.join(OUTPUT_MODES)}, not {output_mode!r}.")
        if points_per_batch < 1:
            raise ConfigError(f"points_per_batch must be at least 1, not {points_per_batch}.")
        self.point_grids = point_grids_of_layers(
            points_per_side, point_grids, crop_n_layers, crop_n_points_downscale_factor
        )
        self.predictor = SAM2ImagePredictor(
            model, max_hole_area=min_mask_region_area, max_sprinkle_area=min_mask_region_area
        )
        self.points_per_batch = points_per_batch
        self.pred_iou_thresh = pred_iou_thresh
        self.stability_score_thresh = stability_score_thresh
        self.stability_score_offset = stability_score_offset
        self.mask_threshold = mask_threshold
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.crop_n_points_downscale_factor = crop_n_points_downscale_factor
        self.min_mask_region_area = min_mask_region_area
        self.output_mode = output_mode
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

    def _generate(self, image: Pixels | FloatPixels) -> list[_Record]:
        height, width = image.shape[:2]
        crops = generate_crops(height, width, self.crop_n_layers, self.crop_overlap_ratio)
        records = [each for layer, crop in crops for each in self._process_crop(image, crop, self.point_grids[layer])]
        if len(crops) > 1:
            records = _without_duplicates(records, [1 / crop_area(each.crop) for each in records], self.crop_nms_thresh)
        return records

    def _process_crop(self, image: Pixels | FloatPixels, crop: Crop, grid: FloatArray) -> list[_Record]:
        if not len(grid):
            return []
        left, top, right, bottom = crop
        self.predictor.set_image(image[top:bottom, left:right])
        points = torch.as_tensor(grid * (right - left, bottom - top), dtype=torch.float32)
        records: list[_Record] = []
        for batch in points.split(self.points_per_batch):
            predictions = self._process_points(batch.to(self.predictor.device), (bottom - top, right - left))
            records += self._filtered(predictions, crop, image.shape[:2])
        self.predictor.reset_predictor()
        return _without_duplicates(records, [each.predicted_iou for each in records], self.box_nms_thresh)

    def _process_points(self, points: Tensor, crop_size: tuple[int, int]) -> _Predictions:
        """Predict masks for (B, 2) points in a crop of `crop_size` (height, width)."""
        coords = self.predictor._transforms.transform_coords(points, normalize=True, orig_hw=crop_size)
        logits, ious = self._predict(coords, None, self.multimask_output)
        if self.use_m2m:
            repeats = logits.shape[1]
            coords, points = (each.repeat_interleave(repeats, dim=0) for each in (coords, points))
            logits, ious = self._refine(coords, as_mask_input(logits).flatten(0, 1)[:, None])
        return _Predictions(logits, ious.float(), points)

    def _refine(self, coords: Tensor, low_res: Tensor) -> tuple[Tensor, Tensor]:
        """Predict with points (N, 2) and mask prompts (N, 1, 4H, 4W): logits (N, 1, 4H, 4W), IoUs (N, 1)."""
        batches = zip(coords.split(self.points_per_batch), low_res.split(self.points_per_batch), strict=True)
        refined = [self._predict(*batch, multimask_output=False) for batch in batches]
        logits, ious = zip(*refined, strict=True)
        return torch.cat(logits), torch.cat(ious)

    def _predict(self, coords: Tensor, mask_input: Tensor | None, multimask_output: bool) -> tuple[Tensor, Tensor]:
        labels = torch.ones((coords.shape[0], 1), dtype=torch.int, device=coords.device)
        return self.predictor._predict_low_res((coords[:, None], labels), mask_input, multimask_output)

    def _filtered(self, predictions: _Predictions, crop: Crop, image_size: tuple[int, int]) -> Iterator[_Record]:
        """The masks above the thresholds that are not cut off by their crop, at the size of the image."""
        # All masks of a point are upsampled together, because rounding depends on the number of channels.
        predictions = predictions.filter(self._has_high_iou(predictions).any(dim=1))
        count = max(1, MAX_UPSAMPLED_PIXELS // (crop_area(crop) * predictions.logits.shape[1]))
        for batch in predictions.split(count):
            yield from self._records(batch, crop, image_size)

    def _has_high_iou(self, predictions: _Predictions) -> Tensor:
        """Which masks have a predicted IoU above the threshold: (B, M)."""
        ious = predictions.predicted_ious
        return ious > self.pred_iou_thresh if self.pred_iou_thresh > 0 else torch.ones_like(ious, dtype=torch.bool)

    def _records(self, predictions: _Predictions, crop: Crop, image_size: tuple[int, int]) -> Iterator[_Record]:
        left, top, right, bottom = crop
        kept = self._has_high_iou(predictions)
        logits = self.predictor._transforms.postprocess_masks(predictions.logits, (bottom - top, right - left))[kept]
        masks = logits > self.mask_threshold
        boxes = mask_boxes(masks)
        stability = stability_scores(logits, self.mask_threshold, self.stability_score_offset)
        height, width = image_size
        keep = ~is_near_crop_edge(boxes, crop, (0, 0, width, height))
        if self.stability_score_thresh > 0:
            keep &= stability >= self.stability_score_thresh
        points = predictions.points[:, None].expand(*kept.shape, 2)[kept]
        offset = [left, top]
        columns = (
            masks[keep].cpu().numpy(),
            (boxes + boxes.new_tensor(offset * 2))[keep].tolist(),
            (points + points.new_tensor(offset))[keep].tolist(),
            predictions.predicted_ious[kept][keep].tolist(),
            stability[keep].tolist(),
        )
        for mask, box, point, iou, score in zip(*columns, strict=True):
            whole = Mask.from_array(uncrop_mask(mask, crop, image_size))
            yield _Record(whole, tuple(box), tuple(point), iou, score, crop)

    def _to_dict(self, record: _Record) -> dict[str, Any]:
        left, top, right, bottom = (float(edge) for edge in record.box)
        crop_left, crop_top, crop_right, crop_bottom = (float(edge) for edge in record.crop)
        return {
            "segmentation": _segmentation(record.mask, self.output_mode),
            "area": record.mask.area,
            "bbox": [left, top, right - left, bottom - top],
            "predicted_iou": record.predicted_iou,
            "point_coords": [list(record.point)],
            "stability_score": record.stability_score,
            "crop_box": [crop_left, crop_top, crop_right - crop_left, crop_bottom - crop_top],
        }


def _without_duplicates(records: list[_Record], scores: Sequence[float], iou_threshold: float) -> list[_Record]:
    kept = non_maximum_suppression([record.box for record in records], scores, iou_threshold)
    return [records[index] for index in kept]


def without_small_regions(
    records: Sequence[dict[str, Any]], min_area: float, iou_threshold: float = 0.7
) -> list[dict[str, Any]]:
    """Fill holes and remove islands of fewer than `min_area` pixels of the image in records with "coco_rle" masks.

    The largest island is kept. Of masks that become duplicates (boxes with a higher IoU) an unchanged one is kept.
    """
    cleaned, boxes, scores = [], [], []
    for record in records:
        before = Mask.from_coco(record["segmentation"]).to_array()
        after = remove_small_regions(before, min_area)
        left, top, right, bottom = (float(edge) for edge in mask_boxes(torch.from_numpy(after)[None])[0])
        mask = Mask.from_array(after)
        changes = {"segmentation": mask.to_coco(), "area": mask.area, "bbox": [left, top, right - left, bottom - top]}
        cleaned.append(record | changes)
        boxes.append((left, top, right, bottom))
        scores.append(float(np.array_equal(before, after)))
    return [cleaned[index] for index in non_maximum_suppression(boxes, scores, iou_threshold)]


def _segmentation(mask: Mask, output_mode: OutputMode) -> BoolArray | dict[str, Any]:
    if output_mode == "binary_mask":
        return mask.to_array()
    if output_mode == "coco_rle":
        return mask.to_coco()
    return {"size": [mask.height, mask.width], "counts": np.frombuffer(mask.runs, dtype="<u4").tolist()}
