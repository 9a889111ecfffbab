"""Objects and backgrounds: from data sets in the usual layouts, annotation files of any format, and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import DataError, MediaError
from sam2_core.media.draw import crop
from sam2_core.media.image_files import read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.picture_folder import PictureFolder, describe_pictures
from sam2_core.media.readers import ImportedMask, read_annotations
from sam2_core.media.readers.frame_matching import GUESSES
from sam2_core.training.arrays import Random
from sam2_core.training.augment.copy_paste import cropped
from sam2_core.training.datasets.dataset import BadSample, DatasetImage
from sam2_core.training.datasets.layouts import open_dataset, recognize
from sam2_core.training.synthetic.image_pool import Instance, PooledImage
from sam2_core.types import Progress

MAX_BYTES = 1_500_000_000
"""Of the pixels of pictures that are in memory at a time."""

ONLY_BOXES = (
    "The labels are boxes, so that rectangles are pasted. `masklet tighten --include-masks` makes masks of the boxes, "
    "which gives better pictures."
)

ReadPicture = Callable[[], PooledImage]


@dataclass(slots=True)
class LabeledPictures:
    """The pictures of a data set, in memory as far as there is room. `has_masks` is false if its labels are boxes;
    `notes` are sentences for the user."""

    pictures: list[PooledImage]
    has_masks: bool = True
    notes: list[str] = field(default_factory=list)


def read_labeled_pictures(
    path: Path, images: Path | None, random: Random, progress: Progress | None = None
) -> LabeledPictures:
    """Read the pictures of a data set, in random order if not all fit into memory.

    `path` is a data set in one of the layouts of `training.datasets`, or an annotation file or folder of any format
    that can be imported, whose pictures lie in `images` or beside it. Raises `DataError` and `MediaError`.
    """
    if not path.exists():
        raise DataError(f"There is no file or folder {path}.")
    found = LabeledPictures([])
    readers = None if images is not None else _from_layout(path, found)
    if readers is None:
        readers = _from_annotations(path, images, found)
    room = MAX_BYTES
    for done, index in enumerate(random.permutation(len(readers))):
        if progress is not None:
            progress(done / len(readers), f"Reading picture {done + 1} of {len(readers)}")
        try:
            picture = readers[index]()
        except (BadSample, MediaError) as error:
            found.notes.append(f"A picture is left out: {error}")
            continue
        room -= picture.image.nbytes
        if room < 0 and found.pictures:
            found.notes.append(f"Objects are taken from {len(found.pictures)} of {len(readers)} pictures: memory.")
            break
        found.pictures.append(picture)
    if not any(picture.instances for picture in found.pictures):
        raise DataError(f"No picture with a label that could be used is in {path}.")
    return found


def backgrounds_in(folder: Path) -> PictureFolder:
    """The pictures of a folder, to be read one by one with `read_background`. Raises `MediaError`."""
    return describe_pictures(folder)


def read_background(path: Path, max_side: int) -> PooledImage:
    """A picture without labels, scaled down to a longer side of at most `max_side`. Raises `MediaError`."""
    image = read_image(path, DEFAULT_LIMITS)
    scale = max_side / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return PooledImage(image, (), "backgrounds")


def _from_layout(path: Path, found: LabeledPictures) -> list[ReadPicture] | None:
    """The pictures of a data set with masks; None if it is none of the layouts, or has no masks."""
    try:
        root, layout = recognize(path)
        dataset = None if layout == "voc" else open_dataset(root, layout)  # whose reader there knows VOC's own classes
    except DataError:
        return None
    if dataset is None or not dataset.images:
        return None
    if str(dataset.report):
        found.notes.append(str(dataset.report))

    def reader(image: DatasetImage) -> ReadPicture:
        def read() -> PooledImage:
            labeled = image.read()
            pairs = zip(labeled.masks, labeled.classes, strict=True)
            instances = [cropped(mask.astype(np.uint8), 0, 0, name) for mask, name in pairs if mask.any()]
            return PooledImage(labeled.image, tuple(instances), image.source)

        return read

    return [reader(image) for image in dataset.images]


def _from_annotations(path: Path, images: Path | None, found: LabeledPictures) -> list[ReadPicture]:
    folder = images or (path if path.is_dir() else path.parent)
    pictures = describe_pictures(folder)
    annotations = read_annotations(path, pictures.info)
    found.notes += [
        *(note for note in annotations.notes if images is not None or note != GUESSES["folder"]),  # YOLO's folders
        *(f"{each.count} labels are left out: {each.reason}" for each in annotations.skipped)
    ]  # fmt: skip
    masks = [each for each in annotations.masks if each.mask is not None]
    if not masks:
        found.has_masks = False
        found.notes.append(ONLY_BOXES)
    elif len(masks) < len(annotations.masks):
        count = len(annotations.masks) - len(masks)
        found.notes.append(f"{count} labels are left out: they are boxes beside masks.")
    by_frame: dict[int, list[ImportedMask]] = {}
    for each in masks or annotations.masks:
        by_frame.setdefault(each.frame, []).append(each)

    def reader(frame: int, labels: Sequence[ImportedMask]) -> ReadPicture:
        def read() -> PooledImage:
            image = read_image(pictures.paths[frame], DEFAULT_LIMITS)
            return PooledImage(image, tuple(_instances_of(labels, image)), path.stem)

        return read

    return [reader(frame, labels) for frame, labels in sorted(by_frame.items())]


def _instances_of(labels: Sequence[ImportedMask], image: RgbArray) -> Iterator[Instance]:
    """Masks as instances; a box as one that fills it."""
    height, width = image.shape[:2]
    for each in labels:
        if each.mask is not None:
            if (each.mask.height, each.mask.width) != (height, width):
                raise MediaError("its size is another one than its header says.")
            pixels, (left, top, _, _) = crop(each.mask)
            yield Instance(top, left, pixels.astype(np.uint8), each.label)
        elif each.box is not None:
            left, right = (min(width, max(0, round(x))) for x in (each.box.left, each.box.right))
            top, bottom = (min(height, max(0, round(y))) for y in (each.box.top, each.box.bottom))
            if left < right and top < bottom:
                yield Instance(top, left, np.ones((bottom - top, right - left), np.uint8), each.label)
