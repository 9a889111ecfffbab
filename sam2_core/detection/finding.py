"""What users ask of a detector: phrases, thresholds where they want others, and one detection for each object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sam2_core.detection.detector import Detection, Detector, RgbPixels
from sam2_core.detection.suppression import suppress_overlaps


def find_objects(
    detector: Detector,
    image: RgbPixels,
    phrases: Sequence[str],
    box_threshold: float | None = None,
    text_threshold: float | None = None,
) -> tuple[Detection, ...]:
    """Detect with the detector's own thresholds where none is given; of overlapping boxes the best remains.

    Raises `BadPrompt` and `MediaError` as `Detector.detect` does.
    """
    own = detector.thresholds
    thresholds = replace(
        own,
        box=own.box if box_threshold is None else box_threshold,
        text=own.text if text_threshold is None else text_threshold,
    )
    return suppress_overlaps(detector.detect(image, phrases, thresholds))
