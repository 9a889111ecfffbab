"""Crops that are resized to the square input of the network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask


@dataclass(frozen=True, slots=True)
class SquareCrop:
    """A window of an image (H, W), resized to (S, S) with S = `side` and mirrored if `mirror` is set."""

    top: int
    left: int
    height: int
    width: int
    side: int
    mirror: bool

    def image(self, image: RgbArray) -> RgbArray:
        """(H, W, 3) -> (S, S, 3)."""
        return self._resize(image[self._window])

    def mask(self, mask: npt.NDArray[np.bool_]) -> BinaryMask:
        """(H, W) -> (S, S)."""
        return self.window_mask(mask[self._window].astype(np.uint8))

    def window_mask(self, mask: BinaryMask) -> BinaryMask:
        """A mask of the window alone, (height, width) -> (S, S); at least half of a pixel must be covered."""
        return (self._resize(mask * np.uint8(255)) > 127).astype(np.uint8)

    @property
    def _window(self) -> tuple[slice, slice]:
        return np.s_[self.top : self.top + self.height, self.left : self.left + self.width]

    def _resize(self, window: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        shrinks = min(self.height, self.width) > self.side
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(window, (self.side, self.side), interpolation=interpolation), np.uint8)
        return np.ascontiguousarray(resized[:, ::-1]) if self.mirror else resized
