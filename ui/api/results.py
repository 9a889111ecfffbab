"""What endpoints return, as plain data with types."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from sam2_core.media import MediaInfo, SkippedFile, grayscale_png
from sam2_core.serving.text_run import TextUpdate
from sam2_core.types import AutomaticMask, Candidate, FrameMasks, Mask, ObjectMask
from ui.protocol import finite


class OpenedResult(TypedDict):
    """A session on what was opened. `sizes` ([height, width]) and `names` are those of an album's photos; the frames of
    a clip made of pictures have `names`, too. `warnings` say what is missing or was changed."""

    session: str
    kind: str
    name: str
    frames: int
    height: int
    width: int
    fps: float
    sizes: list[list[int]]
    names: list[str]
    skipped: list[dict[str, str]]
    warnings: list[str]


class CandidateResult(TypedDict):
    """One reading of an ambiguous click."""

    mask: dict[str, Any]
    score: float


class ObjectResult(TypedDict):
    """An object's mask on a frame: COCO run lengths, pixels, predicted IoU (0..1), and the object-score logit."""

    object: int
    mask: dict[str, Any]
    area: int
    score: float
    presence: float
    stale: bool
    candidates: list[CandidateResult]


class FrameResult(TypedDict):
    """What is known about a frame."""

    frame: int
    objects: list[ObjectResult]


class AutomaticMaskResult(TypedDict):
    """One of the masks of everything: COCO run lengths, pixels, predicted IoU and stability score (both 0..1), and the
    bounding box as [left, top, right, bottom]."""

    mask: dict[str, Any]
    area: int
    predicted_iou: float
    stability: float
    box: list[float]


class EverythingResult(TypedDict):
    """How many points of the grid are done, of how many; once it is `finished`, the masks, best first."""

    done: int
    total: int
    finished: bool
    masks: list[AutomaticMaskResult]


class TrainingProgress(TypedDict):
    """How far a training is, and once it is `finished` the name and title of the new model, and the scores on photos
    that were not trained on, before and after."""

    fraction: float | None
    message: str
    finished: bool
    model: str
    title: str
    before: dict[str, float]
    after: dict[str, float]


class TrackingResult(TypedDict):
    """How far tracking is: the newest frame, and how many of how many are done. At the end it is `finished`, `changed`
    counts the frames that were computed, and `lost` is the object at whose loss it paused."""

    frame: int
    done: int
    total: int
    finished: bool
    changed: int
    lost: int | None


class DetectedResult(TypedDict):
    """An object that a text names: its number, the phrase (also its name and class), the detector's score (0..1), its
    box as [left, top, right, bottom], and its mask as COCO run lengths with pixels and predicted IoU (0..1)."""

    object: int
    phrase: str
    name: str
    score: float
    box: list[float]
    mask: dict[str, Any]
    area: int
    predicted_iou: float


class DetectionResult(TypedDict):
    """The new objects of a frame, the best first, the phrases that name nothing new, and how many more objects there
    was no room for."""

    frame: int
    objects: list[DetectedResult]
    missing: list[str]
    left_out: int


class TraitsResult(TypedDict):
    """What an object is called; the color is #rrggbb."""

    object: int
    name: str
    label: str
    color: str


class DoneResult(TypedDict):
    """The session in which it was done."""

    session: str


def opened_result(session: str, info: MediaInfo, skipped: tuple[SkippedFile, ...]) -> OpenedResult:
    """A session on this medium; `skipped` are the files that could not be used."""
    return {
        "session": session,
        "kind": info.kind,
        "name": info.name,
        "frames": info.frames,
        "height": info.height,
        "width": info.width,
        "fps": info.fps,
        "sizes": [list(size) for size in info.sizes],
        "names": list(info.names),
        "skipped": [{"name": each.name, "reason": each.reason} for each in skipped],
        "warnings": list(info.warnings),
    }


def frame_result(masks: FrameMasks) -> FrameResult:
    """All masks of a frame, without candidates."""
    return {"frame": masks.frame, "objects": [_object_result(each, ()) for each in masks.objects]}


def prompt_result(masks: FrameMasks, object_id: int, size: tuple[int, int]) -> ObjectResult:
    """The mask of an object in the answer to its prompt; an empty one of this (height, width) where there is none."""
    for each in masks.objects:
        if each.object_id == object_id:
            return _object_result(each, each.candidates)
    return _object_result(ObjectMask(object_id, Mask.from_array(np.zeros(size, bool)), 0.0, 0.0), ())


def _object_result(found: ObjectMask, candidates: tuple[Candidate, ...]) -> ObjectResult:
    return {
        "object": found.object_id,
        "mask": found.mask.to_coco(),
        "area": found.mask.area,
        "score": round(finite(found.predicted_iou), 4),
        "presence": round(finite(found.object_score), 3),
        "stale": found.stale,
        "candidates": [
            {"mask": each.mask.to_coco(), "score": round(finite(each.predicted_iou), 4)} for each in candidates
        ],
    }


def detection_result(update: TextUpdate, missing: tuple[str, ...]) -> DetectionResult:
    """What a detector found on a frame."""
    objects = []
    for each in update.added:
        detection, [answer] = each.found.detection, each.masks.objects
        box = detection.box
        objects.append(
            DetectedResult(
                object=each.id,
                phrase=detection.phrase,
                name=each.name,
                score=round(finite(detection.score), 4),
                box=[box.left, box.top, box.right, box.bottom],
                mask=answer.mask.to_coco(),
                area=answer.mask.area,
                predicted_iou=round(finite(answer.predicted_iou), 4),
            )
        )
    return {"frame": update.frame, "objects": objects, "missing": list(missing), "left_out": update.left_out}


def mask_picture(result: ObjectResult) -> bytes:
    """A mask as a PNG of one channel, 0 or 255."""
    return grayscale_png(Mask.from_coco(result["mask"]))


def automatic_mask_result(found: AutomaticMask) -> AutomaticMaskResult:
    """One of the masks of everything."""
    return AutomaticMaskResult(
        mask=found.mask.to_coco(),
        area=found.mask.area,
        predicted_iou=finite(found.predicted_iou),
        stability=finite(found.stability_score),
        box=[found.box.left, found.box.top, found.box.right, found.box.bottom],
    )
