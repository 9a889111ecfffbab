"""Everything in a picture without a prompt: a grid of clicks, and of the answers the sure and different ones."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sam2_core.errors import ConfigError
from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import Pixels
from sam2_core.predictors.build import build_sam2_hf
from sam2_core.predictors.image_predictor import SAM2ImagePredictor, as_mask_input
from sam2_core.predictors.mask_filters import (
    Crop,
    FloatArray,
    chosen_point_grids,
    crop_area,
    cut_off_by_crop,
    layered_crops,
    mask_boxes,
    non_maximum_suppression,
    placed,
    stability_scores,
    without_small_regions,
)
from sam2_core.predictors.transforms import as_rgb
from sam2_core.types import BoolArray, Mask

OutputMode: TypeAlias = Literal["binary_mask", "uncompressed_rle", "coco_rle"]
OUTPUT_MODES: tuple[OutputMode, ...] = ("binary_mask", "uncompressed_rle", "coco_rle")
PIXELS_AT_A_TIME = 64_000_000
"""So many logits are upsampled to the image's size at a time, or those of one point: bounds the memory."""


@dataclass(frozen=True, slots=True)
class _Find:
    """One mask and how it was come by; `box` and `point` are in pixels of the whole image."""

    mask: Mask
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    predicted_iou: float
    stability: float
    crop: Crop


@dataclass(frozen=True, slots=True)
class _Answers:
    """The network's answers to a batch of B clicks in one crop, C masks for each.

    logits (B, C, 4H, 4W), predicted_ious (B, C), points (B, 2) in the crop's pixels.
    """

    logits: Tensor
    predicted_ious: Tensor
    points: Tensor

    def only(self, keep: Tensor) -> _Answers:
        return _Answers(self.logits[keep], self.predicted_ious[keep], self.points[keep])

    def split(self, count: int) -> Iterator[_Answers]:
        """The same in portions of up to `count` clicks."""
        columns = (column.split(count) for column in (self.logits, self.predicted_ious, self.points))
        return map(_Answers, *columns)


class SAM2AutomaticMaskGenerator:
    """Finds the masks of a whole image by asking at a grid of points, with the official SAM 2 Python API.

    Args:
        model: the network, as `build_sam2` returns it.
        points_per_side: the grid has this many points squared; None where `point_grids` are given.
        points_per_batch: how many points the network is asked at a time; more is faster and takes more memory.
        pred_iou_thresh: keep masks whose predicted IoU is above this; 0 keeps all.
        stability_score_thresh: keep masks with at least this stability score; 0 keeps all.
        stability_score_offset: how far the stability score moves the logit threshold up and down.
        mask_threshold: logits above this are foreground.
        box_nms_thresh: of two masks whose boxes have a higher IoU, the one with the lower predicted IoU goes.
        crop_n_layers: also look at crops: layer n cuts the image into 4ⁿ of them.
        crop_nms_thresh: like `box_nms_thresh`, between crops; masks from smaller crops stay.
        crop_overlap_ratio: share of the shorter side by which crops of the first layer overlap.
        crop_n_points_downscale_factor: layer n has points_per_side / factorⁿ points a side.
        point_grids: own points instead of `points_per_side`: one (N, 2) array of (x, y) in 0..1 for each layer.
        min_mask_region_area: fill holes and drop islands of fewer pixels of the image than this; 0 leaves masks alone.
        output_mode: the form of "segmentation": "binary_mask" a boolean (H, W) array, "uncompressed_rle" and
            "coco_rle" COCO's run lengths as a list or as text.
        use_m2m: ask again with each mask as a prompt beside its point, which sharpens it.
        multimask_output: take three masks for each point (whole, part, subpart) instead of one.
        kwargs: names that are not known are reported as a warning and ignored.

    Raises `ConfigError` where the settings make no sense.
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
        self.point_grids = chosen_point_grids(
            points_per_side, point_grids, crop_n_layers, crop_n_points_downscale_factor
        )
        self.predictor = SAM2ImagePredictor(model)
        self.points_per_batch = points_per_batch
        self.pred_iou_thresh = pred_iou_thresh
        self.stability_score_thresh = stability_score_thresh
        self.stability_score_offset = stability_score_offset
        self.mask_threshold = mask_threshold
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.min_mask_region_area = min_mask_region_area
        self.output_mode = output_mode
        self.use_m2m = use_m2m
        self.multimask_output = multimask_output

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2AutomaticMaskGenerator:
        """A generator on weights from the Hugging Face Hub, for example "facebook/sam2.1-hiera-tiny".

        The constructor's settings go to the constructor, all else (as `device`) to `build_sam2_hf`.
        Raises `WeightsError` where the weights cannot be had.
        """
        own_names = inspect.signature(cls).parameters
        own = {name: value for name, value in kwargs.items() if name in own_names}
        model_settings = {name: value for name, value in kwargs.items() if name not in own_names}
        return cls(build_sam2_hf(model_id, **model_settings), **own)

    @torch.no_grad()
    def generate(self, image: Pixels | Image.Image) -> list[dict[str, Any]]:
        """All masks of an RGB image, (H, W, 3) uint8 or a Pillow picture.

        Each is a dictionary:

        - segmentation: the mask, in the form of `output_mode`
        - area: its number of pixels
        - bbox: [x, y, width, height], measured from the first to the last filled pixel
        - predicted_iou: the network's own estimate of the mask's quality
        - point_coords: [[x, y]], where the network was asked
        - stability_score: how little the mask depends on the exact threshold, 0 to 1
        - crop_box: [x, y, width, height] of the crop in which it was found

        Raises `MediaError` where it is no such image.
        """
        return [self._record(find) for find in self._search(as_rgb(image))]

    def _search(self, image: Pixels) -> list[_Find]:
        height, width = image.shape[:2]
        crops = layered_crops(height, width, self.crop_n_layers, self.crop_overlap_ratio)
        finds = [find for layer, crop in crops for find in self._search_crop(image, crop, self.point_grids[layer])]
        if len(crops) > 1:
            finds = _distinct(finds, [1 / crop_area(find.crop) for find in finds], self.crop_nms_thresh)
        return self._tidied(finds) if self.min_mask_region_area > 0 else finds

    def _search_crop(self, image: Pixels, crop: Crop, grid: FloatArray) -> list[_Find]:
        if not len(grid):
            return []
        left, top, right, bottom = crop
        self.predictor.set_image(np.ascontiguousarray(image[top:bottom, left:right]))
        points = torch.as_tensor(grid * (right - left, bottom - top), dtype=torch.float32)
        finds: list[_Find] = []
        for batch in points.split(self.points_per_batch):
            answers = self._ask(batch.to(self.predictor.device), (bottom - top, right - left))
            finds += self._kept(answers, crop, image.shape[:2])
        self.predictor.reset_predictor()
        return _distinct(finds, [find.predicted_iou for find in finds], self.box_nms_thresh)

    def _ask(self, points: Tensor, crop_size: tuple[int, int]) -> _Answers:
        """The network's masks for (B, 2) points in a crop of `crop_size` (height, width)."""
        coords = self.predictor._transforms.transform_coords(points, normalize=True, orig_hw=crop_size)
        logits, ious = self._predict(coords, None, self.multimask_output)
        if self.use_m2m:
            repeats = logits.shape[1]
            coords, points = (each.repeat_interleave(repeats, dim=0) for each in (coords, points))
            logits, ious = self._refine(coords, as_mask_input(logits).flatten(0, 1)[:, None])
        return _Answers(logits, ious.float(), points)

    def _refine(self, coords: Tensor, low_res: Tensor) -> tuple[Tensor, Tensor]:
        """Ask again at (N, 2) coords with (N, 1, 4H, 4W) logits as prompts: logits (N, 1, 4H, 4W), IoUs (N, 1)."""
        batches = zip(coords.split(self.points_per_batch), low_res.split(self.points_per_batch), strict=True)
        refined = [self._predict(*batch, multimask_output=False) for batch in batches]
        logits, ious = zip(*refined, strict=True)
        return torch.cat(logits), torch.cat(ious)

    def _predict(self, coords: Tensor, mask_input: Tensor | None, multimask_output: bool) -> tuple[Tensor, Tensor]:
        labels = torch.ones((coords.shape[0], 1), dtype=torch.int, device=coords.device)
        return self.predictor._predict_low_res((coords[:, None], labels), mask_input, multimask_output)

    def _kept(self, answers: _Answers, crop: Crop, frame_size: tuple[int, int]) -> Iterator[_Find]:
        """The answers that are sure enough and not cut off by their crop, placed in the whole image."""
        # A click's masks are upsampled together, even those that will go: the rounding depends on their number.
        answers = answers.only(self._is_sure(answers).any(dim=1))
        clicks = max(1, PIXELS_AT_A_TIME // (crop_area(crop) * answers.logits.shape[1]))
        for portion in answers.split(clicks):
            yield from self._found(portion, crop, frame_size)

    def _is_sure(self, answers: _Answers) -> Tensor:
        """Which of the masks have a high enough predicted IoU: (B, C)."""
        ious = answers.predicted_ious
        return ious > self.pred_iou_thresh if self.pred_iou_thresh > 0 else torch.ones_like(ious, dtype=torch.bool)

    def _found(self, answers: _Answers, crop: Crop, frame_size: tuple[int, int]) -> Iterator[_Find]:
        left, top, right, bottom = crop
        sure = self._is_sure(answers)
        logits = self.predictor._transforms.postprocess_masks(answers.logits, (bottom - top, right - left))[sure]
        masks = logits > self.mask_threshold
        boxes = mask_boxes(masks)
        stability = stability_scores(logits, self.mask_threshold, self.stability_score_offset)
        height, width = frame_size
        keep = ~cut_off_by_crop(boxes, crop, (0, 0, width, height))
        if self.stability_score_thresh > 0:
            keep &= stability >= self.stability_score_thresh
        points = answers.points[:, None].expand(*sure.shape, 2)[sure]
        offset = [left, top]
        columns = (
            masks[keep].cpu().numpy(),
            (boxes + boxes.new_tensor(offset * 2))[keep].tolist(),
            (points + points.new_tensor(offset))[keep].tolist(),
            answers.predicted_ious[sure][keep].tolist(),
            stability[keep].tolist(),
        )
        for mask, box, point, iou, steady in zip(*columns, strict=True):
            yield _Find(Mask.from_array(placed(mask, crop, frame_size)), tuple(box), tuple(point), iou, steady, crop)

    def _tidied(self, finds: list[_Find]) -> list[_Find]:
        """Without small holes and islands; of masks that thereby became alike, one that was so before stays."""
        tidied = [self._tidy(find) for find in finds]
        scores = [float(after is before) for after, before in zip(tidied, finds, strict=True)]
        return _distinct(tidied, scores, max(self.box_nms_thresh, self.crop_nms_thresh))

    def _tidy(self, find: _Find) -> _Find:
        before = find.mask.to_array()
        after = without_small_regions(before, self.min_mask_region_area)
        if np.array_equal(after, before):
            return find
        box = mask_boxes(torch.from_numpy(after)[None])[0].tolist()
        return replace(find, mask=Mask.from_array(after), box=tuple(box))

    def _record(self, find: _Find) -> dict[str, Any]:
        left, top, right, bottom = (float(edge) for edge in find.box)
        crop_left, crop_top, crop_right, crop_bottom = (float(edge) for edge in find.crop)
        return {
            "segmentation": _segmentation(find.mask, self.output_mode),
            "area": find.mask.area,
            "bbox": [left, top, right - left, bottom - top],
            "predicted_iou": find.predicted_iou,
            "point_coords": [list(find.point)],
            "stability_score": find.stability,
            "crop_box": [crop_left, crop_top, crop_right - crop_left, crop_bottom - crop_top],
        }


def _distinct(finds: list[_Find], scores: Sequence[float], iou_threshold: float) -> list[_Find]:
    return [finds[index] for index in non_maximum_suppression([find.box for find in finds], scores, iou_threshold)]


def _segmentation(mask: Mask, output_mode: OutputMode) -> BoolArray | dict[str, Any]:
    if output_mode == "binary_mask":
        return mask.to_array()
    if output_mode == "coco_rle":
        return mask.to_coco()
    return {"size": [mask.height, mask.width], "counts": np.frombuffer(mask.runs, dtype="<u4").tolist()}
