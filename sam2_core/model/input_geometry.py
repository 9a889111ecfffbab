"""How a frame lies in the square input of a network: pixels and coordinates go in, logits come out.

SAM 2 stretches a frame to the square; SAM scales its longer side to S and pads the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.preprocess import Pixels, mask_to_input, pixels_to_input


@dataclass(frozen=True, slots=True)
class InputGeometry:
    """A frame of `frame` (height, width) pixels in an input of `size` x `size`.

    It covers `inner` (height, width) pixels of the input, from the upper left corner on; `is_padded`: the rest is
    padding.
    """

    size: int
    inner: tuple[int, int]
    frame: tuple[int, int]
    is_padded: bool

    @classmethod
    def stretched(cls, size: int, frame: tuple[int, int]) -> InputGeometry:
        """The frame fills the input, as in SAM 2."""
        return cls(size, (size, size), frame, False)

    @classmethod
    def padded(cls, size: int, frame: tuple[int, int]) -> InputGeometry:
        """The longer side of the frame fills the input, as in SAM."""
        height, width = frame
        scale = size / max(height, width)
        return cls(size, (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))), frame, True)

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution logits, a quarter of the input's."""
        return self.size // 4

    @property
    def inner_mask(self) -> tuple[int, int]:
        """Height and width of the low-resolution pixels that the frame touches."""
        return -(-self.inner[0] // 4), -(-self.inner[1] // 4)

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width in pixels of the frame that the whole input covers, with its padding."""
        return self.frame[0] * self.size / self.inner[0], self.frame[1] * self.size / self.inner[1]

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the input per pixel of the frame, in x and in y."""
        return self.inner[1] / self.frame[1], self.inner[0] / self.frame[0]

    def to_input(self, coords: Tensor) -> Tensor:
        """Coordinates (..., 2) in pixels of the frame -> in pixels of the input."""
        return coords * torch.tensor(self.scale, dtype=coords.dtype, device=coords.device)


def frame_input(pixels: Pixels, geometry: InputGeometry) -> Tensor:
    """The pixels of a frame, stored at any size -> normalized input (3, S, S); padding is zero."""
    return _padded(pixels_to_input(pixels, geometry.inner), geometry)


def mask_input(mask: Tensor, geometry: InputGeometry) -> Tensor:
    """A mask (height, width) of a frame -> (1, 1, S, S) of zeros and ones."""
    return _padded(mask_to_input(mask, geometry.inner), geometry)


def mask_coverage(mask: Tensor, geometry: InputGeometry) -> Tensor:
    """How far a mask (height, width) of a frame covers each low-resolution pixel, 0..1: (1, 1, S / 4, S / 4)."""
    coverage, side = mask.float()[None, None], geometry.mask_size
    if not geometry.is_padded:
        return _antialiased(coverage, (side, side))
    (height, width), (rows, columns) = geometry.inner, geometry.inner_mask
    coverage = _antialiased(coverage, geometry.inner)
    # A low-resolution pixel that lies partly in the padding counts by its other part.
    coverage = F.pad(coverage, (0, 4 * columns - width, 0, 4 * rows - height), mode="replicate")
    return F.pad(F.avg_pool2d(coverage, 4), (0, side - columns, 0, side - rows))


def _antialiased(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)


def _padded(maps: Tensor, geometry: InputGeometry) -> Tensor:
    """Add the padding, of zeros: (..., *inner) -> (..., S, S)."""
    height, width = geometry.inner
    return F.pad(maps, (0, geometry.size - width, 0, geometry.size - height)) if geometry.is_padded else maps


def logits_of_frame(logits: Tensor, geometry: InputGeometry) -> Tensor:
    """Low-resolution logits (B, M, 4H, 4W) -> those of the frame (B, M, height, width), bilinear."""
    height, width = geometry.inner
    if geometry.is_padded:  # in two steps, as in the official code
        logits = F.interpolate(logits, (geometry.size, geometry.size), mode="bilinear", align_corners=False)
        logits = logits[..., :height, :width]
    return F.interpolate(logits, geometry.frame, mode="bilinear", align_corners=False)
