"""Removal of small holes and islands from masks, as 8-connected components found by OpenCV."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.types import BoolArray

IntArray: TypeAlias = npt.NDArray[np.int32]


def fill_holes(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 0.1) -> Tensor:
    """Give background components of at most `max_area` pixels the logit `threshold + value`: (..., H, W)."""
    return torch.where(_small_components(logits <= threshold, max_area), threshold + value, logits)


def remove_islands(logits: Tensor, max_area: float, threshold: float = 0.0, value: float = 10.0) -> Tensor:
    """Give foreground components of at most `max_area` pixels the logit `threshold - value`: (..., H, W)."""
    return torch.where(_small_components(logits > threshold, max_area), threshold - value, logits)


def components(pixels: BoolArray | npt.NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Labels of the 8-connected components of a binary mask (H, W), 0 outside of them, and their areas by label; that
    of label 0 is 0."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8, copy=False), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.asarray(labels, np.int32), areas


def component_areas(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels of the components of binary masks (..., H, W), 0 outside of them, and the area of each pixel's component.

    Both are int32.
    """
    labels, areas = np.zeros(pixels.shape, np.int32), np.zeros(pixels.shape, np.int32)
    for plane, its_labels, its_areas in zip(_planes(pixels), *map(_flat, (labels, areas)), strict=True):
        its_labels[:], by_label = components(plane)
        its_areas[:] = by_label[its_labels]
    return _like(pixels, labels), _like(pixels, areas)


def _small_components(pixels: Tensor, max_area: float) -> Tensor:
    small = np.zeros(pixels.shape, np.bool_)
    for plane, its_small in zip(_planes(pixels), _flat(small), strict=True):
        labels, areas = components(plane)
        is_small = (areas > 0) & (areas <= max_area)
        if is_small.any():
            its_small[:] = is_small[labels]
    return _like(pixels, small)


def _planes(pixels: Tensor) -> npt.NDArray[np.uint8]:
    return _flat(pixels.to("cpu", torch.uint8).numpy())


def _flat(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.reshape(-1, *values.shape[-2:])


def _like(pixels: Tensor, values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(values).to(pixels.device)
