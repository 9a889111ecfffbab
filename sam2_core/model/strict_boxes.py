"""Box prompts of networks with `strict_boxes`: the mean of all decoder outputs, clipped to the box.

A box is rarely ambiguous: the decoder's four masks are estimates of the same object, and their mean is better than each
of them. The official networks do not use this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction

BOX_LABELS = (2, 3)  # of the first and the second corner, see `PromptEncoder`
_SLOPE = 8.0  # logits per low-resolution pixel
_MIN_LOGIT = -16.0


def are_boxes(labels: Tensor) -> bool:
    """Whether labels (B, N) are those of exactly one box per object."""
    first, second = BOX_LABELS
    return labels.shape[1] == 2 and bool(((labels[:, 0] == first) & (labels[:, 1] == second)).all())


def merge_within_boxes(prediction: MaskPrediction, corners: Tensor, image_size: int) -> MaskPrediction:
    """The mean of all masks (M = 4) as one mask (M = 1) clipped to its box.

    `corners` (B, 2, 2) in pixels of the S x S input. Logits are capped by a ramp that crosses zero at the edges of the
    box, so that the mask ends exactly there after upsampling.
    """
    mean = prediction.logits.mean(dim=1, keepdim=True)
    height, width = mean.shape[-2:]
    stride = image_size / width
    inside_x = _inside(corners[..., 0] / stride, width)[:, None, :]  # (B, 1, 4W)
    inside_y = _inside(corners[..., 1] / stride, height)[:, :, None]  # (B, 4H, 1)
    cap = (_SLOPE * torch.minimum(inside_x, inside_y)).clamp(min=_MIN_LOGIT)
    return MaskPrediction(
        logits=torch.minimum(mean, cap[:, None].to(mean.dtype)),
        predicted_iou=prediction.predicted_iou[:, :1],
        tokens=prediction.tokens[:, :1],
        object_score=prediction.object_score,
    )


def _inside(edges: Tensor, length: int) -> Tensor:
    """The signed distance of each pixel center to the nearer of two edges (B, 2): (B, length), negative outside."""
    centers = torch.arange(length, device=edges.device) + 0.5
    return torch.minimum(centers - edges.amin(dim=1, keepdim=True), edges.amax(dim=1, keepdim=True) - centers)
