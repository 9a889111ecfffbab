"""How a network with `strict_boxes` answers a box: with all of its outputs together, cut where the box ends.

A box leaves little doubt about what is meant, so the decoder's four masks are four opinions about the same thing, and
their mean is better than each of them; and a mask that leaves its box is wrong there. The official networks do without.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction

BOX_LABELS = (2, 3)  # of its first and its second corner, see `PromptEncoder`
_STEEPNESS = 8.0  # logits a cell
_LOWEST = -16.0


def are_boxes(labels: Tensor) -> bool:
    """Whether labels (B, N) are those of one box each and nothing else."""
    first, second = BOX_LABELS
    return labels.shape[1] == 2 and bool(((labels[:, 0] == first) & (labels[:, 1] == second)).all())


def answer_together(everything: MaskPrediction, corners: Tensor, image_size: int) -> MaskPrediction:
    """All outputs (M = 4) as one (M = 1) that lies within its box.

    `corners` (B, 2, 2) in pixels of the S x S input. Logits are capped by a slope that is zero at the box's edges:
    so the mask still ends there when the logits are enlarged, which a cut along the cells' borders would not give.
    """
    mean = everything.logits.mean(dim=1, keepdim=True)
    height, width = mean.shape[-2:]
    cell = image_size / width
    inside_x = _inside(corners[..., 0] / cell, width)[:, None, :]  # (B, 1, W)
    inside_y = _inside(corners[..., 1] / cell, height)[:, :, None]  # (B, H, 1)
    cap = (_STEEPNESS * torch.minimum(inside_x, inside_y)).clamp(min=_LOWEST)
    return MaskPrediction(
        logits=torch.minimum(mean, cap[:, None].to(mean.dtype)),
        predicted_iou=everything.predicted_iou[:, :1],
        tokens=everything.tokens[:, :1],
        object_score=everything.object_score,
    )


def _inside(edges: Tensor, cells: int) -> Tensor:
    """How far each cell's middle lies within the edges (B, 2), in cells: (B, cells), negative outside."""
    middle = torch.arange(cells, device=edges.device) + 0.5
    return torch.minimum(middle - edges.amin(dim=1, keepdim=True), edges.amax(dim=1, keepdim=True) - middle)
