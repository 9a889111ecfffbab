"""A simulated user for training (paper, section 5 and appendix D): first clicks, boxes with jitter, corrections.

Coordinates are those of the network's S x S input, as `SAM2.predict_masks` takes them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.training.arrays import BinaryMask

Points = tuple[Tensor, Tensor]
"""Coordinates (N, P, 2) and labels (N, P)."""

_BOX_JITTER = 0.05  # of the box's sides
_MAX_JITTER = 0.06  # of the picture
_WELL_INSIDE = 0.7  # of first clicks


def first_clicks(random: np.random.Generator, masks: BinaryMask) -> Points:
    """One positive click in each mask (N, S, S): most of them well inside, as people click, the others anywhere."""
    places = np.array([_click(random, mask) for mask in masks], np.float32)
    return torch.from_numpy(places)[:, None], torch.ones(len(masks), 1, dtype=torch.int32)


def boxes(random: np.random.Generator, masks: BinaryMask) -> Points:
    """The box of each mask (N, S, S) as its two corners, most of them a little off."""
    corners = np.array([_box(random, mask) for mask in masks], np.float32)
    labels = torch.tensor([[2, 3]], dtype=torch.int32).expand(len(masks), -1)
    return torch.from_numpy(corners).view(-1, 2, 2), labels


def corrections(generator: torch.Generator, predicted: Tensor, truth: Tensor, side: int) -> Points:
    """One click on each mask's error region; booleans (N, h, w) in, h = w a fraction of `side`.

    Three in five are near the middle of a large error, the others anywhere in it. Where nothing is wrong the click
    confirms the mask; where there is no mask either, it lies anywhere and says no.
    """
    error = predicted ^ truth
    place = torch.where(error.flatten(1).any(1)[:, None, None], error, truth).float()
    chance = torch.rand(place.shape, generator=generator).to(place.device)
    spread = torch.nn.functional.avg_pool2d(place[:, None], 9, stride=1, padding=4)[:, 0]
    central = torch.rand(len(place), 1, 1, generator=generator).to(place.device) < 0.6
    score = place * torch.where(central, spread + 1e-3 * chance, chance) + 1e-6 * chance
    index = score.flatten(1).argmax(1)
    labels = truth.flatten(1).gather(1, index[:, None]).int()  # (N, 1)
    cell = side / truth.shape[-1]
    width = truth.shape[-1]
    coords = torch.stack([index % width, index // width], dim=-1).float() * cell + (cell - 1) / 2
    return coords[:, None], labels


def join(first: Points, second: Points) -> Points:
    """All points of both."""
    return torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)


def _click(random: np.random.Generator, mask: BinaryMask) -> tuple[int, int]:
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        raise ValueError("An empty mask cannot be clicked.")
    inside = mask[top : top + height, left : left + width]
    if random.random() < _WELL_INSIDE:
        depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        y, x = np.nonzero(depth >= depth.max() * random.uniform(0.5, 1.0))
    else:
        y, x = np.nonzero(inside)
    index = random.integers(len(y))
    return int(x[index]) + left, int(y[index]) + top


def _box(random: np.random.Generator, mask: BinaryMask) -> npt.NDArray[np.float64]:
    side = mask.shape[-1]
    left, top, width, height = cv2.boundingRect(mask)
    box = np.array([left, top, left + width, top + height], np.float64)
    if random.random() < 0.7:
        off = random.normal(0, _BOX_JITTER, 4) * [width, height, width, height]
        box += np.clip(off, -_MAX_JITTER * side, _MAX_JITTER * side)
    return np.clip(box, 0, side - 1)
