"""The evaluation protocol: which objects of an image are evaluated, and on which frame a clip is prompted."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample, Clip, DatasetImage, SkipReport
from sam2_core.training.datasets.files import NO_MASK, SIZE_MISMATCH
from sam2_core.types import BoolArray, Progress

_Item = TypeVar("_Item", DatasetImage, Clip)

MIN_AREA = 0.005
"""Objects that cover a smaller share of their image are not evaluated."""

MAX_OBJECTS = 6
"""Of an image; the largest ones are evaluated."""

CHOICE_IMAGES, CHOICE_CLIPS = 30, 2
"""How much of a data set is for the choice between training runs; the rest is for reporting."""

TOO_SMALL = f"picture whose objects all cover less than {100 * MIN_AREA:g} % of it"
NO_START = "clip without a mask to begin with"
NO_LATER_FRAME = "clip without an annotated frame after the first one"


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationImage:
    """An image (H, W, 3) and its masks (H, W) to evaluate, the largest first; `number` is its place among all."""

    number: int
    name: str
    source: str
    image: RgbArray
    truths: tuple[BoolArray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ClipStart:
    """The frame that is prompted, the masks (H, W) on it by object id, and the annotated frames after it."""

    frame: int
    objects: Mapping[int, BoolArray]
    later_frames: tuple[int, ...]


def evaluation_images(
    images: Sequence[DatasetImage],
    report: SkipReport,
    max_objects: int = MAX_OBJECTS,
    progress: Progress | None = None,
) -> Iterator[EvaluationImage]:
    """Read images one by one; what cannot be evaluated is reported."""
    for number, dataset_image in with_progress(images, progress):
        with report.skipping(dataset_image.name):
            yield _evaluation_image(number, dataset_image, max_objects)


def with_progress(items: Sequence[_Item], progress: Progress | None) -> Iterator[tuple[int, _Item]]:
    """Enumerate images or clips, and report the name of each one before it is used."""
    for number, item in enumerate(items):
        if progress is not None:
            progress(number / len(items), item.name)
        yield number, item
    if progress is not None and items:
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


def named_part(items: Sequence[_Item], part: str, count: int) -> list[_Item]:
    """For the `part` "choice" `count` of the images or clips, selected by their names; for "report" all others.

    So training runs are not compared on what is reported about the chosen one.
    """
    ranked = sorted(range(len(items)), key=lambda at: (zlib.crc32(items[at].name.encode()), at))
    chosen = set(ranked[:count])
    return [item for at, item in enumerate(items) if (at in chosen) == (part == "choice")]


def clip_start(clip: Clip) -> ClipStart:
    """The first annotated frame with a visible object. Raises `BadSample` if there is none, or none after it."""
    for frame in clip.annotated:
        shown = {number: mask for number, mask in sorted(clip.masks(frame).items()) if mask.any()}
        if shown:
            later_frames = tuple(each for each in clip.annotated if each > frame)
            if not later_frames:
                raise BadSample(NO_LATER_FRAME)
            return ClipStart(frame, shown, later_frames)
    raise BadSample(NO_START)


def ground_truth(clip: Clip, frame: int, start: ClipStart) -> dict[int, BoolArray]:
    """The masks (H, W) on an annotated frame of the prompted objects by id, empty for one out of view.

    Raises `BadSample`.
    """
    size = next(iter(start.objects.values())).shape
    shown = clip.masks(frame)
    if any(mask.shape != size for mask in shown.values()):
        raise BadSample(SIZE_MISMATCH)
    return {number: shown.get(number, np.zeros(size, np.bool_)) for number in start.objects}
