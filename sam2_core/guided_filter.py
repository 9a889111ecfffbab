"""The guided filter: maps that follow the edges between the colors of a picture.

He, Sun and Tang, "Guided image filtering" (2013), and "Fast guided filter" (2015): around each pixel, the filtered map
is a linear function of the color. The functions can be found on a smaller picture and evaluated on a larger one.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

FloatMap: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8]


class GuidedFilter:
    """The statistics of a picture (H, W, 3) that the filter needs: means, and inverse covariances, around each pixel.

    `radius` is that of a square in pixels, `regularization` the variance of colors (0..1) below which differences are
    noise. There is one map for each channel: OpenCV and NumPy are fastest on these.
    """

    def __init__(self, pixels: Pixels, radius: int, regularization: float) -> None:
        self._side = 2 * radius + 1
        planes = pixels.astype(np.float32) / np.float32(255)
        self._colors = [np.ascontiguousarray(planes[..., channel]) for channel in range(3)]
        self._means = [self._mean_around(color) for color in self._colors]
        (r, g, b), (rm, gm, bm) = self._colors, self._means
        rr, gg, bb = (self._mean_around(c * c) - m * m + regularization for c, m in ((r, rm), (g, gm), (b, bm)))
        rg, rb, gb = (
            self._mean_around(c * d) - m * n for c, d, m, n in ((r, g, rm, gm), (r, b, rm, bm), (g, b, gm, bm))
        )
        # The inverse of the symmetric 3 x 3 matrix: its adjugate, divided by the determinant.
        rr_, rg_, rb_ = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
        gg_, gb_, bb_ = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
        scale = 1 / (rr * rr_ + rg * rg_ + rb * rb_)
        rr_, rg_, rb_, gg_, gb_, bb_ = (each * scale for each in (rr_, rg_, rb_, gg_, gb_, bb_))
        self._inverse = (rr_, rg_, rb_), (rg_, gg_, gb_), (rb_, gb_, bb_)

    def filter(self, values: FloatMap) -> FloatMap:
        """Filter a map (H, W)."""
        *factors, result = self.functions(values)
        for factor, color in zip(factors, self._colors, strict=True):
            result += factor * color
        return result

    def upsample(self, values: FloatMap, pixels: Pixels) -> FloatMap:
        """As `filter`, evaluated on a larger picture (H', W', 3)."""
        size = pixels.shape[1], pixels.shape[0]
        *factors, result = (
            np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_LINEAR), np.float32)
            for each in self.functions(values)
        )
        for channel, factor in enumerate(factors):
            result += factor * (pixels[..., channel] * np.float32(1 / 255))
        return result

    def functions(self, values: FloatMap) -> list[FloatMap]:
        """Four maps (H, W): around each pixel, the factors of red, green and blue (0..1), and a constant."""
        mean = self._mean_around(values)
        r, g, b = (self._mean_around(c * values) - m * mean for c, m in zip(self._colors, self._means, strict=True))
        factors = [x * r + y * g + z * b for x, y, z in self._inverse]
        for factor, color_mean in zip(factors, self._means, strict=True):
            mean -= factor * color_mean
        return [self._mean_around(each) for each in (*factors, mean)]

    def _mean_around(self, values: FloatMap) -> FloatMap:
        side = self._side
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
