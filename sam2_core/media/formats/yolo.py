"""YOLO for segmentation, as ultralytics reads it: a text file for each image, a line for each object.

data.yaml            the classes, and the folders of the images
labels/00000.txt     class x y x y …, as fractions of the image's width and height; or the stem of the photo's name
images/00000.jpg     the frames, if included, or the photos under their names; else these belong there

ultralytics cannot tell photos apart that differ only in their extension. Their labels keep it (a.jpg.txt, a.png.txt),
as do included photos (a.jpg.jpg); photos of one's own must be renamed.

A line has one outline. Several parts and holes of an object are joined by bridges of zero width where they come
closest, as ultralytics' tools do; a bridge is drawn one pixel wide. Outlines run through the outermost pixels, as
OpenCV draws them.

Images that were not segmented are left out; an image without any object has an empty file, as YOLO wants it. data.yaml
lists the same images for training and validation: splitting them is up to the user.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive, one_line
from sam2_core.media.formats.coco import NO_LABEL, categories_of
from sam2_core.media.formats.polygons import join_rings, pixel_polygons
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import Mask


def write_yolo(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    categories = categories_of(media)
    classes = {each.id: categories[each.label or NO_LABEL] - 1 for each in media.objects}
    with AnnotationArchive(path, media, options) as archive:
        for masks, image in archive.frames("Writing labels", report):
            if not masks.objects:
                continue
            visible = [each for each in masks.objects if each.mask.area]
            lines = [f"{classes[each.object_id]} {outline_of(each.mask)}" for each in visible]
            archive.write_lines(f"labels/{media.title_of(masks.frame)}.txt", lines)
            if image:
                archive.write(f"images/{archive.image_name(masks.frame)}", image)
        names = {number - 1: one_line(label) or NO_LABEL for label, number in categories.items()}
        config = {"train": "images", "val": "images", "names": names}
        archive.write("data.yaml", yaml.safe_dump(config, sort_keys=False))
        archive.write_manifest()


def outline_of(mask: Mask) -> str:
    """All parts and holes as one outline, beginning with the longest."""
    rings = [ring for part in pixel_polygons(mask) for ring in part.rings]
    ring = join_rings(sorted(rings, key=len, reverse=True)) / (mask.width, mask.height)
    return " ".join(f"{value:.6f}" for value in ring.reshape(-1).tolist())
