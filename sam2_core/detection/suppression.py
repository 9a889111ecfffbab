"""Non-maximum suppression: of boxes that overlap, the one with the best score remains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sam2_core.detection.detector import Detection

MAX_OVERLAP = 0.7
"""IoU of two boxes above which they are taken for the same object."""


def suppress_overlaps(detections: Sequence[Detection], max_overlap: float = MAX_OVERLAP) -> tuple[Detection, ...]:
    """Of detections that overlap by more than this IoU, of whichever phrases, the one with the best score; best first.

    So an object that is both a *dog* and an *animal* becomes one.
    """
    boxes = [(each.box.left, each.box.top, each.box.right, each.box.bottom) for each in detections]
    kept = non_maximum_suppression(boxes, [each.score for each in detections], max_overlap)
    return tuple(detections[index] for index in kept)


def non_maximum_suppression(boxes: npt.ArrayLike, scores: npt.ArrayLike, iou_threshold: float) -> list[int]:
    """Indices of the boxes to keep, best score first: those whose IoU with no better kept box exceeds `iou_threshold`.

    `boxes` is (N, 4), `scores` (N,). Of equal scores the earlier one is better.
    """
    corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    remaining = np.argsort(-np.asarray(scores), kind="stable")
    kept: list[int] = []
    while remaining.size:
        best, others = remaining[0], remaining[1:]
        kept.append(int(best))
        remaining = others[~(box_overlaps(corners[best : best + 1], corners[others])[0] > iou_threshold)]
    return kept


def box_overlaps(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """IoU of each of N boxes with each of M: (N, 4), (M, 4) -> (N, M); NaN for two boxes of size 0.

    Computed in single precision, so that borderline cases come out as with torchvision.
    """
    these, those = (np.asarray(boxes, dtype=np.float32).reshape(-1, 4) for boxes in (first, second))
    areas, other_areas = ((each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1]) for each in (these, those))
    inner_start = np.maximum(these[:, None, :2], those[None, :, :2])
    inner_end = np.minimum(these[:, None, 2:], those[None, :, 2:])
    shared = np.maximum(inner_end - inner_start, np.float32(0)).prod(axis=2)
    with np.errstate(invalid="ignore"):  # 0 / 0 for two boxes of size 0
        overlaps = shared / (areas[:, None] + other_areas[None] - shared)
    return np.asarray(overlaps, np.float64)
