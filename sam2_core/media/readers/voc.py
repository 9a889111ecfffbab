"""Pascal VOC's XML: a file for each image with the boxes and classes of its objects, and masks in PNGs beside them.

SegmentationObject/NAME.png has the number of the object in the file; SegmentationClass/NAME.png that of its class,
which tells objects apart where there is one of a class. Objects may have a polygon instead: LabelMe's web tool and
Roboflow write them. Boxes count pixels from 1, their last row and column included.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.formats.index_masks import PALETTE
from sam2_core.media.formats.voc import NAMES
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.image_masks import manifest_names, read_index
from sam2_core.media.readers.outlines import center_of, rectangle
from sam2_core.media.readers.polygon_filling import fill_polygons, parse_ring
from sam2_core.media.readers.xml_values import number_of, parse_number, text_in, whole_in
from sam2_core.types import Box, Mask

IndexArray: TypeAlias = npt.NDArray[np.integer[Any]]
"""Numbers of objects or classes (H, W), 0 for none."""

CLASS_MASKS = (
    "SegmentationClass has classes, not objects: of several objects of a class on one picture the boxes are used."
)
_COORDINATE = re.compile(r"[xy][0-9]+")
_FOLDERS = ("annotations", "segmentationobject", "segmentationclass")
_VOID = 255  # in masks, for borders
_MAX_LABEL_MAP_BYTES = 1_000_000
_VALUES = {",".join(map(str, PALETTE[3 * value : 3 * value + 3])): value for value in range(256)}


def is_voc(document: Document) -> bool:
    """Whether a document is of this format."""
    return document.syntax == "xml" and document.value.tag == "annotation"


def read_voc(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format, and the masks beside them."""
    masks = _Masks(files, builder)
    images = [DescribedImage(each, names_of(each), each) for each in documents]
    binding = len(files.names) > 1 or any(text_in(each.value, "filename") for each in documents)
    read_images(images, partial(_read_image, masks=masks, builder=builder), builder, binding)
    for name in masks.without({_title_of(each.name) for each in documents}):
        builder.skip("There is no XML file for them. Pack the XML files of all pictures.", name)


VOC = DocumentFormat("Pascal VOC", is_voc, read_voc)


class _Masks:
    """The PNGs beside the documents."""

    def __init__(self, files: AnnotationFiles, builder: AnnotationBuilder) -> None:
        self._files, self._builder = files, builder
        self._by_title: dict[tuple[str, str], str] = {}
        for name in files.with_extension(".png"):
            for folder in ("segmentationobject", "segmentationclass"):
                if folder in map(str.lower, PurePosixPath(name).parts[:-1]):
                    self._by_title[folder, _title_of(name)] = name
        self._classes = _read_classes(files) if self._by_title else {}
        self.names = manifest_names(files, builder)

    def of_objects(self, title: str, size: tuple[int, int]) -> IndexArray | None:
        """The index mask (H, W) of the objects of an image."""
        return self._read("segmentationobject", title, size)

    def of_classes(self, title: str, size: tuple[int, int]) -> IndexArray | None:
        """The index mask (H, W) of the classes of an image."""
        return self._read("segmentationclass", title, size)

    def without(self, titles: set[str]) -> list[str]:
        """The masks of objects of other images."""
        return [name for (folder, title), name in self._by_title.items()
                if folder == "segmentationobject" and title not in titles]  # fmt: skip

    def class_number(self, label: str) -> int | None:
        """The value of a class in `of_classes`."""
        return self._classes.get(_folded(label))

    def _read(self, folder: str, title: str, size: tuple[int, int]) -> IndexArray | None:
        name = self._by_title.get((folder, title))
        if name is None:
            return None
        with self._builder.item(name):
            self._builder.spend(size[0] * size[1])
            return read_index(self._files.read(name), size)
        return None


def _title_of(member: str) -> str:
    """The path of a document or mask below the folder of its kind, without extension; outside of one, the stem."""
    path = PurePosixPath(member)
    place = max((place for place, part in enumerate(path.parts[:-1], 1) if part.lower() in _FOLDERS), default=None)
    return "/".join((*path.parts[place:-1], path.stem) if place else (path.stem,))


def _read_classes(files: AnnotationFiles) -> dict[str, int]:
    """The number of each class: the one that has its color in labelmap.txt, if there is such a file."""
    for name in files.names:
        if PurePosixPath(name).name.lower() in ("labelmap.txt", "labels.txt"):
            try:
                lines = files.read(name, _MAX_LABEL_MAP_BYTES).decode("utf-8", "replace").splitlines()
            except ImportTooLarge:
                raise
            except MediaError:
                break
            listed = [line.split(":") for line in lines if line.strip() and not line.startswith("#")]
            return {_folded(fields[0]): _value_of(fields[1:2], place) for place, fields in enumerate(listed)}
    return {label: number for number, label in enumerate(NAMES, start=1)}


def _value_of(color: list[str], place: int) -> int:
    """The value of the palette with a color as "red,green,blue"; `place` if there is none."""
    return _VALUES.get(color[0].replace(" ", ""), place) if color else place


def _folded(label: str) -> str:
    return "".join(label.split()).casefold()


def names_of(document: Document) -> list[str]:
    """The image may have been renamed since, together with its document."""
    name = text_in(document.value, "filename")
    return [name, document.name] if name else [document.name]


def _read_image(document: Document, frame: int, masks: _Masks, builder: AnnotationBuilder) -> None:
    root, title = document.value, _title_of(document.name)
    described = root.find("size")
    if described is None:
        described = root.find("imagesize")  # LabelMe's web tool
    height, width = (None, None) if described is None else (
        whole_in(described, "height", "nrows"), whole_in(described, "width", "ncols")
    )  # fmt: skip
    fit = fit_for(frame, height, width, builder)
    size = fit.source
    objects = [each for each in root.findall("object") if text_in(each, "deleted") != "1"]
    labels = [text_in(each, "name") for each in objects]
    by_object = masks.of_objects(title, size)
    by_class = masks.of_classes(title, size) if objects and by_object is None else None
    counts = Counter(labels)
    if by_class is not None and max(counts.values()) > 1 and CLASS_MASKS not in builder.notes:
        builder.notes.append(CLASS_MASKS)
    for number, (each, label) in enumerate(zip(objects, labels, strict=True), start=1):
        with builder.item(label):
            mask = None
            if by_object is not None:
                mask = _mask_of(by_object, number, builder)
            elif by_class is not None and counts[label] == 1:
                mask = _mask_of(by_class, masks.class_number(label), builder)
            track = _track_of(each)
            name, _ = masks.names.get(track or 0, ("", ""))
            builder.add(frame, track, fit.place(mask or _shape_of(each, size, builder)), name, label)
    if by_object is not None:
        for value in sorted({*np.unique(by_object).tolist()} - {*range(len(objects) + 1), _VOID}):
            if mask := _mask_of(by_object, value, builder):
                builder.add(frame, None, fit.mask(mask))


def _track_of(element: Element) -> int | None:
    """The attribute `track_id` of an object, as CVAT writes it."""
    attributes = (each for each in element.iterfind("attributes/attribute") if text_in(each, "name") == "track_id")
    return next((number for each in attributes if (number := whole_in(each, "value")) is not None), None)


def _mask_of(index: IndexArray, value: int | None, builder: AnnotationBuilder) -> Mask | None:
    """The pixels of a value, None if there are none."""
    if value is None:
        return None
    builder.spend(index.size)
    mask = Mask.from_array(index == value)
    return mask if mask.area else None


def _shape_of(element: Element, size: tuple[int, int], builder: AnnotationBuilder) -> Mask | Box:
    polygon = element.find("polygon")
    if polygon is not None and len(polygon):
        return fill_polygons([parse_ring(_coordinates_in(polygon))], *size, builder.spend)
    turned, box = element.find("robndbox"), element.find("bndbox")
    if turned is not None:  # roLabelImg: center, size and angle in radians
        x, y, width, height, angle = (number_of(turned, name) for name in ("cx", "cy", "w", "h", "angle"))
        upright = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        outline = rectangle(upright, math.degrees(angle), center_of(upright))
        return outline if isinstance(outline, Box) else fill_polygons([outline], *size, builder.spend)
    if box is None:
        raise MediaError("They have neither a mask nor a box.")
    left, top, right, bottom = (number_of(box, name) for name in ("xmin", "ymin", "xmax", "ymax"))
    return Box(left - 1, top - 1, right, bottom)


def _coordinates_in(polygon: Element) -> list[float]:
    points = polygon.findall("pt")
    if points:
        return [number_of(point, name) for point in points for name in ("x", "y")]
    return [parse_number(each.text or "") for each in polygon if _COORDINATE.fullmatch(each.tag)]
