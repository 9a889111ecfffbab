"""What is asked of the predictors in the golden tests.

Nothing here knows who answers. The functions take predictors with the official methods, so the same calls made the
golden files with the official code and are checked against them. See tests/golden/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2_core.model.config import NetworkConfig
from tests.predictors.golden_inputs import ABSENT, FLICKERING, MINI, MINI_20, PRESENT, disc, picture, sample, write_clip

Arrays = dict[str, np.ndarray]

# --- still images ----------------------------------------------------------------------------------------------------

CLICK, TWO = np.array([[40, 42]]), np.array([[40, 42], [90, 70]])
BOX, BOXES = np.array([18, 20, 56, 60]), np.array([[18, 20, 56, 60], [80, 28, 110, 72], [5, 5, 125, 85]])


def image_answers(predictor: Any) -> Arrays:
    """Every kind of prompt on one picture."""
    predictor.set_image(picture())
    low = predictor.predict(CLICK, np.array([1]))[2]
    asked: dict[str, dict[str, Any]] = {
        "click": {"point_coords": CLICK, "point_labels": np.array([1])},
        "click_single": {"point_coords": CLICK, "point_labels": np.array([1]), "multimask_output": False},
        "two": {"point_coords": TWO, "point_labels": np.array([1, 0]), "multimask_output": False},
        "box": {"box": BOX, "multimask_output": False},
        "box_three": {"box": BOX},
        "boxes": {"box": BOXES, "multimask_output": False},
        "boxes_three": {"box": BOXES},
        "box_and_point": {"point_coords": CLICK, "point_labels": np.array([0]), "box": BOX, "multimask_output": False},
        "many_points": {"point_coords": BOXES.reshape(3, 2, 2), "point_labels": np.array([[1, 0], [1, 1], [0, 1]])},
        "refined": {"point_coords": TWO, "point_labels": np.array([1, 0]), "mask_input": low[1:2]},
        "mask_only": {"mask_input": low[:1], "multimask_output": False},
        "fractions": {"point_coords": [[0.3, 0.45]], "point_labels": [1], "normalize_coords": False},
    }
    found: Arrays = {"embedding": sample(predictor.get_image_embedding())}
    for name, prompt in asked.items():
        found |= _answer(name, predictor.predict(**prompt, return_logits=True))
    masks = predictor.predict(CLICK, np.array([1]))[0]
    found["binary"] = np.asarray(masks).reshape(3, -1).mean(axis=1)
    return found


def image_batch_answers(predictor: Any) -> Arrays:
    """Two pictures of different sizes at once."""
    predictor.set_image_batch([picture(0), picture(3, 110, 70)])
    masks, quality, low = predictor.predict_batch(
        [CLICK, TWO], [np.array([1]), np.array([1, 0])], return_logits=True, multimask_output=True
    )
    found: Arrays = {}
    for index in range(2):
        found |= _answer(f"points{index}", (masks[index], quality[index], low[index]))
    masks, quality, low = predictor.predict_batch(
        box_batch=[BOX, BOXES[:2]], multimask_output=False, return_logits=True
    )
    for index in range(2):
        found |= _answer(f"boxes{index}", (masks[index], quality[index], low[index]))
    return found


def _answer(name: str, prediction: Any) -> Arrays:
    masks, quality, low = prediction
    return {f"{name}.masks": sample(masks), f"{name}.quality": sample(quality), f"{name}.low": sample(low)}


# --- clips -----------------------------------------------------------------------------------------------------------


class Clip:
    """Calls on one clip, with everything that comes back written down."""

    def __init__(self, predictor: Any, folder: Path) -> None:
        self.predictor = predictor
        self.state = predictor.init_state(str(folder))
        self.found: Arrays = {}

    def points(self, frame: int, obj_id: int, *points: tuple[float, float, int], **options: Any) -> None:
        """Click on (x, y, label) points, or with `box` only."""
        if points:
            options["points"] = np.array([point[:2] for point in points], np.float32)
            options["labels"] = np.array([point[2] for point in points], np.int32)
        self.note("points", self.predictor.add_new_points_or_box(self.state, frame, obj_id, **options))

    def mask(self, frame: int, obj_id: int, mask: Any) -> None:
        self.note("mask", self.predictor.add_new_mask(self.state, frame, obj_id, mask))

    def clear(self, frame: int, obj_id: int) -> None:
        self.note("clear", self.predictor.clear_all_prompts_in_frame(self.state, frame, obj_id))

    def remove(self, obj_id: int) -> None:
        ids, updated = self.predictor.remove_object(self.state, obj_id)
        for frame, logits in sorted(updated, key=lambda item: item[0]):
            self.note("remove", (frame, ids, logits))

    def track(self, stop_after: int | None = None, **options: Any) -> None:
        for count, result in enumerate(self.predictor.propagate_in_video(self.state, **options), start=1):
            self.note("track", result)
            if count == stop_after:
                break

    def note(self, what: str, result: Any) -> None:
        frame, ids, logits = result
        key = f"{len(self.found):03d}.{what}.frame{frame}.ids{'-'.join(map(str, ids))}"
        self.found[key] = sample(logits, per_axis=11)


def _basic(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1), (90, 70, 0))
    clip.points(0, 2, box=np.array([80, 28, 110, 72], np.float32))
    clip.track()


def _one_click(clip: Clip) -> None:
    clip.points(0, 7, (40, 42, 1))
    clip.points(0, 7, (40, 42, 1), (20, 20, 0))
    clip.track(max_frame_num_to_track=3)


def _corrections(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track()
    clip.points(3, 1, (50, 44, 1))
    clip.points(3, 1, (80, 60, 0), clear_old_points=False)
    clip.points(2, 1, box=np.array([25, 24, 62, 62], np.float32))
    clip.track(start_frame_idx=2)
    clip.mask(4, 1, disc())
    clip.track(start_frame_idx=3)


def _reverse(clip: Clip) -> None:
    clip.points(4, 1, (50, 44, 1))
    clip.track()
    clip.track(reverse=True)
    clip.points(2, 1, (44, 42, 1))
    clip.track(start_frame_idx=3, reverse=True, max_frame_num_to_track=2)
    clip.track(start_frame_idx=0, reverse=True)


def _masks(clip: Clip) -> None:
    clip.mask(0, 1, disc())
    clip.mask(0, 2, disc(180, 260))
    clip.mask(0, 3, np.zeros((90, 130), bool))
    clip.mask(0, 4, torch.from_numpy(disc(256, 256)))
    clip.mask(0, 5, torch.from_numpy(disc(64, 64).astype(np.float32) * 0.7))
    clip.track(max_frame_num_to_track=3)
    clip.points(0, 2, (40, 42, 1))
    clip.track(max_frame_num_to_track=1)


def _late_object(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track(stop_after=3)
    clip.points(2, 2, (90, 50, 1))
    clip.track(start_frame_idx=2)


def _removal(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.points(0, 2, (90, 50, 1))
    clip.points(2, 2, (88, 50, 1), (20, 20, 0))
    clip.points(2, 3, (60, 80, 1))
    clip.remove(3)
    clip.track(max_frame_num_to_track=3)
    clip.remove(2)
    clip.remove(99)
    clip.track()
    clip.remove(1)
    clip.points(1, 5, (40, 42, 1))
    clip.track()


def _clearing(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.points(3, 1, (50, 44, 1))
    clip.points(0, 2, (90, 50, 1))
    clip.clear(3, 1)
    clip.points(3, 1, (52, 44, 1))
    clip.track()
    clip.clear(3, 1)
    clip.track(start_frame_idx=3)
    clip.points(3, 1, (52, 44, 1))
    clip.track(start_frame_idx=1)


def _reset(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track(max_frame_num_to_track=1)
    clip.predictor.reset_state(clip.state)
    clip.points(1, 2, (90, 50, 1))
    clip.track()


def _boxes_and_points(clip: Clip) -> None:
    box = np.array([18, 20, 56, 60], np.float32)
    clip.points(0, 1, (40, 42, 1), (50, 56, 0), box=box)
    clip.points(0, 1, (30, 30, 1), clear_old_points=False)
    clip.points(0, 2, (0.7, 0.5, 1), normalize_coords=False)
    clip.points(0, 3, box=box / np.array([130, 90, 130, 90], np.float32), normalize_coords=False)
    clip.track(max_frame_num_to_track=2)


def _many_prompted_frames(clip: Clip) -> None:
    clip.points(1, 1, (40, 42, 1))
    clip.points(5, 1, (54, 44, 1))
    clip.points(3, 1, (48, 44, 1), (20, 20, 0))
    clip.track()
    clip.track(start_frame_idx=2, max_frame_num_to_track=2)
    clip.track(start_frame_idx=4, reverse=True)


def _long(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track()


def _every_correction_prompts(clip: Clip) -> None:
    clip.predictor.add_all_frames_to_correct_as_cond = True
    _corrections(clip)


def _no_overlap(clip: Clip) -> None:
    clip.predictor.non_overlap_masks = True
    clip.points(0, 1, (40, 42, 1), (90, 70, 0))
    clip.points(0, 2, box=np.array([80, 28, 110, 72], np.float32))
    clip.track(max_frame_num_to_track=0)  # later on, two objects are too close to call at some pixels


VIDEO_CASES: dict[str, tuple[Callable[[Clip], None], int]] = {
    "basic": (_basic, 6),
    "one_click": (_one_click, 6),
    "corrections": (_corrections, 6),
    "reverse": (_reverse, 6),
    "masks": (_masks, 6),
    "late_object": (_late_object, 6),
    "removal": (_removal, 6),
    "clearing": (_clearing, 6),
    "reset": (_reset, 4),
    "boxes_and_points": (_boxes_and_points, 4),
    "many_prompted_frames": (_many_prompted_frames, 7),
    "long": (_long, 20),
    "every_correction_prompts": (_every_correction_prompts, 6),
    "no_overlap": (_no_overlap, 4),
}
"""By name: what is done, and with how many frames."""


def video_answers(predictor: Any, case: str, folder: Path) -> Arrays:
    """Run one case of `VIDEO_CASES`."""
    act, frames = VIDEO_CASES[case]
    clip = Clip(predictor, write_clip(folder, frames))
    act(clip)
    return clip.found


# --- golden files ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A golden file: a network, what its object score tends to, whether the official postprocessing is on (fallback
    for unstable masks, binary memory of prompted frames), the largest hole that is filled, and the cases."""

    name: str
    config: NetworkConfig
    cases: tuple[str, ...]
    presence: float = PRESENT
    postprocessing: bool = True
    fill_hole_area: int = 0


SETTINGS = (
    Setting("mini", MINI, ("image", "image_batch", *VIDEO_CASES)),
    Setting("mini_plain", MINI, ("image", "basic", "corrections", "masks"), postprocessing=False),
    Setting("mini_filled", MINI, ("basic", "corrections", "reverse", "clearing"), fill_hole_area=8),
    Setting("mini_flickering", MINI, ("late_object", "removal", "clearing", "boxes_and_points"), FLICKERING),
    Setting("mini_absent", MINI, ("masks", "corrections", "every_correction_prompts"), ABSENT),
    Setting("mini_20", MINI_20, ("image", "basic", "corrections", "reverse", "masks", "late_object", "long")),
)


def answers(case: str, image: Callable[[], Any], video: Callable[[], Any], folder: Path) -> Arrays:
    """Run a case with a new image or video predictor."""
    if case == "image":
        return image_answers(image())
    if case == "image_batch":
        return image_batch_answers(image())
    return video_answers(video(), case, folder)
