"""Propagation of objects from frame to frame: memory selection, and removal of memory that is out of date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.masks import mask_prompt
from sam2_core.tracking.memory_bank import MemoryRules, MemorySelection
from sam2_core.tracking.object_history import TrackedMask
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.segmenter import FrameOutput, Segmenter


@dataclass(frozen=True, slots=True)
class Propagator:
    """Propagates objects through a clip of `frames` frames; `features` returns the image features of a frame."""

    segmenter: Segmenter
    rules: MemoryRules
    frames: int
    features: Callable[[int], ImageFeatures]

    def propagate(self, targets: Sequence[TrackedObject], frame: int, reverse: bool) -> list[FrameOutput]:
        """Track objects onto one frame and add the outputs, without candidates, to their memory banks."""
        for target in targets:
            self.encode_prompted(target)
            self._refresh_memory(target, frame, reverse)
        selections = [target.bank.select(frame, reverse, self.frames) for target in targets]
        if not targets:
            return []
        features = self.features(frame)
        tracked = self.segmenter.track_all(features, selections)
        outputs = [output.without_candidates().with_appearance(features) for output in tracked]
        for target, output in zip(targets, outputs, strict=True):
            target.bank.tracked[frame] = output
            target.prompt_steps = None
            self._trim(target, frame, reverse)
        return outputs

    def select_for_correction(self, target: TrackedObject, frame: int) -> MemorySelection[FrameOutput] | None:
        """The memory for a prompt on a tracked frame, or None where the frame was not tracked.

        It excludes the frame itself and the tracked frames that may show the same mistake: those in its interval
        between prompts, and those that are not up to date.
        """
        latest = target.history.latest(frame)
        if latest is None:
            return None
        self.encode_prompted(target)
        interval = target.history.interval(frame)
        excluded = {at for at in target.bank.tracked if at in interval or not target.history.is_up_to_date(at)}
        bank = target.bank.without({frame}, excluded)
        return bank.select(frame, latest.reverse, self.frames) if bank.prompted or bank.tracked else None

    def encode_prompted(self, target: TrackedObject) -> None:
        """Encode the missing memories and appearances of prompted frames. This is deferred to their first use: until
        then each further click would discard those of the one before."""
        for frame, output in target.bank.prompted.items():
            if output.memory is None:
                features = self.features(frame)
                encoded = self.segmenter.encode_memory(features, output, prompted=True)
                target.bank.prompted[frame] = encoded.with_appearance(features)

    def _refresh_memory(self, target: TrackedObject, frame: int, reverse: bool) -> None:
        """Drop tracked frames that are not up to date, and restore the memory of the frames just behind `frame`."""
        for at in [at for at in target.bank.tracked if not target.history.is_up_to_date(at)]:
            del target.bank.tracked[at]
        step = -1 if reverse else 1
        for distance in range(1, self.rules.slots):
            at = frame - step * distance
            latest, kept = target.history.latest(at), target.bank.tracked.get(at)
            if latest is not None and target.history.is_up_to_date(at) and (kept is None or kept.memory is None):
                target.bank.tracked[at] = self._restored(kept, latest, self.features(at))

    def _restored(self, kept: FrameOutput | None, latest: TrackedMask, features: ImageFeatures) -> FrameOutput:
        """An output with memory, from its logits where they are kept, else from its mask."""
        output = kept or self.segmenter.from_mask(features, mask_prompt(self.segmenter.network, latest.unpack(0).mask))
        return self.segmenter.encode_memory(features, output, prompted=False)

    def _trim(self, target: TrackedObject, frame: int, reverse: bool) -> None:
        """Drop what the next frame cannot select: outputs beyond the pointers, memories beyond the slots."""
        reach = self.rules.max_pointers - 1
        target.bank.keep_tracked(*((frame, frame + reach) if reverse else (frame - reach, frame)))
        for at, output in target.bank.tracked.items():
            if abs(at - frame) >= self.rules.slots and output.memory is not None:
                target.bank.tracked[at] = replace(output, memory=None)
