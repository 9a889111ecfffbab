"""Following one object from frame to frame: what is remembered of it, and what of that is let go because it may show a
mistake that has been corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.findings import TrackedMask
from sam2_core.tracking.memory_bank import MemoryRules, Recall
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.pixels import mask_input
from sam2_core.tracking.segmenter import Segmenter, Trace


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows objects through a clip of `frames` frames, whose `features` it asks for."""

    segmenter: Segmenter
    rules: MemoryRules
    frames: int
    features: Callable[[int], ImageFeatures]

    def find(self, known: TrackedObject, frame: int, reverse: bool) -> Trace:
        """Track an object onto one frame, and remember it."""
        for other in known.bank.prompted:
            self._memorise_prompted(known, other)
        self._refresh_memory(known, frame, reverse)
        recall = known.bank.recall(frame, reverse, self.frames)
        trace = self.segmenter.track(self.features(frame), recall)
        known.bank.tracked[frame] = trace.without_candidates()
        known.refinement = None
        self._trim(known, frame, reverse)
        return trace

    def recall_elsewhere(self, known: TrackedObject, frame: int) -> Recall[Trace] | None:
        """What a correction of a tracked frame remembers: nothing of the frame itself, nor of the mistake around it."""
        found = known.found.get(frame)
        if found is None:
            return None
        for other in known.bank.prompted:
            self._memorise_prompted(known, other)
        gap = known.found.gap(frame)
        mistaken = {at for at in known.bank.tracked if at in gap or not known.found.is_settled(at)}
        bank = known.bank.without({frame}, mistaken)
        return bank.recall(frame, found.reverse, self.frames) if bank.prompted or bank.tracked else None

    def _memorise_prompted(self, known: TrackedObject, frame: int) -> None:
        """Prompted frames are memorised late, when somebody needs them: until then each click would be in vain."""
        trace = known.bank.prompted[frame]
        if trace.memory is None:
            known.bank.prompted[frame] = self.segmenter.memorise(self.features(frame), trace, prompted=True)

    def _refresh_memory(self, known: TrackedObject, frame: int, reverse: bool) -> None:
        """Forget what may show an old mistake, and remember again the frames just behind where tracking resumes."""
        for at in [at for at in known.bank.tracked if not known.found.is_settled(at)]:
            del known.bank.tracked[at]
        behind = -1 if reverse else 1
        for distance in range(1, self.rules.slots):
            at = frame - behind * distance
            found, kept = known.found.get(at), known.bank.tracked.get(at)
            if found is not None and known.found.is_settled(at) and (kept is None or kept.memory is None):
                known.bank.tracked[at] = self._remembered(kept, found, self.features(at))

    def _remembered(self, kept: Trace | None, found: TrackedMask, features: ImageFeatures) -> Trace:
        """A trace with memory, from what is left of it: its logits, or only the mask."""
        trace = kept or self.segmenter.from_mask(features, mask_input(self.segmenter.network, found.as_object(0).mask))
        return self.segmenter.memorise(features, trace, prompted=False)

    def _trim(self, known: TrackedObject, frame: int, reverse: bool) -> None:
        """Let go of what the next frame cannot reach: traces beyond the pointers, memories beyond the slots."""
        reach = self.rules.max_pointers - 1
        known.bank.keep_tracked(*((frame, frame + reach) if reverse else (frame - reach, frame)))
        for at, trace in known.bank.tracked.items():
            if abs(at - frame) >= self.rules.slots and trace.memory is not None:
                known.bank.tracked[at] = replace(trace, memory=None)
