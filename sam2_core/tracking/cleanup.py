"""Removal of small holes and islands from masks, as 8-connected components found by OpenCV."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

IntArray: TypeAlias = npt.NDArray[np.int32]


def fill_holes(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 0.1) -> Tensor:
    """Give background components of at most `max_area` pixels the logit `threshold + value`: (..., H, W)."""
    return torch.where(_small_components(logits <= threshold, max_area), threshold + value, logits)


def remove_islands(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 10.0) -> Tensor:
    """Give foreground components of at most `max_area` pixels the logit `threshold - value`: (..., H, W)."""
    return torch.where(_small_components(logits > threshold, max_area), threshold - value, logits)


def component_areas(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels of the components of binary masks (..., H, W), 0 outside of them, and the area of each pixel's component.

    Both are int32.
    """
    labels, areas = _components(pixels)
    return _like(pixels, labels), _like(pixels, areas)


def _small_components(pixels: Tensor, max_area: float) -> Tensor:
    small = np.zeros(pixels.shape, np.bool_)
    for plane, result in zip(_planes(pixels), small.reshape(-1, *pixels.shape[-2:]), strict=True):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
        is_small = stats[:, cv2.CC_STAT_AREA] <= max_area
        is_small[0] = False  # label 0 is everything outside of `pixels`
        if is_small.any():
            np.take(is_small, labels, out=result)
    return _like(pixels, small)


def _components(pixels: Tensor) -> tuple[IntArray, IntArray]:
    planes = _planes(pixels)
    labels, areas = np.zeros(planes.shape, np.int32), np.zeros(planes.shape, np.int32)
    for index, plane in enumerate(planes):
        _, labels[index], stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
        stats[0, cv2.CC_STAT_AREA] = 0  # label 0 is everything outside of `pixels`
        areas[index] = stats[labels[index], cv2.CC_STAT_AREA]
    return labels, areas


def _planes(pixels: Tensor) -> npt.NDArray[np.uint8]:
    planes: npt.NDArray[np.uint8] = pixels.reshape(-1, *pixels.shape[-2:]).to("cpu", torch.uint8).numpy()
    return planes


def _like(pixels: Tensor, values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(values).view(pixels.shape).to(pixels.device)
