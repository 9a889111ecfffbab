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
_BORDER_DEPTH = 0.2  # as a share of the greatest distance from the border


def first_prompt(kind: str, random: Random, masks: BinaryMask, border: float = 0.0) -> Points:
    """`first_clicks` or, where `kind` is "box", `boxes`."""
    return boxes(random, masks) if kind == "box" else first_clicks(random, masks, border)


def to_device(points: Points, device: torch.device) -> Points:
    """The points on another device."""
    return points[0].to(device), points[1].to(device)


def first_clicks(random: Random, masks: BinaryMask, border: float = 0.0) -> Points:
    """One positive click in each mask (N, S, S): most of them well inside, as people click, the others anywhere.

    A share `border` of all clicks is near the border of the mask instead. Raises `ValueError` for an empty mask.
    """
    places = np.array([_click(random, mask, border) for mask in masks], np.float32)
    return torch.from_numpy(places)[:, None], torch.ones(len(masks), 1, dtype=torch.int32)


def boxes(random: Random, masks: BinaryMask) -> Points:
    """The box of each mask (N, S, S) as its two corners, most of them with jitter."""
    corners = np.array([_box(random, mask) for mask in masks], np.float32)
    labels = torch.tensor([[2, 3]], dtype=torch.int32).expand(len(masks), -1)
    return torch.from_numpy(corners).view(-1, 2, 2), labels


def share_clicks(random: Random, points: Points, masks: BinaryMask, owner: Tensor, share: float) -> Points:
    """Prompt objects of the same image with the same click, such as a person and the coat that is clicked on.

    `points` is one click on each of the masks (N, S, S), `owner` (N) the image of each. An object that also covers the
    click on a smaller one gets that click instead of its own, with the probability `share`.
    """
    if not share:
        return points
    coords, labels = points
    x, y = coords[:, 0].long().numpy().T
    covers = masks[:, y, x].astype(bool)  # (N, N): object, click
    areas, images = masks.sum((1, 2), dtype=np.int64), owner.numpy()
    possible = covers & (images[:, None] == images) & (areas[:, None] > areas)
    source = np.arange(len(masks))
    for index in np.flatnonzero(possible.any(axis=1)):
        if random.random() < share:
            source[index] = random.choice(np.flatnonzero(possible[index]))
    return coords[torch.from_numpy(source)], labels


def corrections(generator: torch.Generator, predicted: Tensor, truth: Tensor, side: int, border: float = 0.0) -> Points:
    """One click in the error region of each mask; booleans (N, h, w), where h = w divides `side` = S.

    Three in five are near the center of a large error, the others anywhere in it. Where nothing is wrong the click is
    positive and inside the mask; where the mask is empty, too, it is negative and anywhere. A share `border` of the
    others is where the error is thinnest, along the border of the mask.
    """
    error = predicted ^ truth
    place = torch.where(error.flatten(1).any(1)[:, None, None], error, truth).float()
    chance = torch.rand(place.shape, generator=generator).to(place.device)
    spread = torch.nn.functional.avg_pool2d(place[:, None], 9, stride=1, padding=4)[:, 0]
    central = torch.rand(len(place), 1, 1, generator=generator).to(place.device) < 0.6
    anywhere = chance
    if border:
        thin = torch.rand(len(place), 1, 1, generator=generator).to(place.device) < border
        anywhere = torch.where(thin, 1 - spread + 1e-3 * chance, chance)
    score = place * torch.where(central, spread + 1e-3 * chance, anywhere) + 1e-6 * chance
    index = score.flatten(1).argmax(1)
    labels = truth.flatten(1).gather(1, index[:, None]).int()  # (N, 1)
    cell = side / truth.shape[-1]
    width = truth.shape[-1]
    coords = torch.stack([index % width, index // width], dim=-1).float() * cell + (cell - 1) / 2
    return coords[:, None], labels


def join(first: Points, second: Points) -> Points:
    """The points of both, in this order."""
    return torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)


def _click(random: Random, mask: BinaryMask, border: float) -> tuple[int, int]:
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        raise ValueError("An empty mask cannot be clicked.")
    inside = mask[top : top + height, left : left + width]
    if border and random.random() < border:
        depth = _depth(inside)
        y, x = np.nonzero((depth > 0) & (depth <= max(1.0, _BORDER_DEPTH * depth.max())))
    elif random.random() < _CENTRAL_CLICKS:
        depth = _depth(inside)
        y, x = np.nonzero(depth >= depth.max() * random.uniform(0.5, 1.0))
    else:
        y, x = np.nonzero(inside)
    index = random.integers(len(y))
    return int(x[index]) + left, int(y[index]) + top


def _depth(mask: BinaryMask) -> npt.NDArray[np.float32]:
    """Distance of each pixel of a mask (h, w) from the nearest pixel outside of it."""
    return np.asarray(cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)[1:-1, 1:-1], np.float32)


def _box(random: Random, mask: BinaryMask) -> npt.NDArray[np.float64]:
    side = mask.shape[-1]
    left, top, width, height = cv2.boundingRect(mask)
    box = np.array([left, top, left + width, top + height], np.float64)
    if random.random() < 0.7:
        off = random.normal(0, _BOX_JITTER, 4) * [width, height, width, height]
        box += np.clip(off, -_MAX_JITTER * side, _MAX_JITTER * side)
    return np.clip(box, 0, side - 1)
