"""Validation of points and boxes in the forms that callers pass them.

It runs on the CPU, because an invalid label on a GPU would fail an assertion that aborts the process.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.errors import BadPrompt

Values: TypeAlias = npt.ArrayLike | Tensor

LABELS = (-1, 0, 1, 2, 3)


def checked_points(points: Values, labels: Values | None) -> tuple[Tensor, Tensor]:
    """Coordinates (..., N, 2) float32 and labels (..., N) int32 on the CPU; a flat [x, y, ...] counts as (N, 2).

    Raises `BadPrompt` unless each point has two finite coordinates and one valid label.
    """
    if labels is None:
        raise BadPrompt("Give point_labels with point_coords: 1 for a point on the object, 0 for one off it.")
    coords, label_values = _to_tensor(points, "points"), _to_tensor(labels, "labels")
    if coords.shape[-1:] != (2,) and (coords.ndim > 1 or len(coords) % 2):
        raise BadPrompt(f"Points are pairs (x, y), an array (N, 2); this one is {tuple(coords.shape)}.")
    if coords.ndim == 1:
        coords = coords.reshape(-1, 2)
    if coords.numel() != 2 * label_values.numel():
        raise BadPrompt(
            f"There are {coords.numel() // 2} points but {label_values.numel()} labels: give each point one."
        )
    _check_finite(coords, "points")
    if not torch.isin(label_values, torch.tensor(LABELS)).all():
        raise BadPrompt(
            "Labels are 1 (on the object), 0 (not on it), 2 and 3 (first and second corner of a box) or -1 (no point)."
        )
    return coords, label_values.reshape(coords.shape[:-1]).int()


def checked_boxes(boxes: Values) -> Tensor:
    """Boxes (B, 4) as left, top, right, bottom, float32 on the CPU, from (4,), (2, 2), (B, 4) or (B, 2, 2).

    Corners may be in any order. The official code takes them as they are, which gives no usable mask for swapped ones.
    Raises `BadPrompt` for anything else.
    """
    edges = _to_tensor(boxes, "box")
    if edges.numel() % 4 or not edges.numel():
        raise BadPrompt(f"A box is left, top, right, bottom: four numbers, not {tuple(edges.shape)}.")
    _check_finite(edges, "box")
    corners = edges.reshape(-1, 2, 2)
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


def _to_tensor(values: Values, name: str) -> Tensor:
    """A float32 tensor on the CPU with at least one axis; a copy, because arrays may be read-only."""
    try:
        array = values.float().cpu() if isinstance(values, Tensor) else np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadPrompt(f"The {name} of a prompt must be numbers in rows of one length.") from error
    return torch.atleast_1d(torch.as_tensor(array))


def _check_finite(values: Tensor, name: str) -> None:
    if not values.isfinite().all():
        raise BadPrompt(f"The {name} of a prompt must be finite: neither NaN nor infinite.")


def checked_mask_input(logits: Values, size: int) -> Tensor:
    """Mask logits (B, 1, size, size), float32, from an array or a tensor of two to four axes.

    A tensor keeps its device and its gradient. Raises `BadPrompt` for anything else.
    """
    try:
        array = logits if isinstance(logits, Tensor) else torch.from_numpy(np.array(logits, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise BadPrompt("A mask_input must be numbers in rows of one length.") from error
    mask = array.float()
    while mask.ndim < 4:
        mask = mask[None]
    if mask.shape[1:] != (1, size, size):
        raise BadPrompt(
            f"A mask_input is low-resolution logits (1, {size}, {size}), the third result of an earlier prediction; "
            f"this one is {tuple(array.shape)}."
        )
    return mask
