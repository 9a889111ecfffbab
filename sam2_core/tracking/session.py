"""One session: prompts in, masks out, and a memory that does not grow with the length of the clip.

Single-threaded; whoever calls opens `inference_mode`. All results follow from the medium and the order of the calls
alone, so that replaying a journal brings a session back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from sam2_core.errors import BadPrompt, Busy, SessionChanged
from sam2_core.model.network import MASK_PROMPT_LOGIT, ImageFeatures
from sam2_core.model.preprocess import Pixels, pixels_to_input
from sam2_core.tracking.closeup import Window, cut, look_closer
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.findings import Findings, Word, stale_spans, unsettled_spans
from sam2_core.tracking.follower import Follower
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.objects import Refinement, TrackedObject
from sam2_core.tracking.pixels import mask_input, object_mask, to_low_resolution
from sam2_core.tracking.prompts import check_prompt, growing, point_inputs
from sam2_core.tracking.segmenter import Segmenter, Trace
from sam2_core.types import FrameMasks, FrameSpan, Mask, ObjectMask, Prompt

MAX_PROMPTED_IN_MEMORY = 4
"""The network was trained on short clips with few prompted frames; more of them blur the memory."""

PROMPTED_REACH_IN_MEMORY = 2.0
"""Prompted frames that are farther away than this many times the nearest one are not remembered."""


class FrameSource(Protocol):
    """Where frames come from."""

    def frame(self, frame: int) -> Pixels:
        """Frame `frame` as RGB (H', W', 3) uint8, at any size."""
        ...


@dataclass(frozen=True, slots=True)
class ClipSize:
    """Number and true size of the frames; prompts and masks count in these pixels.

    In an album, whose frames do not follow one another, `sizes` has (height, width) of each one.
    """

    frames: int
    height: int
    width: int
    sizes: tuple[tuple[int, int], ...] = ()

    def of(self, frame: int) -> tuple[int, int]:
        """Height and width of one frame."""
        return self.sizes[frame] if self.sizes else (self.height, self.width)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Objects, and prompted frames over all of them, that one session may hold on the device."""

    objects: int = 64
    prompts: int = 1000


class TrackingSession:
    """Everything about one picture, clip or album."""

    def __init__(
        self,
        session_id: str,
        segmenter: Segmenter,
        source: FrameSource,
        size: ClipSize,
        cache: FeatureCache,
        limits: SessionLimits | None = None,
    ) -> None:
        config = segmenter.network.config
        self.id = session_id
        self.size = size
        self.revision = 0
        self.limits = limits or SessionLimits()
        self.objects: dict[int, TrackedObject] = {}
        self._segmenter = segmenter
        self._source = source
        self._cache = cache
        self._rules = MemoryRules(
            config.memory_slots, config.max_pointers, MAX_PROMPTED_IN_MEMORY, PROMPTED_REACH_IN_MEMORY
        )
        self._follower = Follower(segmenter, self._rules, size.frames, self._features)

    # --- what the engine asks for ------------------------------------------------------------------------------

    def prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Replace what was said for one object on one frame; see `Engine.prompt`."""
        self._check_frame(frame)
        check_prompt(prompt, *self.size.of(frame))
        if prompt.is_empty:
            return self._take_back(frame, object_id)
        self._check_room(frame, object_id)
        known = self.objects.get(object_id) or TrackedObject(MemoryBank(self._rules))
        trace, found = self._answer(known, object_id, frame, prompt)
        self.objects[object_id] = known
        known.bank.prompted[frame] = trace.without_candidates()
        known.found.words[frame] = Word(frame, prompt, found)
        self.revision += 1
        return FrameMasks(frame, self.revision, (found,))

    def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """What `prompt` would answer; see `Engine.preview`."""
        self._check_frame(frame)
        check_prompt(prompt, *self.size.of(frame))
        if prompt.is_empty:
            return FrameMasks(frame, self.revision, ())
        known = self.objects.get(object_id) or TrackedObject(MemoryBank(self._rules))
        # A copy: the steps of what was really said stay at hand for the next click.
        _, found = self._answer(replace(known), object_id, frame, prompt)
        return FrameMasks(frame, self.revision, (replace(found, candidates=()),))

    def track(self, frames: range, revision: int, objects: Collection[int] | None = None) -> tuple[FrameMasks, ...]:
        """Follow objects through `frames`; see `Engine.track`."""
        if revision != self.revision:
            raise SessionChanged("Something was said in the meantime; track again from here.")
        self._check_trackable()
        self._check_frames(frames)
        return tuple(self._track_frame(frame, frames.step < 0, objects) for frame in frames)

    def plan(self, frames: range) -> tuple[FrameSpan, ...]:
        """What of these frames is left to be tracked; see `Engine.plan`."""
        self._check_trackable()
        self._check_frames(frames)
        return unsettled_spans(self._found(), frames)

    def stale(self, frames: range) -> tuple[FrameSpan, ...]:
        """What of these frames is to be tracked again; see `Engine.stale`."""
        self._check_frames(frames)
        return stale_spans(self._found(), frames)

    def untrack(self, frames: range, objects: Collection[int]) -> int:
        """Take back the newest masks that tracking found; returns the new revision."""
        self._check_frames(frames)
        taken = [known.untrack(frames) for object_id, known in self.objects.items() if object_id in objects]
        self.revision += any(taken)
        return self.revision

    def masks(self, frames: range) -> tuple[FrameMasks, ...]:
        """The masks known so far; see `Engine.masks`."""
        self._check_frames(frames)
        return tuple(self._known_masks(frame) for frame in frames)

    def forget(self, object_id: int) -> int:
        """Remove an object; returns the new revision."""
        if self.objects.pop(object_id, None) is not None:
            self.revision += 1
        return self.revision

    # --- prompts -----------------------------------------------------------------------------------------------

    def _answer(self, known: TrackedObject, object_id: int, frame: int, prompt: Prompt) -> tuple[Trace, ObjectMask]:
        """What a prompt leaves behind and what the user sees of it, with the second look at a crop."""
        said = replace(prompt, crop=None)
        if said.is_empty:
            trace, found = self._found_there(known, object_id, frame)
        else:
            trace = self._answer_steps(known, frame, said)
            found = self._seen(known, object_id, frame)
        if prompt.crop is None:
            return trace, found
        part = Window.of(prompt.crop, *self.size.of(frame))
        return look_closer(self._segmenter, self._part_features(frame, part), part, prompt, trace, found)

    def _answer_steps(self, known: TrackedObject, frame: int, prompt: Prompt) -> Trace:
        """Answer the first point, or the boxes and the mask, then each further point with the previous answer fed back.

        That is how the network was trained, and the answer follows from the prompt (and from what is remembered of
        other frames, where this one was tracked), not from the way to it: saying the same again, or taking a point
        back, gives what was there before.
        """
        features = self._features(frame)
        wanted = growing(prompt)
        done = known.refinement.longest_prefix(frame, wanted) if known.refinement else ()
        steps = list(done)
        for step in wanted[len(done) :]:
            before = steps[-1][1] if steps else None
            steps.append((step, self._answer_step(known, frame, features, step, before)))
        known.refinement = Refinement(frame, tuple(steps))
        return steps[-1][1]

    def _answer_step(
        self, known: TrackedObject, frame: int, features: ImageFeatures, step: Prompt, before: Trace | None
    ) -> Trace:
        network = self._segmenter.network
        if step.mask is not None and not step.points:
            given = self._segmenter.from_mask(features, mask_input(network, step.mask))
            return given if before is None else self._segmenter.unite(features, [given, before])
        if len(step.boxes) > 1 and not step.points:
            alone = (self._answer_step(known, frame, features, replace(step, boxes=(box,)), None) for box in step.boxes)
            return self._segmenter.unite(features, list(alone))
        previous = self._tracked_logits(known, frame) if before is None else before.logits
        recall = self._follower.recall_elsewhere(known, frame)
        points = point_inputs(step, *self.size.of(frame), network.image_size, network.device)
        return self._segmenter.from_prompt(features, points, previous, recall, step.choice)

    def _seen(self, known: TrackedObject, object_id: int, frame: int) -> ObjectMask:
        """The answer at the frame's size. A mask that no point refines is shown as it was given, pixel by pixel."""
        steps = known.refinement.steps if known.refinement else ()
        prompt, trace = steps[-1]
        found = object_mask(object_id, trace, *self.size.of(frame))
        if prompt.mask is None or prompt.points:
            return found
        if not prompt.boxes:
            return replace(found, mask=prompt.mask)
        boxed = object_mask(object_id, steps[-2][1], *self.size.of(frame)).mask
        return replace(found, mask=Mask.from_array(boxed.to_array() | prompt.mask.to_array()))

    def _found_there(self, known: TrackedObject, object_id: int, frame: int) -> tuple[Trace, ObjectMask]:
        """What tracking found on a frame that only a crop is said about."""
        below = known.found.get(frame)
        if below is None:
            raise BadPrompt("There is no mask here yet to look at more closely. Click on the thing first.")
        found = below.as_object(object_id)
        return self._segmenter.from_mask(self._features(frame), mask_input(self._segmenter.network, found.mask)), found

    def _tracked_logits(self, known: TrackedObject, frame: int) -> Tensor | None:
        """What tracking found on a frame, as logits to correct."""
        found = known.found.get(frame)
        if found is None:
            return None
        kept = known.bank.tracked.get(frame)
        return kept.logits if kept is not None else self._logits_of(found.as_object(0).mask)

    def _take_back(self, frame: int, object_id: int) -> FrameMasks:
        known = self.objects.get(object_id)
        if known is not None and frame in known.found.words:
            del known.found.words[frame], known.bank.prompted[frame]
            known.refinement = None
            self.revision += 1
            if not known.found.words:  # nobody says any more what the object is
                del self.objects[object_id]
        left = self.objects[object_id].found.mask_on(frame, object_id) if object_id in self.objects else None
        return FrameMasks(frame, self.revision, () if left is None else (left,))

    # --- tracking ----------------------------------------------------------------------------------------------

    def _track_frame(self, frame: int, reverse: bool, objects: Collection[int] | None) -> FrameMasks:
        fresh = set()
        for object_id, known in sorted(self.objects.items()):
            is_wanted = objects is None or object_id in objects
            if is_wanted and frame not in known.found.words and not known.found.is_settled(frame):
                trace = self._follower.find(known, frame, reverse)
                known.found.put(frame, object_mask(object_id, trace, *self.size.of(frame)), reverse)
                fresh.add(object_id)
        now = self._known_masks(frame)
        return replace(now, objects=tuple(replace(each, fresh=each.object_id in fresh) for each in now.objects))

    # --- frames and masks --------------------------------------------------------------------------------------

    def _features(self, frame: int) -> ImageFeatures:
        size = self._segmenter.network.image_size
        return self._cache.get(
            (self.id, frame), lambda: self._segmenter.encode(pixels_to_input(self._source.frame(frame), size))
        )

    def _found(self) -> dict[int, Findings]:
        return {object_id: known.found for object_id, known in self.objects.items()}

    def _part_features(self, frame: int, part: Window) -> ImageFeatures:
        """Those of a part of a frame with its margin, at the network's full input."""
        (height, width), size = self.size.of(frame), self._segmenter.network.image_size
        seen = part.with_margin(height, width)

        def encoded() -> ImageFeatures:
            return self._segmenter.encode(pixels_to_input(cut(self._source.frame(frame), seen, height, width), size))

        return self._cache.get((self.id, frame, seen), encoded)

    def _known_masks(self, frame: int) -> FrameMasks:
        masks = (known.found.mask_on(frame, object_id) for object_id, known in sorted(self.objects.items()))
        return FrameMasks(frame, self.revision, tuple(mask for mask in masks if mask is not None))

    def _logits_of(self, mask: Mask) -> Tensor:
        network = self._segmenter.network
        low = to_low_resolution(mask.to_array(), network.config.mask_size)
        return ((2 * low - 1) * MASK_PROMPT_LOGIT).to(network.device)

    def _check_room(self, frame: int, object_id: int) -> None:
        if object_id not in self.objects and len(self.objects) >= self.limits.objects:
            raise Busy(f"There are {self.limits.objects} objects already. Remove one before you add another.")
        said = [at for known in self.objects.values() for at in known.found.words]
        is_new = object_id not in self.objects or frame not in self.objects[object_id].found.words
        if is_new and len(said) >= self.limits.prompts:
            raise Busy(f"There are prompts on {self.limits.prompts} frames already. Clear some before you add more.")

    def _check_trackable(self) -> None:
        if self.size.sizes:
            raise BadPrompt("The photos of an album do not follow one another: there is nothing to track.")
        if not self.objects:
            raise BadPrompt("Nothing is selected yet: click on a thing first, then track it.")

    def _check_frames(self, frames: range) -> None:
        for frame in (frames[0], frames[-1]) if frames else ():
            self._check_frame(frame)

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.size.frames:
            raise BadPrompt(f"Frame {frame} does not exist: there are {self.size.frames}, counted from 0.")
