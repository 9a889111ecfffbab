"""Samples from annotated clips: a few frames, cropped, perhaps mirrored or in reverse order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sam2_core.training.arrays import Random
from sam2_core.training.datasets.dataset import BadSample, Clip, SkipReport
from sam2_core.training.synthetic.clip_samples import ClipSample
from sam2_core.training.synthetic.image_samples import choose_with_few_repeats
from sam2_core.training.synthetic.photometric import Photometric
from sam2_core.training.synthetic.square_crop import SquareCrop

_TRIES = 20
_MAX_STEP = 3  # annotated frames from one chosen frame to the next
_MIN_CROP = 0.6  # share of the frame's sides
_MIN_AREA = 0.002  # of the first frame


class ClipSampler:
    """Draws samples from annotated clips. A clip that cannot be read is reported once and not used again."""

    def __init__(self, clips: Sequence[Clip], report: SkipReport) -> None:
        self._clips = [clip for clip in clips if len(clip.annotated) > 1]
        self._report = report

    def __bool__(self) -> bool:
        return bool(self._clips)

    def draw(self, random: Random, side: int, frames: int, count: int) -> ClipSample | None:
        """`frames` frames of (side, side) pixels with `count` objects that are visible on the first frame.

        None if no such clip is found.
        """
        for _ in range(_TRIES):
            if not self._clips:
                return None
            clip = self._clips[int(random.integers(len(self._clips)))]
            try:
                drawn = _draw(random, clip, side, frames, count)
            except BadSample as error:
                self._report.skip(clip.name, str(error))
                self._clips.remove(clip)
                continue
            if drawn is not None:
                return drawn
        return None


def _draw(random: Random, clip: Clip, side: int, frames: int, count: int) -> ClipSample | None:
    chosen = _choose_frames(random, clip.annotated, frames)
    masks = [clip.masks(index) for index in chosen]
    numbers = sorted(number for number, mask in masks[0].items() if mask.any())
    if not numbers:
        return None
    height, width = masks[0][numbers[0]].shape
    crop = _choose_crop(random, height, width, side)
    empty = np.zeros((height, width), np.bool_)
    tracks = np.stack([[crop.mask(found.get(number, empty)) for found in masks] for number in numbers])
    visible = np.flatnonzero(tracks[:, 0].mean(axis=(1, 2)) > _MIN_AREA)
    if not len(visible):
        return None
    photometric = Photometric.choose(random)
    images = np.stack([photometric(crop.image(clip.frame(index)), at) for at, index in enumerate(chosen)])
    return ClipSample(images, tracks[choose_with_few_repeats(random, visible, count)])


def _choose_frames(random: Random, annotated: Sequence[int], frames: int) -> list[int]:
    """Evenly spaced frames, forwards or backwards; the last one is repeated where the clip is too short."""
    longest = max(1, (len(annotated) - 1) // max(1, frames - 1))
    step = int(random.integers(1, min(longest, _MAX_STEP) + 1))
    length = min(len(annotated), step * (frames - 1) + 1)
    first = int(random.integers(len(annotated) - length + 1))
    chosen = list(annotated[first : first + length : step])
    if random.random() < 0.5:
        chosen.reverse()
    return chosen + chosen[-1:] * (frames - len(chosen))


def _choose_crop(random: Random, height: int, width: int, side: int) -> SquareCrop:
    share = random.uniform(_MIN_CROP, 1.0) if random.random() < 0.7 else 1.0
    tall, wide = max(8, int(height * share)), max(8, int(width * share))
    top, left = int(random.integers(max(1, height - tall + 1))), int(random.integers(max(1, width - wide + 1)))
    return SquareCrop(top, left, tall, wide, side, mirror=random.random() < 0.5)
