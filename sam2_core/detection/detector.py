"""What a detector is, and what it finds: plain values, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.types import Box, Mask

RgbPixels: TypeAlias = npt.NDArray[np.uint8]

MIN_SIDE = 1.0
"""Boxes with a shorter side, in pixels within the image, are ignored."""


@dataclass(frozen=True, slots=True)
class Detection:
    """An object that a phrase names.

    `mask` is there where the detector itself segments. `words` are the scores of the words that are found in the box,
    by phrase, of detectors that score single words.
    """

    phrase: str
    score: float
    box: Box
    mask: Mask | None = None
    words: Mapping[str, tuple[float, ...]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which scores on, in 0..1, a box is returned, and a word counts as found in it.

    `text` is for detectors that score single words (Grounding DINO). Raises `BadPrompt` for values outside of 0..1.
    """

    box: float
    text: float = 0.25

    def __post_init__(self) -> None:
        for name, value in (("box", self.box), ("text", self.text)):
            if not 0 <= value <= 1:
                raise BadPrompt(f"The {name} threshold is a number from 0 to 1, not {value}.")

    @property
    def floor(self) -> Thresholds:
        """Low ones: what is found with them can be filtered by any higher ones without detecting again."""
        return Thresholds(round(self.box / 3, 2), min(self.text, 0.1))


class Detector(Protocol):
    """Finds the objects that phrases name.

    Detectors are used by one thread at a time. `thresholds` are those that suit the network.
    """

    thresholds: Thresholds

    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """Find objects in an image (H, W, 3) uint8; the best come first.

        Each carries one of the phrases as it was given. Several may be of one object, see `suppress_overlaps`. Raises
        `BadPrompt` for a phrase that is too long for the network, and `MediaError` for what is no image.
        """


def check_image(image: RgbPixels) -> None:
    """Raises `MediaError` for anything but (H, W, 3) uint8."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise MediaError(f"Objects are found in RGB images, uint8, (height, width, 3); this is {found}.")
    if 0 in image.shape:
        raise MediaError("The image has no pixels.")


def within_image(detections: Iterable[Detection], height: int, width: int) -> tuple[Detection, ...]:
    """Detections with their boxes cut at the edges of the image, best first; what is left empty is dropped."""
    kept = []
    for each in detections:
        box = each.box
        if not all(map(math.isfinite, (each.score, box.left, box.top, box.right, box.bottom))):
            continue
        left, right = max(0.0, box.left), min(float(width), box.right)
        top, bottom = max(0.0, box.top), min(float(height), box.bottom)
        if right - left >= min(MIN_SIDE, width) and bottom - top >= min(MIN_SIDE, height):
            kept.append(replace(each, box=Box(left, top, right, bottom)))
    return tuple(sorted(kept, key=lambda each: -each.score))
