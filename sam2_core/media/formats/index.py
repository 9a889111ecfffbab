"""A grey PNG of 16 bits for each frame, in which each pixel has the number (id) of its object, 0 for none.

masks/00000.png     or the photo's name
images/00000.jpg    the frames, if wished
manifest.json       what the objects are called, and the frames on which some overlap

A pixel belongs to one object alone: the one above. Each chosen frame of a clip has a picture; of an album those photos
on which any object has a mask.
"""

from __future__ import annotations

from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.draw import encode_png
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import Known, manifest, new_archive, pictured, plain_titles, write_json
from sam2_core.media.formats.index_masks import OVERLAPS, paint_index
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter

_GREATEST = 65535


def write_index(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file. Raises `MediaError` for numbers that do not fit into 16 bits."""
    if any(not 0 < each.id <= _GREATEST for each in media.objects):
        raise MediaError(f"Numbers of objects go from 1 to {_GREATEST} here. Choose another kind of file.")
    report, known, overlaps = ProgressReporter(progress), Known(), list[int]()
    titles, values = plain_titles(media), {each.id: each.id for each in media.objects}
    with (
        new_archive(path) as archive,
        pictured(media, options, known, "Writing index pictures", report) as frames,
    ):
        for found, jpeg in frames:
            if media.info.kind != "clip" and not found.objects:
                continue
            index, is_covered = paint_index(media, found, values)
            archive.writestr(f"masks/{titles[found.frame]}.png", encode_png(index))
            overlaps += [found.frame] if is_covered else []
            if jpeg:
                archive.writestr(f"images/{titles[found.frame]}.jpg", jpeg)
        told = {"overlaps": OVERLAPS, "frames_with_overlaps": overlaps}
        write_json(archive, "manifest.json", manifest(media, known) | told)
        report(1.0, "Ready")


INDEX = ExportFormat(
    "data",
    "Index pictures",
    "A 16-bit PNG for each frame, each pixel the number of its object",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_index,
    ("pictures",),
)
