"""Objects taken out of pictures and clips."""

from __future__ import annotations

from sam2_core.media.effects.filling import filled_in
from sam2_core.media.effects.shapes import shapes_of, spread, union
from sam2_core.media.info import RgbArray
from sam2_core.media.material import Material


class Eraser:
    """x"""

    def __init__(self, material: Material, margin: float) -> None:
        self._material, self._margin = material, margin

    def erase(self, frame: int, picture: RgbArray) -> RgbArray:
        """x"""
        size = picture.shape[0], picture.shape[1]
        shapes = shapes_of(self._material.on(frame).objects, self._material.objects, size)
        hole = union(shapes, size)
        if not shapes:
            return picture
        return filled_in(picture, (spread(hole, self._margin * min(size) / 1000) > 0).view("u1") * 255)
