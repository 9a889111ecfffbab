"""Boundaries of masks that follow the edges of the picture, for networks with `fit_boundaries`.

The decoder's masks have a quarter of the resolution of the network's input, which is coarse where the input is small.
Colors that are much more frequent within the mask than around it count for it; then a guided filter (He, Sun and Tang,
"Guided image filtering", 2013), applied several times, moves the boundary to the nearest edge between colors. The
official networks have an input of 1024 pixels, and their masks stay as they are.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import ABSENT_LOGIT
from sam2_core.model.preprocess import Pixels
from sam2_core.types import BoolArray

FloatMap = npt.NDArray[np.float32]

_CELL = 2  # pixels of the picture that are one of the filter
_RADIUS = 2  # pixels of the filter
_STEPS = 4
_REGULARIZATION = 1e-4  # variance of colors (0..1) below which differences are noise
_COLOR_WEIGHT = 0.6
_MAX_COLOR_LOGIT = 3.0
_BINS = 12  # per color channel
_MAX_SPECK = 96  # pixels of the picture
_MARGIN = 16  # pixels of the input around the foreground that can become foreground
_LOGIT_LIMIT = 8.0
_MIN_AGREEMENT = 0.6  # IoU with the mask before; where it is lower, colors say nothing about the object


def fit_boundaries(logits: Tensor, pixels: Tensor | None) -> Tensor:
    """Logits (..., 4H, 4W) of masks of a picture of `pixels` (1, S, S, 3) -> logits (..., S, S) on the CPU.

    Without pixels they are returned unchanged.
    """
    if pixels is None:
        return logits
    picture = pixels[0].cpu().numpy()
    fitted = logits.new_empty(*logits.shape[:-2], *picture.shape[:2], dtype=torch.float32, device="cpu")
    flat = logits.float().cpu().reshape(-1, *logits.shape[-2:])
    for mask, result in zip(flat, fitted.view(-1, *picture.shape[:2]), strict=True):
        result.copy_(torch.from_numpy(fit_boundary(mask.numpy(), picture)))
    return fitted


def fit_mask_prompt(logits: Tensor, pixels: Tensor | None) -> Tensor:
    """As `fit_boundaries`, for logits (B, M, 4H, 4W) of masks that are fed back to the decoder: their shape and their
    device stay. So a further click corrects the mask that was shown, not the coarser one of the decoder."""
    return logits if pixels is None else at_mask_size(fit_boundaries(logits, pixels), logits)


def at_mask_size(fitted: Tensor, logits: Tensor) -> Tensor:
    """Fitted logits (B, M, S, S), averaged over the cells of the `logits` (B, M, 4H, 4W) that they come from."""
    return F.adaptive_avg_pool2d(fitted, (logits.shape[-2], logits.shape[-1])).to(logits)


def fit_boundary(logits: FloatMap, pixels: Pixels) -> FloatMap:
    """Logits (h, w) of a mask -> logits at the resolution of its picture (H', W', 3) RGB."""
    height, width = pixels.shape[:2]
    logits = np.nan_to_num(logits, nan=ABSENT_LOGIT, posinf=-ABSENT_LOGIT, neginf=ABSENT_LOGIT)  # of half precision
    finer = np.asarray(cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    inside = (finer > 0).astype(np.uint8)
    left, top, columns, rows = cv2.boundingRect(inside)
    if not columns:
        return finer
    top, left = (max(0, first - _MARGIN) // _CELL * _CELL for first in (top, left))
    window = np.s_[top : top + rows + 2 * _MARGIN, left : left + columns + 2 * _MARGIN]
    colors, coarse = pixels[window], finer[window]
    size = -(-coarse.shape[1] // _CELL), -(-coarse.shape[0] // _CELL)
    coarse = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_AREA), np.float32)
    guide = _Guide(np.asarray(cv2.resize(colors, size, interpolation=cv2.INTER_AREA), np.uint8))
    share = _probability(coarse + _COLOR_WEIGHT * guide.color_logits(_probability(coarse)))
    for _ in range(_STEPS - 1):
        share = guide.filter(share)
    share = _without_specks(guide.upsample(share, colors))
    if not _agree(share > 0.5, finer[window] > 0):
        return finer
    share = share.clip(_probability(-_LOGIT_LIMIT), _probability(_LOGIT_LIMIT))
    finer[window] = np.log(share / (1 - share))
    return finer


def _without_specks(share: FloatMap) -> FloatMap:
    """Turn over small components of foreground and background."""
    for background in (True, False):
        plane = ((share <= 0.5) if background else (share > 0.5)).astype(np.uint8)
        _, labels, about, _ = cv2.connectedComponentsWithStats(plane)
        is_speck = about[:, cv2.CC_STAT_AREA] <= _MAX_SPECK
        is_speck[0] = False  # label 0 is everything else
        if is_speck.any() and not is_speck[1:].all():
            share = np.where(is_speck[labels], 1 - share, share)
    return share


def _agree(fitted: BoolArray, before: BoolArray) -> bool:
    common, union = np.count_nonzero(fitted & before), np.count_nonzero(fitted | before)
    return bool(common >= _MIN_AGREEMENT * union)


def _probability(logits: FloatMap | float) -> FloatMap:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT))), np.float32)


class _Guide:
    """The statistics of a picture (H, W, 3) that the filter needs: means, and inverse covariances, around each pixel.

    One map for each channel: OpenCV and NumPy are fastest on these.
    """

    def __init__(self, pixels: Pixels) -> None:
        planes = pixels.astype(np.float32) / np.float32(255)
        self._colors = [np.ascontiguousarray(planes[..., channel]) for channel in range(3)]
        self._means = [_mean_around(color) for color in self._colors]
        (r, g, b), (rm, gm, bm) = self._colors, self._means
        rr, gg, bb = (_mean_around(c * c) - m * m + _REGULARIZATION for c, m in ((r, rm), (g, gm), (b, bm)))
        rg, rb, gb = _mean_around(r * g) - rm * gm, _mean_around(r * b) - rm * bm, _mean_around(g * b) - gm * bm
        # The inverse of the symmetric 3 x 3 matrix: its adjugate, divided by the determinant.
        rr_, rg_, rb_ = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
        gg_, gb_, bb_ = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
        scale = 1 / (rr * rr_ + rg * rg_ + rb * rb_)
        rr_, rg_, rb_, gg_, gb_, bb_ = (each * scale for each in (rr_, rg_, rb_, gg_, gb_, bb_))
        self._inverse = (rr_, rg_, rb_), (rg_, gg_, gb_), (rb_, gb_, bb_)

        reds, greens, blues = (pixels[..., channel].astype(np.int32) * _BINS // 256 for channel in range(3))
        self._bins = (reds * _BINS + greens) * _BINS + blues

    def color_logits(self, share: FloatMap) -> FloatMap:
        """The logarithm of how much more frequent the color of each pixel is within a mask than around it."""
        bins = self._bins.ravel()
        everywhere = np.bincount(bins, minlength=_BINS**3)
        inside = np.bincount(bins, share.ravel(), _BINS**3)
        outside = everywhere - inside
        ratio = (inside / inside.sum() + 1e-5) / (outside / max(outside.sum(), 1e-3) + 1e-5)
        table = np.clip(np.log(ratio), -_MAX_COLOR_LOGIT, _MAX_COLOR_LOGIT).astype(np.float32)
        return np.asarray(table[self._bins])

    def filter(self, share: FloatMap) -> FloatMap:
        """A map (H, W) that is, around each pixel, a linear function of the color."""
        *factors, result = self._functions(share)
        for factor, color in zip(factors, self._colors, strict=True):
            result += factor * color
        return result

    def upsample(self, share: FloatMap, pixels: Pixels) -> FloatMap:
        """As `filter`, for a larger picture ("Fast guided filter", 2015)."""
        size = pixels.shape[1], pixels.shape[0]
        *factors, result = (
            np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_LINEAR), np.float32)
            for each in self._functions(share)
        )
        for channel, factor in enumerate(factors):
            result += factor * (pixels[..., channel] * np.float32(1 / 255))
        return result

    def _functions(self, share: FloatMap) -> list[FloatMap]:
        """Factors of the three colors, and a constant, around each pixel."""
        mean = _mean_around(share)
        r, g, b = (_mean_around(c * share) - m * mean for c, m in zip(self._colors, self._means, strict=True))
        factors = [x * r + y * g + z * b for x, y, z in self._inverse]
        for factor, color_mean in zip(factors, self._means, strict=True):
            mean -= factor * color_mean
        return [_mean_around(each) for each in (*factors, mean)]


def _mean_around(values: FloatMap) -> FloatMap:
    side = 2 * _RADIUS + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
