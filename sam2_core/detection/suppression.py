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
    # IoUs in single precision compared in double decide borderline cases as torchvision does.
    corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    remaining = np.argsort(-np.asarray(scores), kind="stable")
    kept: list[int] = []
    while remaining.size:
        best, others = remaining[0], remaining[1:]
        kept.append(int(best))
        inner_start = np.maximum(corners[best, :2], corners[others, :2])
        inner_end = np.minimum(corners[best, 2:], corners[others, 2:])
        shared = np.maximum(inner_end - inner_start, np.float32(0)).prod(axis=1)
        with np.errstate(invalid="ignore"):  # 0 / 0 for two boxes of size 0
            overlap = shared / (areas[best] + areas[others] - shared)
        remaining = others[~(overlap.astype(np.float64) > iou_threshold)]
    return kept
