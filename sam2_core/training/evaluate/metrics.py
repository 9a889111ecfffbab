"""What is measured on masks, and how it is put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from sam2_core.types import BoolArray

TOLERANCE = 0.008
"""How far boundaries may be apart and still match, as a share of the picture's diagonal (DAVIS)."""

BINS = 10


def iou(predicted: BoolArray, truth: BoolArray) -> float:
    """Intersection over union of two masks (H, W), 0..1; 0 if both are empty. On clips it is called J."""
    common, union = int(np.count_nonzero(predicted & truth)), int(np.count_nonzero(predicted | truth))
    return common / max(1, union)


def boundary_f(predicted: BoolArray, truth: BoolArray, tolerance: float = TOLERANCE) -> float:
    """DAVIS' F of two masks (H, W), 0..1: the harmonic mean of boundary precision and recall.

    A boundary pixel counts as matched if the other boundary passes within `tolerance` x the diagonal, rounded up to
    pixels. Two masks without a boundary agree (1); one without and one with do not (0).
    Source: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016.
    """
    found, wanted = boundary(predicted), boundary(truth)
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    left, top, width, height = cv2.boundingRect((found | wanted).astype(np.uint8))
    place = np.s_[top : top + height, left : left + width]  # nothing that could match lies outside
    found, wanted = found[place], wanted[place]
    reach = math.ceil(tolerance * math.hypot(*truth.shape))
    precision = np.count_nonzero(found & _widened(wanted, reach)) / np.count_nonzero(found)
    recall = np.count_nonzero(wanted & _widened(found, reach)) / np.count_nonzero(wanted)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary(mask: BoolArray) -> BoolArray:
    """The pixels (H, W) that differ from their neighbour on the right, below, or diagonally between these."""
    around = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask ^ around[:-1, 1:]) | (mask ^ around[1:, :-1]) | (mask ^ around[1:, 1:])


def _widened(mask: BoolArray, reach: int) -> BoolArray:
    """All pixels at most `reach` away from the mask."""
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x * x + y * y <= reach * reach).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disk) > 0


@dataclass(slots=True)
class TrackScore:
    """J and F of masks on the frames of a clip, one after the other."""

    regions: list[float] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)

    def add(self, predicted: BoolArray, truth: BoolArray) -> None:
        """Score one object on one frame."""
        self.regions.append(iou(predicted, truth))
        self.boundaries.append(boundary_f(predicted, truth))

    def means(self, prefix: str) -> dict[str, float]:
        """The means over all objects and frames: PREFIX_J, PREFIX_F and PREFIX_J&F."""
        region, outline = _mean(self.regions), _mean(self.boundaries)
        return {f"{prefix}_J": region, f"{prefix}_F": outline, f"{prefix}_J&F": (region + outline) / 2}


@dataclass(slots=True)
class Scores:
    """What was measured one by one, each on something of a source; all rows have the same names."""

    rows: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def add(self, source: str, values: dict[str, float]) -> None:
        """Note what was measured on one object or clip."""
        self.rows.append((source, values))

    @property
    def sources(self) -> list[str]:
        """All sources, sorted."""
        return sorted({source for source, _ in self.rows})

    def count(self, source: str | None = None) -> int:
        """How much was measured, of one source or in all."""
        return len(self._of(source))

    def means(self, source: str | None = None) -> dict[str, float]:
        """The mean of each score, of one source or of all rows; empty if there is nothing."""
        rows = self._of(source)
        return {name: _mean([row[name] for row in rows]) for name in rows[0]} if rows else {}

    def _of(self, source: str | None) -> list[dict[str, float]]:
        return [values for origin, values in self.rows if source in (None, origin)]


@dataclass(frozen=True, slots=True)
class Bin:
    """Masks whose predicted IoU lies between `low` and `high`: how many, and the means; None if there are none."""

    low: float
    high: float
    count: int
    predicted: float | None
    true: float | None


@dataclass(slots=True)
class Calibration:
    """Does the network know how good its masks are? Predicted IoU beside true IoU."""

    pairs: list[tuple[float, float]] = field(default_factory=list)

    def add(self, predicted: float, true: float) -> None:
        """Note one mask."""
        self.pairs.append((predicted, true))

    @property
    def error(self) -> float | None:
        """Mean |predicted - true|; None if there is nothing."""
        return _mean([abs(predicted - true) for predicted, true in self.pairs]) if self.pairs else None

    def bins(self, count: int = BINS) -> list[Bin]:
        """The reliability table: `count` bins of predicted IoU, equally wide, together 0..1."""
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
