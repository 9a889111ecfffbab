"""Pascal VOC, as it was from 2007 to 2012.

SegmentationObject/00000.png      a palette PNG: n is the n-th object in the image's XML file, 0 the background
SegmentationClass/00000.png       the same with the numbers of the classes
Annotations/00000.xml             boxes and classes of the objects
ImageSets/Segmentation/trainval.txt    the names of the images
JPEGImages/00000.jpg              the frames, if included, or the photos under their names
labelmap.txt                      the classes' numbers and colors

An object's id is its attribute `track_id`, as CVAT writes it.
Files about photos have the stem of the photo's name in place of 00000.
VOC's own classes keep their numbers (1 to 20), others come after. Where objects overlap, a pixel belongs to the
topmost; boxes are those of the whole masks. VOC's own masks mark uncertain borders with 255; there are none here.
Images that were not segmented are left out.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive, one_line
from sam2_core.media.formats.coco import NO_LABEL
from sam2_core.media.formats.index_masks import MAX_VALUES, OVERLAPS, PALETTE, check_count, paint_index, palette_png
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks, Mask, ObjectMask

NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""The classes 1 to 20."""


def write_voc(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above. Raises `MediaError` for more objects or classes than a palette has colors."""
    names = {each.id: class_name(each.label) for each in media.objects}
    classes, written, overlaps = number_classes([*names.values()]), list[str](), list[int]()
    with AnnotationArchive(path, media, options) as archive:
        for masks, image in archive.frames("Writing annotations", report):
            if not masks.objects:
                continue
            title, image_name = media.title_of(masks.frame), archive.image_name(masks.frame)
            written.append(title)
            visible = [each for each in masks.objects if each.mask.area]
            class_ids = [classes[names[each.object_id]] for each in visible]
            object_png, class_png, has_overlap = _index_masks(media, masks, class_ids)
            archive.write(f"SegmentationObject/{title}.png", object_png)
            archive.write(f"SegmentationClass/{title}.png", class_png)
            size = media.info.size_of(masks.frame)
            archive.write(f"Annotations/{title}.xml", annotation_xml(image_name, size, visible, names))
            overlaps += [masks.frame] if has_overlap else []
            if image:
                archive.write(f"JPEGImages/{image_name}", image)
        archive.write_lines("ImageSets/Segmentation/trainval.txt", written)
        archive.write_lines("labelmap.txt", label_map(classes))
        archive.write_manifest(classes=classes, overlaps=OVERLAPS, frames_with_overlaps=overlaps)


def class_name(label: str) -> str:
    """The class as VOC spells it, if it is one of its own."""
    name = one_line(label) or NO_LABEL
    spelling = name.casefold().replace(" ", "")
    return spelling if spelling in NAMES else name


def number_classes(names: list[str]) -> dict[str, int]:
    """The number of each class."""
    classes = {name: NAMES.index(name) + 1 for name in names if name in NAMES}
    for name in dict.fromkeys(names):
        classes.setdefault(name, len(NAMES) + 1 + len(classes.keys() - set(NAMES)))
    if max(classes.values(), default=0) > MAX_VALUES:
        raise MediaError(f"Pascal VOC has room for {MAX_VALUES - len(NAMES)} classes of one's own. Use fewer labels.")
    return classes


def _index_masks(media: MaskedMedia, masks: FrameMasks, class_ids: list[int]) -> tuple[bytes, bytes, bool]:
    """PNGs of the visible objects and of their classes, and whether any objects overlap."""
    visible = [each.object_id for each in masks.objects if each.mask.area]
    check_count(len(visible), "Pascal VOC")
    values = dict.fromkeys((each.object_id for each in masks.objects), 0)
    values |= {object_id: value for value, object_id in enumerate(visible, start=1)}
    index, has_overlap = paint_index(media, masks, values)
    return palette_png(index), palette_png(np.array([0, *class_ids], np.uint16)[index]), has_overlap


def annotation_xml(image: str, size: tuple[int, int], visible: list[ObjectMask], names: dict[int, str]) -> bytes:
    """The XML file of an image of this height and width."""
    root = Xml.Element("annotation")
    _add(root, folder="JPEGImages", filename=image)
    _add(Xml.SubElement(root, "source"), database="Masklet")
    _add(Xml.SubElement(root, "size"), width=size[1], height=size[0], depth=3)
    _add(root, segmented=int(bool(visible)))
    for each in visible:
        box = _box(each.mask)
        truncated = box["xmin"] == 1 or box["ymin"] == 1 or box["xmax"] == size[1] or box["ymax"] == size[0]
        element = Xml.SubElement(root, "object")
        _add(element, name=names[each.object_id], pose="Unspecified", truncated=int(truncated), difficult=0)
        _add(Xml.SubElement(element, "bndbox"), **box)
        attributes = Xml.SubElement(element, "attributes")
        _add(Xml.SubElement(attributes, "attribute"), name="track_id", value=each.object_id)
    Xml.indent(root)
    return Xml.tostring(root, "utf-8")


def _box(mask: Mask) -> dict[str, int]:
    """VOC counts pixels from 1 and its maxima are inclusive."""
    _, (left, top, width, height) = crop(mask)
    return {"xmin": left + 1, "ymin": top + 1, "xmax": left + width, "ymax": top + height}


def _add(parent: Xml.Element, **texts: str | int) -> None:
    for tag, text in texts.items():
        Xml.SubElement(parent, tag).text = str(text)


def label_map(classes: dict[str, int]) -> list[str]:
    """One class per line, as annotation tools read it: name:red,green,blue::"""
    colors = {"background": 0, **dict(sorted(classes.items(), key=lambda item: item[1]))}
    return ["# label:color_rgb:parts:actions"] + [
        f"{name.replace(':', ' ')}:{','.join(str(value) for value in PALETTE[3 * number : 3 * number + 3])}::"
        for name, number in colors.items()
    ]
