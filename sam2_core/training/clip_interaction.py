"""One training step on clips: prompt the first frame, track through the others, correct some (paper, section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import FrameOutput, Segmenter
from sam2_core.training import prompts
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.losses import LossWeights, candidates_loss, mask_errors, object_score_loss
from sam2_core.training.prompts import Points
from sam2_core.training.step import StepResult, StepRng, coverage, resize_logits, select_features

_FIRST_PROMPTS = ("mask", "click", "box")
_FIRST_SHARES = (0.4, 0.4, 0.2)


def clip_step(
    network: SAM2,
    features: ImageFeatures,
    masks: BinaryMask,
    corrected: int,
    stride: int,
    weights: LossWeights,
    rng: StepRng,
    border_clicks: float = 0.0,
    memory_dropout: float = 0.0,
) -> StepResult:
    """Features of B * T frames, clip by clip, and masks (B, K, T, S, S).

    Up to `corrected` later frames get a correction click. The loss is computed on cells of `stride` pixels.
    `border_clicks` and `memory_dropout` are shares as in `Phase`.
    """
    clips, length, device = len(masks), masks.shape[2], features.embedding.device
    first = length * torch.arange(clips, device=device).repeat_interleave(masks.shape[1])  # of each object's clip
    flat = masks.reshape(-1, *masks.shape[2:])  # (B * K, T, S, S)
    truth = coverage(flat, stride, device)
    interaction = _ClipInteraction(network, truth, weights, rng, border_clicks, memory_dropout)
    later = rng.shared.permutation(length - 1)[: rng.shared.integers(corrected + 1)] + 1
    for at in range(length):
        features_of_objects = select_features(features, first + at)
        if at == 0:
            interaction.prompt_first_frame(features_of_objects, flat[:, 0])
        else:
            interaction.track_frame(features_of_objects, at, correct=at in later)
    return StepResult(interaction.total / length, interaction.metrics)


@dataclass(slots=True)
class _ClipInteraction:
    """N objects that are tracked through their clips; `truth` (N, T, h, w)."""

    network: SAM2
    truth: Tensor
    weights: LossWeights
    rng: StepRng
    border_clicks: float
    memory_dropout: float
    total: Tensor = field(init=False)
    metrics: dict[str, float] = field(default_factory=dict)
    bank: MemoryBank[FrameOutput] = field(init=False)
    segmenter: Segmenter = field(init=False)

    def __post_init__(self) -> None:
        config = self.network.config
        self.total = self.truth.new_zeros(())
        self.bank = MemoryBank(MemoryRules(config.memory_slots, config.max_pointers))
        self.segmenter = Segmenter(self.network, hide_absent=False)

    def prompt_first_frame(self, features: ImageFeatures, masks: BinaryMask) -> None:
        """Prompt all objects by mask, click or box on the first frame; masks (N, S, S)."""
        kind = _FIRST_PROMPTS[self.rng.shared.choice(3, p=_FIRST_SHARES)]
        device = self.truth.device
        if kind == "mask":
            output = self.segmenter.from_mask(features, torch.from_numpy(masks).to(device).float()[:, None])
        else:
            points = prompts.first_prompt(kind, self.rng.own, masks, self.border_clicks)
            output = self.segmenter.from_prompt(features, prompts.to_device(points, device), None, None)
            self._add_loss(output, 0, f"{kind} on frame 1")
        self.bank.prompted[0] = self.segmenter.encode_memory(features, output, prompted=True)

    def track_frame(self, features: ImageFeatures, at: int, correct: bool) -> None:
        """Track to frame `at`; with `correct`, click on the errors found there, which makes it a prompted frame."""
        memory = self.bank.select(at, reverse=False, frames=self.network.config.max_pointers)
        output = self.segmenter.track(features, memory)
        self._add_loss(output, at, f"frame {at + 1}")
        if not correct:
            if not self.memory_dropout or self.rng.shared.random() >= self.memory_dropout:
                self.bank.tracked[at] = output
            return
        corrected = self.segmenter.from_prompt(features, self._correction(output, at), output.logits.detach(), memory)
        self._add_loss(corrected, at, "corrected")
        self.bank.prompted[at] = self.segmenter.encode_memory(features, corrected, prompted=True)

    def _correction(self, output: FrameOutput, at: int) -> Points:
        truth = self.truth[:, at]
        predicted = resize_logits(output.logits.detach(), truth.shape[-1])[:, 0] > 0
        side = self.network.image_size
        return prompts.corrections(self.rng.torch, predicted, truth >= 0.5, side, self.border_clicks)

    def _add_loss(self, output: FrameOutput, at: int, name: str) -> None:
        """Add the losses of one frame. Where an object is absent only its object score counts."""
        truth = self.truth[:, at]
        present = (truth >= 0.5).flatten(1).any(dim=1)
        several = output.candidates is not None and output.candidate_predicted_iou is not None
        logits = output.candidates if several else output.logits
        predicted_iou = output.candidate_predicted_iou if several else output.predicted_iou
        assert logits is not None and predicted_iou is not None  # noqa: S101
        errors = mask_errors(resize_logits(logits, truth.shape[-1]), truth, self.weights)
        masks = candidates_loss(errors, predicted_iou, self.weights) * present
        score = object_score_loss(output.object_score, present[:, None])
        self.total = self.total + (masks + self.weights.object_score * score).mean()
        if present.any():
            picked = predicted_iou.argmax(dim=1, keepdim=True)
            self.metrics[name] = float(torch.take_along_dim(errors.iou, picked, dim=1)[present].mean())
