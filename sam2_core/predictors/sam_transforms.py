"""`ResizeLongestSide`: images and prompts to the input of SAM, under the official names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.model.preprocess import Pixels

Array = npt.NDArray[Any]


@dataclass(slots=True)
class ResizeLongestSide:
    """Scales images, points and boxes so that the longer side of the image has `target_length` pixels.

    `original_size` is (height, width) of the image.
    """

    target_length: int

    def apply_image(self, image: Pixels) -> Pixels:
        """(H, W, 3) uint8 -> (H', W', 3) uint8, with Pillow's bilinear filter."""
        height, width = self.get_preprocess_shape(image.shape[0], image.shape[1], self.target_length)
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def apply_coords(self, coords: Array, original_size: tuple[int, ...]) -> Array:
        """Points (..., 2) in pixels of the image -> in pixels of the input."""
        return np.asarray(coords, np.float64) * np.array(self._geometry(original_size).scale)

    def apply_boxes(self, boxes: Array, original_size: tuple[int, ...]) -> Array:
        """Boxes (B, 4) as left, top, right, bottom."""
        return self.apply_coords(np.asarray(boxes).reshape(-1, 2, 2), original_size).reshape(-1, 4)

    def apply_image_torch(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 3, H', W'), with an antialiased bilinear filter."""
        size = self.get_preprocess_shape(image.shape[2], image.shape[3], self.target_length)
        return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)

    def apply_coords_torch(self, coords: Tensor, original_size: tuple[int, ...]) -> Tensor:
        """As `apply_coords`, for a tensor; the result is float32."""
        return self._geometry(original_size).to_input(coords.to(torch.float))

    def apply_boxes_torch(self, boxes: Tensor, original_size: tuple[int, ...]) -> Tensor:
        """As `apply_boxes`, for a tensor."""
        return self.apply_coords_torch(boxes.reshape(-1, 2, 2), original_size).reshape(-1, 4)

    @staticmethod
    def get_preprocess_shape(oldh: int, oldw: int, long_side_length: int) -> tuple[int, int]:
        """Height and width of the scaled image."""
        return InputGeometry.padded(long_side_length, (oldh, oldw)).inner

    def _geometry(self, original_size: tuple[int, ...]) -> InputGeometry:
        return InputGeometry.padded(self.target_length, (original_size[0], original_size[1]))
