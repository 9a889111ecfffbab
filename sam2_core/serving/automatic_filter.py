"""Which of the automatic masks of a frame are shown: thresholds, non-maximum suppression, size and place.

The page filters in the same way (tests/automatic_mask_cases.json holds for both), so that nothing is computed again
when a threshold is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sam2_core.detection.suppression import box_overlaps, non_maximum_suppression
from sam2_core.types import AutomaticMask, Box, Mask

MAX_COMPARED = 2048
"""Masks whose overlaps `DistinctMasks` knows at a time; those with the lowest predicted IoU are left out."""
_GRID = 96  # samples of a mask along each side
_ONES = np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(axis=1, dtype=np.uint8)
_MIN_SAMPLES = 8  # in a mask; of smaller ones the boxes are compared


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


class CandidateSet(Protocol):
    """Masks that are found one after the other, and which of them are left."""

    def add(self, masks: Sequence[AutomaticMask]) -> list[bool]:
        """Add masks; which of all that were added, in their order, are left now."""
        ...


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
        """See `CandidateSet`."""
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


class DistinctMasks:
    """Of the masks whose IoU is more than `max_overlap` the one with the highest predicted IoU.

    For networks whose masks of one object differ so much in their boxes that these say little. Overlaps are measured on
    96 x 96 samples of the frame.
    """

    def __init__(self, max_overlap: float) -> None:
        self._max_overlap = max_overlap
        self._count = 0  # of all masks that were added
        self._indices = np.zeros(0, np.int64)  # of those that are compared
        self._scores = np.zeros(0)
        self._corners = np.zeros((0, 4), np.float32)
        self._samples = np.zeros((0, _GRID**2 // 16), np.uint16)  # a bit each
        self._counts = np.zeros(0, np.int64)  # of samples in the mask
        self._overlaps = np.zeros((0, 0), bool)

    def add(self, masks: Sequence[AutomaticMask]) -> list[bool]:
        """See `CandidateSet`."""
        if masks:
            self._append(masks)
            self._forget(np.argsort(-self._scores, kind="stable")[MAX_COMPARED:])
        left = np.zeros(self._count, bool)
        left[self._indices[self._winners()]] = True
        return left.tolist()

    def _append(self, masks: Sequence[AutomaticMask]) -> None:
        known, new = len(self._indices), len(masks)
        self._indices = np.concatenate([self._indices, np.arange(self._count, self._count + new)])
        self._count += new
        self._scores = np.concatenate([self._scores, _scores(masks)])
        self._corners = np.concatenate([self._corners, corner_array(masks)])
        samples = np.stack([_sample(mask.mask) for mask in masks])
        self._samples = np.concatenate([self._samples, np.packbits(samples, axis=1).view(np.uint16)])
        self._counts = np.concatenate([self._counts, np.count_nonzero(samples, axis=1)])
        overlaps = self._overlaps_with(slice(known, None))  # (new, all)
        self._overlaps = np.pad(self._overlaps, (0, new))
        self._overlaps[known:], self._overlaps[:, known:] = overlaps, overlaps.T

    def _overlaps_with(self, new: slice) -> npt.NDArray[np.bool_]:
        counts, limit = self._counts, self._max_overlap
        smaller, larger = np.minimum(counts[new, None], counts), np.maximum(counts[new, None], counts)
        is_small = smaller < _MIN_SAMPLES
        overlaps = is_small & (box_overlaps(self._corners[new], self._corners) > limit)
        # The IoU is at most the ratio of the areas, so that most masks need not be compared.
        comparable = ~is_small & (smaller > limit * larger)
        for row, sample, count, rows in zip(overlaps, self._samples[new], counts[new], comparable, strict=True):
            shared = _ONES[self._samples[rows] & sample].sum(axis=1, dtype=np.int64)
            row[rows] = shared / (count + counts[rows] - shared) > limit
        return overlaps

    def _forget(self, rows: npt.NDArray[np.int64]) -> None:
        if len(rows):
            for name in ("_indices", "_scores", "_corners", "_samples", "_counts"):
                setattr(self, name, np.delete(getattr(self, name), rows, axis=0))
            self._overlaps = np.delete(np.delete(self._overlaps, rows, axis=0), rows, axis=1)

    def _winners(self) -> list[int]:
        """Rows of the masks that no better one suppresses."""
        is_suppressed, winners = np.zeros(len(self._scores), bool), []
        for row in np.argsort(-self._scores, kind="stable").tolist():
            if not is_suppressed[row]:
                winners.append(row)
                is_suppressed |= self._overlaps[row]
        return winners


def _sample(mask: Mask) -> npt.NDArray[np.bool_]:
    """A mask at the middles of 96 x 96 equal parts, flat; read from its runs, so that its size does not count."""
    ends = np.cumsum(np.frombuffer(mask.runs, "<u4"), dtype=np.int64)
    middles = (np.arange(_GRID) + 0.5) / _GRID
    columns, rows = (middles * mask.width).astype(np.int64), (middles * mask.height).astype(np.int64)
    places = columns[:, None] * mask.height + rows
    return (np.searchsorted(ends, places.ravel(), side="right") % 2).astype(bool)


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
