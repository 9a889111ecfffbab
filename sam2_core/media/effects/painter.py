"""A look brought onto pictures."""

from __future__ import annotations

from sam2_core.media.draw import overlay
from sam2_core.media.effects.look import Look
from sam2_core.media.info import RgbArray
from sam2_core.media.material import Material


class Painter:
    """Paints the frames of one material; cheap to make. Keeps what several frames need."""

    def __init__(self, look: Look, material: Material) -> None:
        self._look, self._material = look, material

    def paint(self, frame: int, picture: RgbArray) -> RgbArray:
        """The picture (H, W, 3) of this frame with the look; (H, W, 4) where the look is transparent.

        The picture may have any size: masks are fitted to it.
        """
        unit = min(picture.shape[:2]) / 1000
        for layer in self._look.layers:
            if layer.effect == "overlay":
                masks = [
                    (each.mask, self._material.traits_of(each.object_id).color)
                    for each in self._material.on(frame).objects
                ]
                picture = overlay(picture, masks, layer.number("opacity"), round(layer.number("outline") * unit))
        return picture
