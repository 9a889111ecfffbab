"""One picture of a result: painted, cut, beside its source."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.painter import Painter
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.rendering.geometry import Geometry

_BLEED = 9  # pixels: half a block of the usual codecs


class Composer:
    """Makes the pictures of one download. `alpha` says whether the file can be transparent; else the look's
    transparency goes over white."""

    def __init__(self, media: MaskedMedia, options: ExportOptions, *, alpha: bool) -> None:
        self._painter, self._side_by_side = Painter(options.effects, media, options.backdrops), options.side_by_side
        self.channels = 4 if alpha and options.effects.is_transparent else 3

    def compose(self, frame: int, picture: RgbArray, geometry: Geometry) -> RgbArray:
        """The frame as it stands in the file, (H, W, 3) or (H, W, 4); `picture` has the size that is painted."""
        painted = geometry.cut(self._painter.paint(frame, picture))
        if painted.shape[2] == 4:
            painted = _without_the_hidden(painted) if self.channels == 4 else _over_white(painted)
        if not self._side_by_side:
            return painted
        source = geometry.cut(picture)
        source = _opaque(source) if self.channels == 4 else source
        return np.asarray(cv2.hconcat([source, painted]), np.uint8)


def _over_white(picture: RgbArray) -> RgbArray:
    alpha = cv2.cvtColor(cv2.extractChannel(picture, 3), cv2.COLOR_GRAY2RGB)
    seen = cv2.multiply(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    return np.asarray(cv2.add(seen, cv2.bitwise_not(alpha)), np.uint8)


def _without_the_hidden(picture: RgbArray) -> RgbArray:
    """What cannot be seen must not stand in the file: it goes black, and near the edges it takes their color, which
    lossy codecs and scaling mix into what is seen."""
    alpha = cv2.extractChannel(picture, 3)
    seen = cv2.threshold(alpha, 0, 255, cv2.THRESH_BINARY)[1]
    colors = cv2.copyTo(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), seen)
    weight = cv2.cvtColor(cv2.blur(seen, (_BLEED, _BLEED)), cv2.COLOR_GRAY2RGB)
    near = cv2.divide(cv2.blur(colors, (_BLEED, _BLEED)), weight, scale=255)  # 0 where there is no weight
    result = cv2.cvtColor(cv2.copyTo(colors, seen, near), cv2.COLOR_RGB2RGBA)
    return np.asarray(cv2.insertChannel(alpha, result, 3), np.uint8)


def _opaque(picture: RgbArray) -> RgbArray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.uint8)
