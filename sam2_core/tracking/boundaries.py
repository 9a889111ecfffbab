"""Boundaries of masks that follow the edges of the picture, for networks with `fit_boundaries`.

The decoder's masks have a quarter of the resolution of the network's input, which is coarse where the input is small.
Colors that are much more frequent within the mask than around it count for it; then a guided filter, applied several
times, moves the boundary to the nearest edge between colors. The official networks have an input of 1024 pixels, and
their masks stay as they are.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.guided_filter import FloatMap, GuidedFilter
from sam2_core.model.network import ABSENT_LOGIT
from sam2_core.model.preprocess import Pixels
from sam2_core.tracking.cleanup import components
from sam2_core.types import BoolArray

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
    smaller = np.asarray(cv2.resize(colors, size, interpolation=cv2.INTER_AREA), np.uint8)
    guide = GuidedFilter(smaller, _RADIUS, _REGULARIZATION)
    share = _probability(coarse + _COLOR_WEIGHT * _color_logits(smaller, _probability(coarse)))
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
        labels, areas = components((share <= 0.5) if background else (share > 0.5))
        is_speck = (areas > 0) & (areas <= _MAX_SPECK)
        if is_speck.any() and not is_speck[1:].all():
            share = np.where(is_speck[labels], 1 - share, share)
    return share


def _agree(fitted: BoolArray, before: BoolArray) -> bool:
    common, union = np.count_nonzero(fitted & before), np.count_nonzero(fitted | before)
    return bool(common >= _MIN_AGREEMENT * union)


def _probability(logits: FloatMap | float) -> FloatMap:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT))), np.float32)


def _color_logits(pixels: Pixels, share: FloatMap) -> FloatMap:
    """The logarithm of how much more frequent the color of each pixel (H, W, 3) is within a mask than around it."""
    reds, greens, blues = (pixels[..., channel].astype(np.int32) * _BINS // 256 for channel in range(3))
    bins = (reds * _BINS + greens) * _BINS + blues
    everywhere = np.bincount(bins.ravel(), minlength=_BINS**3)
    inside = np.bincount(bins.ravel(), share.ravel(), _BINS**3)
    outside = everywhere - inside
    ratio = (inside / inside.sum() + 1e-5) / (outside / max(outside.sum(), 1e-3) + 1e-5)
    table = np.clip(np.log(ratio), -_MAX_COLOR_LOGIT, _MAX_COLOR_LOGIT).astype(np.float32)
    return np.asarray(table[bins])
