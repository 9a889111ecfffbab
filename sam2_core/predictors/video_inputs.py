"""Points and boxes of the official video API become the tensors that the network takes."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.predictors.prompt_values import Values, checked_boxes, checked_points

PointInputs: TypeAlias = tuple[Tensor, Tensor]
"""Coordinates (1, N, 2) in pixels of the network's input and labels (1, N); the corners of a box come first."""


def point_inputs(
    points: Values | None,
    labels: Values | None,
    box: Values | None,
    frame_size: tuple[int, int],
    input_size: int,
    device: torch.device,
) -> PointInputs:
    """Convert points (N, 2), labels (N,) and a box (4,) given in pixels of frames of (height, width) `frame_size`.

    Raises `BadPrompt` where something is missing or does not fit.
    """
    if (points is None) != (labels is None):
        raise BadPrompt("points and labels must be provided together")
    if points is None and box is None:
        raise BadPrompt("at least one of points or box must be provided as input")
    coords, kinds = checked_points([] if points is None else points, [] if labels is None else labels)
    coords, kinds = coords.reshape(-1, 2), kinds.reshape(-1)
    if box is not None:
        corners = checked_boxes(box).reshape(-1, 2)
        if len(corners) != 2:
            raise BadPrompt(f"An object takes one box on a frame, not {len(corners) // 2}.")
        coords, kinds = torch.cat([corners, coords]), torch.cat([kinds.new_tensor([2, 3]), kinds])
    height, width = frame_size
    coords = coords / coords.new_tensor((width, height)) * input_size
    return coords.to(device)[None], kinds.to(device)[None]


def merged(old: PointInputs, new: PointInputs) -> PointInputs:
    """Points after points; the corners of a new box replace an old one and come first."""
    coords, kinds = torch.cat([old[0], new[0]], dim=1), torch.cat([old[1], new[1]], dim=1)
    corners = (kinds[0] >= 2).nonzero().flatten()[-2:]
    clicks = (kinds[0] < 2).nonzero().flatten()
    order = torch.cat([corners, clicks])
    return coords[:, order], kinds[:, order]
