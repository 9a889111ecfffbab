"""One training step on clips: prompt the first frame, track through the others, correct some (paper, section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import Segmenter, Trace
from sam2_core.training import prompts
from sam2_core.training.image_interaction import Dice, StepResult, coverage, enlarged, select
from sam2_core.training.losses import LossWeights, MaskErrors, candidates_loss, mask_errors, presence_loss
from sam2_core.training.prompts import BinaryMask, Points

_FIRST_PROMPTS = ("mask", "click", "box")
_FIRST_SHARES = (0.4, 0.4, 0.2)


def clip_step(
    network: SAM2, frames: Tensor, masks: BinaryMask, corrected: int, stride: int, weights: LossWeights, dice: Dice
) -> StepResult:
    """Frames (B, T, 3, S, S) and masks (B, K, T, S, S); up to `corrected` later frames get a correction click.

    Gradients reach the image encoder only if its parameters ask for them.
    """
    clips, length = frames.shape[:2]
    features = network.encode_image(frames.transpose(0, 1).flatten(0, 1))  # frame by frame, then clip by clip
    objects = torch.arange(clips, device=frames.device).repeat_interleave(masks.shape[1])
    flat = masks.reshape(-1, *masks.shape[2:])
    rollout = _Rollout(network, coverage(flat, stride, frames.device), weights, dice)
    later = dice.shared.permutation(length - 1)[: dice.shared.integers(corrected + 1)] + 1
    for at in range(length):
        seen = select(features, at * clips + objects)
        if at == 0:
            rollout.begin(seen, flat[:, 0])
        else:
            rollout.follow(seen, at, correct=at in later)
    return StepResult(rollout.total / length, rollout.figures)


@dataclass(slots=True)
class _Rollout:
    """N objects on their way through their clips; `truth` (N, T, h, w)."""

    network: SAM2
    truth: Tensor
    weights: LossWeights
    dice: Dice
    total: Tensor = field(init=False)
    figures: dict[str, float] = field(default_factory=dict)
    bank: MemoryBank[Trace] = field(init=False)
    segmenter: Segmenter = field(init=False)

    def __post_init__(self) -> None:
        config = self.network.config
        self.total = self.truth.new_zeros(())
        self.bank = MemoryBank(MemoryRules(config.memory_slots, config.max_pointers))
        self.segmenter = Segmenter(self.network, hide_absent=False)

    def begin(self, features: ImageFeatures, masks: BinaryMask) -> None:
        """Say on the first frame what is to be followed; masks (N, S, S)."""
        kind = _FIRST_PROMPTS[self.dice.shared.choice(3, p=_FIRST_SHARES)]
        device = self.truth.device
        if kind == "mask":
            trace = self.segmenter.from_mask(features, torch.from_numpy(masks).to(device).float()[:, None])
        else:
            first = prompts.first_clicks if kind == "click" else prompts.boxes
            coords, labels = first(self.dice.own, masks)
            trace = self.segmenter.from_prompt(features, (coords.to(device), labels.to(device)), None, None)
            self._learn(trace, 0, f"{kind} on frame 1")
        self.bank.prompted[0] = self.segmenter.memorise(features, trace, prompted=True)

    def follow(self, features: ImageFeatures, at: int, correct: bool) -> None:
        """Track onto a frame; perhaps correct what was found there, as a user would."""
        recall = self.bank.recall(at, reverse=False, frames=self.network.config.max_pointers)
        trace = self.segmenter.track(features, recall)
        self._learn(trace, at, f"frame {at + 1}")
        if not correct:
            self.bank.tracked[at] = trace
            return
        answer = self.segmenter.from_prompt(features, self._correction(trace, at), trace.logits.detach(), recall)
        self._learn(answer, at, "corrected")
        self.bank.prompted[at] = self.segmenter.memorise(features, answer, prompted=True)

    def _correction(self, trace: Trace, at: int) -> Points:
        truth = self.truth[:, at]
        wrong = enlarged(trace.logits.detach(), truth.shape[-1])[:, 0] > 0
        return prompts.corrections(self.dice.torch, wrong, truth >= 0.5, self.network.image_size)

    def _learn(self, trace: Trace, at: int, name: str) -> None:
        """Add the losses of what was said about a frame; where the object is absent only the score can be wrong."""
        truth = self.truth[:, at]
        present = (truth >= 0.5).flatten(1).any(dim=1)
        several = trace.candidates is not None and trace.candidate_quality is not None
        logits = trace.candidates if several else trace.logits
        quality = trace.candidate_quality if several else trace.quality
        assert logits is not None and quality is not None  # noqa: S101
        errors = mask_errors(enlarged(logits, truth.shape[-1]), truth, self.weights)
        masks = candidates_loss(errors, quality, self.weights) * present
        score = presence_loss(trace.presence, present[:, None])
        self.total = self.total + (masks + self.weights.presence * score).mean()
        if present.any():
            self.figures[name] = float(_shown_iou(errors, quality)[present].mean())


def _shown_iou(errors: MaskErrors, quality: Tensor) -> Tensor:
    return torch.take_along_dim(errors.iou, quality.argmax(dim=1, keepdim=True), dim=1)[:, 0]
