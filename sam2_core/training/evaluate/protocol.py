"""What is measured on: the objects of pictures that count, and the frame on which a clip begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample, Clip, DatasetImage, SkipReport
from sam2_core.training.datasets.files import NO_MASK, SIZE_MISMATCH
from sam2_core.types import BoolArray, Progress

MIN_AREA = 0.005
"""Objects that cover less of their picture are left out."""

MAX_OBJECTS = 6
"""Of a picture, the largest first."""

TOO_SMALL = f"picture whose objects all cover less than {100 * MIN_AREA:g} % of it"
NO_START = "clip without a mask to begin with"
NO_LATER_FRAME = "clip without an annotated frame after the first one"


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationImage:
    """A picture (H, W, 3) and the masks (H, W) that count, the largest first; `number` is its place among all."""

    number: int
    name: str
    source: str
    image: RgbArray
    truths: tuple[BoolArray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ClipStart:
    """The frame that is prompted, the objects (H, W) on it by id, and the annotated frames that come after it."""

    frame: int
    objects: Mapping[int, BoolArray]
    later_frames: tuple[int, ...]


def evaluation_images(
    images: Sequence[DatasetImage],
    report: SkipReport,
    max_objects: int = MAX_OBJECTS,
    progress: Progress | None = None,
) -> Iterator[EvaluationImage]:
    """Read pictures one by one; what cannot be measured on goes into the report."""
    for number, dataset_image in enumerate(images):
        if progress is not None:
            progress(number / len(images), dataset_image.name)
        try:
            yield _evaluation_image(number, dataset_image, max_objects)
        except BadSample as error:
            report.skip(dataset_image.name, str(error))
    if progress is not None and images:
        progress(1.0, "")


def _evaluation_image(number: int, dataset_image: DatasetImage, max_objects: int) -> EvaluationImage:
    labeled = dataset_image.read()
    if not labeled.masks:
        raise BadSample(NO_MASK)
    if any(mask.shape != labeled.image.shape[:2] for mask in labeled.masks):
        raise BadSample(SIZE_MISMATCH)
    large = [mask for mask in labeled.masks if mask.mean() >= MIN_AREA]
    if not large:
        raise BadSample(TOO_SMALL)
    largest = sorted(large, key=lambda mask: -np.count_nonzero(mask))[:max_objects]
    image = np.ascontiguousarray(labeled.image)
    return EvaluationImage(number, dataset_image.name, dataset_image.source, image, tuple(largest))


def clip_start(clip: Clip) -> ClipStart:
    """The first annotated frame that shows an object. Raises `BadSample` where there is none, or none after it."""
    for frame in clip.annotated:
        shown = {number: mask for number, mask in sorted(clip.masks(frame).items()) if mask.any()}
        if shown:
            later_frames = tuple(each for each in clip.annotated if each > frame)
            if not later_frames:
                raise BadSample(NO_LATER_FRAME)
            return ClipStart(frame, shown, later_frames)
    raise BadSample(NO_START)


def ground_truth(clip: Clip, frame: int, start: ClipStart) -> dict[int, BoolArray]:
    """The masks (H, W) on an annotated frame of the objects that were prompted, empty for one out of sight.

    Raises `BadSample`.
    """
    size = next(iter(start.objects.values())).shape
    shown = clip.masks(frame)
    if any(mask.shape != size for mask in shown.values()):
        raise BadSample(SIZE_MISMATCH)
    return {number: shown.get(number, np.zeros(size, np.bool_)) for number in start.objects}
