"""`SAM2ImagePredictor`: the official Python API for still images.

Names, arguments, shapes and results are those of the official class, so that published snippets run after changing
the import. It computes in fp32 unless the caller opens autocast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.model.preprocess import Pixels
from sam2_core.predictors.build import build_sam2_hf
from sam2_core.predictors.prompt_values import checked_boxes, checked_points
from sam2_core.predictors.transforms import SAM2Transforms, as_rgb

Array = npt.NDArray[Any]
Prediction = tuple[Array, Array, Array]


class SAM2ImagePredictor:
    """Embeds an image (or several) once, then answers prompts on it quickly."""

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
        self.reset_predictor()

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2ImagePredictor:
        """Fetch weights from the Hub ("facebook/sam2.1-hiera-tiny") or take any known network by name."""
        return cls(build_sam2_hf(model_id, **kwargs), **kwargs)

    def reset_predictor(self) -> None:
        """Forget the image."""
        self._features: ImageFeatures | None = None
        self._orig_hw: list[tuple[int, int]] = []
        self._is_batch = False

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.model.device

    def set_image(self, image: Pixels | Image.Image) -> None:
        """Embed one RGB image: (H, W, 3) uint8, or a PIL image."""
        self._embed([image])

    def set_image_batch(self, image_list: Sequence[Pixels]) -> None:
        """Embed several RGB images for `predict_batch`; their sizes may differ."""
        self._embed(image_list)
        self._is_batch = True

    @torch.no_grad()
    def _embed(self, images: Sequence[Pixels | Image.Image]) -> None:
        self.reset_predictor()
        pixels = [as_rgb(image) for image in images]
        features = self.model.encode_image(self._transforms.forward_batch(pixels).to(self.device))
        self._features = ImageFeatures(self.model.without_memory(features.embedding), features.high_res)
        self._orig_hw = [(image.shape[0], image.shape[1]) for image in pixels]

    def get_image_embedding(self) -> Tensor:
        """The embedding (B, C, H, W) of the image that is set."""
        return self._set_features().embedding

    def predict(
        self,
        point_coords: npt.ArrayLike | None = None,
        point_labels: npt.ArrayLike | None = None,
        box: npt.ArrayLike | None = None,
        mask_input: npt.ArrayLike | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> Prediction:
        """Segment what the prompts mean.

        Points (N, 2) as (x, y) in pixels with labels (N,), 1 on it and 0 not; a box (4,) as left, top, right, bottom,
        or several boxes (B, 4); low-resolution logits (1, 4H, 4W) of an earlier prediction. Points may also come as
        (B, N, 2) with labels (B, N) for several objects at once.
        Returns masks (M, height, width), predicted IoU (M,) and low-resolution logits (M, 4H, 4W), all with a leading
        B where there is more than one object. Masks are 0/1 or, with `return_logits`, logits.
        Raises `BadPrompt` for points, labels or boxes that cannot mean anything.
        """
        return self._predict_one(
            -1, point_coords, point_labels, box, mask_input, multimask_output, return_logits, normalize_coords
        )

    def predict_batch(
        self,
        point_coords_batch: Sequence[npt.ArrayLike | None] | None = None,
        point_labels_batch: Sequence[npt.ArrayLike | None] | None = None,
        box_batch: Sequence[npt.ArrayLike | None] | None = None,
        mask_input_batch: Sequence[npt.ArrayLike | None] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[list[Array], list[Array], list[Array]]:
        """As `predict`, with one entry for each image of `set_image_batch`."""
        if not self._is_batch:
            raise RuntimeError("Call set_image_batch(...) before predict_batch(...).")
        count = len(self._set_features().embedding)
        columns = [
            batch if batch is not None else [None] * count
            for batch in (point_coords_batch, point_labels_batch, box_batch, mask_input_batch)
        ]
        predictions = [
            self._predict_one(index, coords, labels, box, mask, multimask_output, return_logits, normalize_coords)
            for index, (coords, labels, box, mask) in enumerate(zip(*columns, strict=True))
        ]
        masks, qualities, logits = (list(column) for column in zip(*predictions, strict=True))
        return masks, qualities, logits

    def _predict_one(
        self,
        image: int,
        coords: npt.ArrayLike | None,
        labels: npt.ArrayLike | None,
        box: npt.ArrayLike | None,
        mask_input: npt.ArrayLike | None,
        multimask_output: bool,
        return_logits: bool,
        normalize_coords: bool,
    ) -> Prediction:
        self._set_features()
        mask, points, point_labels, boxes = self._prep_prompts(coords, labels, box, mask_input, normalize_coords, image)
        results = self._predict(points, point_labels, boxes, mask, multimask_output, return_logits, image)
        masks, predicted_iou, logits = (result.squeeze(0).float().cpu().numpy() for result in results)
        return masks, predicted_iou, logits

    def _prep_prompts(
        self,
        point_coords: npt.ArrayLike | None,
        point_labels: npt.ArrayLike | None,
        box: npt.ArrayLike | None,
        mask_logits: npt.ArrayLike | None,
        normalize_coords: bool,
        img_idx: int = -1,
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
        """Prompts as tensors in pixels of the network's input: mask, coordinates, labels, box corners."""
        size, transforms = self._orig_hw[img_idx], self._transforms
        coords = labels = corners = mask = None
        if point_coords is not None:
            if point_labels is None:
                raise BadPrompt("Give point_labels with point_coords: 1 for a point on the object, 0 for one off it.")
            points, labels = (each.to(self.device) for each in checked_points(point_coords, point_labels))
            coords = transforms.transform_coords(points, normalize_coords, size)
            if coords.ndim == 2:
                coords, labels = coords[None], labels[None]
        if box is not None:
            corners = transforms.transform_boxes(checked_boxes(box).to(self.device), normalize_coords, size)
        if mask_logits is not None:
            mask = torch.as_tensor(np.asarray(mask_logits), dtype=torch.float32, device=self.device)
            mask = mask[None] if mask.ndim == 3 else mask
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
        """As `predict` on tensors that are already in pixels of the network's input.

        Points (B, N, 2), labels (B, N), box corners (B, 2, 2), mask logits (B, 1, 4H, 4W) -> masks
        (B, M, height, width), predicted IoU (B, M), low-resolution logits (B, M, 4H, 4W).
        """
        prompts = _with_boxes(point_coords, point_labels, boxes)
        logits, predicted_iou = self._predict_low_res(prompts, mask_input, multimask_output, img_idx)
        masks = self._transforms.postprocess_masks(logits, self._orig_hw[img_idx])
        if not return_logits:
            masks = masks > self.mask_threshold
        return masks, predicted_iou, as_mask_input(logits)

    @torch.no_grad()
    def _predict_low_res(
        self,
        points: tuple[Tensor, Tensor] | None,
        mask_input: Tensor | None,
        multimask_output: bool,
        img_idx: int = -1,
    ) -> tuple[Tensor, Tensor]:
        """The network's own answer: logits (B, M, 4H, 4W) and predicted IoU (B, M)."""
        count = len(self._set_features().embedding)
        features = self._set_features()[img_idx % count]
        prediction = self.model.predict_masks(
            features.embedding, features.high_res, points, mask_input, multimask_output
        )
        return prediction.logits, prediction.predicted_iou

    def _set_features(self) -> ImageFeatures:
        if self._features is None:
            raise RuntimeError("Call set_image(...) before asking for masks.")
        return self._features


def as_mask_input(logits: Tensor) -> Tensor:
    """Low-resolution logits in the range that the network knows from its training as a prompt."""
    return logits.clamp(-32.0, 32.0)


def _with_boxes(coords: Tensor | None, labels: Tensor | None, boxes: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Box corners are points with labels 2 and 3 that come first."""
    if boxes is None:
        return None if coords is None or labels is None else (coords, labels)
    corners = boxes.reshape(-1, 2, 2)
    corner_labels = torch.tensor([[2, 3]], dtype=torch.int32, device=boxes.device).expand(len(corners), -1)
    if coords is None or labels is None:
        return corners, corner_labels
    return torch.cat([corners, coords], dim=1), torch.cat([corner_labels, labels], dim=1)
