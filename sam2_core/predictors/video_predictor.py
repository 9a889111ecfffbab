"""`SAM2VideoPredictor`: the official Python API for clips.

Names, arguments, order of results and numbers are those of the official class, with two fixes: a box may be added to
points, and memories of different precision are never mixed. It computes in fp32 unless the caller enters autocast.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from sam2_core.errors import BadPrompt
from sam2_core.model.config import NetworkConfig
from sam2_core.model.network import ABSENT_LOGIT, SAM2, ImageFeatures
from sam2_core.model.preprocess import mask_to_input
from sam2_core.networks import known_network
from sam2_core.predictors.build import PathLike, apply_overrides
from sam2_core.predictors.frames import open_frames
from sam2_core.predictors.prompt_values import Values
from sam2_core.predictors.video_inputs import merged, point_inputs
from sam2_core.predictors.video_state import ObjectState, VideoState
from sam2_core.tracking.cleanup import fill_holes
from sam2_core.tracking.device import best_device
from sam2_core.tracking.memory_bank import MemoryRules
from sam2_core.tracking.segmenter import FrameOutput, Segmenter
from sam2_core.weights import load_network

_FEATURE_CACHE_BYTES = 256 * 2**20

SWITCHES = (
    "fill_hole_area",
    "non_overlap_masks",
    "add_all_frames_to_correct_as_cond",
    "clear_non_cond_mem_around_input",
    "binarize_mask_from_pts_for_mem_enc",
)

FrameResult = tuple[int, list[Any], Tensor]


class SAM2VideoPredictor(SAM2):
    """The network with the official methods for clips. All state of a clip is in its `VideoState`."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.fill_hole_area = 8
        """Fill holes of at most this many low-resolution pixels in the output; 0 is off."""
        self.non_overlap_masks = False
        """Assign each pixel of the output only to the object with the highest logit."""
        self.add_all_frames_to_correct_as_cond = False
        """Make every corrected frame a conditioning frame, not only those prompted before tracking."""
        self.clear_non_cond_mem_around_input = False
        """Remove tracked frames near a prompted one from the memory bank, because they may be outdated."""
        self.binarize_mask_from_pts_for_mem_enc = True
        """Binarize the masks of prompted frames for the memory encoder."""

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2VideoPredictor:
        """A predictor with weights from the Hub ("facebook/sam2.1-hiera-tiny"), or any known network."""
        return build_sam2_video_predictor_hf(model_id, **kwargs)

    @torch.inference_mode()
    def init_state(
        self,
        video_path: str | os.PathLike[str],
        offload_video_to_cpu: bool = False,
        offload_state_to_cpu: bool = False,
        async_loading_frames: bool = False,
    ) -> VideoState:
        """Open a folder of numbered JPEGs or a video file.

        A video file is decoded as a whole into JPEGs of at most 2048 pixels on the long side, in a temporary folder
        that is deleted with the state; masks have the size of the video. Raises `MediaError` if it cannot be read.

        Frames are read on demand, so that `offload_video_to_cpu` and `async_loading_frames` have no effect;
        `offload_state_to_cpu` stores masks and memories on the CPU.
        """
        storage = torch.device("cpu") if offload_state_to_cpu else self.device
        rules = MemoryRules.from_config(self.config)
        state = VideoState(open_frames(video_path), rules, storage, _FEATURE_CACHE_BYTES)
        self._features(state, 0)
        return state

    # --- prompts -----------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def add_new_points_or_box(
        self,
        inference_state: VideoState,
        frame_idx: int,
        obj_id: Any,
        points: Values | None = None,
        labels: Values | None = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
        box: Values | None = None,
    ) -> FrameResult:
        """Prompt an object on a frame with points (N, 2), labels (N,) and a box (4,), in pixels of the clip.

        Returns the frame, all object ids, and the logits of all objects at the clip's size (objects, 1, H, W).
        Raises `BadPrompt` for an invalid prompt; a call that raises does not change the state.
        """
        inference_state.check_frame(frame_idx)
        size = (inference_state.frames.height, inference_state.frames.width) if normalize_coords else (1, 1)
        inputs = point_inputs(points, labels, box, size, self.image_size, self.device)
        with inference_state.prompting(obj_id) as target:
            if not clear_old_points and frame_idx in target.points:
                inputs = merged(target.points[frame_idx], inputs)
            target.points[frame_idx] = inputs
            target.masks.pop(frame_idx, None)
            return self._segment(inference_state, target, frame_idx)

    def add_new_points(self, *args: Any, **kwargs: Any) -> FrameResult:
        """Former name of `add_new_points_or_box`."""
        return self.add_new_points_or_box(*args, **kwargs)

    @torch.inference_mode()
    def add_new_mask(self, inference_state: VideoState, frame_idx: int, obj_id: Any, mask: Values) -> FrameResult:
        """Prompt an object on a frame with a mask (H', W'), which is used as the output."""
        inference_state.check_frame(frame_idx)
        array = torch.as_tensor(mask) if isinstance(mask, Tensor) else torch.from_numpy(np.array(mask, dtype=bool))
        if array.ndim != 2:
            raise BadPrompt(f"A mask has two axes (height, width), got shape {tuple(array.shape)}.")
        with inference_state.prompting(obj_id) as target:
            target.masks[frame_idx] = mask_to_input(array.cpu(), self.image_size).to(self.device)
            target.points.pop(frame_idx, None)
            return self._segment(inference_state, target, frame_idx)

    @torch.inference_mode()
    def clear_all_prompts_in_frame(
        self, inference_state: VideoState, frame_idx: int, obj_id: Any, need_output: bool = True
    ) -> FrameResult | None:
        """Clear the prompt of an object on a frame; unknown objects are ignored."""
        inference_state.check_frame(frame_idx)
        if obj_id in inference_state.objects:
            inference_state.objects[obj_id].clear_frame(frame_idx)
        return self._current_result(inference_state, frame_idx) if need_output else None

    @torch.inference_mode()
    def remove_object(
        self, inference_state: VideoState, obj_id: Any, strict: bool = False, need_output: bool = True
    ) -> tuple[list[Any], list[tuple[int, Tensor]]]:
        """Remove an object; returns the remaining ids and updated output for the frames where it was prompted."""
        objects = inference_state.objects
        if obj_id not in objects:
            if strict:
                raise RuntimeError(f"There is no object {obj_id!r} to remove; known objects: {list(objects)}.")
            return list(objects), []
        removed = objects.pop(obj_id)
        if not objects or not need_output:
            return list(objects), []
        frames = {*removed.points, *removed.masks}
        results = [self._current_result(inference_state, frame) for frame in frames]
        return list(objects), [(frame, logits) for frame, _, logits in results]

    @torch.inference_mode()
    def reset_state(self, inference_state: VideoState) -> None:
        """Remove all objects and everything that was tracked."""
        inference_state.objects.clear()

    def _segment(self, state: VideoState, target: ObjectState, frame: int) -> FrameResult:
        """Segment an object by its prompt on a frame; its memory is encoded when tracking starts."""
        was_tracked = frame in target.tracked_in_reverse
        conditioning = not was_tracked or self.add_all_frames_to_correct_as_cond
        features = self._features(state, frame)
        if frame in target.masks:
            output = self._segmenter.from_mask(features, target.masks[frame])
        else:
            previous = target.latest(frame, conditioning)
            direction = target.tracked_in_reverse.get(frame)
            output = self._segmenter.from_prompt(
                features,
                target.points[frame],
                None if previous is None else previous.logits.to(self.device),
                selection=None if direction is None else target.bank.select(frame, direction, len(state.frames)),
            )
        target.pending(conditioning)[frame] = self._stored(state, output)
        return self._result(state, frame, conditioning)

    # --- tracking ----------------------------------------------------------------------------------------------

    def propagate_in_video(
        self,
        inference_state: VideoState,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        reverse: bool = False,
    ) -> Iterator[FrameResult]:
        """Propagate all objects; yields (frame, object ids, logits (objects, 1, height, width)) for each frame.

        By default it starts at the earliest prompted frame. Objects and prompts that are added meanwhile take effect
        in the next call.
        """
        self.propagate_in_video_preflight(inference_state)
        targets = dict(inference_state.objects)
        order = inference_state.processing_order(start_frame_idx, max_frame_num_to_track, reverse)
        for frame in tqdm(order, desc="propagate in video", disable=None):
            yield self._track_frame(inference_state, targets, frame, reverse)

    @torch.inference_mode()
    def propagate_in_video_preflight(self, inference_state: VideoState) -> None:
        """Encode the memory of all prompts since the last call and add them to the memory banks."""
        if not inference_state.objects:
            raise RuntimeError("No object has been prompted yet: add points, a box or a mask first.")
        for obj_id, target in inference_state.objects.items():
            for conditioning, outputs in ((False, target.bank.tracked), (True, target.bank.prompted)):
                pending = target.pending(conditioning)
                for frame, output in pending.items():
                    outputs[frame] = self._with_memory(inference_state, frame, output)
                    self._clear_memory_around(target, frame)
                pending.clear()
            if not target.bank.prompted:
                raise RuntimeError(f"Object {obj_id!r} has not been prompted: add points, a box or a mask first.")
            for frame in target.bank.prompted:
                target.bank.tracked.pop(frame, None)

    @torch.inference_mode()
    def _track_frame(
        self, state: VideoState, targets: dict[Any, ObjectState], frame: int, reverse: bool
    ) -> FrameResult:
        logits = []
        for target in targets.values():
            if frame in target.bank.prompted:
                output = target.bank.prompted[frame]
                self._clear_memory_around(target, frame)
            else:
                selection = target.bank.select(frame, reverse, len(state.frames))
                output = self._segmenter.track(self._features(state, frame), selection)
                target.bank.tracked[frame] = self._stored(state, output)
            target.tracked_in_reverse[frame] = reverse
            logits.append(output.logits.to(self.device))
        return frame, list(targets), self._without_overlap(self._resized(state, torch.cat(logits)))

    def _with_memory(self, state: VideoState, frame: int, output: FrameOutput) -> FrameOutput:
        on_device = replace(output, logits=output.logits.to(self.device))
        prompted = self.binarize_mask_from_pts_for_mem_enc
        return self._stored(state, self._segmenter.encode_memory(self._features(state, frame), on_device, prompted))

    def _clear_memory_around(self, target: ObjectState, frame: int) -> None:
        if self.clear_non_cond_mem_around_input:
            reach = self.config.memory_slots
            for near in range(frame - reach, frame + reach + 1):
                target.bank.tracked.pop(near, None)

    # --- output ------------------------------------------------------------------------------------------------

    def _current_result(self, state: VideoState, frame: int) -> FrameResult:
        conditioning = any(frame in target.pending_conditioning for target in state.objects.values())
        return self._result(state, frame, conditioning)

    def _result(self, state: VideoState, frame: int, conditioning: bool) -> FrameResult:
        """The newest masks of all objects on a frame; objects without one get the logits of absent ones."""
        size = (state.frames.height, state.frames.width)
        logits = torch.full((len(state.objects), 1, *size), ABSENT_LOGIT, device=self.device)
        for index, target in enumerate(state.objects.values()):
            output = target.latest(frame, conditioning)
            if output is not None:
                logits[index] = self._resized(state, output.logits.to(self.device))[0]
        return frame, list(state.objects), self._without_overlap(logits)

    def _resized(self, state: VideoState, logits: Tensor) -> Tensor:
        """Logits (B, 1, 4H, 4W) with filled holes at the size of the clip, (B, 1, height, width)."""
        if self.fill_hole_area > 0:
            logits = fill_holes(logits, self.fill_hole_area)
        size = (state.frames.height, state.frames.width)
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)

    def _without_overlap(self, logits: Tensor) -> Tensor:
        if not self.non_overlap_masks or len(logits) < 2:
            return logits
        is_highest = torch.zeros_like(logits, dtype=torch.bool).scatter_(0, logits.argmax(0, keepdim=True), True)
        return torch.where(is_highest, logits, logits.clamp(max=-10.0))

    @property
    def _segmenter(self) -> Segmenter:
        return Segmenter(self)

    def _features(self, state: VideoState, frame: int) -> ImageFeatures:
        return state.features(frame, lambda index: self._segmenter.encode(state.frames.read(index, self.image_size)))

    def _stored(self, state: VideoState, output: FrameOutput) -> FrameOutput:
        """The output without candidates, with logits and memory on the storage device."""
        memory = None if output.memory is None else output.memory.to(state.storage)
        return replace(output.without_candidates(), logits=output.logits.to(state.storage), memory=memory)


def build_sam2_video_predictor(
    config_file: str | None = None,
    ckpt_path: PathLike | None = None,
    device: str | torch.device | None = None,
    mode: str = "eval",
    hydra_overrides_extra: list[str] | None = None,
    apply_postprocessing: bool = True,
    vos_optimized: bool = False,
    **kwargs: Any,
) -> SAM2VideoPredictor:
    """Build a video predictor; arguments as in `build_sam2`.

    `apply_postprocessing` False also disables hole filling and binary masks in the memory of prompted frames.
    `vos_optimized` compiles the trunk of the image encoder, which is faster on CUDA after a slow first frame.
    """
    network = load_network(config_file, ckpt_path)
    with torch.device("meta"):
        predictor = SAM2VideoPredictor(network.config)
    predictor.load_state_dict(network.state_dict(), assign=True)
    predictor.sam_mask_decoder.stability_fallback = apply_postprocessing
    predictor.binarize_mask_from_pts_for_mem_enc = apply_postprocessing
    predictor.fill_hole_area = 8 if apply_postprocessing else 0
    apply_overrides(predictor, hydra_overrides_extra, SWITCHES)
    if vos_optimized:
        predictor.image_encoder.trunk.compile()
    return predictor.to(device or best_device()).train(mode != "eval")


def build_sam2_video_predictor_hf(model_id: str, **kwargs: Any) -> SAM2VideoPredictor:
    """Build a video predictor by its Hub repository ("facebook/sam2.1-hiera-tiny")."""
    return build_sam2_video_predictor(known_network(model_id).name, **kwargs)
