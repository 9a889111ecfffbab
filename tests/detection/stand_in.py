"""A detector that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sam2_core.detection.detector import Detection, RgbPixels, Thresholds

DEFAULT_THRESHOLDS = Thresholds(0.3)


@dataclass
class StandInDetector:
    """Finds what a function of the image returns, of the phrases and from the score that it is asked for."""

    objects: Callable[[RgbPixels], Sequence[Detection]]
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    asked: list[tuple[tuple[int, ...], tuple[str, ...], Thresholds | None]] = field(default_factory=list)

    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`."""
        assert image.dtype == np.uint8
        self.asked.append((image.shape, tuple(phrases), thresholds))
        least = (thresholds or self.thresholds).box
        found = [each for each in self.objects(image) if each.phrase in phrases and each.score >= least]
        return tuple(sorted(found, key=lambda each: -each.score))
