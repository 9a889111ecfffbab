"""Conversions around the network as in the official predictors: images, coordinates, and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sam2_core.errors import MediaError
from sam2_core.model.preprocess import MEAN, STD, FloatPixels, Pixels, image_to_tensor, normalize, resize
from sam2_core.tracking.cleanup import fill_holes, remove_islands

RgbImage: TypeAlias = Pixels | npt.NDArray[np.floating[Any]] | Image.Image
MAX_FLOAT = 2.0
"""Floating-point pixels beyond this are not in 0..1; filters that overshoot stay below it."""


class SAM2Transforms:
    """Conversions for a network with input side `resolution`; areas are in low-resolution pixels, 0 is off.

    As in the official class, attributes can be set. An image goes through `to_tensor` and `transforms`, which published
    code replaces by its own functions or modules.
    """

    def __init__(
        self,
        resolution: int,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
    ) -> None:
        self.resolution = resolution
        self.mask_threshold = mask_threshold
        self.max_hole_area = max_hole_area
        self.max_sprinkle_area = max_sprinkle_area
        self.mean, self.std = list(MEAN), list(STD)

    def __call__(self, image: RgbImage) -> Tensor:
        """RGB image -> (3, S, S)."""
        return self.transforms(self.to_tensor(image))

    def to_tensor(self, image: RgbImage) -> Tensor:
        """RGB image -> (3, H', W') in 0..1."""
        return image_to_tensor(as_rgb(image))

    def transforms(self, image: Tensor) -> Tensor:
        """Resize and normalize RGB in 0..1: (..., 3, H', W') -> (..., 3, S, S)."""
        return normalize(resize(image, self.resolution), self.mean, self.std)

    def forward_batch(self, img_list: Sequence[RgbImage]) -> Tensor:
        """RGB images of any sizes -> (B, 3, S, S)."""
        return torch.stack([self(image) for image in img_list])

    def transform_coords(
        self, coords: Tensor, normalize: bool = False, orig_hw: tuple[int, int] | None = None
    ) -> Tensor:
        """Points (..., 2), in 0..1 or with `normalize` in pixels of the image -> pixels of the S x S input."""
        if normalize:
            if orig_hw is None:
                raise ValueError("transform_coords needs orig_hw=(height, width) to normalize.")
            coords = coords / coords.new_tensor((orig_hw[1], orig_hw[0]))
        return coords * self.resolution

    def transform_boxes(self, boxes: Tensor, normalize: bool = False, orig_hw: tuple[int, int] | None = None) -> Tensor:
        """Boxes (..., 4) as left, top, right, bottom -> corners (B, 2, 2)."""
        return self.transform_coords(boxes.reshape(-1, 2, 2), normalize, orig_hw)

    def postprocess_masks(self, masks: Tensor, orig_hw: tuple[int, int]) -> Tensor:
        """Low-resolution logits (B, M, 4H, 4W) -> logits at the size of the image (B, M, height, width)."""
        return F.interpolate(self.without_specks(masks), orig_hw, mode="bilinear", align_corners=False)

    def without_specks(self, masks: Tensor) -> Tensor:
        """Low-resolution logits (B, M, 4H, 4W) in fp32, without small holes and islands."""
        masks = masks.float()
        cleaned = masks
        if self.max_hole_area > 0:
            cleaned = fill_holes(cleaned, self.max_hole_area, self.mask_threshold, value=10.0)
        if self.max_sprinkle_area > 0:
            # Islands are found in the original masks, because a filled hole may join two of them.
            islands = remove_islands(masks, self.max_sprinkle_area, self.mask_threshold)
            cleaned = torch.where(islands != masks, islands, cleaned)
        return cleaned


def as_rgb(image: RgbImage) -> Pixels | FloatPixels:
    """An image as RGB pixels (H, W, 3), uint8, or float32 in 0..1; raises `MediaError` for anything else."""
    if isinstance(image, Image.Image):
        return np.array(image.convert("RGB"))
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype.kind not in "uf":
        raise _unsupported(image)
    if image.dtype.kind == "u":
        if image.dtype != np.uint8:
            raise _unsupported(image)
        return image
    if not image.size or not np.isfinite(image).all() or abs(image).max() > MAX_FLOAT:
        raise MediaError(
            "An image of floating-point numbers should be finite and in 0..1; this one is not. Scale it, or convert it "
            "to uint8 in 0..255."
        )
    return image.astype(np.float32)


def _unsupported(image: object) -> MediaError:
    found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    return MediaError(
        f"An image should be RGB, uint8, (height, width, 3), or floats in 0..1, or a PIL image; this is {found}."
    )
