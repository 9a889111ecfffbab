"""An object on one frame: the network's verbs in the order of the paper's figure 3, without any book-keeping.

Sessions ask for one object at a time (B = 1); training, which runs the same code, for many.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import ABSENT_LOGIT, MASK_PROMPT_LOGIT, SAM2, ImageFeatures, Memory, Pointer
from sam2_core.tracking.memory_bank import Recall

PREVIOUS_LOGIT_LIMIT = 32.0
"""Logits that are fed back as a prompt are clamped to this."""

_AMBIGUOUS_POINTS = 1  # up to so many points, three candidates are asked for


@dataclass(frozen=True, slots=True)
class Trace:
    """What an object leaves behind on one frame.

    `logits` (B, 1, 4H, 4W), object `pointer` (B, C), `object_score` logit (B, 1), predicted IoU (B, 1), and
    once it is memorised the spatial `memory` (B, D, H, W) in bfloat16. After an ambiguous prompt `candidates` holds
    all three masks (B, 3, 4H, 4W) with `candidate_predicted_iou` (B, 3).
    """

    logits: Tensor
    pointer: Tensor
    object_score: Tensor
    predicted_iou: Tensor
    memory: Tensor | None = None
    candidates: Tensor | None = None
    candidate_predicted_iou: Tensor | None = None

    def without_candidates(self) -> Trace:
        """What is worth remembering."""
        return replace(self, candidates=None, candidate_predicted_iou=None)


@dataclass(frozen=True, slots=True)
class Segmenter:
    """Runs a network. `fast` opens the precision for the heavy parts (encoders and memory); the small mask decoder
    always computes in the precision of the weights. With `hide_absent` masks vanish where the object score says "not
    here"; while that score is still being learned, they must not."""

    network: SAM2
    fast: Callable[[], AbstractContextManager[object]] = nullcontext
    hide_absent: bool = True

    def encode(self, image: Tensor) -> ImageFeatures:
        """Encode one image (3, S, S)."""
        with self.fast():
            features = self.network.encode_image(image[None].to(self.network.device))
        stride4, stride8 = features.high_res
        return ImageFeatures(features.embedding.float(), (stride4.float(), stride8.float()))

    def from_prompt(
        self,
        features: ImageFeatures,
        points: tuple[Tensor, Tensor] | None,
        previous: Tensor | None,
        recall: Recall[Trace] | None,
        choice: int | None = None,
    ) -> Trace:
        """Answer points (coordinates (B, N, 2) in input pixels, labels (B, N)) and `previous` logits (B, 1, 4H, 4W).

        Without `recall` the frame is seen for itself, as the first prompt of an object is. `choice` picks a candidate
        where there are several.
        """
        limit = PREVIOUS_LOGIT_LIMIT
        mask_prompt = None if previous is None else previous.clamp(-limit, limit)
        ambiguous = points is None or points[1].shape[1] <= _AMBIGUOUS_POINTS
        return self._decode(features, self._condition(features, recall), points, mask_prompt, ambiguous, choice)

    def refine(self, features: ImageFeatures, points: tuple[Tensor, Tensor], previous: Tensor) -> Trace:
        """Answer as `from_prompt` does, but with one mask however few the points are: `previous` says what is meant."""
        limit = PREVIOUS_LOGIT_LIMIT
        embedding = self._condition(features, None)
        return self._decode(features, embedding, points, previous.clamp(-limit, limit), ambiguous=False)

    def track(self, features: ImageFeatures, recall: Recall[Trace]) -> Trace:
        """Find the object again on the next frame and memorise what was found."""
        trace = self._decode(features, self._condition(features, recall), None, None, ambiguous=True)
        return self.memorise(features, trace, prompted=False)

    def from_mask(self, features: ImageFeatures, mask: Tensor) -> Trace:
        """Take a mask (B, 1, S, S) of zeros and ones as the answer; the decoder only gives the object pointer."""
        logits = (2 * mask - 1) * MASK_PROMPT_LOGIT
        low = F.interpolate(logits, scale_factor=0.25, mode="bilinear", align_corners=False, antialias=True)
        # The frame is seen without any memory code here, not even the one that says "no memory".
        prompt = self.network.mask_downsample(mask)
        seen = self._decode(features, features.embedding, None, prompt, ambiguous=False)
        present = mask.flatten(1).any(dim=1, keepdim=True)
        return Trace(
            logits=low,
            pointer=torch.where(present, seen.pointer, self.network.no_obj_ptr),
            object_score=(2 * present.float() - 1) * MASK_PROMPT_LOGIT,
            predicted_iou=torch.ones_like(seen.predicted_iou),
        )

    def unite(self, features: ImageFeatures, parts: list[Trace]) -> Trace:
        """What several traces of a frame hold together: the object pointer is that of their union as a mask."""
        logits = torch.stack([part.logits for part in parts]).amax(dim=0)
        size = (self.network.image_size, self.network.image_size)
        mask = (F.interpolate(logits, size=size, mode="bilinear", align_corners=False) > 0).to(logits.dtype)
        return Trace(
            logits=logits,
            pointer=self.from_mask(features, mask).pointer,
            object_score=torch.stack([part.object_score for part in parts]).amax(dim=0),
            predicted_iou=torch.stack([part.predicted_iou for part in parts]).mean(dim=0),
        )

    def memorise(self, features: ImageFeatures, trace: Trace, prompted: bool) -> Trace:
        """The trace with its spatial memory."""
        with self.fast():
            memory = self.network.encode_memory(features.embedding, trace.logits, trace.object_score, prompted)
        return replace(trace, memory=memory.to(torch.bfloat16))

    def _condition(self, features: ImageFeatures, recall: Recall[Trace] | None) -> Tensor:
        if recall is None:
            return self.network.without_memory(features.embedding)
        device = self.network.device  # memories may wait on the CPU
        memories = [
            Memory(trace.memory.to(device), slot) for slot, trace in recall.memories if trace.memory is not None
        ]
        pointers = [Pointer(trace.pointer, time) for time, trace in recall.pointers]
        with self.fast():
            return self.network.attend(features.embedding, memories, pointers).float()

    def _decode(
        self,
        features: ImageFeatures,
        embedding: Tensor,
        points: tuple[Tensor, Tensor] | None,
        mask_prompt: Tensor | None,
        ambiguous: bool,
        choice: int | None = None,
    ) -> Trace:
        if points is None:  # in clips "no point" is said explicitly
            batch, device = len(embedding), embedding.device
            points = torch.zeros(batch, 1, 2, device=device), torch.full((batch, 1), -1, device=device)
        prediction = self.network.predict_masks(embedding, features.high_res, points, mask_prompt, ambiguous)
        return self._trace(prediction, choice)

    def _trace(self, prediction: MaskPrediction, choice: int | None) -> Trace:
        present = prediction.object_score > 0  # (B, 1)
        logits = prediction.logits.float()
        if self.hide_absent:
            logits = torch.where(present[..., None, None], logits, ABSENT_LOGIT)
        several = logits.shape[1] > 1
        best = prediction.predicted_iou.argmax(dim=1, keepdim=True)  # (B, 1)
        if choice is not None and several:
            best = torch.full_like(best, choice)
        token = torch.take_along_dim(prediction.tokens, best[..., None], dim=1)[:, 0]
        return Trace(
            logits=torch.take_along_dim(logits, best[..., None, None], dim=1),
            pointer=self.network.object_pointer(token, present),
            object_score=prediction.object_score,
            predicted_iou=torch.take_along_dim(prediction.predicted_iou, best, dim=1),
            candidates=logits if several else None,
            candidate_predicted_iou=prediction.predicted_iou if several else None,
        )
