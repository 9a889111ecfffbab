"""What a user could have for free: classical methods from the same clicks, boxes and first masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample, Clip, DatasetImage, SkipReport
from sam2_core.training.datasets.files import SIZE_MISMATCH
from sam2_core.training.evaluate.clicks import first_click, tight_box
from sam2_core.training.evaluate.metrics import Scores, TrackScore, iou
from sam2_core.training.evaluate.protocol import MAX_OBJECTS, ClipStart, clip_start, evaluation_images, ground_truth
from sam2_core.types import BoolArray, Box, Point, Progress

TOLERANCES = (4, 8, 16, 24)
"""In grey levels, of the flood fill; a user would try."""

_GRABCUT_ROUNDS = 5
_FILLED = 1


def image_baselines(
    images: Sequence[DatasetImage], max_objects: int = MAX_OBJECTS, progress: Progress | None = None
) -> Scores:
    """IoU of GrabCut from the tight box, the best of four flood fills from the first click, and the box itself.

    The objects are those of `evaluate_images`. What cannot be read is left out silently, since it is reported there.
    """
    cv2.setRNGSeed(0)  # GrabCut draws; this is the state in which a process begins
    scores = Scores()
    for subject in evaluation_images(images, SkipReport(), max_objects, progress):
        for truth in subject.truths:
            box, click = tight_box(truth), first_click(truth)
            fills = [flood_fill(subject.image, click, tolerance) for tolerance in TOLERANCES]
            values = {
                "grabcut_box": iou(grabcut(subject.image, box), truth),
                "floodfill_click_best_of_4": max(iou(fill, truth) for fill in fills),
                "box_itself": iou(filled_box(box, truth.shape), truth),
            }
            scores.add(subject.source, values)
    return scores


def clip_baselines(clips: Sequence[Clip], progress: Progress | None = None) -> Scores:
    """J, F and J&F of the first masks carried along by optical flow, and of the first masks left where they are."""
    scores = Scores()
    for number, clip in enumerate(clips):
        if progress is not None:
            progress(number / len(clips), clip.name)
        try:
            scores.add(clip.source, _clip_values(clip))
        except BadSample:
            continue  # reported by `evaluate_clips`
    if progress is not None and clips:
        progress(1.0, "")
    return scores


def grabcut(image: RgbArray, box: Box) -> BoolArray:
    """OpenCV's GrabCut of a picture (H, W, 3) from a box; empty where the box leaves no background to learn from.

    Source: Rother et al., GrabCut, SIGGRAPH 2004.
    """
    labels = np.zeros(image.shape[:2], np.uint8)
    left, top, right, bottom = _edges(box)
    place = (left, top, right - left, bottom - top)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            labels,
            place,
            background,
            foreground,
            _GRABCUT_ROUNDS,
            cv2.GC_INIT_WITH_RECT,
        )
    except cv2.error:
        return np.zeros(image.shape[:2], np.bool_)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def flood_fill(image: RgbArray, click: Point, tolerance: int) -> BoolArray:
    """All that is connected to the click and differs from it by at most `tolerance` grey levels in each colour."""
    filled = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.uint8)  # OpenCV wants a margin
    how = cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (_FILLED << 8)
    blurred = cv2.GaussianBlur(image, (5, 5), 0)
    cv2.floodFill(blurred, filled, (int(click.x), int(click.y)), 0, (tolerance,) * 3, (tolerance,) * 3, how)
    return filled[1:-1, 1:-1] > 0


def filled_box(box: Box, shape: tuple[int, ...]) -> BoolArray:
    """The box as a mask (H, W)."""
    mask = np.zeros(shape, np.bool_)
    left, top, right, bottom = _edges(box)
    mask[top:bottom, left:right] = True
    return mask


def flow_masks(clip: Clip, start: ClipStart) -> Iterator[tuple[int, dict[int, BoolArray]]]:
    """Masks (H, W) by object on each frame after the start, moved from frame to frame by OpenCV's DIS flow.

    Raises `BadSample`. Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    carried = {each: mask.astype(np.float32) for each, mask in start.objects.items()}
    shape = next(iter(carried.values())).shape
    before = _gray(clip, start.frame, shape)
    nothing: Any = None  # an array would be taken for a first guess, but OpenCV's type stubs demand one
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    for frame in range(start.frame + 1, start.later_frames[-1] + 1):
        now = _gray(clip, frame, shape)
        back = flow.calc(now, before, nothing)  # (H, W, 2): where each pixel came from
        for each, mask in carried.items():
            moved = cv2.remap(mask, x + back[..., 0], y + back[..., 1], cv2.INTER_LINEAR)
            carried[each] = moved.astype(np.float32, copy=False)
        yield frame, {each: mask > 0.5 for each, mask in carried.items()}
        before = now


def _clip_values(clip: Clip) -> dict[str, float]:
    start = clip_start(clip)
    moved, kept = TrackScore(), TrackScore()
    for frame, masks in flow_masks(clip, start):
        if frame in start.later_frames:
            for each, truth in ground_truth(clip, frame, start).items():
                moved.add(masks[each], truth)
                kept.add(start.objects[each], truth)
    return moved.means("flow") | kept.means("first_mask_kept")


def _gray(clip: Clip, frame: int, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    pixels = clip.frame(frame)
    if pixels.shape[:2] != shape:
        raise BadSample(SIZE_MISMATCH)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _edges(box: Box) -> tuple[int, int, int, int]:
    return int(box.left), int(box.top), int(box.right), int(box.bottom)
