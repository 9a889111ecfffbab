"""Texts of a network that was trained with prompts of CLIP, wherever a detector is used (research)."""

from __future__ import annotations

from collections.abc import Sequence

from sam2_core.detection.detector import Detection, RgbPixels, Thresholds, check_image, within_image
from sam2_core.media.draw import crop
from sam2_core.predictors.clip_segmenter import ClipSegmenter
from sam2_core.types import Box, Mask


class ClipDetector:
    """A `Detector` whose masks are those of a `ClipSegmenter`: one for each phrase, scored by its predicted IoU, which
    says nothing about whether what is named is in the picture."""

    def __init__(self, segmenter: ClipSegmenter) -> None:
        self._segmenter = segmenter
        self.thresholds = Thresholds(0.0)

    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`."""
        check_image(image)
        masks, predicted_iou = self._segmenter.predict(image, phrases)
        least, found = (thresholds or self.thresholds).box, list[Detection]()
        for phrase, pixels, score in zip(phrases, masks, predicted_iou.clip(0, 1).tolist(), strict=True):
            mask = Mask.from_array(pixels)
            if mask.area and score >= least:
                left, top, width, height = crop(mask)[1]
                found.append(Detection(phrase, score, Box(left, top, left + width, top + height), mask))
        return within_image(found, *image.shape[:2])
