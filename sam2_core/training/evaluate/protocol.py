"""What is measured on: the objects of pictures that count, and the frame on which a clip begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sam2_core.training.datasets.dataset import BadSample, BinaryMask, Clip, Picture, Pixels, Report
from sam2_core.training.datasets.files import NO_MASK, OTHER_SIZE
from sam2_core.types import Progress

LEAST_SHARE = 0.005
"""Objects that cover less of their picture are left out."""

MOST_OBJECTS = 6
"""Of a picture, the largest first."""

TOO_SMALL = f"picture whose objects all cover less than {100 * LEAST_SHARE:g} % of it"
NO_START = "clip without a mask to begin with"
NO_GOAL = "clip without an annotated frame after the first one"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A picture (H, W, 3) and the masks (H, W) that count, the largest first; `number` is its place among all."""

    number: int
    name: str
    source: str
    image: Pixels
    truths: tuple[BinaryMask, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The frame that is prompted, the objects (H, W) on it by id, and the annotated frames that come after it."""

    frame: int
    objects: Mapping[int, BinaryMask]
    goals: tuple[int, ...]


def subjects(
    pictures: Sequence[Picture],
    report: Report,
    objects_per_picture: int = MOST_OBJECTS,
    progress: Progress | None = None,
) -> Iterator[Subject]:
    """Read pictures one by one; what cannot be measured on goes into the report."""
    for number, picture in enumerate(pictures):
        if progress is not None:
            progress(number / len(pictures), picture.name)
        try:
            yield _subject(number, picture, objects_per_picture)
        except BadSample as error:
            report.skip(picture.name, str(error))
    if progress is not None and pictures:
        progress(1.0, "")


def _subject(number: int, picture: Picture, objects_per_picture: int) -> Subject:
    labelled = picture.read()
    if not labelled.masks:
        raise BadSample(NO_MASK)
    if any(mask.shape != labelled.image.shape[:2] for mask in labelled.masks):
        raise BadSample(OTHER_SIZE)
    large = [mask for mask in labelled.masks if mask.mean() >= LEAST_SHARE]
    if not large:
        raise BadSample(TOO_SMALL)
    largest = sorted(large, key=lambda mask: -np.count_nonzero(mask))[:objects_per_picture]
    image = np.ascontiguousarray(labelled.image)
    return Subject(number, picture.name, picture.source, image, tuple(largest))


def start_of(clip: Clip) -> Start:
    """The first annotated frame that shows an object. Raises `BadSample` where there is none, or none after it."""
    for frame in clip.annotated:
        shown = {number: mask for number, mask in sorted(clip.masks(frame).items()) if mask.any()}
        if shown:
            goals = tuple(each for each in clip.annotated if each > frame)
            if not goals:
                raise BadSample(NO_GOAL)
            return Start(frame, shown, goals)
    raise BadSample(NO_START)


def truths_on(clip: Clip, frame: int, start: Start) -> dict[int, BinaryMask]:
    """The masks (H, W) on an annotated frame of the objects that were prompted, empty for one out of sight.

    Raises `BadSample`.
    """
    size = next(iter(start.objects.values())).shape
    shown = clip.masks(frame)
    if any(mask.shape != size for mask in shown.values()):
        raise BadSample(OTHER_SIZE)
    return {number: shown.get(number, np.zeros(size, np.bool_)) for number in start.objects}
