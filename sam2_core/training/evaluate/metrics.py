"""Metrics of masks, and their means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from sam2_core.types import BoolArray

TOLERANCE = 0.008
"""The distance at which boundaries still match, as a share of the image's diagonal (DAVIS)."""

BINS = 10

OUTLINE_WIDTH = 640
"""The width at which outlines of images are compared, in pixels: all images count alike."""


def iou(predicted: BoolArray, truth: BoolArray) -> float:
    """Intersection over union of two masks (H, W), 0..1; 0 if both are empty. On clips it is called J."""
    common, union = int(np.count_nonzero(predicted & truth)), int(np.count_nonzero(predicted | truth))
    return common / max(1, union)


def boundary_f(predicted: BoolArray, truth: BoolArray, tolerance: float = TOLERANCE) -> float:
    """DAVIS' F of two masks (H, W), 0..1: the harmonic mean of boundary precision and recall.

    A boundary pixel matches if the other boundary is within `tolerance` x the diagonal, rounded up to pixels. Two
    masks without a boundary score 1; one with and one without score 0.
    Source: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016.
    """
    return _matched_boundary(predicted, truth, math.ceil(tolerance * math.hypot(*truth.shape)))


def outline_f(predicted: BoolArray, truth: BoolArray, pixels: int) -> float:
    """Boundary F as in `boundary_f`, but within so many pixels at a width of `OUTLINE_WIDTH`."""
    return _matched_boundary(_at_outline_width(predicted), _at_outline_width(truth), pixels)


def _at_outline_width(mask: BoolArray) -> BoolArray:
    height, width = mask.shape
    size = (OUTLINE_WIDTH, max(1, round(height * OUTLINE_WIDTH / width)))
    interpolation = cv2.INTER_AREA if width > OUTLINE_WIDTH else cv2.INTER_LINEAR
    return cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=interpolation) > 127


def _matched_boundary(predicted: BoolArray, truth: BoolArray, reach: int) -> float:
    found, wanted = boundary(predicted), boundary(truth)
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    left, top, width, height = cv2.boundingRect((found | wanted).astype(np.uint8))
    place = np.s_[top : top + height, left : left + width]  # pixels outside cannot match
    found, wanted = found[place], wanted[place]
    precision = np.count_nonzero(found & _widened(wanted, reach)) / np.count_nonzero(found)
    recall = np.count_nonzero(wanted & _widened(found, reach)) / np.count_nonzero(wanted)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: BoolArray) -> BoolArray:
    """The pixels (H, W) that differ from their neighbor on the right, below, or diagonally between these."""
    around = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask ^ around[:-1, 1:]) | (mask ^ around[1:, :-1]) | (mask ^ around[1:, 1:])


def _widened(mask: BoolArray, reach: int) -> BoolArray:
    """All pixels at a distance of at most `reach` from the mask."""
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x * x + y * y <= reach * reach).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disk) > 0


@dataclass(slots=True)
class TrackScore:
    """J and F of masks on the frames of a clip."""

    regions: list[float] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)

    def add(self, predicted: BoolArray, truth: BoolArray) -> None:
        """Score one object on one frame."""
        self.regions.append(iou(predicted, truth))
        self.boundaries.append(boundary_f(predicted, truth))

    def means(self, prefix: str) -> dict[str, float]:
        """Means over all objects and frames: PREFIX_J, PREFIX_F and PREFIX_J&F."""
        region, outline = _mean(self.regions), _mean(self.boundaries)
        return {f"{prefix}_J": region, f"{prefix}_F": outline, f"{prefix}_J&F": (region + outline) / 2}


@dataclass(slots=True)
class Scores:
    """Scores of objects or clips, as (source, values by name); all rows have the same names."""

    rows: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def add(self, source: str, values: dict[str, float]) -> None:
        """Add the scores of one object or clip."""
        self.rows.append((source, values))

    @property
    def sources(self) -> list[str]:
        """All sources, sorted."""
        return sorted({source for source, _ in self.rows})

    def count(self, source: str | None = None) -> int:
        """Number of objects or clips, of one source or in all."""
        return len(self._of(source))

    def means(self, source: str | None = None) -> dict[str, float]:
        """The mean of each score, of one source or of all; empty without rows."""
        rows = self._of(source)
        return {name: _mean([row[name] for row in rows]) for name in rows[0]} if rows else {}

    def _of(self, source: str | None) -> list[dict[str, float]]:
        return [values for origin, values in self.rows if source in (None, origin)]


@dataclass(frozen=True, slots=True)
class Bin:
    """Masks whose predicted IoU is between `low` and `high`: their number and mean IoUs, None if there are none."""

    low: float
    high: float
    count: int
    predicted: float | None
    true: float | None


@dataclass(slots=True)
class Calibration:
    """Pairs of predicted and true IoU."""

    pairs: list[tuple[float, float]] = field(default_factory=list)

    def add(self, predicted: float, true: float) -> None:
        """Add one mask."""
        self.pairs.append((predicted, true))

    @property
    def error(self) -> float | None:
        """Mean |predicted - true|; None without masks."""
        return _mean([abs(predicted - true) for predicted, true in self.pairs]) if self.pairs else None

    def bins(self, count: int = BINS) -> list[Bin]:
        """The reliability table: `count` equally wide bins of predicted IoU, from 0 to 1."""
        members: list[list[tuple[float, float]]] = [[] for _ in range(count)]
        for predicted, true in self.pairs:
            members[min(max(int(predicted * count), 0), count - 1)].append((predicted, true))
        return [_bin(place / count, (place + 1) / count, pairs) for place, pairs in enumerate(members)]


def _bin(low: float, high: float, pairs: Sequence[tuple[float, float]]) -> Bin:
    if not pairs:
        return Bin(low, high, 0, None, None)
    return Bin(low, high, len(pairs), _mean([each for each, _ in pairs]), _mean([each for _, each in pairs]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(np.array(values)))
