"""The checks of `mask_warnings` on the objects of a frame that tracking has just computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.tracking.mask_warnings import SHAPES_COMPARED, Evidence, MaskShape, find_warnings, measure_shape
from sam2_core.tracking.masks import as_fraction, low_resolution_logits
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import UNSUSPICIOUS, MaskWarning

MAX_FRAMES_BACK = 256
"""How far back unsuspicious masks are looked for."""


@dataclass(frozen=True, slots=True)
class CheckedMask:
    """The warnings about a mask, and its shape for the checks of the next frames; None for an empty mask."""

    warnings: tuple[MaskWarning, ...]
    shape: MaskShape | None


@dataclass(frozen=True, slots=True)
class MaskChecker:
    """`geometry` tells how a frame lies in the input; `min_similarity` is that of `RatingSettings`."""

    geometry: Callable[[int], InputGeometry]
    min_similarity: float

    def check(
        self, objects: Mapping[int, TrackedObject], outputs: Mapping[int, FrameOutput], frame: int, reverse: bool
    ) -> dict[int, CheckedMask]:
        """Check the new `outputs` of some objects on a frame, before they are in the history; by object id."""
        overlaps = self._overlaps(objects, outputs, frame) if outputs else {}
        return {
            object_id: self._check_one(objects[object_id], output, frame, reverse, overlaps.get(object_id, 0.0))
            for object_id, output in outputs.items()
        }

    def _check_one(
        self, target: TrackedObject, output: FrameOutput, frame: int, reverse: bool, overlap: float
    ) -> CheckedMask:
        shape = self._shape(output.logits, frame)
        step = -1 if reverse else 1
        prompted = min(target.bank.prompted, key=lambda at: abs(at - frame))
        evidence = Evidence(
            shape=shape,
            predicted_iou=as_fraction(float(output.predicted_iou)),
            object_score=float(output.object_score),
            before=list(islice(self._trusted_shapes(target, frame, step), SHAPES_COMPARED)),
            previous=self._known_shape(target, frame - step),
            prompted=self._known_shape(target, prompted),
            similarity=self._similarity(output, list(target.bank.prompted.values())),
            overlap=overlap,
        )
        return CheckedMask(find_warnings(evidence), shape)

    def _trusted_shapes(self, target: TrackedObject, frame: int, step: int) -> Iterator[MaskShape]:
        """Shapes on unsuspicious frames before, the nearest first, back to a prompted frame."""
        for at in range(frame - step, frame - step * (MAX_FRAMES_BACK + 1), -step):
            tracked = None if at in target.bank.prompted else target.history.latest(at)
            is_trusted = tracked is None or all(each.score < UNSUSPICIOUS for each in tracked.warnings or ())
            shape = self._known_shape(target, at)
            if shape is not None and is_trusted:
                yield shape
            if tracked is None:
                return

    def _known_shape(self, target: TrackedObject, frame: int) -> MaskShape | None:
        """The shape on a prompted or tracked frame; None where there is no mask, or an empty one."""
        if frame in target.bank.prompted:
            return self._shape(target.bank.prompted[frame].logits, frame)
        tracked = target.history.latest(frame)
        return None if tracked is None else tracked.shape

    def _shape(self, logits: Tensor, frame: int) -> MaskShape | None:
        """The shape of the mask of logits (1, 1, 4H, 4W)."""
        geometry = self.geometry(frame)
        (height, width), (rows, columns) = geometry.frame, geometry.inner_mask
        return measure_shape((logits[0, 0, :rows, :columns] > 0).cpu().numpy(), width / height)

    def _overlaps(
        self, objects: Mapping[int, TrackedObject], outputs: Mapping[int, FrameOutput], frame: int
    ) -> dict[int, float]:
        """For each output, the part of its mask that belongs to another object, too: of that which has most of it."""
        present = {object_id: output.logits for object_id, output in outputs.items()}
        for object_id in objects.keys() - outputs.keys():
            logits = self._known_logits(objects[object_id], frame)
            if logits is not None:
                present[object_id] = logits
        if len(present) < 2:
            return {}
        device = next(iter(outputs.values())).logits.device
        masks = torch.stack([(logits > 0).flatten().float().to(device) for logits in present.values()])  # (K, P)
        shared = masks @ masks.T  # (K, K)
        areas = shared.diagonal().clone()
        shared.fill_diagonal_(0)
        parts = (shared.amax(dim=1) / areas.clamp(min=1)).tolist()
        return dict(zip(present, parts, strict=True))

    def _known_logits(self, target: TrackedObject, frame: int) -> Tensor | None:
        """Logits (1, 1, 4H, 4W) of a mask that was there before."""
        if frame in target.bank.prompted:
            return target.bank.prompted[frame].logits
        known = target.history.latest(frame)
        return None if known is None else low_resolution_logits(known.unpack(0).mask.to_array(), self.geometry(frame))

    def _similarity(self, output: FrameOutput, prompted: list[FrameOutput]) -> float | None:
        """See `Evidence.similarity`: by the most similar prompted frame."""
        if not self.min_similarity:
            return None
        return max((_cosine(output, each) - self.min_similarity for each in prompted), default=None)


def _cosine(output: FrameOutput, prompted: FrameOutput) -> float:
    """Of the appearances, both less the surroundings on the prompted frame: there is much in common between all places
    of a picture. 1 where one of them is unknown."""
    if output.appearance is None or prompted.appearance is None or prompted.surroundings is None:
        return 1.0
    one, other = output.appearance - prompted.surroundings, prompted.appearance - prompted.surroundings
    return float(F.cosine_similarity(one, other))
