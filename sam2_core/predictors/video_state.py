"""The inference state of `SAM2VideoPredictor` for one clip, in the layout of the official predictor."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from sam2_core.predictors.clip_images import ClipImages
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules, MemorySelection
from sam2_core.tracking.segmenter import FrameOutput

State: TypeAlias = MutableMapping[str, Any]
"""A `VideoState`, or a dictionary with the same entries that the caller made."""

StoredOutput: TypeAlias = dict[str, Any]
"""The output for one object on one frame: `maskmem_features` (1, D, H, W) and `maskmem_pos_enc` (both None until the
memory is encoded), `pred_masks` (1, 1, 4H, 4W), `obj_ptr` (1, C), `object_score_logits` (1, 1)."""

PER_OBJECT = (
    "point_inputs_per_obj",
    "mask_inputs_per_obj",
    "output_dict_per_obj",
    "temp_output_dict_per_obj",
    "frames_tracked_per_obj",
)
"""Entries that map the index of an object (0, 1, … in the order of `obj_ids`) to its part of the state."""

_CONDITIONING, _TRACKED = "cond_frame_outputs", "non_cond_frame_outputs"


class VideoState(dict[str, Any]):
    """All that is known about one clip: a dictionary with the eighteen entries of the official predictor.

    It serves code that reads and changes the official state: streaming forks that append to `images` and raise
    `num_frames`, long clips whose old outputs are removed, tools that read pointers, memories and scores, and callers
    that build the dictionary themselves. Everything is live, because the predictor keeps nothing anywhere else.

    - `images`: the frames, see `ClipImages`; a tensor, list or dict of frames (3, S, S) may be put in its place.
    - `num_frames`, `video_height`, `video_width`: the size of the clip.
    - `offload_video_to_cpu`, `offload_state_to_cpu`, `device`, `storage_device`: where frames are read to, where the
      network runs, and where outputs are stored.
    - `obj_ids`, `obj_id_to_idx`, `obj_idx_to_id`: the objects in order, and their indices.
    - `point_inputs_per_obj`, `mask_inputs_per_obj`: index -> frame -> prompt as network input.
    - `output_dict_per_obj`: index -> "cond_frame_outputs" (prompted frames) or "non_cond_frame_outputs" -> frame ->
      `StoredOutput`. In `temp_output_dict_per_obj` are those of prompts since tracking last started.
    - `frames_tracked_per_obj`: index -> frame -> {"reverse": whether it was tracked backward}.
    - `cached_features`: frame -> (image, backbone output) of the last frame. `constants`: position maps.
    """

    @classmethod
    def of(
        cls,
        images: ClipImages,
        height: int,
        width: int,
        device: torch.device,
        offload_video: bool = False,
        offload_state: bool = False,
    ) -> VideoState:
        """A state without objects for a clip of `height` x `width` pixels."""
        return cls(
            images=images,
            num_frames=len(images),
            offload_video_to_cpu=offload_video,
            offload_state_to_cpu=offload_state,
            video_height=height,
            video_width=width,
            device=device,
            storage_device=torch.device("cpu") if offload_state else device,
            point_inputs_per_obj={},
            mask_inputs_per_obj={},
            cached_features={},
            constants={},
            obj_id_to_idx=OrderedDict(),
            obj_idx_to_id=OrderedDict(),
            obj_ids=[],
            output_dict_per_obj={},
            temp_output_dict_per_obj={},
            frames_tracked_per_obj={},
        )


@dataclass(frozen=True, slots=True)
class ObjectState:
    """The parts of a state that belong to one object; all of them map frames."""

    points: dict[int, dict[str, Tensor]]
    masks: dict[int, Tensor]
    pending: dict[bool, dict[int, StoredOutput]]
    """Outputs of prompts since tracking last started: of conditioning frames (True), and of corrections (False)."""
    outputs: dict[bool, dict[int, StoredOutput]]
    """Other outputs: of conditioning frames (True), and of tracked ones (False)."""
    tracked: dict[int, dict[str, bool]]

    @classmethod
    def of(cls, state: State, index: int) -> ObjectState:
        """The object at an index."""
        points, masks, outputs, pending, tracked = (state[name][index] for name in PER_OBJECT)
        return cls(points, masks, _by_kind(pending), _by_kind(outputs), tracked)

    def latest(self, frame: int, conditioning: bool) -> StoredOutput | None:
        """The newest output on a frame: pending, prompted or tracked."""
        for outputs in (self.pending[conditioning], self.outputs[True], self.outputs[False]):
            if frame in outputs:
                return outputs[frame]
        return None

    @property
    def prompt_state(self) -> tuple[dict[int, Any], ...]:
        """The mappings that a prompt changes."""
        return self.points, self.masks, self.pending[True], self.pending[False]

    def clear_frame(self, frame: int) -> None:
        """Clear the prompt on a frame; its output is kept as a tracked one."""
        for by_frame in self.prompt_state:
            by_frame.pop(frame, None)
        if frame in self.outputs[True]:
            self.outputs[False][frame] = self.outputs[True].pop(frame)
            self.tracked.pop(frame, None)


def _by_kind(outputs: dict[str, dict[int, StoredOutput]]) -> dict[bool, dict[int, StoredOutput]]:
    return {True: outputs[_CONDITIONING], False: outputs[_TRACKED]}


# --- objects ---------------------------------------------------------------------------------------------------------


def object_index(state: State, obj_id: Any) -> int:
    """The index of an object, which is added if it is new."""
    indices = state["obj_id_to_idx"]
    if obj_id not in indices:
        index = len(indices)
        for name in PER_OBJECT:
            state[name][index] = {_CONDITIONING: {}, _TRACKED: {}} if "output_dict" in name else {}
        indices[obj_id], state["obj_idx_to_id"][index] = index, obj_id
        state["obj_ids"] = list(indices)
    return int(indices[obj_id])


def remove_object(state: State, obj_id: Any) -> None:
    """Remove an object; the indices of later ones become lower by one."""
    removed = state["obj_id_to_idx"][obj_id]
    for name in PER_OBJECT:
        kept = [each for index, each in sorted(state[name].items()) if index != removed]
        state[name].clear()
        state[name].update(enumerate(kept))
    ids = [each for each in state["obj_id_to_idx"] if each != obj_id]
    for name, pairs in (("obj_id_to_idx", zip(ids, range(len(ids)), strict=True)), ("obj_idx_to_id", enumerate(ids))):
        state[name].clear()
        state[name].update(pairs)
    state["obj_ids"] = ids


def remove_all_objects(state: State) -> None:
    """Remove all objects."""
    for name in ("obj_id_to_idx", "obj_idx_to_id", "obj_ids", *PER_OBJECT):
        state[name].clear()


@contextmanager
def prompting(state: State, obj_id: Any) -> Iterator[ObjectState]:
    """The object to prompt, added if it is new; if the block raises, the state is restored."""
    is_new = obj_id not in state["obj_id_to_idx"]
    target = ObjectState.of(state, object_index(state, obj_id))
    before = [dict(by_frame) for by_frame in target.prompt_state]
    try:
        yield target
    except BaseException:
        for by_frame, content in zip(target.prompt_state, before, strict=True):
            by_frame.clear()
            by_frame.update(content)
        if is_new:
            remove_object(state, obj_id)
        raise


# --- outputs ---------------------------------------------------------------------------------------------------------


def select_memory(
    outputs: dict[str, dict[int, StoredOutput]], rules: MemoryRules, frame: int, reverse: bool, frames: int
) -> MemorySelection[FrameOutput]:
    """The memory of one object that `frame` attends to."""
    selected = MemoryBank(rules, outputs[_CONDITIONING], outputs[_TRACKED]).select(frame, reverse, frames)
    return MemorySelection(
        tuple((slot, frame_output(output)) for slot, output in selected.memories),
        tuple((time, frame_output(output)) for time, output in selected.pointers),
    )


def frame_output(stored: StoredOutput) -> FrameOutput:
    """A stored output; its predicted IoU is not kept."""
    scores = stored["object_score_logits"]
    return FrameOutput(
        logits=stored["pred_masks"],
        pointer=stored["obj_ptr"],
        object_score=scores,
        predicted_iou=torch.full_like(scores, torch.nan),
        memory=stored["maskmem_features"],
    )


# --- frames ----------------------------------------------------------------------------------------------------------


def checked_frame(state: State, frame: Any) -> int:
    """A frame number of any type as an integer; raises `IndexError` if there is no such frame.

    Frames may be appended before `num_frames` is raised.
    """
    frame = operator.index(frame)
    frames = max(state["num_frames"], len(state["images"]))
    if not 0 <= frame < frames:
        raise IndexError(f"Frame {frame} does not exist: the clip has {frames} frames, counted from 0.")
    return frame


def processing_order(state: State, start: int | None, limit: int | None, reverse: bool) -> range:
    """The frames to track: `start` (None: the earliest prompted one) and at most `limit` frames after it.

    Raises `IndexError` if `start` does not exist.
    """
    frames = state["num_frames"]
    if start is None:
        start = min(frame for outputs in state["output_dict_per_obj"].values() for frame in outputs[_CONDITIONING])
    start = checked_frame(state, start)
    if limit is None:
        limit = frames
    if not reverse:
        return range(start, min(start + limit, frames - 1) + 1)
    return range(start, max(start - limit, 0) - 1, -1) if start > 0 else range(0)
