"""Simulated prompts (paper, section 5 and appendix D): first clicks, boxes with jitter, correction clicks.

Coordinates are pixels of the network's S x S input, as `SAM2.predict_masks` takes them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.training.arrays import BinaryMask, Random

Points = tuple[Tensor, Tensor]
"""Coordinates (N, P, 2) as x, y, and labels (N, P): 1 and 0 for clicks, 2 and 3 for the corners of a box."""

_BOX_JITTER = 0.05  # standard deviation, as a share of the box's sides
_MAX_JITTER = 0.06  # as a share of the image's side
_CENTRAL_CLICKS = 0.7  # share of first clicks that lie well inside


def first_prompt(kind: str, random: Random, masks: BinaryMask, device: torch.device) -> Points:
    """`first_clicks` or, where `kind` is "box", `boxes`, on a device."""
    coords, labels = (boxes if kind == "box" else first_clicks)(random, masks)
    return coords.to(device), labels.to(device)


def first_clicks(random: Random, masks: BinaryMask) -> Points:
    """One positive click in each mask (N, S, S): most of them well inside, as people click, the others anywhere.

    Raises `ValueError` for an empty mask.
    """
    places = np.array([_click(random, mask) for mask in masks], np.float32)
    return torch.from_numpy(places)[:, None], torch.ones(len(masks), 1, dtype=torch.int32)


def boxes(random: Random, masks: BinaryMask) -> Points:
    """The box of each mask (N, S, S) as its two corners, most of them with jitter."""
    corners = np.array([_box(random, mask) for mask in masks], np.float32)
    labels = torch.tensor([[2, 3]], dtype=torch.int32).expand(len(masks), -1)
    return torch.from_numpy(corners).view(-1, 2, 2), labels


def corrections(generator: torch.Generator, predicted: Tensor, truth: Tensor, side: int) -> Points:
    """One click in the error region of each mask; booleans (N, h, w), where h = w divides `side` = S.

    Three in five are near the center of a large error, the others anywhere in it. Where nothing is wrong the click is
    positive and inside the mask; where the mask is empty, too, it is negative and anywhere.
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
    """The points of both, in this order."""
    return torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)


def _click(random: Random, mask: BinaryMask) -> tuple[int, int]:
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        raise ValueError("An empty mask cannot be clicked.")
    inside = mask[top : top + height, left : left + width]
    if random.random() < _CENTRAL_CLICKS:
        depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        y, x = np.nonzero(depth >= depth.max() * random.uniform(0.5, 1.0))
    else:
        y, x = np.nonzero(inside)
    index = random.integers(len(y))
    return int(x[index]) + left, int(y[index]) + top


def _box(random: Random, mask: BinaryMask) -> npt.NDArray[np.float64]:
    side = mask.shape[-1]
    left, top, width, height = cv2.boundingRect(mask)
    box = np.array([left, top, left + width, top + height], np.float64)
    if random.random() < 0.7:
        off = random.normal(0, _BOX_JITTER, 4) * [width, height, width, height]
        box += np.clip(off, -_MAX_JITTER * side, _MAX_JITTER * side)
    return np.clip(box, 0, side - 1)
