"""Segmentation of one object by its prompt on a frame: point by point, with memory, and refined within a crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from sam2_core.errors import BadPrompt
from sam2_core.model.input_geometry import InputGeometry
from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.boundaries import fit_mask_prompt
from sam2_core.tracking.crop_refinement import Window, refine_crop
from sam2_core.tracking.masks import low_resolution_logits, mask_prompt, object_mask
from sam2_core.tracking.objects import PromptSteps, Step, Steps, TrackedObject
from sam2_core.tracking.prompts import growing_prompts, point_inputs
from sam2_core.tracking.propagator import Propagator
from sam2_core.tracking.segmenter import FrameOutput, Segmenter
from sam2_core.types import Mask, ObjectMask, Prompt


@dataclass(frozen=True, slots=True)
class PromptSegmenter:
    """Segments objects by prompts.

    `geometry` tells how a frame lies in the input, `features` returns the image features of a frame, and
    `crop_features` those of a crop with its margin. `propagator` selects the memory on tracked frames.
    """

    segmenter: Segmenter
    propagator: Propagator
    geometry: Callable[[int], InputGeometry]
    features: Callable[[int], ImageFeatures]
    crop_features: Callable[[int, Window], ImageFeatures]

    def segment(
        self, target: TrackedObject, object_id: int, frame: int, prompt: Prompt
    ) -> tuple[FrameOutput, ObjectMask]:
        """The output for a prompt and its mask at the size of the frame, refined within the crop if there is one."""
        whole = replace(prompt, crop=None)
        if whole.is_empty:
            output, result = self._tracked_result(target, object_id, frame)
        else:
            steps = self._segment_in_steps(target, frame, whole)
            output, result = steps[-1][1], self._mask_of_steps(steps, object_id, frame)
        if prompt.crop is None:
            return output, result
        crop = Window.of(prompt.crop, *self.geometry(frame).frame)
        return refine_crop(self.segmenter, self.crop_features(frame, crop), crop, prompt, output, result)

    def _segment_in_steps(self, target: TrackedObject, frame: int, prompt: Prompt) -> Steps:
        """Segment by the first point, or by the boxes and the mask, then by each further point with the previous
        logits fed back.

        This matches the training. The output depends on the prompt (and, on a tracked frame, on the memory of other
        frames) but not on earlier prompts: setting a prompt again, or removing a point, restores the earlier output.
        """
        features = self.features(frame)
        prompts = growing_prompts(prompt)
        done = target.prompt_steps.longest_prefix(frame, prompts) if target.prompt_steps else ()
        steps = list(done)
        for step in prompts[len(done) :]:
            before = steps[-1] if steps else None
            steps.append((step, self._segment_step(target, frame, features, step, before)))
        target.prompt_steps = PromptSteps(frame, tuple(steps))
        return target.prompt_steps.steps

    def _segment_step(
        self, target: TrackedObject, frame: int, features: ImageFeatures, step: Prompt, before: Step | None
    ) -> FrameOutput:
        network = self.segmenter.network
        if step.mask is not None and not step.points:
            given = self.segmenter.from_mask(features, mask_prompt(network, step.mask))
            return given if before is None else self.segmenter.union(features, [given, before[1]])
        if len(step.boxes) > 1 and not step.points:
            single = (replace(step, boxes=(box,)) for box in step.boxes)
            outputs = [self._segment_step(target, frame, features, each, None) for each in single]
            return self.segmenter.union(features, outputs)
        previous = self._tracked_logits(target, frame) if before is None else _fed_back(before, features)
        selection = self.propagator.select_for_correction(target, frame)
        points = point_inputs(step, self.geometry(frame), network.device)
        return self.segmenter.from_prompt(features, points, previous, selection, step.choice)

    def _mask_of_steps(self, steps: Steps, object_id: int, frame: int) -> ObjectMask:
        """The mask of the last step at the size of the frame; a mask prompt without points is returned unchanged."""
        prompt, output = steps[-1]
        ratings = self.segmenter.network.config.ratings
        pixels = self.features(frame).pixels if prompt.mask is None or prompt.points or prompt.boxes else None
        result = object_mask(object_id, output, self.geometry(frame), ratings, pixels)
        if prompt.mask is None or prompt.points:
            return result
        if not prompt.boxes:
            return replace(result, mask=prompt.mask, rating=None)
        boxed = object_mask(object_id, steps[-2][1], self.geometry(frame), ratings, pixels).mask
        return replace(result, mask=Mask.from_array(boxed.to_array() | prompt.mask.to_array()))

    def _tracked_result(self, target: TrackedObject, object_id: int, frame: int) -> tuple[FrameOutput, ObjectMask]:
        """The tracked mask of a frame whose prompt is only a crop, and an output with the same mask."""
        latest = target.history.latest(frame)
        if latest is None:
            raise BadPrompt("There is no mask here yet to look at more closely. Click on the thing first.")
        result = latest.unpack(object_id)
        mask = mask_prompt(self.segmenter.network, result.mask)
        return self.segmenter.from_mask(self.features(frame), mask), result

    def _tracked_logits(self, target: TrackedObject, frame: int) -> Tensor | None:
        """Logits (1, 1, 4H, 4W) of the tracked mask that a prompt corrects, if there is one."""
        latest = target.history.latest(frame)
        if latest is None:
            return None
        output = target.bank.tracked.get(frame)
        if output is not None:
            return fit_mask_prompt(output.logits, self.features(frame).pixels)
        mask = latest.unpack(0).mask.to_array()
        return low_resolution_logits(mask, self.geometry(frame)).to(self.segmenter.network.device)


def _fed_back(before: Step, features: ImageFeatures) -> Tensor:
    """The logits (1, 1, 4H, 4W) that a further point corrects: with fitted boundaries, as they were shown; a mask that
    was given is shown, and stays, as it is."""
    prompt, output = before
    is_given = prompt.mask is not None and not prompt.points
    return output.logits if is_given else fit_mask_prompt(output.logits, features.pixels)
