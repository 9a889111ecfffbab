"""Average pooling of the known pixels of an image over square cells, and filters based on it.

Unknown pixels (the objects, while their background is blurred; all others, while the objects are) do not contribute, so
that no color bleeds over an edge. Cells without known pixels continue the colors around them.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.types import BoolArray

FloatImage: TypeAlias = npt.NDArray[np.float32]

_ONE = np.float32(200)  # the weight of a known pixel, stored in a byte
_MIN_KNOWN = 0.25  # share of a cell that must be known for its own mean to be used


def pool_known(image: RgbArray, known: GrayImage | None, cell: int) -> RgbArray:
    """Means over cells of `cell` pixels: (H, W, 3) becomes (ceil(H / cell), ceil(W / cell), 3).

    `known` (H, W) is above 0 for pixels that count; without it, or if it is 0 everywhere, all pixels do. Incomplete
    cells at the right and lower border are averaged over their pixels.
    """
    weights, masked = _weigh(image, known)
    return _to_bytes(_weighted_means(_pool(masked, cell), _pool(weights, cell) / _ONE))


def smooth_known(values: FloatImage, is_known: BoolArray, cell: int) -> FloatImage:
    """A smooth approximation of values (H, W, 3) that are known somewhere: pooled, blurred and upsampled."""
    means = _weighted_means(_pool(values * is_known[..., None], cell), _pool(is_known.astype(np.float32), cell))
    height, width = is_known.shape
    full = cv2.resize(cv2.blur(means, (3, 3)), (means.shape[1] * cell, means.shape[0] * cell))
    return np.asarray(full, np.float32)[:height, :width]


def upsample(means: RgbArray, cell: int, height: int, width: int) -> RgbArray:
    """The cells interpolated to an image of the original size."""
    full = cv2.resize(means, (means.shape[1] * cell, means.shape[0] * cell), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.uint8)[:height, :width]


def blur_known(image: RgbArray, known: GrayImage | None, sigma: float) -> RgbArray:
    """A Gaussian blur (sigma in pixels) of the known pixels, continued into the unknown."""
    cell = max(2, int(sigma / 4))
    means = pool_known(image, known, cell)
    blurred = cv2.GaussianBlur(means, (0, 0), max(0.3, sigma / cell), borderType=cv2.BORDER_REPLICATE)
    return upsample(np.asarray(blurred, np.uint8), cell, image.shape[0], image.shape[1])


def pixelate_known(image: RgbArray, known: GrayImage | None, side: float) -> RgbArray:
    """Squares of about `side` pixels, which evenly divide the image, in the mean color of their known pixels."""
    height, width = image.shape[:2]
    cells = max(1, round(width / side)), max(1, round(height / side))
    weights, masked = _weigh(image, known)
    sums = np.asarray(cv2.resize(masked, cells, interpolation=cv2.INTER_AREA), np.float32)
    shares = np.asarray(cv2.resize(weights, cells, interpolation=cv2.INTER_AREA), np.float32) / _ONE
    means = _to_bytes(_weighted_means(sums.reshape(*cells[::-1], 3), shares.reshape(cells[::-1])))
    return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def pull_push(values: FloatImage, is_known: BoolArray) -> FloatImage:
    """Extrapolate values (h, w, n) that are known somewhere (h, w) to everywhere, smoother at larger distances:
    recursion over cells of twice the size (Gortler et al., "The Lumigraph", 1996)."""
    if is_known.all():
        return values
    shares = _pool(is_known.astype(np.float32), 2)
    sums = _pool(values * is_known[..., None], 2)
    coarse = pull_push(sums / np.maximum(shares, np.float32(1e-6))[..., None], shares > 0)
    height, width = is_known.shape
    smooth = cv2.resize(coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]))[:height, :width]
    return np.where(is_known[..., None], values, smooth.reshape(values.shape))


def _weigh(image: RgbArray, known: GrayImage | None) -> tuple[GrayImage, RgbArray]:
    """The weight of each pixel (0 or `_ONE`), and the image with 0 where it is unknown."""
    if known is None or not known.any():
        return np.full(image.shape[:2], _ONE, np.uint8), image
    is_known = (known > 0).view(np.uint8)
    return is_known * np.uint8(_ONE), np.asarray(cv2.copyTo(image, is_known), np.uint8)


def _to_bytes(means: FloatImage) -> RgbArray:
    return np.clip(np.rint(means), 0, 255).astype(np.uint8)


def _weighted_means(sums: FloatImage, shares: FloatImage) -> FloatImage:
    """Means of cells from their sums and the known share of each."""
    is_known = shares >= min(_MIN_KNOWN, float(shares.max()))
    return pull_push(sums / np.maximum(shares, np.float32(1e-3))[..., None], is_known)


def _pool(pixels: npt.NDArray[np.uint8] | FloatImage, cell: int) -> FloatImage:
    """Means over cells, padded with zeros."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // cell), -(-width // cell)
    bottom, right = rows * cell - height, columns * cell - width
    pad = bool(bottom or right)
    padded = cv2.copyMakeBorder(pixels, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0) if pad else pixels
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
