"""Renders one frame of a result: effects, crop, and the source beside it."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.painter import Painter
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.rendering.geometry import Geometry

_BLEED = 9  # pixels: half a block of the usual codecs


class Compositor:
    """Renders the frames of one export. Without `alpha`, transparent pixels are put over white."""

    def __init__(self, media: MaskedMedia, options: ExportOptions, *, alpha: bool) -> None:
        self._painter, self._side_by_side = Painter(options.effects, media, options.backdrops), options.side_by_side
        self.channels = 4 if alpha and options.effects.is_transparent else 3

    def compose(self, frame: int, image: RgbArray, geometry: Geometry) -> RgbArray:
        """The result for a frame, (H, W, 3) or (H, W, 4); `image` is the frame at the size of the geometry."""
        painted = geometry.crop(self._painter.paint(frame, image))
        if painted.shape[2] == 4:
            painted = _clean_transparent(painted) if self.channels == 4 else _over_white(painted)
        if not self._side_by_side:
            return painted
        source = geometry.crop(image)
        source = np.asarray(cv2.cvtColor(source, cv2.COLOR_RGB2RGBA), np.uint8) if self.channels == 4 else source
        return np.asarray(cv2.hconcat([source, painted]), np.uint8)


def _over_white(image: RgbArray) -> RgbArray:
    alpha = cv2.cvtColor(cv2.extractChannel(image, 3), cv2.COLOR_GRAY2RGB)
    visible = cv2.multiply(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    return np.asarray(cv2.add(visible, cv2.bitwise_not(alpha)), np.uint8)


def _clean_transparent(image: RgbArray) -> RgbArray:
    """Remove the colors of fully transparent pixels, which must not be in the file: black, and near the edges the
    color of the visible pixels, as lossy codecs and scaling mix it in."""
    alpha = cv2.extractChannel(image, 3)
    visible = cv2.threshold(alpha, 0, 255, cv2.THRESH_BINARY)[1]
    colors = cv2.copyTo(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), visible)
    weight = cv2.cvtColor(cv2.blur(visible, (_BLEED, _BLEED)), cv2.COLOR_GRAY2RGB)
    near = cv2.divide(cv2.blur(colors, (_BLEED, _BLEED)), weight, scale=255)  # 0 where the weight is 0
    result = cv2.cvtColor(cv2.copyTo(colors, visible, near), cv2.COLOR_RGB2RGBA)
    return np.asarray(cv2.insertChannel(alpha, result, 3), np.uint8)
