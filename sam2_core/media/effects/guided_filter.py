"""Masks fitted to hair, fur and leaves with the help of the picture: a guided filter.

He, Sun and Tang, "Guided image filtering" (2013) and "Fast guided filter" (2015), with the colors as the guide: near
each pixel, how much is object is taken to be a linear function of the color. The functions are found on a smaller
picture; where they are used, the picture is looked at in full.
"""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.masked_pooling import Floats
from sam2_core.media.effects.scaled_masks import Area, Plane
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

_SMALL_RADIUS = 5  # pixels of the smaller picture
_SMOOTHNESS = 3e-4  # variance of colors (0..1) below which differences are noise
_NOISE = 0.12  # what is covered by less is not covered, and the other way round
_COLUMNS = 1024  # OpenCV's tables of positions are at most 32767 high


def fit_to_picture(picture: RgbArray, inside: Plane, area: Area, radius: float) -> tuple[Area, Plane]:
    """Look again at what lies within `radius` pixels of the masks' edges.

    `inside` (H, W) is 0 or 255, all of it within `area`. Returns a larger area, and how much of each of its pixels is
    object (0 to 255).
    """
    size = picture.shape[0], picture.shape[1]
    cell = max(1, round(radius / _SMALL_RADIUS))
    small_radius = max(1, round(radius / cell))
    area = area.grown(2 * radius + cell, size)
    pixels, alpha = picture[area.part], inside[area.part].copy()
    rows, columns = np.nonzero(_near_edges(alpha, radius))
    if rows.size:
        functions = _color_functions(pixels, alpha, cell, small_radius)
        factors = _sampled(functions, rows, columns, alpha.shape)
        covered = (factors[:, :3] * pixels[rows, columns]).sum(axis=1) / 255 + factors[:, 3]
        covered = (covered - _NOISE) / (1 - 2 * _NOISE)
        alpha[rows, columns] = np.clip(np.rint(255 * covered), 0, 255).astype(np.uint8)
    return area, alpha


def _near_edges(inside: Plane, radius: float) -> BoolArray:
    side = 2 * max(1, round(radius)) + 1
    share = cv2.blur(inside, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray((share > 0) & (share < 255))


def _color_functions(pixels: RgbArray, inside: Plane, cell: int, radius: int) -> Floats:
    """(h, w, 4): for each pixel of the smaller picture, factors of red, green and blue (0..1), and a constant."""
    height, width = inside.shape
    size = max(1, round(width / cell)), max(1, round(height / cell))
    guide = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    target = np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    means, mean = _box(guide, radius), _box(target, radius)
    products = [_box(guide[..., i] * guide[..., j], radius) - means[..., i] * means[..., j] for i, j in _PAIRS]
    spread = np.stack(products, axis=-1)
    together = _box(guide * target[..., None], radius) - means * mean[..., None]
    factors = _solved(spread, together)
    constant = mean - (factors * means).sum(axis=2)
    return _box(np.dstack([factors, constant]), radius)


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def _solved(spread: Floats, together: Floats) -> Floats:
    """Solve each pixel's symmetric 3 x 3 equations by Cramer's rule; `spread` (h, w, 6) holds the upper triangles."""
    a, b, c, d, e, f = np.moveaxis(spread, 2, 0)
    a, d, f = a + _SMOOTHNESS, d + _SMOOTHNESS, f + _SMOOTHNESS
    aa, ab, ac, bb, bc, cc = d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b
    x, y, z = np.moveaxis(together, 2, 0)
    solved = np.stack([aa * x + ab * y + ac * z, ab * x + bb * y + bc * z, ac * x + bc * y + cc * z], axis=-1)
    return (solved / (a * aa + b * ab + c * ac)[..., None]).astype(np.float32)


def _box(values: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _sampled(small: Floats, rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> Floats:
    """(N, 4): values of the smaller picture at pixels of the full one, between the neighbours."""
    down, across = small.shape[0] / size[0], small.shape[1] / size[1]
    count = rows.size
    filler = -count % _COLUMNS
    x = np.pad((columns + 0.5) * across - 0.5, (0, filler)).astype(np.float32).reshape(-1, _COLUMNS)
    y = np.pad((rows + 0.5) * down - 0.5, (0, filler)).astype(np.float32).reshape(-1, _COLUMNS)
    found = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(-1, small.shape[2])[:count]
