"""One training step on still pictures: a first prompt, then corrections (paper, appendix D, "training")."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.tracking.segmenter import PREVIOUS_LOGIT_LIMIT
from sam2_core.training import prompts
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.losses import LossWeights, MaskErrors, candidates_loss, mask_errors, object_score_loss
from sam2_core.training.prompts import Points

_OTHER_OUTPUT_WEIGHT = 0.5  # weight of the output that is not asked for: inference may fall back on it
_NO_CLICK_SHARE = 0.25  # share of turns without a new click: the network improves on its own answer (SAM, appendix A)


@dataclass(slots=True)
class StepResult:
    """The loss with its gradient, and figures for the log, each a mean over objects."""

    loss: Tensor
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRng:
    """The chance in a step: `shared` is alike on all processes, so that they run the same network parts."""

    shared: np.random.Generator
    own: np.random.Generator
    torch: torch.Generator

    @classmethod
    def seeded(cls, shared: np.random.Generator, seed: tuple[int, ...]) -> StepRng:
        """Dice of one process and step."""
        own = np.random.default_rng(seed)
        return cls(shared, own, torch.Generator().manual_seed(int(own.integers(2**62))))


def select_features(features: ImageFeatures, index: Tensor) -> ImageFeatures:
    """The features of the picture that each object lies in; `index` (N)."""
    stride4, stride8 = features.high_res
    return ImageFeatures(features.embedding[index], (stride4[index], stride8[index]))


def coverage(masks: BinaryMask, stride: int, device: torch.device) -> Tensor:
    """Masks (..., S, S) -> how much of each cell of `stride` pixels they cover, (..., S / stride, S / stride)."""
    cells = torch.from_numpy(masks).to(device).float()
    return F.avg_pool2d(cells.flatten(0, -3)[:, None], stride).view(
        *cells.shape[:-2], *(n // stride for n in cells.shape[-2:])
    )


def resize_logits(logits: Tensor, size: int) -> Tensor:
    """Logits (N, M, h, w) at the size the loss is counted at."""
    if logits.shape[-1] == size:
        return logits.float()
    return F.interpolate(logits.float(), size=(size, size), mode="bilinear", align_corners=False)


def image_step(
    network: SAM2, images: Tensor, masks: BinaryMask, corrections: int, stride: int, weights: LossWeights, rng: StepRng
) -> StepResult:
    """Images (B, 3, S, S) and masks (B, K, S, S); half of the objects start with a click, half with a box.

    `corrections` clicks follow, each with the previous logits. The loss is counted on cells of `stride` pixels.
    """
    count = masks.shape[1]
    features = network.encode_image(images)
    owner = torch.arange(len(images)).repeat_interleave(count)
    flat = masks.reshape(-1, *masks.shape[-2:])
    truth = coverage(flat, stride, images.device)
    clicks = (count + int(rng.shared.integers(2))) // 2  # of an odd number, now the larger half, now the smaller
    by_click = torch.arange(len(flat)) % count < clicks
    total = images.new_zeros(())
    metrics: dict[str, float] = {}
    for kind, chosen in (("click", by_click), ("box", ~by_click)):
        index = chosen.nonzero()[:, 0]
        if not len(index):
            continue
        first = prompts.first_clicks if kind == "click" else prompts.boxes
        points = _to(first(rng.own, flat[index.numpy()]), images.device)
        interaction = _SimulatedInteraction(network, weights, rng, kind)
        loss = interaction.run(
            select_features(features, owner[index].to(images.device)),
            truth[index.to(truth.device)],
            points,
            corrections,
        )
        total = total + loss * len(index) / len(flat)
        metrics.update(interaction.metrics)
    return StepResult(total, metrics)


def _to(points: Points, device: torch.device) -> Points:
    return points[0].to(device), points[1].to(device)


@dataclass(slots=True)
class _SimulatedInteraction:
    """Prompts and answers about the same objects."""

    network: SAM2
    weights: LossWeights
    rng: StepRng
    kind: str
    metrics: dict[str, float] = field(default_factory=dict)

    def run(self, features: ImageFeatures, truth: Tensor, points: Points, corrections: int) -> Tensor:
        embedding = self.network.without_memory(features.embedding)
        size, side = truth.shape[-1], self.network.image_size
        previous: Tensor | None = None
        total = truth.new_zeros(())
        for iteration in range(corrections + 1):
            prediction = self.network.predict_masks(embedding, features.high_res, points, previous, multimask=None)
            logits = resize_logits(prediction.logits, size)
            errors = mask_errors(logits, truth, self.weights)
            ambiguous = self.kind == "click" and iteration == 0
            total = total + self._loss(prediction, errors, ambiguous)
            picked = 1 + prediction.quality[:, 1:].argmax(dim=1, keepdim=True) if ambiguous else _first(prediction)
            self._log(iteration, errors, picked)
            if iteration < corrections:
                if self.rng.shared.random() >= _NO_CLICK_SHARE:
                    seen = torch.take_along_dim(logits, picked[..., None, None], dim=1)[:, 0] > 0
                    points = prompts.join(points, prompts.corrections(self.rng.torch, seen, truth >= 0.5, side))
                limit = PREVIOUS_LOGIT_LIMIT
                low = torch.take_along_dim(prediction.logits.detach(), picked[..., None, None], dim=1)
                previous = low.float().clamp(-limit, limit)
        return total / (corrections + 1)

    def _loss(self, prediction: MaskPrediction, errors: MaskErrors, ambiguous: bool) -> Tensor:
        """Both outputs learn: the one that is asked for, and with less weight the other."""
        single = candidates_loss(_columns(errors, slice(0, 1)), prediction.quality[:, :1], self.weights)
        several = candidates_loss(_columns(errors, slice(1, None)), prediction.quality[:, 1:], self.weights)
        main, other = (several, single) if ambiguous else (single, several)
        score = object_score_loss(prediction.presence, torch.ones_like(prediction.presence))
        return (main + _OTHER_OUTPUT_WEIGHT * other + self.weights.object_score * score).mean()

    def _log(self, iteration: int, errors: MaskErrors, picked: Tensor) -> None:
        name = f"{self.kind}{iteration + 1}" if self.kind == "click" else f"box{f'+{iteration}' if iteration else ''}"
        self.metrics[name] = float(torch.take_along_dim(errors.iou, picked, dim=1).mean())
        if name == "click1":
            self.metrics["click1 best"] = float(errors.iou[:, 1:].max(dim=1).values.mean())


def _first(prediction: MaskPrediction) -> Tensor:
    return torch.zeros_like(prediction.presence, dtype=torch.long)


def _columns(errors: MaskErrors, which: slice) -> MaskErrors:
    return MaskErrors(errors.loss[:, which], errors.iou[:, which])
