"""Clicks of networks with `rank_outputs`: of all four outputs the one with the highest predicted IoU answers.

In the official networks one click is answered by the best of three candidates, and more of them by the single mask. In
a small network the single mask is the better answer to many a single click, and a candidate to many a correction.
Sessions offer it as a fourth candidate; predictors return the official three, and the best of all as a single mask,
which takes the place of the official fallback for unstable ones (`MaskDecoder.stability_fallback`).

On frames that are conditioned on memory outputs are not ranked: their predicted IoUs have not learned to compete there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sam2_core.model.config import AnyConfig, NetworkConfig
from sam2_core.model.mask_decoder import MaskPrediction


def ranks_outputs(config: AnyConfig, labels: Tensor) -> bool:
    """Whether the outputs for points with these labels (B, N) are ranked: only where there are clicks, 0 or 1."""
    ranks = isinstance(config, NetworkConfig) and config.rank_outputs
    return ranks and bool(((labels == 0) | (labels == 1)).any())


def candidates_and_single(prediction: MaskPrediction) -> MaskPrediction:
    """All masks (M = 4) with the single mask behind the candidates, whose places it leaves as they are."""
    logits, predicted_iou, tokens = (each.roll(-1, dims=1) for each in prediction[:3])
    return MaskPrediction(logits, predicted_iou, tokens, prediction.object_score)


def best_of_all(prediction: MaskPrediction) -> MaskPrediction:
    """Of all masks (M = 4) the one with the highest predicted IoU (M = 1)."""
    best = prediction.predicted_iou.argmax(dim=1, keepdim=True)
    return MaskPrediction(
        logits=torch.take_along_dim(prediction.logits, best[..., None, None], dim=1),
        predicted_iou=torch.take_along_dim(prediction.predicted_iou, best, dim=1),
        tokens=torch.take_along_dim(prediction.tokens, best[..., None], dim=1),
        object_score=prediction.object_score,
    )
