"""Alpha mattes of the objects, and their colors at soft edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.media.effects.effect_stack import EffectStack
from sam2_core.media.effects.fine_mattes import refine_alpha
from sam2_core.media.effects.masked_pooling import pool_known, upsample
from sam2_core.media.effects.scaled_masks import Area, ScaledMask, Size, enclosing_area, union
from sam2_core.media.info import GrayImage, RgbArray

_CELL = 3  # pixels over which colors near edges are averaged
MATTE_REACH = 22  # thousandths of the shorter side: the distance from a mask's edge at which hair is looked for
_OPAQUE = 245  # alpha from which a pixel counts as foreground only


@dataclass(frozen=True, slots=True)
class Matte:
    """The objects together: `inside` (H, W) is their masks (0 or 255), `alpha` (H, W) their coverage of each pixel,
    which is 0 beyond `area`. It is None if no object is in the frame."""

    inside: GrayImage
    alpha: GrayImage
    area: Area | None

    @property
    def is_soft(self) -> bool:
        """Whether a pixel may be partly covered."""
        return self.alpha is not self.inside

    @property
    def background(self) -> GrayImage:
        """(H, W): above 0 where no object is visible."""
        return (np.maximum(self.alpha, self.inside) <= 255 - _OPAQUE).view(np.uint8)


def compute_matte(masks: Sequence[ScaledMask], stack: EffectStack, image: RgbArray) -> Matte:
    """The matte with the stack's edge settings."""
    size = height, width = image.shape[:2]
    inside = union(masks, size)
    if not masks:
        return Matte(inside, inside, None)
    area, unit = enclosing_area(mask.area for mask in masks), min(height, width) / 1000
    if stack.feather == stack.matte == 0:
        return Matte(inside, inside, area)
    alpha = inside.copy()
    if stack.matte:
        area, refined = refine_alpha(image, inside, area, stack.matte * MATTE_REACH * unit)
        alpha[area.part] = refined
    if stack.feather:
        area = _feather(alpha, area, stack.feather * unit, size)
    return Matte(inside, alpha, area)


def _feather(alpha: GrayImage, area: Area, width: float, size: Size) -> Area:
    """Blur the edges in place, about `width` pixels to each side. Returns the new area of the objects."""
    area = area.grown(1.5 * width + 1, size)
    soft = cv2.GaussianBlur(alpha[area.part], (0, 0), max(0.3, width / 2), borderType=cv2.BORDER_REPLICATE)
    alpha[area.part] = soft
    return area


def estimate_foreground(image: RgbArray, matte: Matte, area: Area) -> RgbArray:
    """The objects' unmixed colors in an area, extrapolated outwards.

    At soft edges a pixel mixes the colors of object and background. Both are estimated from opaque and transparent
    pixels nearby and then adjusted to explain the pixel (after Germer et al., "Fast multi-level foreground estimation",
    2020, and Forte, "Approximate fast foreground colour estimation", 2021).
    """
    pixels, alpha = image[area.part], matte.alpha[area.part]
    height, width = alpha.shape
    opaque = (alpha >= _OPAQUE).view(np.uint8)
    foreground = upsample(pool_known(pixels, opaque if opaque.any() else alpha, _CELL), _CELL, height, width)
    edge = (alpha > 0) & (alpha < 255)
    colors = cv2.copyTo(pixels, (alpha == 255).view(np.uint8), foreground.copy())
    if edge.any():
        transparent = (alpha <= 255 - _OPAQUE).view(np.uint8)
        background = upsample(pool_known(pixels, transparent, _CELL), _CELL, height, width)
        share = alpha[edge].astype(np.float32)[:, None] / 255
        front, back = foreground[edge].astype(np.float32), background[edge].astype(np.float32)
        adjusted = front + share * (pixels[edge] - share * front - (1 - share) * back)
        colors[edge] = np.clip(np.rint(adjusted), 0, 255).astype(np.uint8)
    return np.asarray(colors, np.uint8)
