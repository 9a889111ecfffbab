"""One step of the network for an object on one frame (paper, figure 3): no session and no bookkeeping.

Sessions prompt one object at a time (B = 1) and track several as batches; training runs the same code on batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import ABSENT_LOGIT, MASK_PROMPT_LOGIT, SAM2, ImageFeatures, Memory, Pointer
from sam2_core.model.ranked_outputs import best_of_all, candidates_and_single, ranks_outputs
from sam2_core.model.sam import Network
from sam2_core.tracking.boundaries import fit_mask_prompt
from sam2_core.tracking.memory_bank import MemorySelection

CANNOT_TRACK = "SAM 1 segments pictures and cannot track through a clip: choose a SAM 2 model, which can."

PREVIOUS_LOGIT_LIMIT = 32.0
"""Logits that are fed back as a mask prompt are clamped to plus or minus this."""

RING_WIDTH = 4
"""Low-resolution pixels around a mask that are its surroundings."""


_CPU_BATCH = 1
"""Objects tracked as one batch on a CPU. More would gain little there, and rounding would depend on which objects there
are: a replay without one that was removed would not give the very same masks."""


@dataclass(frozen=True, slots=True)
class FrameOutput:
    """The output for one object on one frame.

    Mask `logits` (B, 1, 4H, 4W), object `pointer` (B, C; none for SAM), `object_score` logit (B, 1), `predicted_iou`
    (B, 1), and after `Segmenter.encode_memory` the spatial `memory` (B, D, H, W) in bfloat16. After an ambiguous prompt
    `candidates` holds all M masks, three or four (B, M, 4H, 4W), with `candidate_predicted_iou` (B, M). Where masks are
    checked, `appearance` and `surroundings` (B, C) are the means of the image features within and around the mask.
    """

    logits: Tensor
    pointer: Tensor
    object_score: Tensor
    predicted_iou: Tensor
    memory: Tensor | None = None
    candidates: Tensor | None = None
    candidate_predicted_iou: Tensor | None = None
    appearance: Tensor | None = None
    surroundings: Tensor | None = None

    def with_appearance(self, features: ImageFeatures) -> FrameOutput:
        """The output with the appearance of its mask and of the ring around it in the image features of its frame."""
        mask = (self.logits > 0).float()
        ring = F.max_pool2d(mask, 2 * RING_WIDTH + 1, 1, RING_WIDTH) - mask
        appearance, surroundings = (_mean_within(features.embedding, weights) for weights in (mask, ring))
        return replace(self, appearance=appearance, surroundings=surroundings)

    def without_candidates(self) -> FrameOutput:
        """The part that memory needs."""
        return replace(self, candidates=None, candidate_predicted_iou=None)

    def __getitem__(self, index: int) -> FrameOutput:
        """The output for one object of the batch, with a batch axis of 1 and memory of its own."""
        return self._map(lambda x: x[index : index + 1].clone())

    def to(self, device: torch.device) -> FrameOutput:
        """The output in the memory of a device."""
        return self._map(lambda x: x.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> FrameOutput:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {name: x if x is None else change(x) for name, x in values.items()}
        return FrameOutput(**changed)


Selection: TypeAlias = MemorySelection[FrameOutput]


def _memories(selection: Selection) -> list[Tensor]:
    return [output.memory for _, output in selection.memories if output.memory is not None]


def _distances(selection: Selection) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The slots of the memories, and the times of the pointers."""
    slots = tuple(slot for slot, output in selection.memories if output.memory is not None)
    return slots, tuple(time for time, _ in selection.pointers)


def _batches(selections: Iterable[Selection], limit: int) -> Iterator[list[int]]:
    """Which selections make up a batch: places of those with equal distances, at most `limit` of them."""
    alike: dict[object, list[int]] = {}
    for place, selection in enumerate(selections):
        alike.setdefault(_distances(selection), []).append(place)
    for places in alike.values():
        yield from (places[start : start + limit] for start in range(0, len(places), limit))


def as_mask_input(logits: Tensor) -> Tensor:
    """Clamp low-resolution logits to the range of mask prompts in training."""
    return logits.clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT)


def _mean_within(embedding: Tensor, weights: Tensor) -> Tensor:
    """The mean of an embedding (B, C, H, W) with weights (B, 1, 4H, 4W): (B, C)."""
    weights = F.interpolate(weights, size=embedding.shape[-2:], mode="area")  # (B, 1, H, W)
    return (embedding * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)).clamp(min=1e-6)


@dataclass(slots=True)
class Segmenter:
    """Runs a network; one of SAM has no memory, so `track` and `encode_memory` raise `BadPrompt` for it.

    `precision` returns the context in which the encoders and memory attention run; the small mask decoder always
    runs in the precision of the weights. With `hide_absent`, masks are empty where the object score is not positive;
    training turns this off, because the score is still being learned. `max_batch` is how many objects a GPU tracks at
    once.
    """

    network: Network
    precision: Callable[[], AbstractContextManager[object]] = nullcontext
    hide_absent: bool = True
    max_batch: int = 16

    @property
    def output_bytes(self) -> int:
        """What the logits and the memory of one output of one object take."""
        side, network = self.network.config.mask_size, self.network
        memory = network.config.memory_width * (side // 4) ** 2 if isinstance(network, SAM2) else 0
        return side**2 * 4 + memory * 2

    def encode(self, image: Tensor) -> ImageFeatures:
        """Encode one image (3, S, S)."""
        with self.precision():
            on_device = image[None].to(self.network.device, non_blocking=image.is_pinned())
            features = self.network.encode_image(on_device)
        high_res = tuple(feature.float() for feature in features.high_res)
        return replace(features, embedding=features.embedding.float(), high_res=high_res)

    @property
    def can_track(self) -> bool:
        """Whether the network has a memory."""
        return isinstance(self.network, SAM2)

    @property
    def _tracker(self) -> SAM2:
        if not isinstance(self.network, SAM2):
            raise BadPrompt(CANNOT_TRACK)
        return self.network

    def from_prompt(
        self,
        features: ImageFeatures,
        points: tuple[Tensor, Tensor] | None,
        previous: Tensor | None,
        selection: Selection | None,
        choice: int | None = None,
    ) -> FrameOutput:
        """Segment by points (coordinates (B, N, 2) in input pixels, labels (B, N)) and `previous` logits
        (B, 1, 4H, 4W).

        Without a `selection` the frame is not conditioned on memory, as for the first prompt of an object. `choice`
        picks one of several candidates; None, or one that there is not, takes the one with the highest predicted IoU.
        """
        mask_prompt = None if previous is None else as_mask_input(previous)
        count = 0 if points is None else points[1].shape[1]
        ambiguous = self.network.config.is_ambiguous(count, tracking=selection is not None)
        embedding = self._without_memory(features) if selection is None else self._condition(features, [selection])
        # With memory the predicted IoUs of all four outputs have not learned to compete.
        rank = selection is None and points is not None and self._ranks(points[1])
        return self._decode(features, embedding, points, mask_prompt, ambiguous, choice, rank)

    def refine(self, features: ImageFeatures, points: tuple[Tensor, Tensor], previous: Tensor) -> FrameOutput:
        """As `from_prompt` without memory, but with one mask whatever the number of points: `previous` resolves
        the ambiguity."""
        embedding, fitted = self._without_memory(features), fit_mask_prompt(previous, features.pixels)
        rank = self._ranks(points[1])
        return self._decode(features, embedding, points, as_mask_input(fitted), ambiguous=False, rank=rank)

    def track(self, features: ImageFeatures, selection: Selection) -> FrameOutput:
        """Segment the object on a frame by memory alone, and encode the memory of the result."""
        return self._track_batch(features, [selection])

    def track_all(self, features: ImageFeatures, selections: Sequence[Selection]) -> list[FrameOutput]:
        """`track` for several objects of one frame. Those whose memories are equally far away are one batch, in which
        what depends on the frame alone is computed once."""
        outputs: dict[int, FrameOutput] = {}
        limit = _CPU_BATCH if self.network.device.type == "cpu" else self.max_batch
        for places in _batches(selections, limit):
            together = self._track_batch(features, [selections[place] for place in places])
            outputs |= {place: together[index] for index, place in enumerate(places)}
        return [outputs[place] for place in range(len(selections))]

    def _track_batch(self, features: ImageFeatures, selections: Sequence[Selection]) -> FrameOutput:
        ambiguous = self._tracker.config.is_ambiguous(points=0, tracking=True)
        output = self._decode(features, self._condition(features, selections), None, None, ambiguous)
        return self.encode_memory(features, output, prompted=False)

    def from_mask(self, features: ImageFeatures, mask: Tensor) -> FrameOutput:
        """Use a mask (B, 1, S, S) of zeros and ones as the output itself; the decoder gives only the object pointer."""
        logits = (2 * mask - 1) * MASK_PROMPT_LOGIT
        low = F.interpolate(logits, scale_factor=0.25, mode="bilinear", align_corners=False, antialias=True)
        present = mask.flatten(1).any(dim=1, keepdim=True)
        return FrameOutput(
            logits=low,
            pointer=self._mask_pointer(features, mask, present),
            object_score=(2 * present.float() - 1) * MASK_PROMPT_LOGIT,
            predicted_iou=torch.ones_like(present, dtype=low.dtype),
        )

    def _mask_pointer(self, features: ImageFeatures, mask: Tensor, present: Tensor) -> Tensor:
        """The object pointer (B, C) for a mask (B, 1, S, S)."""
        if not isinstance(self.network, SAM2):
            return mask.new_zeros(len(mask), 0)
        # As in the official code, the embedding gets no memory here, not even the "no memory" embedding.
        prompt = self.network.mask_downsample(mask)
        decoded = self._decode(features, features.embedding, None, prompt, ambiguous=False)
        return torch.where(present, decoded.pointer, self.network.no_obj_ptr)

    def union(self, features: ImageFeatures, parts: list[FrameOutput]) -> FrameOutput:
        """The union of several outputs of a frame: logits and object score are their maximum, the predicted IoU their
        mean, and the object pointer is that of the united mask."""
        logits = torch.stack([part.logits for part in parts]).amax(dim=0)
        size = (self.network.image_size, self.network.image_size)
        mask = (F.interpolate(logits, size=size, mode="bilinear", align_corners=False) > 0).to(logits.dtype)
        return FrameOutput(
            logits=logits,
            pointer=self.from_mask(features, mask).pointer,
            object_score=torch.stack([part.object_score for part in parts]).amax(dim=0),
            predicted_iou=torch.stack([part.predicted_iou for part in parts]).mean(dim=0),
        )

    def encode_memory(self, features: ImageFeatures, output: FrameOutput, prompted: bool) -> FrameOutput:
        """The output with its spatial memory; masks of `prompted` frames are binarized."""
        with self.precision():
            memory = self._tracker.encode_memory(features.embedding, output.logits, output.object_score, prompted)
        return replace(output, memory=memory.to(torch.bfloat16))

    def _ranks(self, labels: Tensor) -> bool:
        """Whether the best of all four outputs answers points of these labels; training looks at each by itself."""
        return not self.network.training and ranks_outputs(self.network.config, labels)

    @property
    def _has_no_memory(self) -> bool:
        """Whether memory is disabled, as it can be in the official code."""
        return isinstance(self.network, SAM2) and not self.network.config.memory_slots

    def _without_memory(self, features: ImageFeatures) -> Tensor:
        return features.embedding if self._has_no_memory else self.network.without_memory(features.embedding)

    def _condition(self, features: ImageFeatures, selections: Sequence[Selection]) -> Tensor:
        """The embedding on the memory of each of these selections, which are alike: (B, C, H, W)."""
        if self._has_no_memory:
            return features.embedding
        device = self.network.device  # memories may be stored on the CPU
        slots, times = _distances(selections[0])
        remembered = zip(*map(_memories, selections), strict=True)
        pointed = zip(*([output.pointer for _, output in each.pointers] for each in selections), strict=True)
        memories = [Memory(torch.cat(each).to(device), slot) for each, slot in zip(remembered, slots, strict=True)]
        pointers = [Pointer(torch.cat(each), time) for each, time in zip(pointed, times, strict=True)]
        with self.precision():
            return self._tracker.attend(features.embedding, memories, pointers).float()

    def _decode(
        self,
        features: ImageFeatures,
        embedding: Tensor,
        points: tuple[Tensor, Tensor] | None,
        mask_prompt: Tensor | None,
        ambiguous: bool,
        choice: int | None = None,
        rank: bool = False,
    ) -> FrameOutput:
        if points is None:  # the official video predictor passes an explicit "no point"
            batch, device = len(embedding), embedding.device
            points = torch.zeros(batch, 1, 2, device=device), torch.full((batch, 1), -1, device=device)
        multimask = None if rank else ambiguous
        prediction = self.network.predict_masks(embedding, features.high_res, points, mask_prompt, multimask)
        if rank:
            prediction = candidates_and_single(prediction) if ambiguous else best_of_all(prediction)
        return self._output(prediction, choice)

    def _output(self, prediction: MaskPrediction, choice: int | None) -> FrameOutput:
        present = prediction.object_score > 0  # (B, 1)
        logits = prediction.logits.float()
        if self.hide_absent:
            logits = torch.where(present[..., None, None], logits, ABSENT_LOGIT)
        several = logits.shape[1] > 1
        best = prediction.predicted_iou.argmax(dim=1, keepdim=True)  # (B, 1)
        if choice is not None and several and choice < logits.shape[1]:
            best = torch.full_like(best, choice)
        token = torch.take_along_dim(prediction.tokens, best[..., None], dim=1)[:, 0]
        return FrameOutput(
            logits=torch.take_along_dim(logits, best[..., None, None], dim=1),
            pointer=self.network.object_pointer(token, present) if isinstance(self.network, SAM2) else token,
            object_score=prediction.object_score,
            predicted_iou=torch.take_along_dim(prediction.predicted_iou, best, dim=1),
            candidates=logits if several else None,
            candidate_predicted_iou=prediction.predicted_iou if several else None,
        )
