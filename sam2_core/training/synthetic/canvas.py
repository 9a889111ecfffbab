"""An image in layers: each new layer hides what lies below it, in the image and in the masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.synthetic.silhouettes import Alpha


@dataclass(slots=True)
class Canvas:
    """`image` (H, W, 3), changed in place, and the visible part of each object on it.

    `objects` do not overlap; `parts` lie inside objects and are hidden by later layers, too.
    """

    image: RgbArray
    objects: list[BinaryMask] = field(default_factory=list)
    parts: list[BinaryMask] = field(default_factory=list)

    def put(self, surface: RgbArray, alpha: Alpha, top: int, left: int) -> BinaryMask | None:
        """Add an object on top, which may extend beyond the image. Returns its mask, or None if it is not visible."""
        visible = self._paint(surface, alpha, top, left)
        if visible is None:
            return None
        self._hide(self.objects, visible)
        self._hide(self.parts, visible)
        self.objects.append(visible)
        return visible

    def put_part(self, surface: RgbArray, alpha: Alpha, top: int, left: int) -> None:
        """Add a part of the object below, which keeps those pixels."""
        visible = self._paint(surface, alpha, top, left)
        if visible is not None:
            self._hide(self.parts, visible)
            self.parts.append(visible)

    def cast_shadow(self, alpha: Alpha, top: int, left: int, strength: float) -> None:
        """Darken the image below an object with this `alpha`, which is added afterwards."""
        reach = max(3, int(0.12 * min(alpha.shape))) | 1
        soft = cv2.blur(np.pad(alpha, reach), (reach, reach))
        black = np.zeros((*soft.shape, 3), np.uint8)
        self._paint(black, (soft * strength).astype(np.uint8), top - reach, left - reach)

    def background(self) -> BinaryMask:
        """The pixels that no object covers."""
        rest = np.ones(self.image.shape[:2], np.uint8)
        for mask in self.objects:
            rest[mask > 0] = 0
        return rest

    def _paint(self, surface: RgbArray, alpha: Alpha, top: int, left: int) -> BinaryMask | None:
        height, width = self.image.shape[:2]
        first = max(0, top), max(0, left)
        last = min(height, top + alpha.shape[0]), min(width, left + alpha.shape[1])
        if last[0] - first[0] < 2 or last[1] - first[1] < 2:
            return None
        inside = np.s_[first[0] - top : last[0] - top, first[1] - left : last[1] - left]
        outside = np.s_[first[0] : last[0], first[1] : last[1]]
        weight = alpha[inside].astype(np.float32)[..., None] / 255
        below = self.image[outside].astype(np.float32)
        self.image[outside] = below + (surface[inside] - below) * weight
        visible = np.zeros((height, width), np.uint8)
        visible[outside] = alpha[inside] > 127
        return visible

    @staticmethod
    def _hide(masks: list[BinaryMask], on_top: BinaryMask) -> None:
        for mask in masks:
            mask[on_top > 0] = 0
