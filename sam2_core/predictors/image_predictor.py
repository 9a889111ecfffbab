"""`SAM2ImagePredictor`: the official Python API for images.

Names, arguments, shapes and results are those of the official class, so that published snippets run after changing
the import. The state with an underscore (`_features`, `_orig_hw`, `_is_image_set`, `_is_batch`, `_bb_feat_sizes`,
`_transforms`) and the steps `_prep_prompts` and `_predict` are part of that: annotation tools cache embeddings and put
them back, and fine-tuning loops run the prompt encoder and the mask decoder on them. It computes in fp32 unless the
caller enters autocast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import MEAN, STD
from sam2_core.model.ranked_outputs import best_of_all, ranks_outputs
from sam2_core.predictors.build import build_sam2_hf
from sam2_core.predictors.prompt_values import Values, checked_boxes, checked_mask_input, checked_points
from sam2_core.predictors.transforms import RgbImage, SAM2Transforms, as_rgb
from sam2_core.tracking.boundaries import at_mask_size, fit_boundaries
from sam2_core.tracking.segmenter import as_mask_input

Array = npt.NDArray[Any]
Prediction = tuple[Array, Array, Array]


class _Embeddings(TypedDict):
    image_embed: Tensor
    high_res_feats: list[Tensor]


class Features(_Embeddings, total=False):
    """Encoded images: `image_embed` (B, C, H, W) with the "no memory" embedding added, and `high_res_feats`,
    (B, C / 8, 4H, 4W) and (B, C / 4, 2H, 2W). Networks with `fit_boundaries` have `pixels` (B, S, S, 3), too."""

    pixels: Tensor


class SAM2ImagePredictor:
    """Embeds one or several images once, then predicts masks for any number of prompts."""

    def __init__(
        self,
        sam_model: SAM2,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.model = sam_model
        self.mask_threshold = mask_threshold
        self._transforms = SAM2Transforms(sam_model.image_size, mask_threshold, max_hole_area, max_sprinkle_area)
        self._bb_feat_sizes = [(sam_model.image_size // stride,) * 2 for stride in (4, 8, 16)]
        self.reset_predictor()

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2ImagePredictor:
        """A predictor on weights from the Hub ("facebook/sam2.1-hiera-tiny"), or of any known network."""
        return cls(build_sam2_hf(model_id, **kwargs), **kwargs)

    def reset_predictor(self) -> None:
        """Remove the image."""
        self._is_image_set = False
        self._features: Features | None = None
        self._orig_hw: list[tuple[int, int]] | None = None
        self._is_batch = False

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return self.model.device

    def set_image(self, image: RgbImage) -> None:
        """Embed one RGB image: (H, W, 3) uint8, or floating-point numbers in 0..1, or a PIL image."""
        self._embed([image])

    def set_image_batch(self, image_list: Sequence[RgbImage]) -> None:
        """Embed several RGB images for `predict_batch`; their sizes may differ."""
        self._embed(image_list)
        self._is_batch = True

    @torch.no_grad()
    def _embed(self, images: Sequence[RgbImage]) -> None:
        self.reset_predictor()
        pixels = [as_rgb(image) for image in images]
        features = self.model.encode_image(self._transforms.forward_batch(pixels).to(self.device))
        self._features = {
            "image_embed": self.model.without_memory(features.embedding),
            "high_res_feats": list(features.high_res),
        }
        transforms = self._transforms
        if features.pixels is not None and (transforms.mean, transforms.std) == (list(MEAN), list(STD)):
            self._features["pixels"] = features.pixels
        self._orig_hw = [(image.shape[0], image.shape[1]) for image in pixels]
        self._is_image_set = True

    def get_image_embedding(self) -> Tensor:
        """The embedding (B, C, H, W) of the current images."""
        return self._current_features()["image_embed"]

    def predict(
        self,
        point_coords: Values | None = None,
        point_labels: Values | None = None,
        box: Values | None = None,
        mask_input: Values | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> Prediction:
        """Predict masks for prompts on the current image.

        Args:
            point_coords: points (N, 2) as (x, y) in pixels, or (B, N, 2) for several objects.
            point_labels: their labels (N,) or (B, N), 1 positive and 0 negative.
            box: a box (4,) as left, top, right, bottom, or several (B, 4).
            mask_input: low-resolution logits (1, 4H, 4W) of an earlier prediction, an array or a tensor of any type.
            multimask_output: return three candidates instead of one mask, which is the best of all four masks of
                networks with `rank_outputs`.
            return_logits: return logits instead of masks of 0 and 1.
            normalize_coords: False if coordinates are in 0..1 instead of pixels.

        Returns masks (M, height, width), predicted IoU (M,) and low-resolution logits (M, 4H, 4W), all with a leading
        B for several objects. The logits of networks with `fit_boundaries` are those of the fitted masks. Raises
        `BadPrompt` for invalid points, labels or boxes.
        """
        return self._predict_one(
            -1, point_coords, point_labels, box, mask_input, multimask_output, return_logits, normalize_coords
        )

    def predict_batch(
        self,
        point_coords_batch: Sequence[Values | None] | None = None,
        point_labels_batch: Sequence[Values | None] | None = None,
        box_batch: Sequence[Values | None] | None = None,
        mask_input_batch: Sequence[Values | None] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[list[Array], list[Array], list[Array]]:
        """As `predict`, with one entry for each image of `set_image_batch`."""
        if not self._is_batch:
            raise RuntimeError("Call set_image_batch(...) before predict_batch(...).")
        count = len(self._current_features()["image_embed"])
        columns = [
            batch if batch is not None else [None] * count
            for batch in (point_coords_batch, point_labels_batch, box_batch, mask_input_batch)
        ]
        predictions = [
            self._predict_one(index, coords, labels, box, mask, multimask_output, return_logits, normalize_coords)
            for index, (coords, labels, box, mask) in enumerate(zip(*columns, strict=True))
        ]
        masks, predicted_ious, logits = (list(column) for column in zip(*predictions, strict=True))
        return masks, predicted_ious, logits

    def _predict_one(
        self,
        image: int,
        coords: Values | None,
        labels: Values | None,
        box: Values | None,
        mask_input: Values | None,
        multimask_output: bool,
        return_logits: bool,
        normalize_coords: bool,
    ) -> Prediction:
        mask, points, point_labels, boxes = self._prep_prompts(coords, labels, box, mask_input, normalize_coords, image)
        results = self._predict(points, point_labels, boxes, mask, multimask_output, return_logits, image)
        masks, predicted_iou, logits = (result.squeeze(0).float().cpu().numpy() for result in results)
        return masks, predicted_iou, logits

    def _prep_prompts(
        self,
        point_coords: Values | None,
        point_labels: Values | None,
        box: Values | None,
        mask_logits: Values | None,
        normalize_coords: bool,
        img_idx: int = -1,
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
        """Prompts as tensors in pixels of the S x S input: mask, coordinates, labels, box corners."""
        size, transforms = self._current_sizes()[img_idx], self._transforms
        coords = labels = corners = mask = None
        if point_coords is not None:
            points, labels = (each.to(self.device) for each in checked_points(point_coords, point_labels))
            coords = transforms.transform_coords(points, normalize_coords, size)
            if coords.ndim == 2:
                coords, labels = coords[None], labels[None]
        if box is not None:
            corners = transforms.transform_boxes(checked_boxes(box).to(self.device), normalize_coords, size)
        if mask_logits is not None:
            mask = checked_mask_input(mask_logits, self.model.config.mask_size).to(self.device)
        return mask, coords, labels, corners

    @torch.no_grad()
    def _predict(
        self,
        point_coords: Tensor | None,
        point_labels: Tensor | None,
        boxes: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        img_idx: int = -1,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `predict`, for tensors in pixels of the S x S input.

        Points (B, N, 2), labels (B, N), box corners (B, 2, 2), mask logits (B, 1, 4H, 4W) -> masks
        (B, M, height, width), predicted IoU (B, M), low-resolution logits (B, M, 4H, 4W).
        """
        prompts = _with_boxes(point_coords, point_labels, boxes)
        logits, predicted_iou = self._predict_low_res(prompts, mask_input, multimask_output, img_idx)
        masks, logits = self._at_size_of_image(logits, img_idx)
        if not return_logits:
            masks = masks > self.mask_threshold
        return masks, predicted_iou, as_mask_input(logits)

    def _at_size_of_image(self, logits: Tensor, img_idx: int) -> tuple[Tensor, Tensor]:
        """Low-resolution logits (B, M, 4H, 4W) -> those of the masks (B, M, height, width), and those to feed back.

        Boundaries are fitted to kept pixels, where they are those of logit 0; the logits are then within -8 to 8.
        """
        size, pixels = self._current_sizes()[img_idx], self._current_features().get("pixels")
        if pixels is None or self.mask_threshold:
            return self._transforms.postprocess_masks(logits, size), logits
        fitted = fit_boundaries(self._transforms.without_specks(logits), pixels[img_idx][None]).to(logits.device)
        masks = F.interpolate(fitted, size, mode="bilinear", align_corners=False)
        return masks, at_mask_size(fitted, logits)

    @torch.no_grad()
    def _predict_low_res(
        self,
        points: tuple[Tensor, Tensor] | None,
        mask_input: Tensor | None,
        multimask_output: bool,
        img_idx: int = -1,
        concepts: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `_predict`, but returns low-resolution logits (B, M, 4H, 4W), not clamped, and predicted IoU (B, M).

        `concepts` are as in `SAM2.predict_masks`.
        """
        features = self._current_features()
        stride4, stride8 = (feature[img_idx][None] for feature in features["high_res_feats"])
        rank = points is not None and not multimask_output and ranks_outputs(self.model.config, points[1])
        multimask = None if rank else multimask_output
        prediction = self.model.predict_masks(
            features["image_embed"][img_idx][None], (stride4, stride8), points, mask_input, multimask, concepts
        )
        if rank:
            prediction = best_of_all(prediction)
        return prediction.logits, prediction.predicted_iou

    def _current_features(self) -> Features:
        if not self._is_image_set or self._features is None:
            raise RuntimeError("Call set_image(...) before asking for masks.")
        return self._features

    def _current_sizes(self) -> list[tuple[int, int]]:
        """(height, width) of each image."""
        if not self._is_image_set or not self._orig_hw:
            raise RuntimeError("Call set_image(...) before asking for masks.")
        return self._orig_hw


def _with_boxes(coords: Tensor | None, labels: Tensor | None, boxes: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Prepend the corners of boxes (B, 2, 2) as points with labels 2 and 3."""
    if boxes is None:
        return None if coords is None or labels is None else (coords, labels)
    corners = boxes.reshape(-1, 2, 2)
    corner_labels = torch.tensor([[2, 3]], dtype=torch.int32, device=boxes.device).expand(len(corners), -1)
    if coords is None or labels is None:
        return corners, corner_labels
    return torch.cat([corners, coords], dim=1), torch.cat([corner_labels, labels], dim=1)
