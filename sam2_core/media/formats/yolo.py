"""YOLO for segmentation, as ultralytics reads it: a text file for each picture, a line for each object.

data.yaml            the classes, and where the pictures are
labels/00000.txt     class x y x y …, parts of the picture's width and height
images/00000.jpg     the frames, if wished; else pictures of these names belong there

A line holds one outline. Where an object has several parts or holes, they are tied together by bridges of no width
where they come closest; ultralytics' tools do the same with what has several parts. Whoever draws a bridge gets a line
one pixel wide. Outlines run through the outermost pixels, which is how OpenCV draws them back.

Pictures on which nothing was looked for are left out; where nothing was found the file is empty, as it should be.
Training and validation are the same pictures in data.yaml: which to keep back is for you to say.
"""

from __future__ import annotations

from pathlib import Path

import yaml

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
from sam2_core.media.formats.coco import NO_LABEL, categories_of
from sam2_core.media.formats.polygons import borders, joined
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import FrameMasks, Mask


def write_yolo(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file."""
    report, known, titles = ProgressReporter(progress), Known(), plain_titles(media)
    categories = categories_of(media)
    classes = {each.id: categories[each.label or NO_LABEL] - 1 for each in media.objects}
    with new_archive(path) as archive, pictured(media, options, known, "Writing labels", report) as frames:
        for found, jpeg in frames:
            if not found.objects:
                continue
            write_text(archive, f"labels/{titles[found.frame]}.txt", _lines(found, classes))
            if jpeg:
                archive.writestr(f"images/{titles[found.frame]}.jpg", jpeg)
        names = {number - 1: one_line(label) or NO_LABEL for label, number in categories.items()}
        places = yaml.safe_dump({"train": "images", "val": "images", "names": names}, sort_keys=False)
        archive.writestr("data.yaml", places)
        write_json(archive, "manifest.json", manifest(media, known))
        report(1.0, "Ready")


def _lines(found: FrameMasks, classes: dict[int, int]) -> list[str]:
    return [f"{classes[each.object_id]} {_outline(each.mask)}" for each in found.objects if each.mask.area]


def _outline(mask: Mask) -> str:
    """All parts and holes, the longest outline first."""
    rings = [ring for part in borders(mask) for ring in part.rings]
    ring = joined(sorted(rings, key=len, reverse=True)) / (mask.width, mask.height)
    return " ".join(f"{value:.6f}" for value in ring.reshape(-1).tolist())


YOLO = ExportFormat(
    "data",
    "YOLO",
    "Text files with a class and an outline for each object, to train YOLO on",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_yolo,
    ("pictures",),
)
