"""One training step on images: a simulated interaction of a first prompt and corrections (paper, appendix D)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.model.ranked_outputs import ranks_outputs
from sam2_core.model.sam import Network
from sam2_core.model.strict_boxes import are_boxes, merge_within_boxes
from sam2_core.tracking.segmenter import as_mask_input
from sam2_core.training import prompts
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.clip_crops import MIN_AREA
from sam2_core.training.losses import LossWeights, MaskErrors, candidates_loss, mask_errors, object_score_loss
from sam2_core.training.prompts import Points
from sam2_core.training.step import StepResult, StepRng, coverage, resize_logits, select_features

_OTHER_OUTPUT_WEIGHT = 0.5  # weight of the output that is not asked for: inference may fall back on it
_RANKED_OUTPUT_WEIGHT = 1.0  # the same where inference ranks all outputs
_TOKEN_SHARE = 0.5  # of the steps
_NO_CLICK_SHARE = 0.25  # share of iterations without a new click: the network refines its own mask (SAM, appendix A)


def image_step(
    network: Network,
    features: ImageFeatures,
    masks: BinaryMask,
    corrections: int,
    stride: int,
    weights: LossWeights,
    rng: StepRng,
    border_clicks: float = 0.0,
    shared_clicks: float = 0.0,
    embed: EmbedObjects | None = None,
) -> StepResult:
    """Features of B images and masks (B, K, S, S); half of the objects start with a click, half with a box.

    `corrections` clicks follow, each with the previous logits. The loss is computed on cells of `stride` pixels.
    `border_clicks` and `shared_clicks` are shares as in `Phase`. With `embed`, tokens take the place of the boxes in
    half of the steps.
    """
    count = masks.shape[1]
    device = features.embedding.device
    owner = torch.arange(len(masks)).repeat_interleave(count)
    flat = masks.reshape(-1, *masks.shape[-2:])  # (B * K, S, S)
    truth = coverage(flat, stride, device)
    clicks = (count + int(rng.shared.integers(2))) // 2  # an odd number is rounded up or down
    by_click = torch.arange(len(flat)) % count < clicks
    total = truth.new_zeros(())
    metrics: dict[str, float] = {}
    by_token = torch.zeros_like(by_click)
    if embed is not None and rng.shared.random() < _TOKEN_SHARE:
        by_token = ~by_click & torch.from_numpy(flat.mean((1, 2)) >= MIN_AREA)
    for kind, chosen in (("click", by_click), ("box", ~by_click & ~by_token), ("clip", by_token)):
        index = chosen.nonzero()[:, 0]
        if not len(index):
            continue
        prompted = flat[index.numpy()]
        tokens = None
        if kind == "clip":
            assert embed is not None  # noqa: S101
            tokens, points = embed(index.numpy()), None
        else:
            points = prompts.first_prompt(kind, rng.own, prompted, border_clicks)
        if points is not None and kind == "click":
            points = prompts.share_clicks(rng.own, points, prompted, owner[index], shared_clicks)
        if points is not None:
            points = prompts.to_device(points, device)
        interaction = _SimulatedInteraction(network, weights, rng, kind, border_clicks)
        features_of_objects = select_features(features, owner[index].to(device))
        loss = interaction.run(features_of_objects, truth[index.to(truth.device)], points, corrections, tokens)
        total = total + loss * len(index) / len(flat)
        metrics.update(interaction.metrics)
    return StepResult(total, metrics)


EmbedObjects: TypeAlias = Callable[[npt.NDArray[np.intp]], Tensor]
"""Prompt tokens (N, 1, C) for these of the B * K objects of a batch."""


@dataclass(slots=True)
class _SimulatedInteraction:
    """Prompts for the same N objects, and what the network predicts after each; `kind` is the first prompt's."""

    network: Network
    weights: LossWeights
    rng: StepRng
    kind: str
    border_clicks: float
    metrics: dict[str, float] = field(default_factory=dict)

    def run(
        self,
        features: ImageFeatures,
        truth: Tensor,
        points: Points | None,
        corrections: int,
        tokens: Tensor | None = None,
    ) -> Tensor:
        """The mean loss over all iterations; `truth` (N, h, w), `tokens` (N, 1, C)."""
        embedding = self.network.without_memory(features.embedding)
        size, side = truth.shape[-1], self.network.image_size
        previous: Tensor | None = None
        total = truth.new_zeros(())
        for iteration in range(corrections + 1):
            more = {} if tokens is None else {"concepts": tokens}  # which SAM 1 does not know
            prediction = self.network.predict_masks(embedding, features.high_res, points, previous, None, **more)
            if points is not None and self._is_set("strict_boxes") and are_boxes(points[1]):
                prediction = _with_merged(prediction, points[0], side)
            logits = resize_logits(prediction.logits, size)
            errors = mask_errors(logits, truth, self.weights)
            ambiguous = self.kind != "box" and iteration == 0
            total = total + self._loss(prediction, errors, ambiguous)
            ranked = points is not None and ranks_outputs(self.network.config, points[1])
            picked = _picked(prediction, ambiguous, ranked)
            self._log(iteration, errors, picked, errors.iou if ranked else errors.iou[:, 1:])
            if iteration < corrections:
                if self.rng.shared.random() >= _NO_CLICK_SHARE:
                    seen = torch.take_along_dim(logits, picked[..., None, None], dim=1)[:, 0] > 0
                    click = prompts.corrections(self.rng.torch, seen, truth >= 0.5, side, self.border_clicks)
                    points = click if points is None else prompts.join(points, click)
                low_res = torch.take_along_dim(prediction.logits.detach(), picked[..., None, None], dim=1)
                previous = as_mask_input(low_res.float())
        return total / (corrections + 1)

    def _loss(self, prediction: MaskPrediction, errors: MaskErrors, ambiguous: bool) -> Tensor:
        """Losses of the output that is asked for (three masks where `ambiguous`, else one) and, weighted, the other."""
        single = candidates_loss(_columns(errors, slice(0, 1)), prediction.predicted_iou[:, :1], self.weights)
        several = candidates_loss(_columns(errors, slice(1, None)), prediction.predicted_iou[:, 1:], self.weights)
        main, other = (several, single) if ambiguous else (single, several)
        other = other * (_RANKED_OUTPUT_WEIGHT if self._is_set("rank_outputs") else _OTHER_OUTPUT_WEIGHT)
        score = object_score_loss(prediction.object_score, torch.ones_like(prediction.object_score))
        return (main + other + self.weights.object_score * score).mean()

    def _is_set(self, way: Literal["strict_boxes", "rank_outputs"]) -> bool:
        return isinstance(self.network, SAM2) and bool(getattr(self.network.config, way))

    def _log(self, iteration: int, errors: MaskErrors, picked: Tensor, offered: Tensor) -> None:
        name = f"{self.kind}{iteration + 1}" if self.kind != "box" else f"box{f'+{iteration}' if iteration else ''}"
        self.metrics[name] = float(torch.take_along_dim(errors.iou, picked, dim=1).mean())
        if name == "click1":
            self.metrics["click1 best"] = float(offered.max(dim=1).values.mean())


def _with_merged(prediction: MaskPrediction, corners: Tensor, side: int) -> MaskPrediction:
    """The same with the mean of all masks, which answers a box, in the place of the single mask."""
    merged = merge_within_boxes(prediction, corners, side)
    return prediction._replace(logits=torch.cat([merged.logits, prediction.logits[:, 1:]], dim=1))


def _picked(prediction: MaskPrediction, ambiguous: bool, ranked: bool) -> Tensor:
    """Indices (N, 1) of the masks that inference would answer with."""
    if ranked:
        return prediction.predicted_iou.argmax(dim=1, keepdim=True)
    if ambiguous:
        return 1 + prediction.predicted_iou[:, 1:].argmax(dim=1, keepdim=True)
    return torch.zeros_like(prediction.object_score, dtype=torch.long)


def _columns(errors: MaskErrors, which: slice) -> MaskErrors:
    return MaskErrors(errors.loss[:, which], errors.iou[:, which])
