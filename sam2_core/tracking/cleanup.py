"""Removal of small holes and islands from masks, as 8-connected components found by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor


def fill_holes(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 0.1) -> Tensor:
    """Give background components of at most `max_area` pixels the logit `threshold + value`: (..., H, W)."""
    return torch.where(_small_components(logits <= threshold, max_area), threshold + value, logits)


def remove_islands(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 10.0) -> Tensor:
    """Give foreground components of at most `max_area` pixels the logit `threshold - value`: (..., H, W)."""
    return torch.where(_small_components(logits > threshold, max_area), threshold - value, logits)


def _small_components(pixels: Tensor, max_area: float) -> Tensor:
    planes = pixels.reshape(-1, *pixels.shape[-2:]).to("cpu", torch.uint8).numpy()
    small = np.zeros(planes.shape, dtype=bool)
    for plane, out in zip(planes, small, strict=True):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
        is_small = stats[:, cv2.CC_STAT_AREA] <= max_area
        is_small[0] = False  # label 0 is everything outside of `pixels`
        out[:] = is_small[labels]
    return torch.from_numpy(small).view(pixels.shape).to(pixels.device)
