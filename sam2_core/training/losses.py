"""What training minimises (paper, appendix D): mask, predicted IoU and object score, for the best of the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_FOCAL_ALPHA = 0.25
_FOCAL_GAMMA = 2.0
_LOGIT_LIMIT = 50.0


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each part counts. `focal` and `cross_entropy` are two views of the same error: the focal loss refines
    edges, the plain one gets a network off the ground."""

    focal: float = 20.0
    cross_entropy: float = 0.0
    dice: float = 1.0
    predicted_iou: float = 1.0
    object_score: float = 1.0


@dataclass(frozen=True, slots=True)
class MaskErrors:
    """For each object and mask (N, M): the weighted mask loss, and the IoU it really has (without gradient)."""

    loss: Tensor
    iou: Tensor


def mask_errors(logits: Tensor, truth: Tensor, weights: LossWeights) -> MaskErrors:
    """Compare logits (N, M, h, w) with coverage in 0..1 (N, h, w).

    Coverage may be partial at the edges: the logits then learn where inside a cell the edge runs, and masks stay
    smooth when they are enlarged.
    """
    logits, truth = logits.float().clamp(-_LOGIT_LIMIT, _LOGIT_LIMIT), truth[:, None]
    probability = logits.sigmoid()
    entropy = F.softplus(logits) - logits * truth
    loss = weights.dice * _dice(probability, truth)
    if weights.cross_entropy:
        loss = loss + weights.cross_entropy * entropy.mean((-1, -2))
    if weights.focal:
        balance = _FOCAL_ALPHA * truth + (1 - _FOCAL_ALPHA) * (1 - truth)
        focal = balance * (truth - probability).abs() ** _FOCAL_GAMMA * entropy
        loss = loss + weights.focal * focal.mean((-1, -2))
    return MaskErrors(loss, intersection_over_union(logits.detach() > 0, truth >= 0.5))


def _dice(probability: Tensor, truth: Tensor) -> Tensor:
    both = (probability * truth).sum((-1, -2))
    return 1 - (2 * both + 1) / (probability.sum((-1, -2)) + truth.sum((-1, -2)) + 1)


def intersection_over_union(predicted: Tensor, truth: Tensor) -> Tensor:
    """IoU of boolean masks over the last two axes; 1 where both are empty."""
    both = (predicted & truth).sum((-1, -2)).float()
    either = (predicted | truth).sum((-1, -2)).float()
    return torch.where(either > 0, both / either.clamp(min=1), 1.0)


def candidates_loss(errors: MaskErrors, predicted_iou: Tensor, weights: LossWeights) -> Tensor:
    """Loss of each object (N): the mask error of its best candidate, and the errors of all predicted IoUs (N, M).

    Only the best candidate learns from the mask, so that the candidates specialise on different readings of a prompt.
    IoUs are compared by their squares, as in SAM: what such a head predicts is the mean, and the candidate with the
    highest mean is the best bet. (SAM 2's absolute difference leads to the median, which is not.)
    """
    best = errors.loss.min(dim=1).values
    return best + weights.predicted_iou * (predicted_iou.float() - errors.iou).square().mean(dim=1)


def object_score_loss(object_score: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of object scores (N, 1) with what is true (N, 1), for each object (N)."""
    return F.binary_cross_entropy_with_logits(object_score.float(), present.float(), reduction="none")[:, 0]
