"""Images of a data set in memory: read, downscaled, without what cannot be used."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample, DatasetImage, LabeledImage, SkipReport
from sam2_core.training.datasets.mask_decoding import EMPTY
from sam2_core.types import BoolArray

NOTHING_LEFT = "picture without a mask that could be used"
VANISHED = "mask too small to survive the smaller picture"


def load_image(image: DatasetImage, report: SkipReport, short_side: int | None = None) -> LabeledImage | None:
    """Read an image, with or without labels, at a short side of at most `short_side` pixels.

    Empty masks are dropped and reported. None, with a report, if the image cannot be read or no mask is left.
    """
    try:
        labeled = drop_empty_masks(image.read(), image.name, report, EMPTY)
        if short_side is not None:
            labeled = drop_empty_masks(downscaled(labeled, short_side), image.name, report, VANISHED)
        return labeled
    except BadSample as error:
        report.skip(image.name, str(error))
        return None


def drop_empty_masks(labeled: LabeledImage, name: str, report: SkipReport, reason: str) -> LabeledImage:
    """Drop empty masks and report each as `reason`. Raises `BadSample` if there were masks and none is left."""
    kept = [place for place, mask in enumerate(labeled.masks) if mask.any()]
    for _ in range(len(labeled.masks) - len(kept)):
        report.skip(name, reason)
    if labeled.masks and not kept:
        raise BadSample(NOTHING_LEFT)
    if len(kept) == len(labeled.masks):
        return labeled
    masks, classes = tuple(labeled.masks[place] for place in kept), tuple(labeled.classes[place] for place in kept)
    return LabeledImage(labeled.image, masks, classes)


def downscaled(labeled: LabeledImage, short_side: int) -> LabeledImage:
    """Scale down, never up, to a short side of `short_side` pixels.

    Pixels are averaged by area; a mask keeps the pixels of which it covers at least half.
    """
    height, width = labeled.image.shape[:2]
    factor = short_side / min(height, width)
    if factor >= 1:
        return labeled
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    masks = tuple(_downscaled_mask(mask, size) for mask in labeled.masks)
    image: RgbArray = cv2.resize(labeled.image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return LabeledImage(image, masks, labeled.classes)


def _downscaled_mask(mask: BoolArray, size: tuple[int, int]) -> BoolArray:
    # A mean of 127.5 is rounded to 128: half a pixel is enough.
    return cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
