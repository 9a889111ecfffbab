"""`SAM2VideoPredictor`: the official Python API for clips.

Names, arguments, order of results and numbers are those of the official class, with two fixes: a box may be added to
points, and a call that raises does not change the state. It computes in fp32 unless the caller enters autocast.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor
from tqdm.auto import tqdm

from sam2_core.errors import BadPrompt
from sam2_core.model.compilation import compile_for_gpu
from sam2_core.model.preprocess import mask_to_input
from sam2_core.networks import known_network
from sam2_core.predictors.build import PathLike, apply_overrides
from sam2_core.predictors.clip_images import ClipImages
from sam2_core.predictors.frames import open_frames
from sam2_core.predictors.prompt_values import Values
from sam2_core.predictors.video_inputs import mask_values, merged, point_inputs
from sam2_core.predictors.video_state import (
    ObjectState,
    State,
    VideoState,
    checked_frame,
    processing_order,
    prompting,
    remove_all_objects,
    remove_object,
)
from sam2_core.predictors.video_steps import VideoSteps
from sam2_core.tracking.device import best_device
from sam2_core.weights import load_sam2, without_values

SWITCHES = (
    "fill_hole_area",
    "non_overlap_masks",
    "add_all_frames_to_correct_as_cond",
    "clear_non_cond_mem_around_input",
    "binarize_mask_from_pts_for_mem_enc",
)

FrameResult = tuple[int, list[Any], Tensor]
P = TypeVar("P", bound="SAM2VideoPredictor")


class SAM2VideoPredictor(VideoSteps):
    """The network with the official methods for clips. All that is known about a clip is in its `VideoState`."""

    @classmethod
    def from_pretrained(cls, model_id: str, **kwargs: Any) -> SAM2VideoPredictor:
        """A predictor with weights from the Hub ("facebook/sam2.1-hiera-tiny"), or any known network."""
        return build_sam2_video_predictor_hf(model_id, **kwargs)

    @torch.inference_mode()
    def init_state(
        self,
        video_path: str | os.PathLike[str] | Any = None,
        offload_video_to_cpu: bool = False,
        offload_state_to_cpu: bool = False,
        async_loading_frames: bool = False,
        *,
        images: Any = None,
        video_height: int | None = None,
        video_width: int | None = None,
    ) -> VideoState:
        """Open a folder of numbered pictures, a video file or its bytes; or, also as `images`, an array or tensor
        (frames, height, width, 3) or a list of pictures (arrays, PIL images, files).

        Nothing is read from the source later: a folder may be deleted (up to `frames.HELD_BYTES` of pictures). A video
        is decoded as a whole into JPEGs of at most 2048 pixels on the long side, in a temporary folder that is deleted
        with the state. Masks have the size of the first frame, or `video_height` x `video_width`. Without a source the
        clip is empty, for frames that are appended to `state["images"]`. Raises `MediaError`.

        Frames are resized when they are needed, so that `async_loading_frames` has no effect. `offload_video_to_cpu`
        keeps `images` on the CPU, `offload_state_to_cpu` masks and memories.
        """
        source = images if video_path is None else video_path
        device = torch.device("cpu") if offload_video_to_cpu else self.device
        height = width = self.image_size
        if source is None:
            clip = ClipImages((), self.image_size, device)
        elif isinstance(source, ClipImages):
            clip = source.to(device)
        else:
            frames = open_frames(source, self.image_size)
            height, width = frames.height, frames.width
            clip = ClipImages.of(frames, self.image_size, device)
        state = VideoState.of(
            clip,
            video_height or height,
            video_width or width,
            self.device,
            offload_video_to_cpu,
            offload_state_to_cpu,
        )
        if clip:
            self._get_image_feature(state, frame_idx=0, batch_size=1)
        return state

    # --- prompts -----------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def add_new_points_or_box(
        self,
        inference_state: State,
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
        frame_idx = checked_frame(inference_state, frame_idx)
        size = (inference_state["video_height"], inference_state["video_width"]) if normalize_coords else (1, 1)
        coords, label_values = point_inputs(points, labels, box, size, self.image_size, self.device)
        with prompting(inference_state, obj_id) as target:
            old = target.points.get(frame_idx)
            if not clear_old_points and old is not None:
                before = (old["point_coords"], old["point_labels"])
                coords, label_values = merged(before, (coords, label_values))
            target.points[frame_idx] = {"point_coords": coords, "point_labels": label_values}
            was_given = target.masks.pop(frame_idx, None) is not None
            return self._segment(inference_state, target, obj_id, frame_idx, was_given)

    def add_new_points(self, *args: Any, **kwargs: Any) -> FrameResult:
        """Former name of `add_new_points_or_box`."""
        return self.add_new_points_or_box(*args, **kwargs)

    @torch.inference_mode()
    def add_new_mask(self, inference_state: State, frame_idx: int, obj_id: Any, mask: Values) -> FrameResult:
        """Prompt an object on a frame with a mask (H', W'), which is used as the output.

        A soft mask (probabilities, or levels up to 255) is cut at half.
        """
        frame_idx = checked_frame(inference_state, frame_idx)
        array = mask_values(mask)
        if array.ndim != 2:
            raise BadPrompt(f"A mask has two axes (height, width), got shape {tuple(array.shape)}.")
        with prompting(inference_state, obj_id) as target:
            target.masks[frame_idx] = mask_to_input(array, self.image_size).to(self.device)
            target.points.pop(frame_idx, None)
            return self._segment(inference_state, target, obj_id, frame_idx)

    @torch.inference_mode()
    def clear_all_prompts_in_frame(
        self, inference_state: State, frame_idx: int, obj_id: Any, need_output: bool = True
    ) -> FrameResult | None:
        """Clear the prompt of an object on a frame; unknown objects are ignored."""
        frame_idx = checked_frame(inference_state, frame_idx)
        if obj_id in inference_state["obj_id_to_idx"]:
            ObjectState.of(inference_state, self._obj_id_to_idx(inference_state, obj_id)).clear_frame(frame_idx)
        return self._current_result(inference_state, frame_idx) if need_output else None

    @torch.inference_mode()
    def remove_object(
        self, inference_state: State, obj_id: Any, strict: bool = False, need_output: bool = True
    ) -> tuple[list[Any], list[tuple[int, Tensor]]]:
        """Remove an object; returns the remaining ids and updated output for the frames where it was prompted."""
        ids = list(inference_state["obj_ids"])
        if obj_id not in ids:
            if strict:
                raise RuntimeError(f"There is no object {obj_id!r} to remove; known objects: {ids}.")
            return ids, []
        removed = ObjectState.of(inference_state, self._obj_id_to_idx(inference_state, obj_id))
        remove_object(inference_state, obj_id)
        ids = list(inference_state["obj_ids"])
        if not ids or not need_output:
            return ids, []
        results = [self._current_result(inference_state, frame) for frame in {*removed.points, *removed.masks}]
        return ids, [(frame, logits) for frame, _, logits in results]

    @torch.inference_mode()
    def reset_state(self, inference_state: State) -> None:
        """Remove all objects and everything that was tracked."""
        remove_all_objects(inference_state)

    def _segment(
        self, state: State, target: ObjectState, obj_id: Any, frame: int, was_given: bool = False
    ) -> FrameResult:
        """Segment an object by its prompt on a frame; its memory is encoded when tracking starts.

        `was_given` says that the mask to be corrected was a prompt itself.
        """
        was_tracked = frame in target.tracked
        conditioning = not was_tracked or self.add_all_frames_to_correct_as_cond
        index = self._obj_id_to_idx(state, obj_id)
        previous = target.latest(frame, conditioning) if frame in target.points else None
        output, _ = self._run_single_frame_inference(
            inference_state=state,
            output_dict=state["output_dict_per_obj"][index],
            frame_idx=frame,
            batch_size=1,
            is_init_cond_frame=not was_tracked,
            point_inputs=target.points.get(frame),
            mask_inputs=target.masks.get(frame),
            reverse=was_tracked and target.tracked[frame]["reverse"],
            run_mem_encoder=False,
            prev_sam_mask_logits=None if previous is None else self._fed_back(state, index, frame, previous, was_given),
        )
        target.pending[conditioning][frame] = output
        return self._result(state, frame, conditioning)

    # --- tracking ----------------------------------------------------------------------------------------------

    def propagate_in_video(
        self,
        inference_state: State,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        reverse: bool = False,
    ) -> Iterator[FrameResult]:
        """Propagate all objects; yields (frame, object ids, logits (objects, 1, height, width)) for each frame.

        By default it starts at the earliest prompted frame. Objects and prompts that are added meanwhile take effect
        in the next call.
        """
        self.propagate_in_video_preflight(inference_state)
        at_start = list(inference_state["obj_ids"])
        order = processing_order(inference_state, start_frame_idx, max_frame_num_to_track, reverse)
        for frame in tqdm(order, desc="propagate in video", disable=None):
            ids = [each for each in at_start if each in inference_state["obj_id_to_idx"]]
            if not ids:
                return
            yield self._track_frame(inference_state, ids, frame, reverse)

    @torch.inference_mode()
    def propagate_in_video_preflight(self, inference_state: State) -> None:
        """Encode the memory of all prompts since the last call and add them to the outputs."""
        if not inference_state["obj_ids"]:
            raise RuntimeError("No object has been prompted yet: add points, a box or a mask first.")
        for obj_id, index in inference_state["obj_id_to_idx"].items():
            target = ObjectState.of(inference_state, index)
            for conditioning in (False, True):
                pending = target.pending[conditioning]
                for frame, output in pending.items():
                    target.outputs[conditioning][frame] = self._with_memory(inference_state, frame, output)
                    if self.clear_non_cond_mem_around_input:
                        self._clear_obj_non_cond_mem_around_input(inference_state, frame, index)
                pending.clear()
            if not target.outputs[True]:
                raise RuntimeError(f"Object {obj_id!r} has not been prompted: add points, a box or a mask first.")
            for frame in target.outputs[True]:
                target.outputs[False].pop(frame, None)

    @torch.inference_mode()
    def _track_frame(self, state: State, ids: list[Any], frame: int, reverse: bool) -> FrameResult:
        logits = []
        for obj_id in ids:
            index = self._obj_id_to_idx(state, obj_id)
            target = ObjectState.of(state, index)
            if frame in target.outputs[True]:
                masks = target.outputs[True][frame]["pred_masks"].to(self.device)
                if self.clear_non_cond_mem_around_input:
                    self._clear_obj_non_cond_mem_around_input(state, frame, index)
            else:
                target.outputs[False][frame], masks = self._run_single_frame_inference(
                    inference_state=state,
                    output_dict=state["output_dict_per_obj"][index],
                    frame_idx=frame,
                    batch_size=1,
                    is_init_cond_frame=False,
                    point_inputs=None,
                    mask_inputs=None,
                    reverse=reverse,
                    run_mem_encoder=True,
                )
            logits.append(self._fitted(state, index, frame, masks))
            target.tracked[frame] = {"reverse": reverse}
        return frame, ids, self._get_orig_video_res_output(state, torch.cat(logits))[1]

    # --- output ------------------------------------------------------------------------------------------------

    def _current_result(self, state: State, frame: int) -> FrameResult:
        pending = (ObjectState.of(state, index).pending[True] for index in range(self._get_obj_num(state)))
        return self._result(state, frame, any(frame in outputs for outputs in pending))

    def _result(self, state: State, frame: int, conditioning: bool) -> FrameResult:
        """The newest masks of all objects on a frame; objects without one get the logits of absent ones."""
        logits = self._consolidate_temp_output_across_obj(state, frame, conditioning, consolidate_at_video_res=True)
        masks = self._get_orig_video_res_output(state, logits["pred_masks_video_res"])[1]
        return frame, list(state["obj_ids"]), masks


def build_sam2_video_predictor(
    config_file: str | None = None,
    ckpt_path: PathLike | None = None,
    device: str | torch.device | None = None,
    mode: str = "eval",
    hydra_overrides_extra: list[str] | None = None,
    apply_postprocessing: bool = True,
    vos_optimized: bool = False,
    *,
    image_size: int | None = None,
    **kwargs: Any,
) -> SAM2VideoPredictor:
    """Build a video predictor; arguments as in `build_sam2`.

    `apply_postprocessing` False also disables hole filling and binary masks in the memory of prompted frames.
    On GPUs, `vos_optimized` compiles the encoders and memory attention: faster frames after slow first ones.
    """
    return build_video_predictor(
        SAM2VideoPredictor,
        config_file,
        ckpt_path,
        device,
        mode,
        hydra_overrides_extra,
        apply_postprocessing,
        vos_optimized,
        image_size,
    )


def build_video_predictor(
    kind: type[P],
    config_file: str | None,
    ckpt_path: PathLike | None,
    device: str | torch.device | None,
    mode: str,
    hydra_overrides_extra: list[str] | None,
    apply_postprocessing: bool,
    vos_optimized: bool,
    image_size: int | None,
) -> P:
    """Build a predictor of this class; see `build_sam2_video_predictor`."""
    network = load_sam2(config_file, ckpt_path, image_size=image_size)
    with without_values():
        predictor = kind(network.config)
    predictor.load_state_dict(network.state_dict(), assign=True)
    predictor.sam_mask_decoder.stability_fallback = apply_postprocessing
    predictor.binarize_mask_from_pts_for_mem_enc = apply_postprocessing
    predictor.fill_hole_area = 8 if apply_postprocessing else 0
    apply_overrides(predictor, hydra_overrides_extra, SWITCHES)
    place = torch.device(device or best_device())
    if vos_optimized:
        compile_for_gpu(predictor, place.type)
    return predictor.to(place).train(mode != "eval")


def build_sam2_video_predictor_hf(model_id: str, **kwargs: Any) -> SAM2VideoPredictor:
    """Build a video predictor by its Hub repository ("facebook/sam2.1-hiera-tiny")."""
    return build_sam2_video_predictor(known_network(model_id).name, **kwargs)
