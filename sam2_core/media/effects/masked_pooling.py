"""Means over square cells of a picture, of known pixels only.

What is unknown (the objects, where their background is blurred; all else, where they are) adds nothing to the means, so
no color bleeds over an edge. Cells in which nothing is known continue the colors around them.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.effects.scaled_masks import Plane
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

Floats: TypeAlias = npt.NDArray[np.float32]

_COUNT = np.float32(200)  # stands for one pixel where pixels are counted as bytes
_ENOUGH = 0.25  # share of a cell that must be known for its own mean to count


def cell_means(picture: RgbArray, known: Plane | None, cell: int) -> RgbArray:
    """Means of cells of `cell` pixels: (H, W, 3) becomes (ceil(H / cell), ceil(W / cell), 3).

    `known` (H, W) is above 0 where a pixel counts; without it, or where it is 0 everywhere, all pixels do. Cells that
    the right or lower border cuts count with what there is of them.
    """
    counts, masked = _counted(picture, known)
    return _rounded(_means(_shrunk(masked, cell), _shrunk(counts, cell) / _COUNT))


def smoothed(values: Floats, is_known: BoolArray, cell: int) -> Floats:
    """Values (H, W, 3), known somewhere, as they are on the whole: means of cells, blended into each other."""
    means = _means(_shrunk(values * is_known[..., None], cell), _shrunk(is_known.astype(np.float32), cell))
    height, width = is_known.shape
    full = cv2.resize(cv2.blur(means, (3, 3)), (means.shape[1] * cell, means.shape[0] * cell))
    return np.asarray(full, np.float32)[:height, :width]


def enlarged(means: RgbArray, cell: int, height: int, width: int) -> RgbArray:
    """The cells blended into each other to a picture, of the size that they were taken from."""
    full = cv2.resize(means, (means.shape[1] * cell, means.shape[0] * cell), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.uint8)[:height, :width]


def blurred(picture: RgbArray, known: Plane | None, sigma: float) -> RgbArray:
    """A Gaussian blur (sigma in pixels) of what is known, continued into what is not."""
    cell = max(2, int(sigma / 4))
    means = cell_means(picture, known, cell)
    soft = cv2.GaussianBlur(means, (0, 0), max(0.3, sigma / cell), borderType=cv2.BORDER_REPLICATE)
    return enlarged(np.asarray(soft, np.uint8), cell, picture.shape[0], picture.shape[1])


def pixelated(picture: RgbArray, known: Plane | None, side: float) -> RgbArray:
    """Squares of one color each, the mean of what is known there. `side` is theirs in pixels; it is changed a little so
    that they fill the picture, whatever its size."""
    height, width = picture.shape[:2]
    cells = max(1, round(width / side)), max(1, round(height / side))
    counts, masked = _counted(picture, known)
    sums = np.asarray(cv2.resize(masked, cells, interpolation=cv2.INTER_AREA), np.float32)
    shares = np.asarray(cv2.resize(counts, cells, interpolation=cv2.INTER_AREA), np.float32) / _COUNT
    means = _rounded(_means(sums.reshape(*cells[::-1], 3), shares.reshape(cells[::-1])))
    return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def extended(values: Floats, is_known: BoolArray) -> Floats:
    """Values (h, w, n) continued from where they are known (h, w; somewhere) to everywhere, the smoother the farther:
    from cells twice as large, and so on (pull-push, after Gortler et al., "The Lumigraph", 1996)."""
    if is_known.all():
        return values
    shares = _shrunk(is_known.astype(np.float32), 2)
    sums = _shrunk(values * is_known[..., None], 2)
    coarse = extended(sums / np.maximum(shares, np.float32(1e-6))[..., None], shares > 0)
    height, width = is_known.shape
    smooth = cv2.resize(coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]))[:height, :width]
    return np.where(is_known[..., None], values, smooth.reshape(values.shape))


def _counted(picture: RgbArray, known: Plane | None) -> tuple[Plane, RgbArray]:
    """`_COUNT` for each pixel that counts, and the picture without the others."""
    if known is None or not known.any():
        return np.full(picture.shape[:2], _COUNT, np.uint8), picture
    counts = (known > 0).view(np.uint8)
    return counts * np.uint8(_COUNT), np.asarray(cv2.copyTo(picture, counts), np.uint8)


def _rounded(means: Floats) -> RgbArray:
    return np.clip(np.rint(means), 0, 255).astype(np.uint8)


def _means(sums: Floats, shares: Floats) -> Floats:
    """From what was summed over cells, and how much of each was."""
    is_known = shares >= min(_ENOUGH, float(shares.max()))
    return extended(sums / np.maximum(shares, np.float32(1e-3))[..., None], is_known)


def _shrunk(pixels: npt.NDArray[np.uint8] | Floats, cell: int) -> Floats:
    """Means over cells; beyond the border lie zeros."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // cell), -(-width // cell)
    below, right = rows * cell - height, columns * cell - width
    padded = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0) if below or right else pixels
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
