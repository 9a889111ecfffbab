"""One session: prompts in, masks out, with device memory that does not grow with the length of the clip.

Single-threaded; the caller enters `torch.inference_mode`. All results are determined by the media and the order of the
calls, so that replaying an edit log restores a session.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import torch

from sam2_core.errors import BadPrompt, Busy, MediaError, SessionChanged
from sam2_core.model.input_geometry import InputGeometry, frame_input
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.model.preprocess import Pixels
from sam2_core.model.sam import Network
from sam2_core.tracking.automatic_masks import Thresholds
from sam2_core.tracking.automatic_segmenter import MAX_AUTOMATIC_POINTS, fit_masks, segment_points
from sam2_core.tracking.crop_refinement import Window, crop_pixels
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.frame_reader import FrameReader, FrameSource
from sam2_core.tracking.mask_checker import MaskChecker
from sam2_core.tracking.masks import object_mask, stability_of
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.object_history import PromptedFrame, spans_to_track, stale_spans
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.prompt_segmenter import PromptSegmenter
from sam2_core.tracking.prompts import check_prompt
from sam2_core.tracking.propagator import Propagator
from sam2_core.tracking.segmenter import CANNOT_TRACK, FrameOutput, Segmenter
from sam2_core.types import AutomaticMask, AutomaticSettings, Box, FrameMasks, FrameSpan, Prompt

MAX_PROMPTED_IN_MEMORY = 4
"""The network was trained on short clips with few prompted frames; more of them degrade the memory."""

PROMPTED_REACH_IN_MEMORY = 2.0
"""Prompted frames more than this many times as far away as the nearest one are left out of the memory."""


@dataclass(frozen=True, slots=True)
class ClipSize:
    """Number of frames and their size in pixels, in which prompts and masks are measured.

    For an album, `sizes` holds the (height, width) of each image; it is empty for an image or a clip.
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
    """Limits of one session: objects, prompted frames over all objects, and frames of one `track` or `get_masks`."""

    max_objects: int = 64
    max_prompts: int = 1000
    max_frames_per_call: int = 256


class TrackingSession:
    """All state of one image, clip or album.

    The public methods are the engine's commands. `revision` grows with every `set_prompt`, `untrack` and
    `remove_object` that changes anything. Frame numbers outside of the media raise `BadPrompt`.
    """

    def __init__(
        self,
        session_id: str,
        segmenter: Segmenter,
        source: FrameSource,
        size: ClipSize,
        cache: FeatureCache,
        limits: SessionLimits | None = None,
        reading: Executor | None = None,
    ) -> None:
        """While the network tracks, the next frame is read by `reading`, if given."""
        self.id = session_id
        self.size = size
        self.revision = 0
        self.limits = limits or SessionLimits()
        self.objects: dict[int, TrackedObject] = {}
        self._segmenter = segmenter
        self._source = source
        self._reader = FrameReader(source, self._geometry, segmenter.network.device, reading)
        self._cache = cache
        self.rules = _memory_rules(segmenter.network)
        self._propagator = Propagator(segmenter, self.rules, size.frames, self._features)
        self._checker = MaskChecker(self._geometry, segmenter.network.config.ratings.min_similarity)
        self._prompts = PromptSegmenter(
            segmenter, self._propagator, self._geometry, self._features, self._crop_features
        )

    # --- commands ----------------------------------------------------------------------------------------------

    def set_prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Replace the prompt of one object on one frame; an empty prompt clears it.

        Returns the resulting mask of this object, with candidates where the prompt is ambiguous. An object without
        any prompt is removed. Raises `BadPrompt` for an invalid prompt and `Busy` beyond the limits of the session;
        a call that raises changes nothing.
        """
        self.check_prompt(frame, object_id, prompt)
        if prompt.is_empty:
            return self._clear_prompt(frame, object_id)
        target = self.objects.get(object_id) or TrackedObject(MemoryBank(self.rules))
        output, result = self._prompts.segment(target, object_id, frame, prompt)
        self.objects[object_id] = target
        target.bank.prompted[frame] = output.without_candidates()
        target.history.prompted[frame] = PromptedFrame(frame, prompt, result)
        self.revision += 1
        return FrameMasks(frame, self.revision, (result,))

    def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """The mask, without candidates, that `set_prompt` would return; changes nothing."""
        self._check_frame(frame)
        check_prompt(prompt, *self.size.of(frame))
        if prompt.is_empty:
            return FrameMasks(frame, self.revision, ())
        target = self.objects.get(object_id) or TrackedObject(MemoryBank(self.rules))
        # A copy keeps the cached steps of the prompt that is set.
        _, result = self._prompts.segment(replace(target), object_id, frame, prompt)
        return FrameMasks(frame, self.revision, (replace(result, candidates=()),))

    def track(self, frames: range, revision: int, objects: Collection[int] | None = None) -> tuple[FrameMasks, ...]:
        """Propagate objects (None: all) through `frames` (step 1 or -1) and return the masks of all objects there.

        Frames that are prompted or up to date are not computed again. Where one fails, those before it are the result,
        and a call that begins with it raises why. Raises `SessionChanged` if `revision` is not the current one,
        `BadPrompt` if there is nothing to track, and `ValueError` for too many frames.
        """
        self.check_tracking(frames, revision)
        step, tracked = frames.step, list[FrameMasks]()
        for frame in frames:
            following = frame + step if frame + step in frames else None
            try:
                tracked.append(self._track_frame(frame, step < 0, objects, following))
            except Exception:
                if not tracked:
                    raise
                break
        return tuple(tracked)

    def add_frame(self, pixels: Pixels) -> FrameMasks:
        """Add the next frame of a live medium, as RGB (H, W, 3) uint8, and propagate all objects onto it.

        Raises `MediaError` for another medium, and for a frame of another size.
        """
        raise MediaError("Only a live camera takes frames one by one.")

    def untrack(self, frames: range, objects: Collection[int]) -> int:
        """Remove the newest tracked mask of these objects on each frame; returns the revision."""
        self._check_frames(frames)
        removed = [target.untrack(frames) for object_id, target in self.objects.items() if object_id in objects]
        self.revision += any(removed)
        return self.revision

    def get_masks(self, frames: range) -> tuple[FrameMasks, ...]:
        """The current masks of all objects; raises `ValueError` for too many frames."""
        self._check_length(frames)
        self._check_frames(frames)
        return tuple(self._current_masks(frame) for frame in frames)

    def plan_tracking(self, frames: range) -> tuple[FrameSpan, ...]:
        """The spans of `frames` that `track` would compute; raises `BadPrompt` if there is nothing to track."""
        self._check_trackable()
        self._check_frames(frames)
        return spans_to_track({object_id: target.history for object_id, target in self.objects.items()}, frames)

    def stale_frames(self, frames: range) -> tuple[FrameSpan, ...]:
        """The spans of `frames` (step 1) whose masks are stale, in the order and direction to track them again."""
        self._check_frames(frames)
        return stale_spans({object_id: target.history for object_id, target in self.objects.items()}, frames)

    def remove_object(self, object_id: int) -> int:
        """Remove an object with its prompts and masks, if it exists; returns the revision."""
        if self.objects.pop(object_id, None) is not None:
            self.revision += 1
        return self.revision

    @property
    def automatic_settings(self) -> AutomaticSettings:
        """How the network segments everything by default."""
        return self._segmenter.network.config.automatic

    def segment_everything(
        self,
        frame: int,
        crop: Box,
        points: Collection[tuple[float, float]],
        min_predicted_iou: float,
        min_stability: float,
        stability_offset: float,
        min_region_area: int = 0,
    ) -> tuple[AutomaticMask, ...]:
        """The masks that these points (x, y), each on its own, give within a crop of a frame; changes nothing.

        Raises `BadPrompt` for points outside of the crop and `ValueError` for too many.
        """
        self._check_frame(frame)
        if len(points) > MAX_AUTOMATIC_POINTS:
            raise ValueError(f"Ask for at most {MAX_AUTOMATIC_POINTS} points at a time, not {len(points)}.")
        if not all(crop.left <= x <= crop.right and crop.top <= y <= crop.bottom for x, y in points):
            raise BadPrompt("These points lie outside of their part of the picture.")
        if not points:
            return ()
        size = self.size.of(frame)
        window = Window.of(crop, *size)
        features = self._automatic_features(frame, window)
        thresholds = Thresholds(min_predicted_iou, min_stability, stability_offset)
        return tuple(segment_points(self._segmenter, features, window, size, list(points), thresholds, min_region_area))

    def fit_masks(
        self, frame: int, masks: Sequence[AutomaticMask], min_region_area: int = 0
    ) -> tuple[AutomaticMask, ...]:
        """Masks of `segment_everything`, all of one crop, with boundaries fitted to the picture; changes nothing.

        Raises `BadPrompt` if the frame does not exist and `ValueError` for too many masks.
        """
        self._check_frame(frame)
        if len(masks) > MAX_AUTOMATIC_POINTS:
            raise ValueError(f"Fit at most {MAX_AUTOMATIC_POINTS} masks at a time, not {len(masks)}.")
        if not masks:
            return ()
        window = Window.of(masks[0].crop, *self.size.of(frame))
        features = self._automatic_features(frame, window)
        return tuple(fit_masks(self._segmenter, features, window, masks, min_region_area))

    def encode_frame(self, frame: int) -> None:
        """Encode a frame ahead of its use; changes nothing else."""
        self._check_frame(frame)
        self._features(frame)

    @property
    def memory_bytes(self) -> int:
        """About how many bytes the tensors of all objects take, images apart."""
        return sum(target.outputs for target in self.objects.values()) * self._segmenter.output_bytes

    def move_memory(self, device: torch.device) -> None:
        """Keep the memory of all objects on a device. Commands need it on that of the network."""
        for target in self.objects.values():
            target.move(device)

    # --- what commands would do --------------------------------------------------------------------------------

    def check_prompt(self, frame: int, object_id: int, prompt: Prompt) -> None:
        """Raise what `set_prompt` raises before it runs the network."""
        self._check_frame(frame)
        check_prompt(prompt, *self.size.of(frame))
        if not prompt.is_empty:
            self._check_limits(frame, object_id)

    def check_tracking(self, frames: range, revision: int) -> None:
        """Raise what `track` raises before it runs the network."""
        self._check_length(frames)
        if revision != self.revision:
            raise SessionChanged("A prompt was changed in the meantime; track again from here.")
        self._check_trackable()
        self._check_frames(frames)

    def objects_to_track(self, frame: int, objects: Collection[int] | None = None) -> dict[int, TrackedObject]:
        """Those of the objects (None: all) whose masks `track` would compute on a frame."""
        return {
            object_id: target
            for object_id, target in sorted(self.objects.items())
            if (objects is None or object_id in objects)
            and frame not in target.history.prompted
            and not target.history.is_up_to_date(frame)
        }

    # --- prompts and tracking ----------------------------------------------------------------------------------

    def _clear_prompt(self, frame: int, object_id: int) -> FrameMasks:
        target = self.objects.get(object_id)
        if target is not None and frame in target.history.prompted:
            del target.history.prompted[frame], target.bank.prompted[frame]
            target.prompt_steps = None
            self.revision += 1
            if not target.history.prompted:
                del self.objects[object_id]
        remaining = self.objects[object_id].history.mask_on(frame, object_id) if object_id in self.objects else None
        return FrameMasks(frame, self.revision, () if remaining is None else (remaining,))

    def _track_frame(
        self, frame: int, reverse: bool, objects: Collection[int] | None, following: int | None = None
    ) -> FrameMasks:
        """Propagate objects (None: all) onto a frame; the `following` one will be needed next."""
        stale = self.objects_to_track(frame, objects)
        if stale and following is not None and (self.id, following) not in self._cache:
            self._features(frame)  # first, since it may have been read ahead itself
            self._reader.read_ahead(following)
        outputs = self._propagator.propagate(list(stale.values()), frame, reverse)
        self._store_checked(dict(zip(stale, outputs, strict=True)), frame, reverse)
        masks = self._current_masks(frame)
        return replace(masks, objects=tuple(replace(each, fresh=each.object_id in stale) for each in masks.objects))

    def _store_checked(self, outputs: Mapping[int, FrameOutput], frame: int, reverse: bool) -> None:
        ratings = self._segmenter.network.config.ratings
        for object_id, checked in self._checker.check(self.objects, outputs, frame, reverse).items():
            pixels = self._features(frame).pixels
            result = object_mask(object_id, outputs[object_id], self._geometry(frame), ratings, pixels)
            stability = stability_of(outputs[object_id].logits[0, 0])
            rating = ratings.rate_tracked(result.predicted_iou, stability, checked.warnings)
            result = replace(result, warnings=checked.warnings, rating=rating)
            self.objects[object_id].history.add(frame, result, reverse, checked.shape)

    # --- frames and masks --------------------------------------------------------------------------------------

    def _geometry(self, frame: int) -> InputGeometry:
        return self._segmenter.network.geometry(*self.size.of(frame))

    def _features(self, frame: int) -> ImageFeatures:
        def encode() -> ImageFeatures:
            return self._segmenter.encode(self._reader.read(frame))

        return self._cache.get((self.id, frame), encode)

    def _crop_features(self, frame: int, crop: Window) -> ImageFeatures:
        """The features of a crop with its margin, resized to the network's input."""
        return self._window_features(frame, crop.with_margin(*self.size.of(frame)))

    def _automatic_features(self, frame: int, window: Window) -> ImageFeatures:
        is_whole = window.size == self.size.of(frame)
        return self._features(frame) if is_whole else self._window_features(frame, window)

    def _window_features(self, frame: int, window: Window) -> ImageFeatures:
        height, width = self.size.of(frame)
        geometry = self._segmenter.network.geometry(*window.size)

        def encode() -> ImageFeatures:
            pixels = crop_pixels(self._source.frame(frame), window, height, width)
            return self._segmenter.encode(frame_input(pixels, geometry))

        return self._cache.get((self.id, frame, window), encode)

    def _current_masks(self, frame: int) -> FrameMasks:
        masks = (target.history.mask_on(frame, object_id) for object_id, target in sorted(self.objects.items()))
        return FrameMasks(frame, self.revision, tuple(mask for mask in masks if mask is not None))

    # --- checks ------------------------------------------------------------------------------------------------

    def _check_limits(self, frame: int, object_id: int) -> None:
        if object_id not in self.objects and len(self.objects) >= self.limits.max_objects:
            raise Busy(f"There are {self.limits.max_objects} objects already. Remove one before you add another.")
        is_new = object_id not in self.objects or frame not in self.objects[object_id].history.prompted
        count = sum(len(target.history.prompted) for target in self.objects.values())
        if is_new and count >= self.limits.max_prompts:
            raise Busy(
                f"There are prompts on {self.limits.max_prompts} frames already. Clear some before you add more."
            )

    def _check_trackable(self) -> None:
        if self.size.sizes:
            raise BadPrompt("The photos of an album do not follow one another: there is nothing to track.")
        if not self._segmenter.can_track:
            raise BadPrompt(CANNOT_TRACK)
        if not self.objects:
            raise BadPrompt("Nothing is selected yet: click on a thing first, then track it.")

    def _check_length(self, frames: range) -> None:
        if len(frames) > self.limits.max_frames_per_call:
            raise ValueError(f"Ask for at most {self.limits.max_frames_per_call} frames at a time, not {len(frames)}.")

    def _check_frames(self, frames: range) -> None:
        for frame in (frames[0], frames[-1]) if frames else ():
            self._check_frame(frame)

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.size.frames:
            raise BadPrompt(f"Frame {frame} does not exist: there are {self.size.frames}, counted from 0.")


def _memory_rules(network: Network) -> MemoryRules:
    if not isinstance(network, SAM2):
        return MemoryRules()
    slots, pointers = network.config.memory_slots, network.config.max_pointers
    return MemoryRules(slots, pointers, MAX_PROMPTED_IN_MEMORY, PROMPTED_REACH_IN_MEMORY)
