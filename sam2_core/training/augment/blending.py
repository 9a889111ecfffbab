"""The pixels of an object onto a picture."""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.augment.cutouts import SMALL_AREA, Patch

Blend: TypeAlias = Literal["alpha", "gradient"]
"""Feathered edges, or the object's gradients with the colors around its new place (Pérez et al. 2003, "Poisson image
editing")."""

_FEATHER = 0.8  # standard deviation in pixels
_SEAM = 6  # pixels around an object that OpenCV gets, of which it takes away three; less than a patch has
_MATCH = 0.6  # exponent: 1 makes the surroundings of the object as bright as the place, 0 leaves it as it is
_MAX_GAIN = 1.6
_DARK = 16.0  # added to both brightnesses, so that black surroundings do not give an extreme gain


def paste(canvas: RgbArray, patch: Patch, top: int, left: int, blend: Blend) -> BinaryMask:
    """Paste a patch that lies within the canvas (H, W, 3), in place. Returns the pixels (h, w) that it now has."""
    tall, wide = patch.mask.shape
    window = canvas[top : top + tall, left : left + wide]
    if blend == "gradient":
        window[:] = _gradient_blend(window, patch)
        return patch.mask
    solid = patch.mask
    if solid.sum() >= SMALL_AREA:  # drawn masks are a pixel too wide rather than too narrow
        solid = np.asarray(cv2.erode(solid, np.ones((3, 3), np.uint8)), np.uint8)
    alpha = np.asarray(cv2.GaussianBlur(solid * np.uint8(255), (0, 0), _FEATHER), np.uint8)
    pixels, weight = _match_brightness(patch, window), alpha.astype(np.float32)[..., None] / 255
    window[:] = np.rint(window + (pixels - window.astype(np.float32)) * weight)
    return (alpha > 127).astype(np.uint8)


def color_distance(patch: Patch, window: RgbArray) -> float:
    """How much the surroundings of the object differ from a place: 0 (equal) to 1."""
    here = np.asarray(cv2.mean(window)[:3])
    return float(np.abs(here - np.asarray(patch.around)).mean() / 255)


def _match_brightness(patch: Patch, window: RgbArray) -> RgbArray:
    here, there = (float(np.dot(color[:3], (0.299, 0.587, 0.114))) for color in (cv2.mean(window), patch.around))
    gain = np.clip(((here + _DARK) / (there + _DARK)) ** _MATCH, 1 / _MAX_GAIN, _MAX_GAIN)
    return np.asarray(cv2.convertScaleAbs(patch.pixels, alpha=float(gain)), np.uint8)


def _gradient_blend(window: RgbArray, patch: Patch) -> RgbArray:
    """The seam runs through what was around the object: along its own border it would lose its contrast."""
    reach = 2 * _SEAM + 1
    inside = np.asarray(cv2.dilate(patch.mask, np.ones((reach, reach), np.uint8)), np.uint8)
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    left, top, width, height = cv2.boundingRect(inside)
    center = (left + width // 2, top + height // 2)
    blended = cv2.seamlessClone(
        patch.pixels, np.ascontiguousarray(window), inside * np.uint8(255), center, cv2.NORMAL_CLONE
    )
    return np.asarray(blended, np.uint8)
