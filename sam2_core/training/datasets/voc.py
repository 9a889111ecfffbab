"""Pascal VOC: images in JPEGImages/, index images in SegmentationObject/ (instances) and SegmentationClass/ (classes),
lists in ImageSets/Segmentation/*.txt. The value 255 is void."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import DataError
from sam2_core.media.readers.text_encoding import decode_text
from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Dataset, LabeledImage
from sam2_core.training.datasets.mask_decoding import EMPTY, VOID, IndexArray, object_masks, read_index_image

IMAGES, OBJECTS, CLASSES = "JPEGImages", "SegmentationObject", "SegmentationClass"
NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
    "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv/monitor",
)  # fmt: skip
"""The classes 1 to 20."""


@dataclass(frozen=True, slots=True, eq=False)
class VocImage:
    """An image with one or both of its index images. Without that of the objects, each class is one mask."""

    name: str
    source: str
    image: Path = field(repr=False)
    objects: Path | None = field(repr=False)
    classes: Path | None = field(repr=False)

    def read(self) -> LabeledImage:
        """Pixels and masks. Raises `BadSample`, also if all is background or void."""
        classes = None if self.classes is None else read_index_image(self.classes, is_index=True)
        index = classes if self.objects is None else read_index_image(self.objects, is_index=True)
        if index is None or (classes is not None and classes.shape != index.shape):
            raise BadSample(files.SIZE_MISMATCH)
        masks = object_masks(index)
        masks.pop(VOID, None)
        if not masks:
            raise BadSample(EMPTY)
        names = ("" if classes is None else _class_of(classes[mask]) for mask in masks.values())
        image = files.read_rgb(self.image, (index.shape[0], index.shape[1]))
        return LabeledImage(image, tuple(masks.values()), tuple(names))


def is_voc(root: Path) -> bool:
    """Whether this looks like Pascal VOC."""
    return (root / IMAGES).is_dir() and any((root / folder).is_dir() for folder in (OBJECTS, CLASSES))


def read_voc(root: Path, split: str | None = None) -> Dataset:
    """Open a folder like VOC2012: the images of one list (`split`, such as "train"), of all lists, or all files.

    Raises `DataError` if there is no such list.
    """
    dataset, listing, source = Dataset(), files.Listing(), root.resolve().name
    seen = set[str]()
    for line in _lines(root, split):
        with files.skip_if_bad(dataset.report, line):
            # In some lists a flag stands behind the name; a name may also have spaces itself.
            for name in dict.fromkeys((line, line.strip(), line.split()[0])):
                image, *masks = (
                    files.resolve_inside(root, f"{folder}/{name}") for folder in (IMAGES, OBJECTS, CLASSES)
                )
                paths = [path.with_name(f"{path.name}.png") for path in masks]
                found = [path if listing.has(path) else None for path in paths]
                if any(found):
                    break
            if name not in seen:
                seen.add(name)
                dataset.images.append(_open_image(name, source, _find_image(image, listing), *found))
    return dataset


def _find_image(stem: Path, listing: files.Listing) -> Path | None:
    """The image of this name, usually a JPEG."""
    paths = (stem.with_name(f"{stem.name}{suffix}") for suffix in (".jpg", *sorted(files.IMAGE_SUFFIXES)))
    return next((path for path in paths if listing.has(path)), None)


def _open_image(name: str, source: str, image: Path | None, things: Path | None, classes: Path | None) -> VocImage:
    """Check what can be checked without decoding. Raises `BadSample`."""
    masks = [path for path in (things, classes) if path is not None]
    if not masks:
        raise BadSample(files.NO_MASK)
    if image is None:
        raise BadSample(files.NO_IMAGE)
    sizes = files.image_sizes(image)
    if any(files.image_sizes(mask)[0] not in sizes for mask in masks):
        raise BadSample(files.SIZE_MISMATCH)
    return VocImage(name, source, image, things, classes)


def _lines(root: Path, split: str | None) -> Iterable[str]:
    """Names of images, or lines of a list that begin with them, each once, in order."""
    lists = sorted((root / "ImageSets" / "Segmentation").glob("*.txt" if split is None else f"{split}.txt"))
    if split is not None and not lists:
        raise DataError(f"There is no list ImageSets/Segmentation/{split}.txt in {root}.")
    if not lists:
        stems = (path.stem for folder in (IMAGES, OBJECTS, CLASSES) for path in sorted((root / folder).glob("*.*")))
        return dict.fromkeys(filter(str.strip, stems))
    lines = (line for path in lists for line in decode_text(path.read_bytes()).splitlines())
    return dict.fromkeys(filter(str.strip, lines))


def _class_of(values: IndexArray) -> str:
    """The name of the class of most of an object's pixels; "" for a value that is no class of VOC."""
    counts = np.bincount(values[(values > 0) & (values != VOID)])
    number = int(counts.argmax()) if counts.size else 0
    return NAMES[number - 1] if 0 < number <= len(NAMES) else ""
