"""Pascal VOC, as it was from 2007 to 2012.

SegmentationObject/00000.png      a palette picture: n is the n-th object in the picture's XML file, 0 the background
SegmentationClass/00000.png       the same with the numbers of the classes
Annotations/00000.xml             boxes and classes of the objects
ImageSets/Segmentation/trainval.txt    the names of the pictures
JPEGImages/00000.jpg              the frames, if wished
labelmap.txt                      the classes' numbers and colors

Labels that VOC knows keep the numbers that they have there (1 to 20), others come after. A pixel belongs to one object
alone: the one above; boxes are those of the whole masks. In VOC's own pictures 255 marks borders that nobody was sure
of; there is none here. Pictures on which nothing was looked for are left out.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import (
    Known,
    manifest,
    new_archive,
    one_line,
    pictured,
    plain_titles,
    write_json,
    write_text,
)
from sam2_core.media.formats.coco import NO_LABEL
from sam2_core.media.formats.index_masks import MOST_COLORS, OVERLAPS, PALETTE, check_count, paint_index, palette_png
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import FrameMasks, Mask, ObjectMask

NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""The classes 1 to 20."""


def write_voc(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file. Raises `MediaError` for more objects or classes than a palette has colors."""
    report, known, titles = ProgressReporter(progress), Known(), plain_titles(media)
    names = {each.id: _name(each.label) for each in media.objects}
    classes, listed, overlaps = _classes([*names.values()]), list[str](), list[int]()
    with (
        new_archive(path) as archive,
        pictured(media, options, known, "Writing annotations", report) as frames,
    ):
        for found, jpeg in frames:
            if not found.objects:
                continue
            title = titles[found.frame]
            listed.append(title)
            present = [each for each in found.objects if each.mask.area]
            things, kinds, is_covered = _pictures(media, found, [classes[names[each.object_id]] for each in present])
            archive.writestr(f"SegmentationObject/{title}.png", things)
            archive.writestr(f"SegmentationClass/{title}.png", kinds)
            size = media.info.size_of(found.frame)
            archive.writestr(f"Annotations/{title}.xml", _annotation(title, size, present, names))
            overlaps += [found.frame] if is_covered else []
            if jpeg:
                archive.writestr(f"JPEGImages/{title}.jpg", jpeg)
        write_text(archive, "ImageSets/Segmentation/trainval.txt", listed)
        write_text(archive, "labelmap.txt", _label_map(classes))
        told = {"classes": classes, "overlaps": OVERLAPS, "frames_with_overlaps": overlaps}
        write_json(archive, "manifest.json", manifest(media, known) | told)
        report(1.0, "Ready")


def _name(label: str) -> str:
    """The class as VOC spells it, if it is one of its own."""
    words = one_line(label) or NO_LABEL
    spelled = words.casefold().replace(" ", "")
    return spelled if spelled in NAMES else words


def _classes(names: list[str]) -> dict[str, int]:
    """The number of each class."""
    classes = {name: NAMES.index(name) + 1 for name in names if name in NAMES}
    for name in dict.fromkeys(names):
        classes.setdefault(name, len(NAMES) + 1 + len(classes.keys() - set(NAMES)))
    if max(classes.values(), default=0) > MOST_COLORS:
        raise MediaError(f"{VOC.title} has room for {MOST_COLORS - len(NAMES)} classes of one's own. Use fewer labels.")
    return classes


def _pictures(media: MaskedMedia, found: FrameMasks, numbers: list[int]) -> tuple[bytes, bytes, bool]:
    """The picture of the objects in sight, that of their classes, and whether any objects overlap."""
    in_sight = [each.object_id for each in found.objects if each.mask.area]
    check_count(len(in_sight), VOC.title)
    values = dict.fromkeys((each.object_id for each in found.objects), 0)
    values |= {object_id: place for place, object_id in enumerate(in_sight, start=1)}
    index, is_covered = paint_index(media, found, values)
    return palette_png(index), palette_png(np.array([0, *numbers], np.uint16)[index]), is_covered


def _annotation(title: str, size: tuple[int, int], present: list[ObjectMask], names: dict[int, str]) -> bytes:
    """The XML file of a picture of this height and width."""
    root = Xml.Element("annotation")
    _add(root, folder="JPEGImages", filename=f"{title}.jpg")
    _add(Xml.SubElement(root, "source"), database="Masklet")
    _add(Xml.SubElement(root, "size"), width=size[1], height=size[0], depth=3)
    _add(root, segmented=int(bool(present)))
    for each in present:
        box = _box(each.mask)
        is_cut = box["xmin"] == 1 or box["ymin"] == 1 or box["xmax"] == size[1] or box["ymax"] == size[0]
        thing = Xml.SubElement(root, "object")
        _add(thing, name=names[each.object_id], pose="Unspecified", truncated=int(is_cut), difficult=0)
        _add(Xml.SubElement(thing, "bndbox"), **box)
    Xml.indent(root)
    return Xml.tostring(root, "utf-8")


def _box(mask: Mask) -> dict[str, int]:
    """VOC counts pixels from 1, and the last one belongs to the box."""
    _, (left, top, width, height) = crop(mask)
    return {"xmin": left + 1, "ymin": top + 1, "xmax": left + width, "ymax": top + height}


def _add(parent: Xml.Element, **texts: str | int) -> None:
    for tag, text in texts.items():
        Xml.SubElement(parent, tag).text = str(text)


def _label_map(classes: dict[str, int]) -> list[str]:
    """One class a line, as annotation tools read it: name:red,green,blue::"""
    colors = {"background": 0, **dict(sorted(classes.items(), key=lambda item: item[1]))}
    return ["# label:color_rgb:parts:actions"] + [
        f"{name.replace(':', ' ')}:{','.join(str(shade) for shade in PALETTE[3 * number : 3 * number + 3])}::"
        for name, number in colors.items()
    ]


VOC = ExportFormat(
    "data",
    "Pascal VOC",
    "Palette PNGs of objects and classes, and XML with boxes",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_voc,
    ("pictures",),
)
