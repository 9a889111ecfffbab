"""The steps behind `SAM2VideoPredictor`, with the names and signatures of the official class.

They serve code that calls them on its own (trackers for cameras, `_run_single_frame_inference` for each new frame) or
overrides them (`_get_image_feature` with embeddings that were computed before). The public methods run through them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.config import NetworkConfig
from sam2_core.model.network import ABSENT_LOGIT, SAM2, ImageFeatures
from sam2_core.model.official_names import BackboneOutput, position_maps
from sam2_core.model.position_encoding import sine_map
from sam2_core.model.preprocess import input_to_pixels
from sam2_core.predictors.clip_images import ClipImages
from sam2_core.predictors.video_state import ObjectState, State, StoredOutput, object_index, select_memory
from sam2_core.tracking.boundaries import at_mask_size, fit_boundaries
from sam2_core.tracking.cleanup import fill_holes
from sam2_core.tracking.memory_bank import MemoryRules
from sam2_core.tracking.segmenter import Segmenter

FlatFeatures: TypeAlias = tuple[Tensor, BackboneOutput, list[Tensor], list[Tensor], list[tuple[int, int]]]
"""An image (B, 3, S, S), its backbone output, maps and positions as (H * W, B, C), fine to coarse, and their (H, W)."""


class VideoSteps(SAM2):
    """A network with the steps of the official video predictor and their settings."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.fill_hole_area = 8
        """Fill holes of at most this many low-resolution pixels in all masks that are stored; 0 is off."""
        self.non_overlap_masks = False
        """Assign each pixel of the output only to the object with the highest logit."""
        self.fit_boundaries = config.fit_boundaries
        """Fit the boundaries of the masks that are returned to the picture; those that are stored stay as they are."""
        self.add_all_frames_to_correct_as_cond = False
        """Make every corrected frame a conditioning frame, not only those prompted before tracking."""
        self.clear_non_cond_mem_around_input = False
        """Remove tracked frames near a prompted one from the memory bank, because they may be outdated."""
        self.binarize_mask_from_pts_for_mem_enc = True
        """Binarize the masks of prompted frames for the memory encoder."""

    # --- objects -------------------------------------------------------------------------------------------------

    def _obj_id_to_idx(self, inference_state: State, obj_id: Any) -> int:
        """The index of an object, which is added if it is new."""
        return object_index(inference_state, obj_id)

    def _obj_idx_to_id(self, inference_state: State, obj_idx: int) -> Any:
        """The id of the object at an index."""
        return inference_state["obj_idx_to_id"][obj_idx]

    def _get_obj_num(self, inference_state: State) -> int:
        """The number of objects."""
        return len(inference_state["obj_idx_to_id"])

    def _reset_tracking_results(self, inference_state: State) -> None:
        """Clear the prompts and outputs of all objects, but keep the objects."""
        for index in range(self._get_obj_num(inference_state)):
            target = ObjectState.of(inference_state, index)
            for by_frame in (*target.prompt_state, target.outputs[True], target.outputs[False], target.tracked):
                by_frame.clear()

    # --- one frame -----------------------------------------------------------------------------------------------

    def _get_image_feature(self, inference_state: State, frame_idx: int, batch_size: int) -> FlatFeatures:
        """The features of a frame, expanded to `batch_size`. Those of the last frame are in `cached_features`."""
        if frame_idx not in inference_state["cached_features"]:
            inference_state["cached_features"] = {frame_idx: self._encoded(inference_state, frame_idx)}
        image, backbone = inference_state["cached_features"][frame_idx]
        expanded = {
            name: [each.expand(batch_size, -1, -1, -1) for each in backbone[name]]
            for name in ("backbone_fpn", "vision_pos_enc")
        }
        return image.expand(batch_size, -1, -1, -1), *self._prepare_backbone_features(expanded)

    def _encoded(self, state: State, frame: int) -> tuple[Tensor, BackboneOutput]:
        images = state["images"]
        image = images[frame]
        if image is None:
            raise IndexError(f"Frame {frame} was removed from the clip.")
        image = image.to(self.device).float().reshape(1, *image.shape[-3:])

        def encode() -> ImageFeatures:
            return Segmenter(self).encode(image[0])

        features = images.features.get(images.key(frame), encode) if isinstance(images, ClipImages) else encode()
        maps = [*features.high_res, features.embedding]
        constants = state["constants"]
        if "vision_pos_enc" not in constants:
            constants["vision_pos_enc"] = position_maps(maps, self.config.width)
        positions = list(constants["vision_pos_enc"])
        return image, {"vision_features": maps[-1], "vision_pos_enc": positions, "backbone_fpn": maps}

    def _run_single_frame_inference(
        self,
        inference_state: State,
        output_dict: dict[str, dict[int, StoredOutput]],
        frame_idx: int,
        batch_size: int,
        is_init_cond_frame: bool,
        point_inputs: dict[str, Tensor] | None,
        mask_inputs: Tensor | None,
        reverse: bool,
        run_mem_encoder: bool,
        prev_sam_mask_logits: Tensor | None = None,
    ) -> tuple[StoredOutput, Tensor]:
        """Segment one frame as `track_step` does; returns the output to store and its logits (B, 1, 4H, 4W).

        Holes are filled in both, as the official predictor does: filled logits are fed back, and prompted frames
        memorize them. The memory of a tracked frame, which is encoded here, is that of the logits before.
        """
        _, _, maps, positions, sizes = self._get_image_feature(inference_state, frame_idx, batch_size)
        output = self.track_step(
            frame_idx=frame_idx,
            is_init_cond_frame=is_init_cond_frame,
            current_vision_feats=maps,
            current_vision_pos_embeds=positions,
            feat_sizes=sizes,
            point_inputs=point_inputs,
            mask_inputs=mask_inputs,
            output_dict=output_dict,
            num_frames=inference_state["num_frames"],
            track_in_reverse=reverse,
            run_mem_encoder=run_mem_encoder,
            prev_sam_mask_logits=prev_sam_mask_logits,
        )
        logits, memory, storage = output["pred_masks"], output["maskmem_features"], inference_state["storage_device"]
        if self.fill_hole_area > 0:
            logits = fill_holes(logits, self.fill_hole_area)
        stored = {
            "maskmem_features": None if memory is None else memory.to(storage, torch.bfloat16),
            "maskmem_pos_enc": self._get_maskmem_pos_enc(inference_state, output),
            "pred_masks": logits.to(storage),
            "obj_ptr": output["obj_ptr"],
            "object_score_logits": output["object_score_logits"],
        }
        return stored, logits

    def track_step(
        self,
        frame_idx: int,
        is_init_cond_frame: bool,
        current_vision_feats: list[Tensor],
        current_vision_pos_embeds: list[Tensor],
        feat_sizes: list[tuple[int, int]],
        point_inputs: dict[str, Tensor] | None,
        mask_inputs: Tensor | None,
        output_dict: dict[str, dict[int, StoredOutput]],
        num_frames: int,
        track_in_reverse: bool = False,
        run_mem_encoder: bool = True,
        prev_sam_mask_logits: Tensor | None = None,
    ) -> dict[str, Any]:
        """Segment one frame by a prompt, or by the memory in `output_dict` alone.

        Maps are flat, (H * W, B, C), points `point_coords` (B, N, 2) in input pixels and `point_labels` (B, N), masks
        (B, 1, S, S). Returns the entries of a `StoredOutput`, `pred_masks_high_res` (B, 1, S, S), and the prompt.
        """
        segmenter, features = Segmenter(self), _features(current_vision_feats, feat_sizes)
        if mask_inputs is not None:
            output = segmenter.from_mask(features, mask_inputs)
        else:
            rules = MemoryRules.from_config(self.config)
            output = segmenter.from_prompt(
                features,
                None if point_inputs is None else (point_inputs["point_coords"], point_inputs["point_labels"]),
                prev_sam_mask_logits,
                None
                if is_init_cond_frame
                else select_memory(output_dict, rules, frame_idx, track_in_reverse, num_frames),
            )
        high_res = self._resized(output.logits, (self.image_size, self.image_size))
        memory, positions = None, None
        if run_mem_encoder:
            memory, positions = self._encode_new_memory(
                current_vision_feats, feat_sizes, high_res, output.object_score, point_inputs is not None
            )
        return {
            "point_inputs": point_inputs,
            "mask_inputs": mask_inputs,
            "pred_masks": output.logits,
            "pred_masks_high_res": high_res,
            "obj_ptr": output.pointer,
            "object_score_logits": output.object_score,
            "maskmem_features": memory,
            "maskmem_pos_enc": positions,
        }

    # --- memory --------------------------------------------------------------------------------------------------

    def _encode_new_memory(
        self,
        current_vision_feats: list[Tensor],
        feat_sizes: list[tuple[int, int]],
        pred_masks_high_res: Tensor,
        object_score_logits: Tensor,
        is_mask_from_pts: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """Encode masks (B, 1, S, S) with the flat maps of their frame; returns the memory and its position map."""
        embedding = _features(current_vision_feats, feat_sizes).embedding
        prompted = is_mask_from_pts and self.binarize_mask_from_pts_for_mem_enc
        memory = self.encode_memory(embedding, pred_masks_high_res, object_score_logits, prompted)
        positions = sine_map(*memory.shape[1:], memory.device)
        return memory, [positions.expand(len(memory), -1, -1, -1)]

    def _run_memory_encoder(
        self,
        inference_state: State,
        frame_idx: int,
        batch_size: int,
        high_res_masks: Tensor,
        object_score_logits: Tensor,
        is_mask_from_pts: bool,
    ) -> tuple[Tensor, list[Tensor] | None]:
        """Encode masks (B, 1, S, S) of a frame; returns the memory in bfloat16 and its position map, to store."""
        _, _, maps, _, sizes = self._get_image_feature(inference_state, frame_idx, batch_size)
        memory, positions = self._encode_new_memory(maps, sizes, high_res_masks, object_score_logits, is_mask_from_pts)
        stored = memory.to(inference_state["storage_device"], torch.bfloat16)
        return stored, self._get_maskmem_pos_enc(inference_state, {"maskmem_pos_enc": positions})

    def _get_maskmem_pos_enc(self, inference_state: State, current_out: dict[str, Any]) -> list[Tensor] | None:
        """The position map of an output; it is the same for all, and kept once in the state."""
        if current_out["maskmem_pos_enc"] is None:
            return None
        maps: list[Tensor] = current_out["maskmem_pos_enc"]
        kept = inference_state["constants"].setdefault("maskmem_pos_enc", [each[:1] for each in maps])
        return [each.expand(len(maps[0]), -1, -1, -1) for each in kept]

    def _with_memory(self, state: State, frame: int, output: StoredOutput) -> StoredOutput:
        """Add the memory to the output of a prompt, if it is missing."""
        if output["maskmem_features"] is None:
            masks = self._resized(output["pred_masks"].to(self.device), (self.image_size, self.image_size))
            scores = output["object_score_logits"]
            memory = self._run_memory_encoder(state, frame, len(masks), masks, scores, is_mask_from_pts=True)
            output["maskmem_features"], output["maskmem_pos_enc"] = memory
        return output

    def _clear_obj_non_cond_mem_around_input(self, inference_state: State, frame_idx: int, obj_idx: int) -> None:
        """Remove the tracked outputs of one object near a frame."""
        reach = self.config.memory_slots * self.config.memory_stride
        tracked = ObjectState.of(inference_state, obj_idx).outputs[False]
        for near in range(frame_idx - reach, frame_idx + reach + 1):
            tracked.pop(near, None)

    def _clear_non_cond_mem_around_input(self, inference_state: State, frame_idx: int) -> None:
        """Remove the tracked outputs of all objects near a frame."""
        for index in range(self._get_obj_num(inference_state)):
            self._clear_obj_non_cond_mem_around_input(inference_state, frame_idx, index)

    # --- output --------------------------------------------------------------------------------------------------

    def _consolidate_temp_output_across_obj(
        self, inference_state: State, frame_idx: int, is_cond: bool, consolidate_at_video_res: bool = False
    ) -> dict[str, Tensor]:
        """The newest logits of all objects on a frame, -1024 for those without: `pred_masks` (objects, 1, 4H, 4W), or
        at the size of the clip `pred_masks_video_res` (objects, 1, height, width)."""
        size = (self.config.mask_size, self.config.mask_size)
        if consolidate_at_video_res:
            size = (inference_state["video_height"], inference_state["video_width"])
        count, device = self._get_obj_num(inference_state), inference_state["storage_device"]
        logits = torch.full((count, 1, *size), ABSENT_LOGIT, device=device)
        for index in range(count):
            output = ObjectState.of(inference_state, index).latest(frame_idx, is_cond)
            if output is not None:
                masks = output["pred_masks"].to(device)
                if consolidate_at_video_res:
                    masks = self._fitted(inference_state, index, frame_idx, masks)
                logits[index] = self._resized(masks, size)[0]
        return {"pred_masks_video_res" if consolidate_at_video_res else "pred_masks": logits}

    def _fitted(self, state: State, index: int, frame: int, logits: Tensor) -> Tensor:
        """Logits (1, 1, 4H, 4W) of an object as (1, 1, S, S) with fitted boundaries, if `fit_boundaries` is set.

        A mask that was given as a prompt stays as it is, and so do all masks on frames that were dropped, and where
        logits of objects are compared with each other: fitted ones say nothing about that.
        """
        if not self.fit_boundaries or self.non_overlap_masks:
            return logits
        [image] = state["cached_features"].get(frame, ())[:1] or [state["images"][frame]]
        if image is None or frame in ObjectState.of(state, index).masks:
            return self._resized(logits, (self.image_size, self.image_size))
        pixels = input_to_pixels(image.reshape(1, *image.shape[-3:]))
        return fit_boundaries(logits, pixels).to(logits.device)

    def _fed_back(self, state: State, index: int, frame: int, output: StoredOutput, was_given: bool) -> Tensor:
        """The logits (1, 1, 4H, 4W) of an object's output that a further click on the frame corrects; a mask that was
        given as a prompt stays as it is."""
        logits = output["pred_masks"].to(self.device)
        return logits if was_given else at_mask_size(self._fitted(state, index, frame, logits), logits)

    def _get_orig_video_res_output(self, inference_state: State, any_res_masks: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (objects, 1, H', W') on the device, and at the size of the clip, without overlap if that is set."""
        any_res_masks = any_res_masks.to(self.device)
        masks = self._resized(any_res_masks, (inference_state["video_height"], inference_state["video_width"]))
        return any_res_masks, self._apply_non_overlapping_constraints(masks) if self.non_overlap_masks else masks

    @staticmethod
    def _resized(logits: Tensor, size: tuple[int, int]) -> Tensor:
        if logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def _features(flat: list[Tensor], sizes: list[tuple[int, int]]) -> ImageFeatures:
    """Flat maps (H * W, B, C), fine to coarse, as features in fp32."""
    stride4, stride8, embedding = (
        each.float().permute(1, 2, 0).unflatten(2, size) for each, size in zip(flat[-3:], sizes[-3:], strict=True)
    )
    return ImageFeatures(embedding, (stride4, stride8))
