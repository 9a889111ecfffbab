"""labelme: a JSON file for each image, with polygons that can be edited by hand.

annotations/00000.json    or the stem of the photo's name
annotations/00000.jpg     the frames, if included, or the photos under their names; else these belong there

The parts of an object are polygons with the object's id as `group_id`. labelme has no holes: the outline of a part is
joined to those of its holes by slits of zero width. Outlines run through the outermost pixels, as labelme draws them.
`label` is the object's class ("object" if it has none), `description` its name. Images that were not segmented are left
out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive
from sam2_core.media.formats.coco import NO_LABEL
from sam2_core.media.formats.polygons import join_rings, pixel_polygons
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks

_VERSION = "5.5.0"  # of labelme, whose files these are like


def write_labelme(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    with AnnotationArchive(path, media, options) as archive:
        for masks, image in archive.frames("Writing outlines", report):
            if not masks.objects:
                continue
            title, name = media.title_of(masks.frame), archive.image_name(masks.frame)
            archive.write_json(f"annotations/{title}.json", _annotation(media, masks, name.rpartition("/")[2]))
            if image:
                archive.write(f"annotations/{name}", image)
        archive.write_manifest()


def _annotation(media: MaskedMedia, masks: FrameMasks, image: str) -> dict[str, Any]:
    height, width = media.info.size_of(masks.frame)
    plain = {"version": _VERSION, "flags": {}, "shapes": _shapes(media, masks), "imagePath": image}
    return {**plain, "imageData": None, "imageHeight": height, "imageWidth": width}


def _shapes(media: MaskedMedia, masks: FrameMasks) -> list[dict[str, Any]]:
    shapes = []
    for each in masks.objects:
        traits = media.traits_of(each.object_id)
        common = {"label": traits.label or NO_LABEL, "group_id": traits.id, "description": traits.name}
        for part in pixel_polygons(each.mask):
            outline = {"points": join_rings(part.rings).tolist(), "shape_type": "polygon", "flags": {}, "mask": None}
            shapes.append({**common, **outline})
    return shapes
