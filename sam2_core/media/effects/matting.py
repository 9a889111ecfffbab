"""How much of each pixel is object, and how objects and background are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.media.effects.effect_stack import EffectStack
from sam2_core.media.effects.guided_filter import fit_to_picture
from sam2_core.media.effects.masked_pooling import cell_means, enlarged
from sam2_core.media.effects.scaled_masks import Area, Plane, Shape, Size, around, union
from sam2_core.media.info import RgbArray

_CELL = 3  # pixels; over which colors near edges are taken together
REACH = 22  # thousandths of the shorter side: so far from a mask's edge hair is looked for
_SURE = 245  # of 255: such a pixel shows nothing else


@dataclass(frozen=True, slots=True)
class Matte:
    """The objects together: `inside` (H, W) is where their masks are (0 or 255), `alpha` (H, W) how much of each pixel
    they cover, and beyond `area` there is nothing of them. It is None where no object is in the frame."""

    inside: Plane
    alpha: Plane
    area: Area | None

    @property
    def is_soft(self) -> bool:
        """Whether any pixel may be covered in part."""
        return self.alpha is not self.inside

    @property
    def behind(self) -> Plane:
        """(H, W): above 0 where nothing of an object can be seen."""
        return (np.maximum(self.alpha, self.inside) <= 255 - _SURE).view(np.uint8)


def matte_of(shapes: Sequence[Shape], look: EffectStack, picture: RgbArray) -> Matte:
    """The objects' edges as the look wants them."""
    size = height, width = picture.shape[:2]
    inside = union(shapes, size)
    if not shapes:
        return Matte(inside, inside, None)
    area, unit = around(shape.area for shape in shapes), min(height, width) / 1000
    if look.feather == look.matte == 0:
        return Matte(inside, inside, area)
    alpha = inside.copy()
    if look.matte:
        area, fitted = fit_to_picture(picture, inside, area, look.matte * REACH * unit)
        alpha[area.part] = fitted
    if look.feather:
        area = _feather(alpha, area, look.feather * unit, size)
    return Matte(inside, alpha, area)


def _feather(alpha: Plane, area: Area, width: float, size: Size) -> Area:
    """Blur the edges in place, about `width` pixels to each side; where is now something of the objects."""
    area = area.grown(1.5 * width + 1, size)
    soft = cv2.GaussianBlur(alpha[area.part], (0, 0), max(0.3, width / 2), borderType=cv2.BORDER_REPLICATE)
    alpha[area.part] = soft
    return area


def own_colors(picture: RgbArray, matte: Matte, area: Area) -> RgbArray:
    """What the objects look like in an area where they are not mixed with what is behind them; continued outwards.

    At the edges, a pixel is a mixture of the objects' color and the background's. Both are estimated from what is
    surely one or the other nearby, and then made to explain the pixel (after Germer et al. 2020 and Forte 2021).
    """
    pixels, alpha = picture[area.part], matte.alpha[area.part]
    height, width = alpha.shape
    sure = (alpha >= _SURE).view(np.uint8)
    ours = enlarged(cell_means(pixels, sure if sure.any() else alpha, _CELL), _CELL, height, width)
    edge = (alpha > 0) & (alpha < 255)
    colors = cv2.copyTo(pixels, (alpha == 255).view(np.uint8), ours.copy())
    if edge.any():
        none = (alpha <= 255 - _SURE).view(np.uint8)
        others = enlarged(cell_means(pixels, none, _CELL), _CELL, height, width)
        share = alpha[edge].astype(np.float32)[:, None] / 255
        near, far = ours[edge].astype(np.float32), others[edge].astype(np.float32)
        explained = near + share * (pixels[edge] - share * near - (1 - share) * far)
        colors[edge] = np.clip(np.rint(explained), 0, 255).astype(np.uint8)
    return np.asarray(colors, np.uint8)
