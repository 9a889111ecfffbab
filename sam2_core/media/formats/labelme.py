"""labelme: a JSON file for each picture, with outlines that can be corrected by hand.

annotations/00000.json
annotations/00000.jpg     the frames, if wished; else pictures of these names belong there

An object's parts are polygons of one group, whose number (`group_id`) is the object's. labelme knows no holes: the
outline of a part that has some runs into each by a slit of no width and out again. Outlines run through the outermost
pixels, which is how labelme draws them back. `label` is the object's class ("object" where it has none),
`description` its own name. Pictures on which nothing was looked for are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import Known, manifest, new_archive, pictured, plain_titles, write_json
from sam2_core.media.formats.coco import NO_LABEL
from sam2_core.media.formats.polygons import borders, joined
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import FrameMasks

_VERSION = "5.5.0"  # of labelme, whose files look like this


def write_labelme(
    path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None
) -> None:
    """See the top of this file."""
    report, known, titles = ProgressReporter(progress), Known(), plain_titles(media)
    with new_archive(path) as archive, pictured(media, options, known, "Writing outlines", report) as frames:
        for found, jpeg in frames:
            if not found.objects:
                continue
            title = titles[found.frame]
            write_json(archive, f"annotations/{title}.json", _annotation(media, found, f"{title}.jpg"))
            if jpeg:
                archive.writestr(f"annotations/{title}.jpg", jpeg)
        write_json(archive, "manifest.json", manifest(media, known))
        report(1.0, "Ready")


def _annotation(media: MaskedMedia, found: FrameMasks, picture: str) -> dict[str, Any]:
    height, width = media.info.size_of(found.frame)
    about = {"version": _VERSION, "flags": {}, "shapes": _shapes(media, found), "imagePath": picture}
    return {**about, "imageData": None, "imageHeight": height, "imageWidth": width}


def _shapes(media: MaskedMedia, found: FrameMasks) -> list[dict[str, Any]]:
    shapes = []
    for each in found.objects:
        traits = media.traits_of(each.object_id)
        about = {"label": traits.label or NO_LABEL, "group_id": traits.id, "description": traits.name}
        for part in borders(each.mask):
            outline = {"points": joined(part.rings).tolist(), "shape_type": "polygon", "flags": {}, "mask": None}
            shapes.append({**about, **outline})
    return shapes


LABELME = ExportFormat(
    "data",
    "labelme",
    "A JSON file for each picture, with outlines to correct by hand",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_labelme,
    ("pictures",),
)
