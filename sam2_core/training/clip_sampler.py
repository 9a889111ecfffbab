"""Real clips with masks: a few annotated frames at a time, cropped, perhaps mirrored or played backwards."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import Random
from sam2_core.training.datasets.dataset import BadSample, Clip, SkipReport
from sam2_core.training.synthetic.clip_samples import ClipSample
from sam2_core.training.synthetic.image_samples import choose_with_few_repeats
from sam2_core.training.synthetic.photometric import Photometric

_TRIES = 20
_MAX_STEP = 3  # annotated frames from one chosen frame to the next
_MIN_CROP = 0.6
_MIN_AREA = 0.002  # of the first frame


class ClipSampler:
    """Draws from annotated clips; a clip that turns out to be bad is reported once and then left out."""

    def __init__(self, clips: Sequence[Clip], report: SkipReport) -> None:
        self._clips = [clip for clip in clips if len(clip.annotated) > 1]
        self._report = report

    def __bool__(self) -> bool:
        return bool(self._clips)

    def draw(self, random: Random, side: int, frames: int, count: int) -> ClipSample | None:
        """`frames` frames of a clip with `count` of its objects, each of which can be seen on the first of them; None
        if none is found."""
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
    size = masks[0][numbers[0]].shape
    crop = _Crop(random, size, side)
    nothing = np.zeros(size, np.bool_)
    tracks = np.stack([[crop.mask(found.get(number, nothing)) for found in masks] for number in numbers])
    visible = np.flatnonzero(tracks[:, 0].mean(axis=(1, 2)) > _MIN_AREA)
    if not len(visible):
        return None
    look = Photometric.choose(random)
    images = np.stack([look(crop.image(clip.frame(index)), at) for at, index in enumerate(chosen)])
    return ClipSample(images, tracks[choose_with_few_repeats(random, visible, count)])


def _choose_frames(random: Random, annotated: Sequence[int], frames: int) -> list[int]:
    """Frames at an even distance, forwards or backwards; the last one comes again where a clip is too short."""
    longest = max(1, (len(annotated) - 1) // max(1, frames - 1))
    step = int(random.integers(1, min(longest, _MAX_STEP) + 1))
    length = min(len(annotated), step * (frames - 1) + 1)
    first = int(random.integers(len(annotated) - length + 1))
    chosen = list(annotated[first : first + length : step])
    if random.random() < 0.5:
        chosen.reverse()
    return chosen + chosen[-1:] * (frames - len(chosen))


class _Crop:
    """The same part of every frame, stretched to the square and perhaps mirrored."""

    def __init__(self, random: Random, size: tuple[int, ...], side: int) -> None:
        height, width = size
        share = random.uniform(_MIN_CROP, 1.0) if random.random() < 0.7 else 1.0
        tall, wide = max(8, int(height * share)), max(8, int(width * share))
        top, left = int(random.integers(max(1, height - tall + 1))), int(random.integers(max(1, width - wide + 1)))
        self._part = np.s_[top : top + tall, left : left + wide]
        self._mirror = random.random() < 0.5
        self._side = side
        self._filter = cv2.INTER_AREA if min(tall, wide) > side else cv2.INTER_LINEAR

    def image(self, frame: RgbArray) -> RgbArray:
        """A frame (H, W, 3) -> (S, S, 3)."""
        return self._square(frame)

    def mask(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """A mask (H, W) -> zeros and ones (S, S)."""
        return (self._square(mask.astype(np.uint8) * np.uint8(255)) > 127).astype(np.uint8)

    def _square(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        side = (self._side, self._side)
        resized = np.asarray(cv2.resize(pixels[self._part], side, interpolation=self._filter), np.uint8)
        return np.ascontiguousarray(resized[:, ::-1]) if self._mirror else resized
