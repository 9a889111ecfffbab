"""COCO JSON files: instances as polygons or run lengths, and images in a folder nearby."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2_core.media.readers.json_values import IdMap, id_of
from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Dataset, LabeledImage, SkipReport
from sam2_core.training.datasets.mask_decoding import Segmentation, decode_segmentations, has_size, parse_segmentation

CROWD = "annotation of a crowd"
UNKNOWN_CATEGORY = "annotation of an unknown category"
REPEATED = "picture with the id of another one"
_SAMPLE = 200
_NO_CROWD = (None, False, 0, "", "0")


@dataclass(frozen=True, slots=True, eq=False)
class CocoImage:
    """An image and its instances. `size` is (height, width), None if the JSON file does not have it."""

    name: str
    source: str
    path: Path = field(repr=False)
    size: files.Size | None = None
    segmentations: list[Segmentation] = field(default_factory=list, repr=False)
    classes: list[str] = field(default_factory=list, repr=False)

    def read(self) -> LabeledImage:
        """Pixels and masks. Raises `BadSample`."""
        pixels = files.read_rgb(self.path, self.size)
        masks = decode_segmentations(self.segmentations, (pixels.shape[0], pixels.shape[1]))
        return LabeledImage(pixels, masks, tuple(self.classes))


def read_coco(root: Path, images: Path | None = None, split: str | None = None) -> Dataset:
    """Open a COCO JSON file, or those of a folder. The folder of the images is `images`, or searched for if None.

    `split` selects files by name: "train" or "train2017" for `instances_train2017.json`.

    The files of a folder are its own, those in `annotations/`, and those of an export by split (`train/…coco.json`).
    If some are named `instances_…`, the others (captions, key points) are about the same images and are not read.
    """
    dataset, listing = Dataset(), files.Listing()
    for file in _json_files(root):
        if split is not None and not _belongs(file, split):
            continue
        with files.skip_if_bad(dataset.report, file.name):
            _read_file(file, images, root.resolve().stem, listing, dataset)
    return dataset


def is_coco(root: Path) -> bool:
    """Whether there is a JSON file where those of COCO are."""
    return root.suffix == ".json" if root.is_file() else bool(_json_files(root))


def _json_files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    patterns = ("*.json", "annotations/*.json", "*/*.coco.json")
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    return [path for path in found if path.name.startswith("instances_")] or found


def _belongs(file: Path, split: str) -> bool:
    words = {*re.split(r"[_.-]", file.stem), file.parent.name}
    return split in words | {word.rstrip("0123456789") for word in words}


def _read_file(file: Path, image_folder: Path | None, source: str, listing: files.Listing, dataset: Dataset) -> None:
    plain = files.load_json(file)
    if not isinstance(plain, dict) or not isinstance(plain.get("images"), list):
        raise BadSample(f"{files.BROKEN_JSON} as COCO's")
    report = dataset.report
    folder = image_folder if image_folder is not None else _find_image_folder(file, plain["images"], listing)
    images = _open_images(plain["images"], folder, source, listing, report)
    by_id, classes = IdMap(images), _classes(plain.get("categories"), report)
    annotations = plain.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else []:
        with files.skip_if_bad(report, annotation):
            _add(annotation, by_id, classes)
    for _, image in images:
        if image.segmentations:
            dataset.images.append(image)
        else:
            report.skip(image.name, files.NO_MASK)


def _open_images(
    entries: list[Any], folder: Path, source: str, listing: files.Listing, report: SkipReport
) -> list[tuple[object, CocoImage]]:
    """The images with their ids."""
    images: list[tuple[object, CocoImage]] = []
    taken = set[tuple[bool, object]]()  # an id as text may be another one than that as a number
    for entry in entries:
        with files.skip_if_bad(report, entry):
            name, number = entry["file_name"], entry["id"]
            path = files.resolve_inside(folder, name)
            if id_of(number) is None:
                raise BadSample(files.BROKEN_ENTRY)
            if (isinstance(number, str), number) in taken:
                raise BadSample(REPEATED)
            if not listing.has(path):
                raise BadSample(files.MISSING)
            size = (int(entry["height"]), int(entry["width"])) if "height" in entry and "width" in entry else None
            taken.add((isinstance(number, str), number))
            images.append((number, CocoImage(files.printable(name), source, path, size)))
    return images


def _classes(categories: object, report: SkipReport) -> IdMap[str] | None:
    """Names by category id; None for a file without categories."""
    if not categories or not isinstance(categories, list):
        return None
    classes: list[tuple[object, str]] = []
    for category in categories:
        with files.skip_if_bad(report, category):
            classes.append((category["id"], files.printable(category.get("name", ""))))
    return IdMap(classes)


def _add(annotation: dict[str, Any], images: IdMap[CocoImage], classes: IdMap[str] | None) -> None:
    """Add an annotation to its image. Raises `BadSample`."""
    found = images.find(annotation["image_id"])
    if len(found) != 1:
        raise BadSample(REPEATED if found else files.NO_IMAGE)
    if annotation.get("iscrowd") not in _NO_CROWD:
        raise BadSample(CROWD)
    segmentation = parse_segmentation(annotation.get("segmentation"))
    name = "" if classes is None else _class_of(annotation.get("category_id"), classes)
    [image] = found
    if image.size is not None and not has_size(segmentation, image.size):
        raise BadSample(files.SIZE_MISMATCH)
    image.segmentations.append(segmentation)
    image.classes.append(name)


def _class_of(category: object, classes: IdMap[str]) -> str:
    if category is not None and id_of(category) is None:
        raise BadSample(files.BROKEN_ENTRY)
    name = classes.get(category)
    if name is None:
        raise BadSample(UNKNOWN_CATEGORY)
    return name


def _find_image_folder(file: Path, entries: list[Any], listing: files.Listing) -> Path:
    """The folder near `file` that has most of the images, or of a sample of them."""
    names = [entry.get("file_name") for entry in entries[:: len(entries) // _SAMPLE + 1] if isinstance(entry, dict)]

    def held(folder: Path) -> int:
        count = 0
        for name in names:
            with suppress(BadSample):
                count += listing.has(files.resolve_inside(folder, name))
        return count

    return max(_folders(file), key=held)  # on a tie, the first


def _folders(file: Path) -> Iterator[Path]:
    """Folders where images usually are, the most specific first: `train2017` for `instances_train2017.json`."""
    here, above, part = file.parent, file.parent.parent, file.stem.rpartition("_")[2]
    for folder in (here, above):
        yield from (folder / "images" / part, folder / part)
    yield from (here / "images", here, above / "images", above)
