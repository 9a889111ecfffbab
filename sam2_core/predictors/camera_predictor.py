"""`SAM2CameraPredictor`: objects followed through frames that arrive one by one, as from a camera.

The names are those of the real-time fork of the official code. It runs the steps of `SAM2VideoPredictor` on a state
that holds only what memory can still reach, so that it takes the same memory however long the camera runs. Other than
in the fork, frames have one numbering (in the order of their arrival), and objects may be added at any time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.predictors.build import PathLike
from sam2_core.predictors.clip_images import ClipImages
from sam2_core.predictors.pictures import PictureFrames
from sam2_core.predictors.prompt_values import Values
from sam2_core.predictors.video_predictor import FrameResult, SAM2VideoPredictor, build_video_predictor
from sam2_core.predictors.video_state import (
    ObjectState,
    State,
    VideoState,
    checked_frame,
    remove_all_objects,
)

MAX_CONDITIONING_IMAGES = 4
"""Frames of `load_first_frame` and `add_conditioning_frame` that can still be prompted after later ones."""

MAX_PROMPTED = 8
"""Prompted frames of one object that are remembered, the newest ones."""


class _StreamSteps(SAM2VideoPredictor):
    """A clip that does not end: times of object pointers are scaled as in a long clip, from the first frame on."""

    def track_step(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        kwargs["num_frames"] = max(kwargs["num_frames"], self.config.max_pointers)
        return super().track_step(*args, **kwargs)


class SAM2CameraPredictor(nn.Module):
    """Prompts on frames of a camera, and tracking onto each new one.

    A frame is an RGB picture of 8 bits: an array or tensor (H, W, 3), or a PIL image. All have the size and the type of
    the first one. `condition_state` is the `VideoState` of what is remembered; its `images` maps the number of a frame
    that can still be prompted to the network input (3, S, S).
    """

    def __init__(self, predictor: SAM2VideoPredictor) -> None:
        super().__init__()
        self.predictor = predictor
        self.condition_state: State = {}
        self._kind = ""
        self._conditioning: list[int] = []

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return self.predictor.device

    @property
    def image_size(self) -> int:
        """Side of the network input, S."""
        return self.predictor.image_size

    @property
    def frame_idx(self) -> int:
        """The number of the newest frame."""
        return int(self._state()["num_frames"]) - 1

    # --- frames --------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def load_first_frame(self, img: Any) -> None:
        """Begin with frame 0; what was known before is dropped. Raises `MediaError` for what is no picture."""
        pixels, kind = _pixels(img)
        height, width = pixels.shape[:2]
        state = VideoState.of(ClipImages((), self.image_size, self.device), height, width, self.device)
        state |= {"images": {}, "tracking_has_started": False}
        self.condition_state, self._kind, self._conditioning = state, kind, []
        self._append(pixels)
        self._conditioning.append(self.frame_idx)
        self.predictor._get_image_feature(state, self.frame_idx, batch_size=1)

    @torch.inference_mode()
    def add_conditioning_frame(self, img: Any) -> None:
        """Add a frame to be prompted, `frame_idx`, onto which nothing is tracked. Raises `MediaError`."""
        self._append(self._next(img))
        self._conditioning.append(self.frame_idx)
        self._forget()

    @torch.inference_mode()
    def track(self, img: Any) -> tuple[list[Any], Tensor]:
        """Track all objects onto the next frame; their ids and logits (objects, 1, H, W).

        Raises `MediaError` for a frame of another size or type, which changes nothing, and `RuntimeError` where no
        object has been prompted.
        """
        pixels, state = self._next(img), self._state()
        self.predictor.propagate_in_video_preflight(state)
        self._append(pixels)
        state["tracking_has_started"] = True
        ids = list(state["obj_ids"])
        _, _, logits = self.predictor._track_frame(state, ids, self.frame_idx, reverse=False)
        self._forget()
        return ids, logits

    # --- prompts -------------------------------------------------------------------------------------------------

    def add_new_prompt(
        self,
        frame_idx: int,
        obj_id: Any,
        points: Values | None = None,
        labels: Values | None = None,
        bbox: Values | None = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
    ) -> FrameResult:
        """Prompt an object with points (N, 2), labels (N,) and a box (4,), in pixels of the frame.

        `frame_idx` is the newest frame or one of the last conditioning frames. A prompt on a frame onto which the
        object was tracked corrects it. Returns the frame, all ids, and logits (objects, 1, H, W). Raises `BadPrompt`.
        """
        frame = self._prompted_frame(frame_idx)
        return self.predictor.add_new_points_or_box(
            self._state(), frame, obj_id, points, labels, clear_old_points, normalize_coords, bbox
        )

    def add_new_points(
        self,
        frame_idx: int,
        obj_id: Any,
        points: Values,
        labels: Values,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
    ) -> FrameResult:
        """`add_new_prompt` with points only."""
        return self.add_new_prompt(frame_idx, obj_id, points, labels, None, clear_old_points, normalize_coords)

    def add_new_points_or_box(
        self,
        frame_idx: int,
        obj_id: Any,
        points: Values | None = None,
        labels: Values | None = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
        box: Values | None = None,
    ) -> FrameResult:
        """`add_new_prompt` with the arguments of the official video predictor."""
        return self.add_new_prompt(frame_idx, obj_id, points, labels, box, clear_old_points, normalize_coords)

    def add_new_mask(self, frame_idx: int, obj_id: Any, mask: Values) -> FrameResult:
        """Prompt an object with a mask (H', W'), which is used as the output."""
        return self.predictor.add_new_mask(self._state(), self._prompted_frame(frame_idx), obj_id, mask)

    def add_new_prompt_during_track(
        self,
        point: Values | None = None,
        bbox: Values | None = None,
        mask: Values | None = None,
        if_new_target: bool = True,
        obj_id: Any = None,
        labels: Values | None = None,
        clear_old_points: bool = True,
    ) -> FrameResult:
        """Prompt an object on the newest frame: `obj_id`, else a new one, or without `if_new_target` the last one."""
        state = self._state()
        if obj_id is None:
            ids = state["obj_ids"]
            if not ids and not if_new_target:
                raise BadPrompt("There is no object to correct yet: prompt one first.")
            obj_id = (ids[-1] if ids else 0) + (1 if if_new_target else 0)
        if mask is not None:
            return self.add_new_mask(self.frame_idx, obj_id, mask)
        return self.add_new_prompt(self.frame_idx, obj_id, point, labels, bbox, clear_old_points)

    def remove_object(self, obj_id: Any, strict: bool = False) -> list[Any]:
        """Stop following an object; the ids that remain. An unknown one is an error if `strict`."""
        return self.predictor.remove_object(self._state(), obj_id, strict, need_output=False)[0]

    def reset_state(self) -> None:
        """Remove all objects and what was tracked; the frames can be prompted again."""
        remove_all_objects(self._state())
        self.condition_state["tracking_has_started"] = False

    # --- inside --------------------------------------------------------------------------------------------------

    def _state(self) -> State:
        if not self.condition_state:
            raise MediaError("There is no frame yet: call load_first_frame first.")
        return self.condition_state

    def _next(self, img: Any) -> npt.NDArray[np.uint8]:
        """A further frame, which must be like the first one."""
        state = self._state()
        pixels, kind = _pixels(img)
        size = (state["video_height"], state["video_width"])
        if pixels.shape[:2] != size or kind != self._kind:
            raise MediaError(
                f"This frame is {kind} of {pixels.shape[1]} x {pixels.shape[0]} pixels, the first one was {self._kind} "
                f"of {size[1]} x {size[0]}. Call load_first_frame to begin again with it."
            )
        return pixels

    def _append(self, pixels: npt.NDArray[np.uint8]) -> None:
        state = self._state()
        image = PictureFrames([pixels], self.image_size).read(0, self.image_size)
        state["images"][state["num_frames"]] = image.to(self.device)
        state["num_frames"] += 1

    def _prompted_frame(self, frame_idx: int) -> int:
        frame = checked_frame(self._state(), frame_idx)
        if frame not in self.condition_state["images"]:
            raise BadPrompt(f"Frame {frame} is not kept any more. Prompt the newest one, {self.frame_idx}.")
        return frame

    def _forget(self) -> None:
        """Drop what no later frame can need."""
        state, config = self._state(), self.predictor.config
        newest = self.frame_idx
        self._conditioning = self._conditioning[-MAX_CONDITIONING_IMAGES:]
        _drop(state["images"], {newest, *self._conditioning})
        recent = range(newest - max(config.max_pointers, config.memory_slots * config.memory_stride), newest + 1)
        for index in range(len(state["obj_ids"])):
            target = ObjectState.of(state, index)
            prompted = {*target.outputs[True], *target.pending[True]}
            kept = set(sorted(prompted)[-MAX_PROMPTED:])
            for outputs in (target.outputs[True], target.pending[True]):
                _drop(outputs, kept)
            _drop(target.outputs[False], set(recent))
            for by_frame in (*target.prompt_state[:2], target.tracked):
                _drop(by_frame, {*kept, *recent})


def _drop(by_frame: dict[int, Any], kept: set[int]) -> None:
    for frame in by_frame.keys() - kept:
        del by_frame[frame]


def _pixels(img: Any) -> tuple[npt.NDArray[np.uint8], str]:
    """A frame as (H, W, 3), and its type in words. Raises `MediaError`."""
    if isinstance(img, Image.Image):
        return np.asarray(img.convert("RGB")), f"a PIL image ({img.mode})"
    array = img.detach().cpu().numpy() if isinstance(img, Tensor) else np.asarray(img)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise MediaError(
            f"A frame is an RGB picture of 8 bits, an array (H, W, 3) of uint8; this one is {array.shape} of "
            f"{array.dtype}."
        )
    return array, "an array of uint8"


def build_sam2_camera_predictor(
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
) -> SAM2CameraPredictor:
    """Build a camera predictor; arguments as in `build_sam2_video_predictor`.

    A corrected frame becomes a conditioning frame, unless `add_all_frames_to_correct_as_cond` is overridden: else it
    would be forgotten within a second.
    """
    overrides = ["++model.add_all_frames_to_correct_as_cond=true", *(hydra_overrides_extra or ())]
    predictor = build_video_predictor(
        _StreamSteps, config_file, ckpt_path, device, mode, overrides, apply_postprocessing, vos_optimized, image_size
    )
    return SAM2CameraPredictor(predictor).train(mode != "eval")
