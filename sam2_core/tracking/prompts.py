"""Validation of prompts and their conversion to network inputs."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.model.input_geometry import InputGeometry
from sam2_core.types import LAST_CHOICE, Box, Prompt

MAX_POINTS = 256
MAX_BOXES = 64


def check_prompt(prompt: Prompt, height: int, width: int) -> None:
    """Raise `BadPrompt` unless the prompt is valid on a frame of this size."""
    if len(prompt.points) > MAX_POINTS:
        raise BadPrompt(f"At most {MAX_POINTS} points fit on one object; remove some, or draw a box.")
    for point in prompt.points:
        if not (0 <= point.x <= width and 0 <= point.y <= height):  # also refuses NaN
            raise BadPrompt(f"The point ({point.x:g}, {point.y:g}) lies outside the {width} x {height} frame.")
    if len(prompt.boxes) > MAX_BOXES:
        raise BadPrompt(f"At most {MAX_BOXES} boxes fit on one object; draw fewer and larger ones.")
    for box in prompt.boxes:
        _check_box(box, height, width)
    if prompt.mask is not None and (prompt.mask.height, prompt.mask.width) != (height, width):
        raise BadPrompt(
            f"The mask is {prompt.mask.width} x {prompt.mask.height}, the frame {width} x {height}: they must be equal."
        )
    if prompt.choice is not None and not 0 <= prompt.choice <= LAST_CHOICE:
        raise BadPrompt(f"Candidates are counted from 0 to {LAST_CHOICE}; {prompt.choice} is none of them.")
    crop = prompt.crop
    if crop is not None and not (0 <= crop.left < crop.right <= width and 0 <= crop.top < crop.bottom <= height):
        raise BadPrompt(f"The part to look at more closely must lie within the {width} x {height} frame.")
    if prompt.is_empty and prompt.choice is not None:
        raise BadPrompt("A candidate can only be picked after a click.")


def _check_box(box: Box, height: int, width: int) -> None:
    if not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
        raise BadPrompt("The box has corners that are no numbers.")
    if not (box.left < box.right and box.top < box.bottom):
        raise BadPrompt("The box is empty: give two opposite corners of a rectangle.")
    if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise BadPrompt(f"The box lies outside the {width} x {height} frame.")


def growing_prompts(prompt: Prompt) -> list[Prompt]:
    """The prompts whose outputs build on each other: the boxes, the mask, then one more point each."""
    boxed = [replace(prompt, points=(), mask=None)] if prompt.boxes and prompt.mask is not None else []
    start = 0 if prompt.mask is not None or prompt.boxes else 1
    return boxed + [replace(prompt, points=prompt.points[:count]) for count in range(start, len(prompt.points) + 1)]


def point_inputs(prompt: Prompt, geometry: InputGeometry, device: torch.device) -> tuple[Tensor, Tensor]:
    """Coordinates (1, N, 2) in pixels of the S x S input and labels (1, N); box corners come first.

    Only a single box without a mask becomes corners; otherwise boxes enter as the logits of an earlier step.
    """
    coords: list[tuple[float, float]] = []
    labels: list[int] = []
    height, width = geometry.frame
    if len(prompt.boxes) == 1 and prompt.mask is None:
        (box,) = prompt.boxes
        coords += [(max(box.left, 0), max(box.top, 0)), (min(box.right, width), min(box.bottom, height))]
        labels += [2, 3]
    coords += [(point.x, point.y) for point in prompt.points]
    labels += [int(point.positive) for point in prompt.points]
    scaled = geometry.to_input(torch.tensor(coords, dtype=torch.float32))
    return scaled.to(device)[None], torch.tensor(labels).to(device)[None]
