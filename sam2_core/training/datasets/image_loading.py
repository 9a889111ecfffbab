"""Pictures in memory: read once, made smaller, without what is bad about them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from sam2_core.training.datasets.dataset import BadSample, BinaryMask, Labelled, Picture, Pixels, Report
from sam2_core.training.datasets.mask_decoding import EMPTY
from sam2_core.types import Progress

NOTHING_LEFT = "picture without a mask that could be used"
VANISHED = "mask too small to survive the smaller picture"


def read_all(
    pictures: Sequence[Picture],
    report: Report,
    short_side: int | None = None,
    progress: Progress | None = None,
) -> list[tuple[Picture, Labelled]]:
    """Read pictures, with or without labels, at a short side of at most `short_side` pixels.

    What is bad is left out and reported: pictures that cannot be read, and empty masks one by one, with their picture
    if no mask is left.
    """
    read: list[tuple[Picture, Labelled]] = []
    for count, picture in enumerate(pictures, 1):
        try:
            labelled = cleaned(picture.read(), picture.name, report, EMPTY)
            if short_side is not None:
                labelled = cleaned(shrunk(labelled, short_side), picture.name, report, VANISHED)
            read.append((picture, labelled))
        except BadSample as error:
            report.skip(picture.name, str(error))
        if progress is not None:
            progress(count / len(pictures), f"{count} of {len(pictures)} pictures read")
    return read


def cleaned(labelled: Labelled, name: str, report: Report, reason: str) -> Labelled:
    """Drop empty masks and report each; raises `BadSample` if there were masks and none is left."""
    kept = [place for place, mask in enumerate(labelled.masks) if mask.any()]
    for _ in range(len(labelled.masks) - len(kept)):
        report.skip(name, reason)
    if labelled.masks and not kept:
        raise BadSample(NOTHING_LEFT)
    if len(kept) == len(labelled.masks):
        return labelled
    return Labelled(
        labelled.image,
        tuple(labelled.masks[place] for place in kept),
        tuple(labelled.classes[place] for place in kept),
    )


def shrunk(labelled: Labelled, short_side: int) -> Labelled:
    """Scale down, never up, to a short side of `short_side` pixels.

    Pixels are averaged by area; a mask keeps the pixels that it covered at least by half.
    """
    height, width = labelled.image.shape[:2]
    factor = short_side / min(height, width)
    if factor >= 1:
        return labelled
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    masks = tuple(_shrunk_mask(mask, size) for mask in labelled.masks)
    image: Pixels = cv2.resize(labelled.image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return Labelled(image, masks, labelled.classes)


def _shrunk_mask(mask: BinaryMask, size: tuple[int, int]) -> BinaryMask:
    """A mean of 127.5 is rounded to 128: half a pixel is enough."""
    return cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
