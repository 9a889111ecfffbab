"""Conversion of points, boxes and masks of the official video API to network inputs."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.predictors.prompt_values import Values, checked_boxes, checked_points
from sam2_core.types import foreground_of

PointInputs: TypeAlias = tuple[Tensor, Tensor]
"""Coordinates (1, N, 2) in pixels of the S x S input and labels (1, N); the corners of a box come first."""


def point_inputs(
    points: Values | None,
    labels: Values | None,
    box: Values | None,
    frame_size: tuple[int, int],
    input_size: int,
    device: torch.device,
) -> PointInputs:
    """Convert points (N, 2), labels (N,) and a box (4,) in pixels of a frame of (height, width) `frame_size`.

    Raises `BadPrompt` for missing or invalid arguments.
    """
    if (points is None) != (labels is None):
        raise BadPrompt("points and labels must be provided together")
    if points is None and box is None:
        raise BadPrompt("at least one of points or box must be provided as input")
    coords, label_values = checked_points([] if points is None else points, [] if labels is None else labels)
    coords, label_values = coords.reshape(-1, 2), label_values.reshape(-1)
    if box is not None:
        corners = checked_boxes(box).reshape(-1, 2)
        if len(corners) != 2:
            raise BadPrompt(f"An object takes one box on a frame, not {len(corners) // 2}.")
        coords = torch.cat([corners, coords])
        label_values = torch.cat([label_values.new_tensor([2, 3]), label_values])
    height, width = frame_size
    coords = coords / coords.new_tensor((width, height)) * input_size
    return coords.to(device)[None], label_values.to(device)[None]


def merged(old: PointInputs, new: PointInputs) -> PointInputs:
    """Append new points to old ones; the corners of a new box replace those of the old one and come first."""
    coords, labels = torch.cat([old[0], new[0]], dim=1), torch.cat([old[1], new[1]], dim=1)
    corners = (labels[0] >= 2).nonzero().flatten()[-2:]
    points = (labels[0] < 2).nonzero().flatten()
    order = torch.cat([corners, points])
    return coords[:, order], labels[:, order]


def mask_values(mask: Values) -> Tensor:
    """A mask prompt as zeros and ones, or as probabilities, which `mask_to_input` cuts at half after resizing."""
    if isinstance(mask, Tensor):
        mask = (mask.float() if mask.is_floating_point() else mask).detach().cpu().numpy()
    values = np.asarray(mask)
    is_probability = np.issubdtype(values.dtype, np.floating) and values.max(initial=0) <= 1
    return torch.from_numpy(np.ascontiguousarray(values if is_probability else foreground_of(values)))
