"""Alpha mattes for hair, fur and leaves: a guided filter, fitted on a smaller image and evaluated at full size."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.guided_filter import GuidedFilter
from sam2_core.media.effects.masked_pooling import FloatImage
from sam2_core.media.effects.scaled_masks import Area
from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.types import BoolArray

_SMALL_RADIUS = 5  # pixels of the smaller image
_REGULARIZATION = 3e-4  # variance of colors (0..1) below which differences are noise
_NOISE = 0.12  # alpha below it becomes 0, and above 1 - it 1
_COLUMNS = 1024  # OpenCV's maps have at most 32767 rows


def refine_alpha(image: RgbArray, inside: GrayImage, area: Area, radius: float) -> tuple[Area, GrayImage]:
    """Compute alpha within `radius` pixels of the masks' edges.

    `inside` (H, W) is 0 or 255, and 0 outside of `area`. Returns a larger area and the alpha (0 to 255) in it.
    """
    size = image.shape[0], image.shape[1]
    cell = max(1, round(radius / _SMALL_RADIUS))
    small_radius = max(1, round(radius / cell))
    area = area.grown(2 * radius + cell, size)
    pixels, alpha = image[area.part], inside[area.part].copy()
    rows, columns = np.nonzero(_near_edges(alpha, radius))
    if rows.size:
        functions = _fit_functions(pixels, alpha, cell, small_radius)
        factors = _sample(functions, rows, columns, alpha.shape)
        values = (factors[:, :3] * pixels[rows, columns]).sum(axis=1) / 255 + factors[:, 3]
        values = (values - _NOISE) / (1 - 2 * _NOISE)
        alpha[rows, columns] = np.clip(np.rint(255 * values), 0, 255).astype(np.uint8)
    return area, alpha


def _near_edges(inside: GrayImage, radius: float) -> BoolArray:
    side = 2 * max(1, round(radius)) + 1
    share = cv2.blur(inside, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray((share > 0) & (share < 255))


def _fit_functions(pixels: RgbArray, inside: GrayImage, cell: int, radius: int) -> FloatImage:
    """(h, w, 4): for each pixel of the smaller image, factors of red, green and blue (0..1), and a constant."""
    height, width = inside.shape
    size = max(1, round(width / cell)), max(1, round(height / cell))
    guide = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    target = np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    return np.dstack(GuidedFilter(guide, radius, _REGULARIZATION).functions(target))


def _sample(small: FloatImage, rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> FloatImage:
    """(N, 4): values of the smaller image, interpolated at pixels of the full one."""
    scale_y, scale_x = small.shape[0] / size[0], small.shape[1] / size[1]
    count = rows.size
    padding = (0, -count % _COLUMNS)
    x = np.pad((columns + 0.5) * scale_x - 0.5, padding).astype(np.float32).reshape(-1, _COLUMNS)
    y = np.pad((rows + 0.5) * scale_y - 0.5, padding).astype(np.float32).reshape(-1, _COLUMNS)
    values = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32).reshape(-1, small.shape[2])[:count]
