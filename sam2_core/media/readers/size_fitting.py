"""Masks and coordinates of another size than the picture: scaled, and turned if the picture was turned, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.readers.polygon_filling import Ring
from sam2_core.types import Box, Mask

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""

_SIDE_TOLERANCE = 1  # pixels by which a scaled side may be rounded
_ASPECT_TOLERANCE = 0.05  # of very small masks, on which a pixel is much
_Scalar = TypeVar("_Scalar", bound=np.generic)
_SWAPPED = (5, 6, 7, 8)  # EXIF orientations that swap height and width


class SizesDiffer(MediaError):
    """Masks are of a size that cannot be fitted; what stands beside them, such as boxes, is not for this picture."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How masks of size `source` become masks of size `target`: turned by an EXIF orientation, then scaled."""

    source: Size
    target: Size
    orientation: int = 1

    @property
    def is_identity(self) -> bool:
        """Whether nothing is changed."""
        return self.source == self.target and self.orientation == 1

    @property
    def note(self) -> str:
        """What is done, for the user."""
        what = "scaled" if self.orientation == 1 else "turned"
        sizes = " × ".join(map(str, self.source[::-1])), " × ".join(map(str, self.target[::-1]))
        return f"The masks are {sizes[0]}; they were {what} to {sizes[1]}."

    def place(self, shape: Mask | Box) -> Mask | Box:
        """A mask of size `source`, or a box on it, at size `target`."""
        return self.mask(shape) if isinstance(shape, Mask) else self.box(shape)

    def mask(self, mask: Mask) -> Mask:
        """The mask at size `target` by nearest neighbor. One that would vanish keeps a pixel for each of its own."""
        if self.is_identity:
            return mask
        pixels = mask.to_array()
        scaled = self.array(pixels)
        if not scaled.any():
            (height, width), turned = self.target, _turn(pixels, self.orientation)
            y, x = turned.nonzero()
            scaled[y * height // turned.shape[0], x * width // turned.shape[1]] = True
        return Mask.from_array(scaled)

    def array(self, pixels: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        """Pixels (H, W) of size `source` at size `target` by nearest neighbor."""
        if self.is_identity:
            return pixels
        turned = _turn(pixels, self.orientation)
        rows, columns = (_nearest(side, own) for side, own in zip(self.target, turned.shape, strict=True))
        return turned[rows][:, columns]

    def ring(self, ring: Ring) -> Ring:
        """Corners (N, 2) on `source` as corners on `target`."""
        if self.is_identity:
            return ring
        height, width = self.source
        x, y = ring[:, 0], ring[:, 1]
        if self.orientation in (2, 3, 7, 8):
            x = width - x
        if self.orientation in (3, 4, 6, 7):
            y = height - y
        if self.orientation in _SWAPPED:
            x, y, height, width = y, x, width, height
        return np.stack([x * (self.target[1] / width), y * (self.target[0] / height)], axis=1)

    def box(self, box: Box) -> Box:
        """A box on `source` as a box on `target`."""
        if self.is_identity:
            return box
        corners = self.ring(np.array([[box.left, box.top], [box.right, box.bottom]], np.float64))
        return Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())


def find_fit(size: Size, expected: Size, orientation: int = 1) -> Fit:
    """How masks of a size are brought to the size of a picture whose file has this EXIF orientation.

    Raises `SizesDiffer` for a size of another aspect, and `MediaError` for one that is too large.
    """
    if size == expected:
        return Fit(size, expected)
    if min(size) > 0 and _is_scaled(size, expected):
        DEFAULT_LIMITS.check_pixels(*size)
        return Fit(size, expected)
    if min(size) > 0 and _is_scaled(size[::-1], expected):
        DEFAULT_LIMITS.check_pixels(*size)
        if orientation in _SWAPPED:
            return Fit(size, expected, orientation)
        raise SizesDiffer(
            f"{_both_sizes(size, expected)}: they seem to be turned by 90°. Export them upright, as the picture is "
            "shown here."
        )
    raise SizesDiffer(f"{_both_sizes(size, expected)}. Export them at the size of the picture.")


def _both_sizes(size: Size, expected: Size) -> str:
    return f"They are {size[1]} × {size[0]} pixels, the picture is {expected[1]} × {expected[0]}"


def _is_scaled(size: Size, expected: Size) -> bool:
    """Whether one scale gives both sides, each rounded by up to a pixel."""
    low = max((side - _SIDE_TOLERANCE) / whole for side, whole in zip(size, expected, strict=True))
    high = min((side + _SIDE_TOLERANCE) / whole for side, whole in zip(size, expected, strict=True))
    aspect = size[0] * expected[1] / (size[1] * expected[0])
    return low <= high and abs(aspect - 1) <= _ASPECT_TOLERANCE


def _nearest(count: int, source: int) -> npt.NDArray[np.int64]:
    """The index of the nearest of `source` pixels for each of `count` pixels."""
    return (2 * np.arange(count) + 1) * source // (2 * count)


def _turn(pixels: npt.NDArray[_Scalar], orientation: int) -> npt.NDArray[_Scalar]:
    """The pixels (H, W) upright, for an EXIF orientation; see EXIF 2.32, tag 274."""
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    return pixels.T if orientation in _SWAPPED else pixels
