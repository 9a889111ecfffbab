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
from sam2_core.training.losses import LossWeights, MaskErrors, candidates_loss, mask_errors, presence_loss
from sam2_core.training.prompts import BinaryMask, Points

_OTHER_OUTPUT = 0.5  # weight of the output that is not asked for: inference may fall back on it
_SECOND_THOUGHTS = 0.25  # share of turns without a new click: the network improves on its own answer (SAM, appendix A)


@dataclass(slots=True)
class StepResult:
    """The loss with its gradient, and figures for the log, each a mean over objects."""

    loss: Tensor
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dice:
    """The chance in a step: `shared` is alike on all processes, so that they run the same network parts."""

    shared: np.random.Generator
    own: np.random.Generator
    torch: torch.Generator

    @classmethod
    def throw(cls, shared: np.random.Generator, seed: tuple[int, ...]) -> Dice:
        """Dice of one process and step."""
        own = np.random.default_rng(seed)
        return cls(shared, own, torch.Generator().manual_seed(int(own.integers(2**62))))


def select(features: ImageFeatures, index: Tensor) -> ImageFeatures:
    """The features of the picture that each object lies in; `index` (N)."""
    stride4, stride8 = features.high_res
    return ImageFeatures(features.embedding[index], (stride4[index], stride8[index]))


def coverage(masks: BinaryMask, stride: int, device: torch.device) -> Tensor:
    """Masks (..., S, S) -> how much of each cell of `stride` pixels they cover, (..., S / stride, S / stride)."""
    cells = torch.from_numpy(masks).to(device).float()
    return F.avg_pool2d(cells.flatten(0, -3)[:, None], stride).view(
        *cells.shape[:-2], *(n // stride for n in cells.shape[-2:])
    )


def enlarged(logits: Tensor, size: int) -> Tensor:
    """Logits (N, M, h, w) at the size the loss is counted at."""
    if logits.shape[-1] == size:
        return logits.float()
    return F.interpolate(logits.float(), size=(size, size), mode="bilinear", align_corners=False)


def still_step(
    network: SAM2, images: Tensor, masks: BinaryMask, corrections: int, stride: int, weights: LossWeights, dice: Dice
) -> StepResult:
    """Images (B, 3, S, S) and masks (B, K, S, S); half of the objects start with a click, half with a box.

    `corrections` clicks follow, each with the previous logits. The loss is counted on cells of `stride` pixels.
    """
    count = masks.shape[1]
    features = network.encode_image(images)
    owner = torch.arange(len(images)).repeat_interleave(count)
    flat = masks.reshape(-1, *masks.shape[-2:])
    truth = coverage(flat, stride, images.device)
    clicks = (count + int(dice.shared.integers(2))) // 2  # of an odd number, now the larger half, now the smaller
    by_click = torch.arange(len(flat)) % count < clicks
    total = images.new_zeros(())
    figures: dict[str, float] = {}
    for kind, chosen in (("click", by_click), ("box", ~by_click)):
        index = chosen.nonzero()[:, 0]
        if not len(index):
            continue
        first = prompts.first_clicks if kind == "click" else prompts.boxes
        points = _to(first(dice.own, flat[index.numpy()]), images.device)
        conversation = _Conversation(network, weights, dice, kind)
        loss = conversation.run(
            select(features, owner[index].to(images.device)), truth[index.to(truth.device)], points, corrections
        )
        total = total + loss * len(index) / len(flat)
        figures.update(conversation.figures)
    return StepResult(total, figures)


def _to(points: Points, device: torch.device) -> Points:
    return points[0].to(device), points[1].to(device)


@dataclass(slots=True)
class _Conversation:
    """Prompts and answers about the same objects."""

    network: SAM2
    weights: LossWeights
    dice: Dice
    kind: str
    figures: dict[str, float] = field(default_factory=dict)

    def run(self, features: ImageFeatures, truth: Tensor, points: Points, corrections: int) -> Tensor:
        embedding = self.network.without_memory(features.embedding)
        size, side = truth.shape[-1], self.network.image_size
        previous: Tensor | None = None
        total = truth.new_zeros(())
        for turn in range(corrections + 1):
            answer = self.network.predict_masks(embedding, features.high_res, points, previous, multimask=None)
            logits = enlarged(answer.logits, size)
            errors = mask_errors(logits, truth, self.weights)
            ambiguous = self.kind == "click" and turn == 0
            total = total + self._loss(answer, errors, ambiguous)
            shown = 1 + answer.quality[:, 1:].argmax(dim=1, keepdim=True) if ambiguous else _first(answer)
            self._note(turn, errors, shown)
            if turn < corrections:
                if self.dice.shared.random() >= _SECOND_THOUGHTS:
                    seen = torch.take_along_dim(logits, shown[..., None, None], dim=1)[:, 0] > 0
                    points = prompts.join(points, prompts.corrections(self.dice.torch, seen, truth >= 0.5, side))
                limit = PREVIOUS_LOGIT_LIMIT
                low = torch.take_along_dim(answer.logits.detach(), shown[..., None, None], dim=1)
                previous = low.float().clamp(-limit, limit)
        return total / (corrections + 1)

    def _loss(self, answer: MaskPrediction, errors: MaskErrors, ambiguous: bool) -> Tensor:
        """Both outputs learn: the one that is asked for, and with less weight the other."""
        single = candidates_loss(_columns(errors, slice(0, 1)), answer.quality[:, :1], self.weights)
        several = candidates_loss(_columns(errors, slice(1, None)), answer.quality[:, 1:], self.weights)
        main, other = (several, single) if ambiguous else (single, several)
        score = presence_loss(answer.presence, torch.ones_like(answer.presence))
        return (main + _OTHER_OUTPUT * other + self.weights.presence * score).mean()

    def _note(self, turn: int, errors: MaskErrors, shown: Tensor) -> None:
        name = f"{self.kind}{turn + 1}" if self.kind == "click" else f"box{f'+{turn}' if turn else ''}"
        self.figures[name] = float(torch.take_along_dim(errors.iou, shown, dim=1).mean())
        if name == "click1":
            self.figures["click1 best"] = float(errors.iou[:, 1:].max(dim=1).values.mean())


def _first(answer: MaskPrediction) -> Tensor:
    return torch.zeros_like(answer.presence, dtype=torch.long)


def _columns(errors: MaskErrors, which: slice) -> MaskErrors:
    return MaskErrors(errors.loss[:, which], errors.iou[:, which])
