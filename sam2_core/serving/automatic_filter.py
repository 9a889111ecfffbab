"""Which of the automatic masks of a frame are shown: thresholds, non-maximum suppression, size and place.

The page filters in the same way (tests/automatic_mask_cases.json holds for both), so that nothing is computed again
when a threshold is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2_core.detection.suppression import box_overlaps, non_maximum_suppression
from sam2_core.types import AutomaticMask, Box

MAX_CANDIDATES = 1000
"""Candidates of one frame that are kept for a filter to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFilter:
    """Masks stay that have a predicted IoU above `min_predicted_iou` (0 keeps all) and at least `min_stability`; of
    two whose boxes overlap by an IoU of more than `max_overlap`, the better one.

    Of these, those are shown that have `min_area` to `max_area` pixels (None: no limit) and a box at least
    `edge_distance` pixels away from the edges of the frame.
    """

    min_predicted_iou: float
    min_stability: float
    max_overlap: float
    min_area: int = 0
    max_area: int | None = None
    edge_distance: int = 0


def filter_masks(masks: Sequence[AutomaticMask], chosen: MaskFilter) -> list[int]:
    """Indices of the masks that stay, best first: by predicted IoU, of equal ones the earlier.

    As in the official generator, overlapping masks of one crop are decided by predicted IoU, and then those of
    different crops by the size of the crop: the smaller one wins.
    """
    boxes, scores = corner_array(masks), _scores(masks)
    passing = [index for index, mask in enumerate(masks) if _passes(mask, chosen)]
    crops: dict[Box, list[int]] = {}
    for index in passing:
        crops.setdefault(masks[index].crop, []).append(index)
    kept: list[int] = []
    for members in crops.values():
        winners = non_maximum_suppression(boxes[members], scores[members], chosen.max_overlap)
        kept += [members[winner] for winner in winners]
    if len(crops) > 1:
        smallness = [1 / _area(masks[index].crop) for index in kept]
        kept = [kept[winner] for winner in non_maximum_suppression(boxes[kept], smallness, chosen.max_overlap)]
    shown = [index for index in kept if _is_shown(masks[index], chosen)]
    return sorted(shown, key=lambda index: (-scores[index], index))


class Candidates:
    """Those of the masks of one crop that some choice of the thresholds may show.

    A mask is left out if, wherever it passes the thresholds, another one passes, too, that overlaps it, comes before it
    and is never suppressed itself: so `filter_masks` gives the same with it and without it, for this `max_overlap`.
    """

    def __init__(self, max_overlap: float) -> None:
        self._max_overlap = max_overlap
        self._masks: list[AutomaticMask] = []
        self._is_suppressible = np.zeros(0, bool)  # some better mask overlaps it

    def add(self, masks: Sequence[AutomaticMask]) -> list[bool]:
        """Add masks; which of all that were added, in their order, are left now."""
        if masks:
            before = len(self._masks)
            self._masks += masks
            self._is_suppressible = np.concatenate([self._is_suppressible, np.zeros(len(masks), bool)])
            self._compare(slice(before, None))
        return self._relevant()

    def _compare(self, new: slice) -> None:
        scores, boxes = _scores(self._masks), corner_array(self._masks)
        overlap = box_overlaps(boxes[new], boxes) > self._max_overlap  # (new, all)
        numbers = np.arange(len(scores))
        newer = numbers[new]
        is_better = (scores[newer, None] > scores) | ((scores[newer, None] == scores) & (newer[:, None] < numbers))
        is_other = newer[:, None] != numbers
        self._is_suppressible |= (overlap & is_better & is_other).any(axis=0)
        self._is_suppressible[new] |= (overlap & ~is_better & is_other).any(axis=1)

    def _relevant(self) -> list[bool]:
        if not self._masks:
            return []
        scores, boxes = _scores(self._masks), corner_array(self._masks)
        stability = np.array([mask.stability_score for mask in self._masks])
        peaks = np.flatnonzero(~self._is_suppressible)
        dominates = (
            (box_overlaps(boxes[peaks], boxes) > self._max_overlap)
            & (scores[peaks, None] >= scores)
            & (stability[peaks, None] >= stability)
            & (peaks[:, None] != np.arange(len(scores)))
        )
        return [not dominated for dominated in dominates.any(axis=0)]


def corner_array(masks: Sequence[AutomaticMask]) -> npt.NDArray[np.float32]:
    """Boxes (N, 4) from the first to the last pixel of each mask, which the official thresholds assume."""
    corners = [(mask.box.left, mask.box.top, mask.box.right - 1, mask.box.bottom - 1) for mask in masks]
    return np.array(corners, np.float32).reshape(-1, 4)


def _scores(masks: Sequence[AutomaticMask]) -> npt.NDArray[np.float64]:
    return np.array([mask.predicted_iou for mask in masks])


def _passes(mask: AutomaticMask, chosen: MaskFilter) -> bool:
    has_iou = chosen.min_predicted_iou <= 0 or mask.predicted_iou > chosen.min_predicted_iou
    return has_iou and mask.stability_score >= chosen.min_stability


def _is_shown(mask: AutomaticMask, chosen: MaskFilter) -> bool:
    box, area = mask.box, mask.mask.area
    distance = min(box.left, box.top, mask.mask.width - box.right, mask.mask.height - box.bottom)
    is_small_enough = chosen.max_area is None or area <= chosen.max_area
    return chosen.min_area <= area and is_small_enough and distance >= chosen.edge_distance


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)
