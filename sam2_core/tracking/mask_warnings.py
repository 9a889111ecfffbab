"""Signs that a tracked mask is wrong, from numbers that tracking has anyway: no second pass through the network.

Each check gives a score in 0..1, from `WORTH_A_LOOK` on it is shown:

    lost         the object score says that the object is not there, or the mask is empty
    low_iou      the predicted IoU is low
    area         the area jumped against the running median of the masks that had no warning
    pieces       parts of the mask lie far from its main piece, which they did not on the prompted frame
    shift        the center moved much farther than it did lately
    overlap      another object has much of the mask, too
    appearance   the masked image features differ from those of the prompted frame
    whole_frame  the mask covers nearly all of the frame

The thresholds were chosen by `benchmarks/mask_warnings.py`. Pure functions, without torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.types import BoolArray, MaskWarning, WarningKind

SHAPES_COMPARED = 24
"""Masks before a mask with which its area and its center are compared."""

MIN_SCORE = 0.1
"""Lower scores are no warning at all."""

# Each check has the values at which its score is 0 and 1.
_LOW_IOU = 0.6, 0.2
_GROWTH, _SHRINKAGE = (math.log(1.2), math.log(1.63)), (math.log(1.8), math.log(5.0))
_PIECES = 0.0, 0.3
_SHIFT = 0.2, 1.0
_OVERLAP = 0.1, 0.6
_APPEARANCE = 0.12, -0.12  # above the network's own threshold
_WHOLE_FRAME = 0.75, 0.9
_STILL_LOST = 0.5
_FAR = 0.3  # sizes of the object: pieces at this distance are apart altogether

_MIN_PIECE = 0.02  # of the mask's area; smaller pieces are specks
_SMALL_AREA = 1 / 5000  # of the frame, added to areas that are compared: small masks flicker


@dataclass(frozen=True, slots=True)
class MaskShape:
    """Where a mask lies and how large it is, in heights of its frame.

    `share` is the covered part of the frame, and `apart` that part of the mask that lies apart from its main piece,
    the farther the more: 0..1.
    """

    area: float
    share: float
    x: float
    y: float
    apart: float

    @property
    def size(self) -> float:
        """Side of a square of the same area."""
        return math.sqrt(self.area)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks look at.

    Attributes:
        shape: Of the mask; None where it is empty.
        predicted_iou, object_score: As in `ObjectMask`.
        before: Shapes on unsuspicious frames before, the nearest first.
        previous: The shape on the frame before; None where there was no mask.
        prompted: The shape on the nearest prompted frame; None where it is empty.
        similarity: How far the cosine of the masked image features and those of a prompted frame lies above what is
            usual for this network; None if that is unknown.
        overlap: The part of the mask that belongs to the other object that has most of it, too: 0..1.
    """

    shape: MaskShape | None
    predicted_iou: float
    object_score: float
    before: Sequence[MaskShape] = ()
    previous: MaskShape | None = None
    prompted: MaskShape | None = None
    similarity: float | None = None
    overlap: float = 0.0


def measure_shape(pixels: BoolArray, aspect: float) -> MaskShape | None:
    """The shape of a mask (rows, columns) of any resolution on a frame whose width is `aspect` times its height."""
    count, labels, stats, centers = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    rows, columns = pixels.shape
    pixel = aspect / columns / rows  # area of one
    areas = stats[1:, cv2.CC_STAT_AREA]
    total = float(areas.sum())
    x, y = (centers[1:] * areas[:, None]).sum(axis=0) / total
    size = math.sqrt(total * pixel)
    main = 1 + int(areas.argmax())
    apart = 0.0
    for label in range(1, count):
        share = float(stats[label, cv2.CC_STAT_AREA]) / total
        if label != main and share >= _MIN_PIECE:
            apart += share * min(1.0, _gap(labels, main, label, aspect) / size / _FAR)
    return MaskShape(
        total * pixel, total / pixels.size, (float(x) + 0.5) * aspect / columns, (float(y) + 0.5) / rows, apart
    )


def _gap(labels: npt.NDArray[Any], main: int, other: int, aspect: float) -> float:
    """Distance between two pieces in heights of the frame."""
    rows, columns = labels.shape
    distances = cv2.distanceTransform((labels != main).astype(np.uint8), cv2.DIST_L2, 3)
    return (float(distances[labels == other].min()) - 1) * min(1 / rows, aspect / columns)


def find_warnings(evidence: Evidence) -> tuple[MaskWarning, ...]:
    """All warnings about a tracked mask, the worst first."""
    found = _lost(evidence) if evidence.shape is None else _visible(evidence, evidence.shape)
    kept = [MaskWarning(kind, score) for kind, score in found.items() if score >= MIN_SCORE]
    return tuple(sorted(kept, key=lambda warning: -warning.score))


def _lost(evidence: Evidence) -> dict[WarningKind, float]:
    return {"lost": 1.0 if evidence.previous else _STILL_LOST}


def _visible(evidence: Evidence, shape: MaskShape) -> dict[WarningKind, float]:
    scores: dict[WarningKind, float] = {
        "lost": 1 / (1 + math.exp(min(evidence.object_score, 50.0))),
        "low_iou": _ramp(evidence.predicted_iou, *_LOW_IOU),
        "whole_frame": _ramp(shape.share, *_WHOLE_FRAME),
        "overlap": _ramp(evidence.overlap, *_OVERLAP),
        "pieces": _ramp(shape.apart - (evidence.prompted.apart if evidence.prompted else 0.0), *_PIECES),
    }
    if evidence.similarity is not None:
        scores["appearance"] = _ramp(evidence.similarity, *_APPEARANCE)
    if evidence.before:
        growth = _growth(shape, median(each.area for each in evidence.before))
        scores["area"] = max(_ramp(growth, *_GROWTH), _ramp(-growth, *_SHRINKAGE))
    if evidence.previous:
        scores["shift"] = _ramp(_sudden_shift(shape, evidence.previous, evidence.before), *_SHIFT)
    return scores


def _growth(shape: MaskShape, usual: float) -> float:
    """The logarithm of the factor by which the area is larger than usual."""
    added = _SMALL_AREA * shape.area / shape.share
    return math.log((shape.area + added) / (usual + added))


def _sudden_shift(shape: MaskShape, previous: MaskShape, before: Sequence[MaskShape]) -> float:
    """How much farther the center moved than it did lately, in sizes of the object."""
    steps = [math.dist((one.x, one.y), (other.x, other.y)) for one, other in pairwise(before)]
    usual = median(steps) if steps else 0.0
    moved = math.dist((shape.x, shape.y), (previous.x, previous.y))
    return (moved - usual) / max(previous.size, shape.size)


def _ramp(value: float, none: float, full: float) -> float:
    """0 at `none`, 1 at `full`, linear in between; 0.5 in the middle."""
    return min(1.0, max(0.0, (value - none) / (full - none)))
