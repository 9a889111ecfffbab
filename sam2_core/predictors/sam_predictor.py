"""`SamPredictor` and `sam_model_registry`: the official Python API of SAM for images.

Names, arguments, shapes and results are those of the official code, so that published snippets run after changing the
import.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sam2_core.errors import MediaError
from sam2_core.model.sam import Sam
from sam2_core.predictors.prompt_values import checked_boxes, checked_points
from sam2_core.predictors.sam_transforms import ResizeLongestSide
from sam2_core.weights import load_sam

Array = npt.NDArray[Any]
FORMATS = ("RGB", "BGR")


def _build(name: str, checkpoint: str | os.PathLike[str] | None = None) -> Sam:
    """Build a network, with the weights of a checkpoint or with random ones. Raises `WeightsError`."""
    return load_sam(name, checkpoint)


build_sam_vit_h, build_sam_vit_l, build_sam_vit_b = (partial(_build, f"sam_vit_{size}") for size in "hlb")
build_sam = build_sam_vit_h
sam_model_registry: Mapping[str, Callable[..., Sam]] = MappingProxyType(
    {"default": build_sam_vit_h, "vit_h": build_sam_vit_h, "vit_l": build_sam_vit_l, "vit_b": build_sam_vit_b}
)
"""Builders by name; each takes `checkpoint`."""


class SamPredictor:
    """Embeds one image, then predicts masks for any number of prompts."""

    def __init__(self, sam_model: Sam) -> None:
        self.model = sam_model
        self.transform = ResizeLongestSide(sam_model.image_size)
        self.reset_image()

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return self.model.device

    def reset_image(self) -> None:
        """Remove the image."""
        self.is_image_set = False
        self.features: Tensor | None = None
        self.original_size: tuple[int, int] | None = None
        self.input_size: tuple[int, int] | None = None
        self.orig_h = self.orig_w = self.input_h = self.input_w = None

    def set_image(self, image: Array | Image.Image, image_format: str = "RGB") -> None:
        """Embed an image: (H, W, 3) uint8 with channels in the order `image_format` ("RGB" or "BGR"), or a PIL image.

        Raises `MediaError` for anything else.
        """
        if image_format not in FORMATS:
            raise MediaError(f"image_format is one of {', '.join(FORMATS)}, not {image_format!r}.")
        pixels = np.array(image.convert("RGB")) if isinstance(image, Image.Image) else np.asarray(image)
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise MediaError(f"An image should be (height, width, 3) uint8; this is {pixels.shape} {pixels.dtype}.")
        if image_format != self.model.image_format and not isinstance(image, Image.Image):
            pixels = pixels[..., ::-1]
        scaled = torch.as_tensor(self.transform.apply_image(np.ascontiguousarray(pixels)), device=self.device)
        self.set_torch_image(scaled.permute(2, 0, 1).contiguous()[None], pixels.shape[:2])

    @torch.no_grad()
    def set_torch_image(self, transformed_image: Tensor, original_image_size: tuple[int, ...]) -> None:
        """Embed an image (1, 3, H', W') in 0..255 that `transform` has scaled already, so that its longer side is S."""
        if (
            transformed_image.ndim != 4
            or transformed_image.shape[:2] != (1, 3)
            or max(transformed_image.shape[2:]) != self.model.image_size
        ):
            raise MediaError(
                f"A scaled image should be (1, 3, H, W) with a longer side of {self.model.image_size} pixels; this is "
                f"{tuple(transformed_image.shape)}."
            )
        self.reset_image()
        self.original_size = (int(original_image_size[0]), int(original_image_size[1]))
        self.input_size = (transformed_image.shape[2], transformed_image.shape[3])
        self.features = self.model.image_encoder(self.model.preprocess(transformed_image))
        self.is_image_set = True

    def get_image_embedding(self) -> Tensor:
        """The embedding (1, C, H, W) of the current image."""
        return self._current()[0]

    def predict(
        self,
        point_coords: npt.ArrayLike | None = None,
        point_labels: npt.ArrayLike | None = None,
        box: npt.ArrayLike | None = None,
        mask_input: npt.ArrayLike | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[Array, Array, Array]:
        """Predict masks for one object.

        Args:
            point_coords: points (N, 2) as (x, y) in pixels of the image.
            point_labels: their labels (N,), 1 positive and 0 negative.
            box: a box (4,) as left, top, right, bottom.
            mask_input: low-resolution logits (1, 4H, 4W) of an earlier prediction.
            multimask_output: return three candidates instead of one mask.
            return_logits: return logits instead of masks.

        Returns masks (M, height, width), predicted IoUs (M,) and low-resolution logits (M, 4H, 4W). Raises `BadPrompt`
        for invalid prompts.
        """
        _, size, _ = self._current()
        coords = labels = corners = mask = None
        if point_coords is not None:
            points, labels = checked_points(point_coords, point_labels)
            coords = self.transform.apply_coords_torch(points, size).to(self.device)[None]
            labels = labels.to(self.device)[None]
        if box is not None:
            corners = self.transform.apply_boxes_torch(checked_boxes(box), size).to(self.device)
        if mask_input is not None:
            mask = torch.as_tensor(mask_input, dtype=torch.float, device=self.device)[None]
        results = self.predict_torch(coords, labels, corners, mask, multimask_output, return_logits)
        masks, predicted_iou, logits = (result[0].detach().cpu().numpy() for result in results)
        return masks, predicted_iou, logits

    @torch.no_grad()
    def predict_torch(
        self,
        point_coords: Tensor | None,
        point_labels: Tensor | None,
        boxes: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict masks for B objects, with prompts in pixels of the input (see `transform`).

        Points (B, N, 2) with labels (B, N), boxes (B, 4), mask logits (B, 1, 4H, 4W) -> masks (B, M, height, width),
        predicted IoUs (B, M), low-resolution logits (B, M, 4H, 4W).
        """
        _, original_size, input_size = self._current()
        logits, predicted_iou = self._predict_low_res(point_coords, point_labels, boxes, mask_input, multimask_output)
        masks = self.model.postprocess_masks(logits, input_size, original_size)
        return masks if return_logits else masks > self.model.mask_threshold, predicted_iou, logits

    @torch.no_grad()
    def _predict_low_res(
        self,
        point_coords: Tensor | None,
        point_labels: Tensor | None,
        boxes: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask_output: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """As `predict_torch`, but returns low-resolution logits (B, M, 4H, 4W) and predicted IoUs (B, M)."""
        points = None if point_coords is None or point_labels is None else (point_coords, point_labels)
        encoder = self.model.prompt_encoder
        sparse, dense = encoder(points, boxes, mask_input)
        logits, predicted_iou = self.model.mask_decoder(
            self._current()[0], encoder.image_positions(), sparse, dense, multimask_output
        )
        return logits, predicted_iou

    def _current(self) -> tuple[Tensor, tuple[int, int], tuple[int, int]]:
        """The embedding, the size of the image, and its size in the input."""
        if self.features is None or self.original_size is None or self.input_size is None:
            raise RuntimeError("Call set_image(...) before asking for masks.")
        return self.features, self.original_size, self.input_size
