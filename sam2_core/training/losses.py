"""What training minimises (paper, appendix D): mask, predicted IoU and object score, for the best of the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_FOCAL_ALPHA = 0.25
_FOCAL_GAMMA = 2.0
_LOGIT_LIMIT = 50.0
_PICK_TEMPERATURE = 0.1


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the terms. `focal` refines edges; plain `cross_entropy` helps at the start of a training from scratch.

    `predicted_iou` and `object_score` are the losses of these two heads. `pick` is the expected loss of IoU by picking
    a candidate that is not the best one.
    """

    focal: float = 20.0
    cross_entropy: float = 0.0
    dice: float = 1.0
    predicted_iou: float = 1.0
    object_score: float = 1.0
    pick: float = 0.0


@dataclass(frozen=True, slots=True)
class MaskErrors:
    """Weighted mask loss and true IoU (without gradient) of each object's M masks, both (N, M)."""

    loss: Tensor
    iou: Tensor


def mask_errors(logits: Tensor, truth: Tensor, weights: LossWeights) -> MaskErrors:
    """Compare logits (N, M, h, w) with coverage in 0..1 (N, h, w).

    Cells on an edge are covered in part, so the logits learn where the edge runs inside a cell, and masks stay smooth
    when they are upsampled.
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
    """Loss of each object (N): the mask loss of its best candidate, and the errors of all predicted IoUs (N, M).

    Only the best candidate gets a gradient from the mask, so that candidates specialize in different readings of a
    prompt. IoU errors are squared, as in SAM: the head then predicts the mean, and the highest mean is the best choice.
    (SAM 2's absolute error leads to the median, for which that does not hold.)
    """
    predicted_iou = predicted_iou.float()
    loss = errors.loss.min(dim=1).values + weights.predicted_iou * (predicted_iou - errors.iou).square().mean(dim=1)
    if weights.pick and predicted_iou.shape[1] > 1:
        loss = loss + weights.pick * _pick_regret(predicted_iou, errors.iou)
    return loss


def _pick_regret(predicted_iou: Tensor, iou: Tensor) -> Tensor:
    """The expected loss of IoU (N) if a candidate is drawn by softmax(predicted IoU / temperature)."""
    shares = (predicted_iou / _PICK_TEMPERATURE).softmax(dim=1)
    return iou.max(dim=1).values - (shares * iou).sum(dim=1)


def object_score_loss(object_score: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of object scores (N, 1) with whether the object is present (N, 1), for each object (N)."""
    return F.binary_cross_entropy_with_logits(object_score.float(), present.float(), reduction="none")[:, 0]
